"""What people write, evaluated within bounds: jmespath picks a value, simpleeval works on it. Pure.

https://jmespath.org/specification.html, https://github.com/danthedeckie/simpleeval. Of both only a part is allowed, so
that nothing reaches an attribute, copies what it reads or counts without end: each node is looked at once, and what it
gives is never longer than LONGEST_TEXT or larger than LARGEST.
"""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Collection, Mapping
from decimal import Decimal
from functools import lru_cache
from typing import Any

import jmespath
from jmespath.exceptions import JMESPathError
from jmespath.functions import Functions, signature
from simpleeval import InvalidExpression, SimpleEval

from integrations.contract.formulas.functions import FUNCTIONS
from integrations.contract.formulas.values import RuleError, bounded, describe_kind, is_number

LONGEST = 500  # characters of an expression
NAMES = ("value", "order")  # what the expression of a field rule may name
DEEPEST, MOST_NODES = 30, 200
HIGHEST_POWER, LARGEST_BASE = 10, 1_000_000
# Nodes that only ever pick: none of them copies a value, so a result is never larger than what was read.
PICKING = frozenset({
    "and_expression", "comparator", "current", "field", "filter_projection", "flatten", "function_expression",
    "identity", "index", "index_expression", "literal", "not_expression", "or_expression", "pipe", "projection",
    "slice", "subexpression", "value_projection",
})  # fmt: skip
PICKING_FUNCTIONS = (
    *("contains", "ends_with", "join", "keys", "length", "max", "min", "not_null", "reverse", "sort", "starts_with"),
    *("sum", "to_number", "values"),
)


def check_path(text: object) -> None:
    """RuleError where this is no jmespath expression, or one that does more than pick."""
    _parse_path(text)


def check_expression(text: object, names: Collection[str] = NAMES) -> None:
    """RuleError where this is no expression over `names`, or one that does more than work on a value."""
    _parse_expression(text, names)


def pick(path: str, view: Any) -> Any:
    """What the jmespath expression finds in `view`, None where it finds nothing. RuleError where it cannot be done."""
    expression = _parse_path(path)
    try:
        return expression.search(view, options=jmespath.Options(custom_functions=_Picking()))
    except RecursionError as error:
        raise RuleError("It is nested too deep for this.") from error
    except (JMESPathError, ArithmeticError, AttributeError, TypeError, ValueError) as error:
        raise RuleError(f"“{_short(path)}” cannot be found here: {_first_line(error)}") from error


def evaluate(text: str, names: Mapping[str, Any]) -> Any:
    """The value of a simpleeval expression over `names`. RuleError where it has none."""
    tree = _parse_expression(text, names)
    try:
        return bounded(_Evaluator(names).eval(text, previously_parsed=tree))
    except RecursionError as error:
        raise RuleError("The expression is nested too deep.") from error
    except KeyError as error:
        raise RuleError(f"There is no {error.args[0]!r} in it.") from error
    except (InvalidExpression, ArithmeticError, AttributeError, IndexError, TypeError, ValueError) as error:
        raise RuleError(f"“{_short(text)}” cannot be worked out: {_first_line(error)}") from error


# --- reading what was written -----------------------------------------------------------------------------------------


def _checked(text: object) -> str:
    if not isinstance(text, str):
        raise RuleError("An expression is a text.")
    if len(text) > LONGEST:
        raise RuleError(f"An expression has at most {LONGEST} characters, this one {len(text):,}.")
    return text


def _parse_path(text: object) -> Any:
    return _compile(_checked(text))


@lru_cache(maxsize=1024)
def _compile(path: str) -> Any:
    try:
        parsed = jmespath.compile(path)
    except (RecursionError, MemoryError) as error:
        raise RuleError("The path is nested too deep.") from error
    except (JMESPathError, ValueError) as error:
        raise RuleError(f"“{_short(path)}” is no path: {_first_line(error)}") from error
    left = [parsed.parsed]
    while left:
        node = left.pop()
        if node["type"] not in PICKING:
            words = "a path picks one value; put values together in the expression, with +."
            raise RuleError(f"“{_short(path)}” builds something new: {words}")
        if node["type"] == "function_expression" and node["value"] not in PICKING_FUNCTIONS:
            raise RuleError(f"{node['value']}() is not offered here; there are {', '.join(PICKING_FUNCTIONS)}.")
        left += [child for child in node["children"] if isinstance(child, dict)]
    return parsed


def _parse_expression(text: object, names: Collection[str]) -> ast.expr:
    source = _checked(text).strip()
    try:
        tree = ast.parse(source, mode="eval").body
    except (RecursionError, MemoryError) as error:
        raise RuleError("The expression is nested too deep.") from error
    except (SyntaxError, ValueError) as error:
        raise RuleError(f"“{_short(source)}” is no expression: {_first_line(error)}") from error
    level: list[ast.AST] = [tree]
    depth = nodes = 0
    while level:
        depth, nodes = depth + 1, nodes + len(level)
        if depth > DEEPEST or nodes > MOST_NODES:
            raise RuleError("The expression is too long: make two rules of it.")
        for node in level:
            _check_node(node, names)
        level = [child for node in level for child in ast.iter_child_nodes(node)]
    return tree


def _check_node(node: ast.AST, names: Collection[str]) -> None:
    if isinstance(node, ast.Attribute):
        raise RuleError(f"“.{node.attr}” is not possible here; write {[*names][-1]}['{node.attr}'].")
    if isinstance(node, ast.Name) and node.id not in {*FUNCTIONS, *names}:
        raise RuleError(f"“{node.id}” is unknown: there are {' and '.join(names)}.")
    if isinstance(node, ast.Call) and not (isinstance(node.func, ast.Name) and node.func.id in FUNCTIONS):
        offered = f"there are {', '.join(FUNCTIONS)}, written as upper(value)"
        raise RuleError(f"{ast.unparse(node.func)[:60]}() is not offered here; {offered}.")
    if isinstance(node, ast.Constant) and not isinstance(node.value, str | int | float | None):
        raise RuleError(f"{node.value!r} is not possible in an expression here.")
    if not isinstance(node, (*WORKING, ast.expr_context, ast.boolop, *OPERATORS)):
        raise RuleError(f"{type(node).__name__} is not possible in an expression here.")


def _short(text: str) -> str:
    return text if len(text) <= 60 else f"{text[:60]}…"


def _first_line(error: Exception) -> str:
    return next(iter(str(error).strip().splitlines()), type(error).__name__)[:200]


# --- working it out ---------------------------------------------------------------------------------------------------


class _Picking(Functions):
    """jmespath's own functions, with a sum of exact numbers and a join that cannot grow beyond a text."""

    @signature({"types": ["array"]})
    def _func_sum(self, numbers: list[Any]) -> Any:
        exact = [bounded(number) for number in numbers]
        if not all(is_number(number) for number in exact):
            raise RuleError("sum() adds up numbers only; a text is none: number(…) makes one of it.")
        return sum(exact)

    @signature({"types": ["string"]}, {"types": ["array-string"]})
    def _func_join(self, glue: str, parts: list[str]) -> str:
        bounded("", length=sum(map(len, parts)) + len(glue) * len(parts))
        return glue.join(parts)


def _numbers(work: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    """For two numbers only: with a text, * and % could be made to fill the memory."""

    def safe(left: Any, right: Any) -> Any:
        if not (is_number(left) and is_number(right)):
            raise RuleError(f"One cannot calculate with {describe_kind(left)} and {describe_kind(right)}.")
        return work(left, right)

    return safe


def _add(left: Any, right: Any) -> Any:
    if isinstance(left, str) and isinstance(right, str):
        return left + right
    if isinstance(left, str) or isinstance(right, str):
        words = "only texts with texts and numbers with numbers: text(…) and number(…) make one of the other."
        raise RuleError(f"{describe_kind(left).capitalize()} cannot be added to {describe_kind(right)}; {words}")
    return _numbers(operator.add)(left, right)


def _power(base: Any, exponent: Any) -> Any:
    if exponent != int(exponent) or not 0 <= exponent <= HIGHEST_POWER or abs(base) > LARGEST_BASE:
        raise RuleError(f"Powers go from 0 to {HIGHEST_POWER}, of numbers up to {LARGEST_BASE:,}.")
    return base ** int(exponent)


def _divide(left: Any, right: Any) -> Decimal:
    if not right:
        raise RuleError("It divides by 0.")
    return Decimal(left) / Decimal(right)


def _contains(part: Any, whole: Any) -> bool:
    return part in whole


OPERATORS: dict[type[ast.AST], Callable[..., Any]] = {
    ast.Add: _add,
    ast.Sub: _numbers(operator.sub),
    ast.Mult: _numbers(operator.mul),
    ast.Div: _numbers(_divide),
    ast.FloorDiv: _numbers(lambda left, right: _divide(left, right) // 1),
    ast.Mod: _numbers(lambda left, right: left - right * (_divide(left, right) // 1)),
    ast.Pow: _numbers(_power),
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Gt: operator.gt,
    ast.Lt: operator.lt,
    ast.GtE: operator.ge,
    ast.LtE: operator.le,
    ast.In: _contains,
    ast.NotIn: lambda part, whole: not _contains(part, whole),
    ast.Not: operator.not_,
    ast.USub: operator.neg,
    ast.UAdd: operator.pos,
}
WORKING = (ast.UnaryOp, ast.BinOp, ast.BoolOp, ast.Compare, ast.IfExp, ast.Call, ast.Subscript, ast.Slice, ast.Name,
           ast.Constant)  # fmt: skip


class _Evaluator(SimpleEval):
    """simpleeval with our operators and functions and no other; what each node gives stays within bounds."""

    def __init__(self, names: Mapping[str, Any]) -> None:
        super().__init__(operators=OPERATORS, functions=FUNCTIONS, names=dict(names))
        known: dict[type[ast.AST], Callable[..., Any]] = vars(self)["nodes"]
        self.nodes = {kind: known[kind] for kind in WORKING} | {ast.Constant: self._constant}

    def _eval(self, node: ast.AST) -> Any:
        return bounded(super()._eval(node))

    def _constant(self, node: ast.Constant) -> Any:
        """A fraction is exact here, as it was written."""
        if isinstance(node.value, float):
            return bounded(Decimal(repr(node.value)))
        return node.value
