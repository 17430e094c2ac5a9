"""XML as the object its JSON would be, read without what XML brings along: no DOCTYPE, no entities of its own.

What defusedxml refuses (https://github.com/tiran/defusedxml#defusedxml) is refused here while expat reads, so that
nothing is expanded or fetched first.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NoReturn
from xml.parsers import expat

DEEPEST = 100
TEXT, ATTRIBUTE = "#text", "@"


def parse_xml(body: bytes) -> dict[str, Any]:
    """`<a><b id="7">x</b><b/></a>` → {"a": {"b": [{"@id": "7", "#text": "x"}, ""]}}. ValueError says what is wrong.

    Names lose their prefix. An element of text alone is that text, one that comes more than once is a list.
    """
    reader = _Reader()
    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartElementHandler, parser.EndElementHandler = reader.start, reader.end
    parser.CharacterDataHandler = reader.text.append
    parser.StartDoctypeDeclHandler = _refuse_doctype
    parser.EntityDeclHandler = parser.ExternalEntityRefHandler = parser.UnparsedEntityDeclHandler = _refuse_entity
    try:
        parser.Parse(body, True)
    except (expat.ExpatError, LookupError) as error:  # an encoding nobody knows
        raise ValueError(f"it is no XML: {error}") from error
    return reader.top


class _Reader:
    """Collects the elements; `text` is that of the innermost open one since its last child."""

    def __init__(self) -> None:
        self.top: dict[str, Any] = {}
        self.open: list[tuple[str, dict[str, Any], list[str]]] = []
        self.text: list[str] = []

    def start(self, name: str, attributes: Mapping[str, str]) -> None:
        if len(self.open) >= DEEPEST:
            raise ValueError(f"it is nested deeper than {DEEPEST}")
        self._keep_text()
        found = {ATTRIBUTE + _local(key): value for key, value in attributes.items() if not key.startswith("xmlns")}
        self.open.append((_local(name), found, []))

    def end(self, _name: str) -> None:
        self._keep_text()
        name, found, words = self.open.pop()
        text = "".join(words).strip()
        value: Any = found
        if not found:
            value = text
        elif text:
            found[TEXT] = text
        _add(self.open[-1][1] if self.open else self.top, name, value)

    def _keep_text(self) -> None:
        if self.open:
            self.open[-1][2].extend(self.text)
        self.text.clear()


def _add(owner: dict[str, Any], name: str, value: Any) -> None:
    if name not in owner:
        owner[name] = value
    elif isinstance(owner[name], list):
        owner[name].append(value)
    else:
        owner[name] = [owner[name], value]


def _local(name: str) -> str:
    return name.rpartition(":")[2]


def _refuse_doctype(*_: Any) -> NoReturn:
    raise ValueError("it has a DOCTYPE, which is not read")


def _refuse_entity(*_: Any) -> NoReturn:
    raise ValueError("it declares entities, which are not read")
