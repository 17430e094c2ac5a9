"""The search syntax of list queries: terms, AND, OR, NOT, brackets, comparators, quotes, prefixes.

documented: https://shopify.dev/docs/api/usage/search-syntax. A field that is not known is passed over, and
`extensions.search` of the answer warns of it. A moment must be in quotes: without them its time of day is lost
(https://community.shopify.com/t/graphql-bug-inventoryitems-query-parameter-gives-wrong-result-when-quering-the-updated-at-field/208519).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from integrations.simulators.shopify.records import Record, number_of, parse_moment, stamp

Test = Callable[[Record], bool]
Getter = Callable[[Record], Any]

_TOKEN = re.compile(
    r"""\s*(?:(?P<bracket>[()])|(?P<minus>-)(?=[\w(])|
        (?:(?P<field>\w[\w.$-]*)\s*:\s*)?(?P<comparator><=|>=|<|>)?
        (?P<value>"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|(?:\\.|[^\s()"'\\])+))""",
    re.VERBOSE,
)


@dataclass(frozen=True)
class Field:
    """How a field is searched. `kind`: text (words and prefixes), exact (in any case), time, number, id, flag. `get`
    gives a value or a list of which one must match."""

    kind: str
    get: Getter


@dataclass
class Query:
    """A parsed query: whether a record matches, and the warnings of it."""

    matches: Test
    warnings: list[dict[str, str]]


def parse_query(text: str | None, find: Callable[[str], Field | None], default: Getter) -> Query:
    """`find` gives the field of a name, `default` the texts that a word without a field is looked for in."""
    parser = _Parser(text or "", find, default)
    return Query(parser.parse(), parser.warnings)


class _Parser:
    def __init__(self, text: str, find: Callable[[str], Field | None], default: Getter) -> None:
        self.tokens = [match for match in _TOKEN.finditer(text) if match.group().strip()]
        self.find, self.default = find, default
        self.warnings: list[dict[str, str]] = []
        self.place = 0

    def parse(self) -> Test:
        tests = []
        while self.place < len(self.tokens):
            tests.append(self._alternatives())
            if self.place < len(self.tokens) and self._bracket(")"):
                self.place += 1  # judgement: a bracket too many is passed over
        return lambda record: all(test(record) for test in tests)

    def _bracket(self, which: str) -> bool:
        return self.place < len(self.tokens) and self.tokens[self.place]["bracket"] == which

    def _word(self, word: str) -> bool:
        if self.place >= len(self.tokens):
            return False
        token = self.tokens[self.place]
        return token["field"] is None and token["comparator"] is None and token["value"] == word

    def _alternatives(self) -> Test:
        """OR binds less than AND."""
        options = [self._together()]
        while self._word("OR"):
            self.place += 1
            options.append(self._together())
        return options[0] if len(options) == 1 else lambda record: any(test(record) for test in options)

    def _together(self) -> Test:
        tests = []
        while self.place < len(self.tokens) and not self._bracket(")") and not self._word("OR"):
            if self._word("AND"):
                self.place += 1
                continue
            tests.append(self._term())
        return lambda record: all(test(record) for test in tests)

    def _term(self) -> Test:
        token = self.tokens[self.place]
        self.place += 1
        if token["minus"] or (token["field"] is None and token["value"] == "NOT"):
            if self.place >= len(self.tokens):
                return lambda record: True
            inner = self._term()
            return lambda record: not inner(record)
        if token["bracket"] == "(":
            inside = self._alternatives()
            if self._bracket(")"):
                self.place += 1
            return inside
        raw = token["value"] or ""
        quoted = raw[:1] in {'"', "'"}
        value = re.sub(r"\\(.)", r"\1", raw[1:-1] if quoted else raw)
        name = token["field"]
        if name is None:
            return lambda record: _has_text(self.default(record), value, quoted)
        field = self.find(name)
        if field is None:
            text = "Invalid search field for this query."
            self.warnings.append({"field": name, "message": text, "code": "invalid_field"})
            return lambda record: True
        return self._test(name, field, token["comparator"] or "", value, quoted)

    def _test(self, name: str, field: Field, comparator: str, value: str, quoted: bool) -> Test:
        if value == "*" and not quoted:
            return lambda record: field.get(record) not in (None, "", [])
        if field.kind == "time":
            return self._compare(name, field, comparator, _moment(value, quoted))
        if field.kind in {"number", "id"}:
            numbers = [_number(part, field.kind) for part in value.split(",")]
            if len(numbers) == 1:
                return self._compare(name, field, comparator, numbers[0])
            return lambda record: field.get(record) in numbers
        if field.kind == "flag":
            return lambda record: bool(field.get(record)) == (value.casefold() == "true")
        if field.kind == "exact":
            wanted = {part.strip().casefold() for part in value.split(",")} if not quoted else {value.casefold()}
            return lambda record: any(_is_one_of(one, wanted) for one in _as_list(field.get(record)))
        return lambda record: _has_text(field.get(record), value, quoted)

    def _compare(self, name: str, field: Field, comparator: str, wanted: Any) -> Test:
        if wanted is None:
            text = f"Input `{name}` is not a valid value."
            self.warnings.append({"field": name, "message": text, "code": "invalid_value"})
            return lambda record: True
        tests: dict[str, Callable[[Any], bool]] = {
            "": lambda value: value == wanted,
            "<": lambda value: value < wanted,
            "<=": lambda value: value <= wanted,
            ">": lambda value: value > wanted,
            ">=": lambda value: value >= wanted,
        }
        test = tests[comparator]
        return lambda record: any(value is not None and test(value) for value in _as_list(field.get(record)))


def _as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _is_one_of(value: Any, wanted: set[str]) -> bool:
    text = str(value or "").casefold()
    return text in wanted or any(word.endswith("*") and text.startswith(word[:-1]) for word in wanted)


def _has_text(value: Any, wanted: str, quoted: bool) -> bool:
    """documented: without regard to case; a word or, quoted, words in a row; `ab*` is a prefix."""
    for one in _as_list(value):
        text = str(one or "").casefold()
        word = wanted.casefold()
        if text == word or (quoted and word in text):
            return True
        parts = re.split(r"[\s\-_.@/]+", text)
        if word.endswith("*") and any(part.startswith(word[:-1]) for part in [text, *parts]):
            return True
        if word in parts:
            return True
    return False


def _moment(value: str, quoted: bool) -> str | None:
    """Moments compare as the API writes them."""
    if value == "now":
        return stamp(datetime.now(UTC))
    if not quoted:
        value = value.partition("T")[0]
    if re.fullmatch(r"\d{4}", value):
        value += "-01-01"
    try:
        return stamp(parse_moment(value))
    except ValueError:
        return None


def _number(value: str, kind: str) -> Decimal | int | None:
    if kind == "id" and value.startswith("gid:"):
        return number_of(value)
    try:
        return Decimal(value)
    except InvalidOperation:
        return None
