"""Search domains: parsed from Polish notation, answered from an index where one serves, by looking at rows otherwise.

documented: https://www.odoo.com/documentation/19.0/developer/reference/backend/orm.html#search-domains
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from integrations.simulators.odoo.errors import BadValue
from integrations.simulators.odoo.fields import NUMBERS, X2MANY

if TYPE_CHECKING:
    from integrations.simulators.odoo.orm import Model

Predicate = Callable[[Any], bool]

NEGATIVE = {
    "!=": "=",
    "<>": "=",
    "not in": "in",
    "not like": "like",
    "not ilike": "ilike",
    "not =like": "=like",
    "not =ilike": "=ilike",
    "not any": "any",
}
POSITIVE = frozenset({"=", "in", "<", ">", "<=", ">=", "like", "ilike", "=like", "=ilike", "=?", "child_of", "any"})


@dataclass(frozen=True, slots=True)
class Answer:
    """`ids` = exactly the rows that match, when an index knew; else `test` decides row by row."""

    test: Predicate
    ids: Collection[int] | None = None


def mentions(domain: Any, field: str) -> bool:
    """Whether a term of the domain names `field` itself: it switches Odoo's own `active = True` off."""
    return any(isinstance(term, (list, tuple)) and len(term) == 3 and term[0] == field for term in domain or ())


def answer(model: Model, domain: Any) -> Answer:
    """The whole domain; terms that no operator joins are joined by `&`."""
    if domain is None or domain is False:
        domain = []
    if not isinstance(domain, (list, tuple)):
        raise BadValue(f"Invalid domain: {domain!r}")
    stack: list[Answer] = []
    for term in reversed(domain):
        if term == "!":
            _need(stack, 1, domain)
            stack.append(_negate(stack.pop()))
        elif term in ("&", "|"):
            _need(stack, 2, domain)
            left, right = stack.pop(), stack.pop()
            stack.append(_both([left, right]) if term == "&" else _either([left, right]))
        elif isinstance(term, (list, tuple)) and len(term) == 3:
            stack.append(_leaf(model, term[0], term[1], term[2]))
        else:
            raise BadValue(f"Invalid leaf {term!r} in domain {domain!r}")
    return _both(stack[::-1])


def _need(stack: list[Answer], count: int, domain: Any) -> None:
    if len(stack) < count:
        raise BadValue(f"Malformed domain {domain!r}")


def _both(parts: list[Answer]) -> Answer:
    known = [set(part.ids) for part in parts if part.ids is not None]
    tests = [part.test for part in parts if part.ids is None]
    if len(parts) == 1:
        return parts[0]
    ids = set.intersection(*known) if known else None
    if not tests:
        return Answer(lambda row: ids is None or row.id in ids, ids)

    def test(row: Any) -> bool:
        return (ids is None or row.id in ids) and all(check(row) for check in tests)

    return Narrowed(test, None, ids) if ids is not None else Answer(test)


@dataclass(frozen=True, slots=True)
class Narrowed(Answer):
    """An index gives candidates; `test` still decides among them."""

    candidates: Collection[int] | None = None


def _either(parts: list[Answer]) -> Answer:
    if all(part.ids is not None for part in parts):
        ids = {one for part in parts for one in part.ids or ()}
        return Answer(lambda row: row.id in ids, ids)
    tests = [part.test for part in parts]
    return Answer(lambda row: any(check(row) for check in tests))


def _negate(part: Answer) -> Answer:
    return Answer(lambda row: not part.test(row))


def _leaf(model: Model, path: Any, operator: Any, value: Any) -> Answer:
    if path in (0, 1) and operator == "=":
        truth = path == value
        return Answer(lambda row: truth)
    if not isinstance(path, str) or not isinstance(operator, str):
        raise BadValue(f"Invalid condition {[path, operator, value]!r}")
    if operator in NEGATIVE:
        return _negate(_leaf(model, path, NEGATIVE[operator], value))
    if operator not in POSITIVE:
        raise BadValue(f"Invalid operator in ({path!r}, {operator!r}, {value!r})")
    head, _, rest = path.partition(".")
    field = model.fields.get(head)
    if field is None:
        raise BadValue(f"Invalid field {model.name}.{head} in condition ({path!r}, {operator!r}, {value!r})")
    if not model.searchable(head):
        raise BadValue(f"Cannot convert {model.name}.{head} to SQL because it is not stored")
    if rest or operator == "any":
        other = model.db[field.relation] if field.relation else None
        if other is None:
            raise BadValue(f"Invalid field {model.name}.{path} in condition ({path!r}, {operator!r}, {value!r})")
        return _among(model, head, other.find([(rest, operator, value)] if rest else value, active_test=False))
    if operator == "=?":
        return _leaf(model, head, "=", value) if value not in (None, False) else Answer(lambda row: True)
    if operator == "child_of":
        return _child_of(model, head, value)
    if field.relation:
        return _relation(model, head, operator, value)
    return _plain(model, head, operator, value)


def _among(model: Model, name: str, ids: Collection[int]) -> Answer:
    """Rows whose relation `name` holds one of `ids`."""
    wanted = set(ids)
    if name == "id":
        return Answer(lambda row: row.id in wanted, wanted & model.rows.keys())
    field = model.fields[name]
    if name in model.index:
        buckets = model.index[name]
        found = {one for key in wanted for one in buckets.get(key, ())}
        return Answer(lambda row: row.id in found, found)
    if field.type == "one2many" and not field.compute:
        other = model.db[field.relation]
        found = {getattr(other.rows[one], field.inverse) for one in wanted if one in other.rows} - {False}
        return Answer(lambda row: row.id in found, found)
    if field.type in X2MANY:
        return Answer(lambda row: not wanted.isdisjoint(model.value(row, name)))
    return Answer(lambda row: model.value(row, name) in wanted)


def _relation(model: Model, name: str, operator: str, value: Any) -> Answer:
    field = model.fields[name]
    if operator in ("like", "ilike", "=like", "=ilike") or (operator == "=" and isinstance(value, str)):
        other = model.db[field.relation]
        return _among(model, name, other.find([("display_name", operator, value)], active_test=False))
    if operator not in ("=", "in"):
        raise BadValue(f"Invalid operator {operator!r} for the relation {model.name}.{name}")
    values = value if operator == "in" or isinstance(value, (list, tuple)) else [value]
    if not isinstance(values, (list, tuple)):
        raise BadValue(f"Invalid value {value!r} for {model.name}.{name}")
    filled = _among(model, name, [one for one in values if one])
    if all(values) and values:
        return filled
    if not values:
        return Answer(lambda row: False, ())
    empty = Answer(lambda row: not model.value(row, name))
    return _either([filled, empty])


def _child_of(model: Model, name: str, value: Any) -> Answer:
    other = model if name == "id" else model.db[model.fields[name].relation]
    roots = value if isinstance(value, (list, tuple)) else [value]
    if any(isinstance(root, str) for root in roots):
        roots = other.find([("display_name", "in", list(roots))], active_test=False)
    return _among(model, name, other.descendants(roots))


def _plain(model: Model, name: str, operator: str, value: Any) -> Answer:
    field = model.fields[name]
    if operator in ("=", "in"):
        values = list(value) if operator == "in" or isinstance(value, (list, tuple)) else [value]
        if name == "id":
            return _among(model, "id", [int(one) for one in values if one])
        if field.type in NUMBERS:
            numbers = {0.0 if one in (None, False) else float(one) for one in values}
            return Answer(lambda row: model.value(row, name) in numbers)
        wanted = {False if one is None else one for one in values}
        if name in model.index and all(wanted):
            buckets = model.index[name]
            ids = {one for key in wanted for one in buckets.get(key, ())}
            return Answer(lambda row: row.id in ids, ids)
        return Answer(lambda row: (model.value(row, name) or False) in wanted)
    if operator in ("like", "ilike", "=like", "=ilike"):
        pattern = _pattern(operator, str(value or ""))
        return Answer(lambda row: pattern.search(str(model.value(row, name) or "")) is not None)
    return Answer(_comparison(model, name, operator, value))


def _pattern(operator: str, value: str) -> re.Pattern[str]:
    """SQL's LIKE as an expression: `%` any text, `_` one sign; without `=` the value may stand anywhere."""
    body = "".join(".*" if sign == "%" else "." if sign == "_" else re.escape(sign) for sign in value)
    flags = re.DOTALL | (re.IGNORECASE if "ilike" in operator else 0)
    return re.compile(rf"\A{body}\Z" if operator.startswith("=") else body, flags)


def _comparison(model: Model, name: str, operator: str, value: Any) -> Predicate:
    """`<` and its kin: an empty column matches none of them."""
    numeric = model.fields[name].type in NUMBERS or name == "id"
    bound = float(value or 0) if numeric else str(value)

    def test(row: Any) -> bool:
        here = model.value(row, name)
        if not numeric and not here:
            return False
        if operator == "<":
            return bool(here < bound)
        if operator == ">":
            return bool(here > bound)
        return bool(here <= bound) if operator == "<=" else bool(here >= bound)

    return test
