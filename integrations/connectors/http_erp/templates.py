"""The texts a person writes for a path, a header or a body, and how a document fills them. Pure.

`{{ path }}` puts a value in: a jmespath, as in the field rules (https://jmespath.org/specification.html).
`{{ path -> expression }}` works on it first; in the expression there are `value` and `document`.
`{% each path %} … {% end %}` repeats what is between for each of a list; inside, paths begin at that item, and
`document` is the whole. In JSON the repetitions are joined with commas.
`{% if path %} … {% end %}` leaves out what is between where there is nothing.

What is put in is written as its place wants it, so that no value can break out of it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from functools import lru_cache
from typing import Any
from urllib.parse import quote

from integrations.contract.formulas.expressions import check_expression, check_path, evaluate, pick
from integrations.contract.formulas.values import RuleError, read_text, write_number

NAMES = ("value", "document")
LONGEST_TEMPLATE, LONGEST_OUTPUT = 20_000, 2_000_000
_TAG = re.compile(r"\{\{(?P<value>.*?)\}\}|\{%(?P<block>.*?)%\}", re.DOTALL)
_WORD = re.compile(r"[A-Za-z_]\w*")
_XML = {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&apos;"}
_NO_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")  # https://www.w3.org/TR/xml/#charsets


@dataclass(frozen=True, slots=True)
class Value:
    source: str
    expression: str
    quoted: bool  # within quotation marks of a JSON text


@dataclass(frozen=True, slots=True)
class Block:
    kind: str  # each, if
    source: str
    parts: list[Any] = field(default_factory=list)


Part = str | Value | Block


@dataclass(frozen=True, slots=True)
class Template:
    """A text taken apart; `words` are the names its tags use."""

    parts: Sequence[Part]
    words: frozenset[str]


@lru_cache(maxsize=512)
def parse_template(text: str) -> Template:
    """RuleError where a tag is no path, expression or block, or a block has no end."""
    if len(text) > LONGEST_TEMPLATE:
        raise RuleError(f"It has {len(text):,} characters; at most {LONGEST_TEMPLATE:,} can be worked with.")
    top = Block("", "")
    open_blocks, words, place, quoted = [top], set[str](), 0, False
    for match in _TAG.finditer(text):
        quoted = _add_literal(open_blocks[-1], text[place : match.start()], quoted)
        place = match.end()
        if match["value"] is not None:
            source, _, expression = (part.strip() for part in match["value"].partition("->"))
            check_path(source)
            if expression:
                check_expression(expression, NAMES)
            open_blocks[-1].parts.append(Value(source, expression, quoted))
            words.update(_WORD.findall(match["value"]))
        else:
            _open_or_close(open_blocks, match["block"].strip())
            words.update(_WORD.findall(match["block"]))
    _add_literal(open_blocks[-1], text[place:], quoted)
    if len(open_blocks) > 1:
        raise RuleError(f"{{% {open_blocks[-1].kind} %}} has no {{% end %}}.")
    return Template(top.parts, frozenset(words))


def _add_literal(block: Block, text: str, quoted: bool) -> bool:
    """Whether a JSON text is open after it."""
    for stray in ("{{", "{%"):
        if stray in text:
            raise RuleError(f"{stray} is not closed: a tag is {{{{ path }}}} or {{% each path %}}.")
    if text:
        block.parts.append(text)
    return quoted != bool(len(re.findall(r'(?<!\\)(?:\\\\)*"', text)) % 2)


def _open_or_close(open_blocks: list[Block], words: str) -> None:
    kind, _, source = words.partition(" ")
    if kind == "end" and not source:
        if len(open_blocks) == 1:
            raise RuleError("{% end %} ends nothing.")
        open_blocks.pop()
        return
    if kind not in {"each", "if"} or not source.strip():
        raise RuleError(f"{{% {words[:40]} %}} is unknown: there are {{% each path %}}, {{% if path %}}, {{% end %}}.")
    check_path(source.strip())
    block = Block(kind, source.strip())
    open_blocks[-1].parts.append(block)
    open_blocks.append(block)


# --- filling ---------------------------------------------------------------------------------------------------------


def fill_json(text: str, view: Mapping[str, Any]) -> str:
    """A JSON body. RuleError where it is none once it is filled."""
    filled = _fill(text, view, _write_json, ",")
    try:
        json.loads(filled)
    except ValueError as error:
        raise RuleError(f"What comes of it is no JSON: {error}") from error
    return filled


def fill_xml(text: str, view: Mapping[str, Any]) -> str:
    return _fill(text, view, _write_xml, "")


def fill_path(text: str, view: Mapping[str, Any]) -> str:
    """A path with its query. RuleError where a value for it is missing: the address would be another one."""
    return _fill(text, view, _write_path, "")


def fill_header(text: str, view: Mapping[str, Any]) -> str:
    return _fill(text, view, _write_header, "")


Writer = Callable[[Any, Value], str]


def _fill(text: str, view: Mapping[str, Any], write: Writer, joint: str) -> str:
    filled, size = [], 0
    for piece in _walk(parse_template(text).parts, view, view, write, joint):
        size += len(piece)
        if size > LONGEST_OUTPUT:
            raise RuleError(f"What comes of it is longer than {LONGEST_OUTPUT:,} characters.")
        filled.append(piece)
    return "".join(filled)


def _walk(parts: Sequence[Part], view: Any, document: Any, write: Writer, joint: str) -> Iterator[str]:
    for part in parts:
        if isinstance(part, str):
            yield part
        elif isinstance(part, Value):
            value = pick(part.source, view) if part.source else None
            if part.expression:
                value = evaluate(part.expression, {"value": value, "document": document})
            yield write(value, part)
        elif part.kind == "if":
            if _is_something(pick(part.source, view)):
                yield from _walk(part.parts, view, document, write, joint)
        else:
            yield from _repeat(part, pick(part.source, view), document, write, joint)


def _repeat(block: Block, items: Any, document: Any, write: Writer, joint: str) -> Iterator[str]:
    if items is not None and not isinstance(items, list):
        raise RuleError(f"{block.source} is no list to go through.")
    for number, item in enumerate(items or []):
        if number:
            yield joint
        inner = {**item, "document": document} if isinstance(item, Mapping) else item
        yield from _walk(block.parts, inner, document, write, joint)


def _is_something(value: Any) -> bool:
    return value not in (None, "", False, [], {})


# --- writing one value ------------------------------------------------------------------------------------------------


def _write_json(value: Any, part: Value) -> str:
    if part.quoted:
        return json.dumps(read_text(value), ensure_ascii=False)[1:-1]
    if isinstance(value, Decimal):
        return write_number(value)
    if isinstance(value, Mapping):
        pairs = (f"{json.dumps(str(key))}: {_write_json(item, part)}" for key, item in value.items())
        return "{" + ", ".join(pairs) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_write_json(item, part) for item in value) + "]"
    return json.dumps(read_text(value) if isinstance(value, str) else value, ensure_ascii=False)


def _write_xml(value: Any, _part: Value) -> str:
    text = read_text(value)
    if _NO_XML.search(text):
        raise RuleError("A text has a control character in it, which XML cannot hold.")
    return "".join(_XML.get(letter, letter) for letter in text)


def _write_path(value: Any, part: Value) -> str:
    text = read_text(value)
    if not text or text in {".", ".."}:
        raise RuleError(
            f"{part.source or part.expression} is empty, and the address cannot do without it; "
            f"where it may be empty, write {{% if … %}} around it."
        )
    return quote(text, safe="")


def _write_header(value: Any, _part: Value) -> str:
    text = read_text(value)
    if not text.isprintable() or not text.isascii():
        raise RuleError("A header takes printable ASCII characters only.")
    return text
