"""What of a grid goes on a page, and what a page's form says was typed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from catalog.services.cells import Edit, Refused
from catalog.services.matrix import Cell, Grid, Section
from portal.base.strict_json import StrictJsonError, parse_strict

MOST_CELLS = 400  # on the page at once; more rows come as one scrolls
BREAK = "|"


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownCell:
    """A cell and what was typed in it and refused."""

    cell: Cell
    typed: str | None = None
    error: str = ""
    choices: tuple[tuple[str, str], ...] = ()

    @property
    def value(self) -> str:
        return self.cell.shown if self.typed is None else self.typed


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownRow:
    label: str
    cells: tuple[ShownCell, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A table as far as it is shown. `following`: the next row to load, None = all are there; `left` of them."""

    index: int
    section: Section
    rows: tuple[ShownRow, ...]
    following: int | None = None
    left: int = 0
    before: int | None = None


def cut(
    grid: Grid,
    *,
    refused: Sequence[Refused] = (),
    only: int | None = None,
    start: int = 0,
    most: int | None = MOST_CELLS,
) -> list[Part]:
    """The tables with as many rows as fit into `most` cells together (None: all); `only` one of them, from a row on."""
    told = {(one.edit.variant_id, one.edit.connection_id): one for one in refused}
    parts: list[Part] = []
    left = most
    for index, section in enumerate(grid.sections):
        if only is not None and index != only:
            continue
        first = start if only is not None else 0
        width = max(1, *(len(row.cells) for row in section.rows)) if section.rows else 1
        count = len(section.rows) if left is None else max(left // width, 1 if only is not None else 0)
        rows = section.rows[first : first + count]
        if left is not None:
            left = max(left - len(rows) * width, 0)
        rest = len(section.rows) - first - len(rows)
        parts.append(
            Part(
                index=index,
                section=section,
                rows=tuple(
                    ShownRow(label=row.label, cells=tuple(_show(cell, told) for cell in row.cells)) for row in rows
                ),
                following=first + len(rows) if rest > 0 else None,
                left=max(rest, 0),
                before=max(first - count, 0) if first else None,
            )
        )
    return parts


def _show(cell: Cell, told: Mapping[tuple[int, int], Refused]) -> ShownCell:
    key = (cell.variant.pk, cell.connection.pk) if cell.variant and cell.connection else (0, 0)
    one = told.get(key)
    if one is None:
        return ShownCell(cell=cell)
    return ShownCell(cell=cell, typed=one.edit.text, error=one.message, choices=one.choices)


def read_edits(given: Any) -> list[Edit]:
    """The cells of a form that differ from what the person saw. Raises StrictJsonError.

    `cell-<variant>-<connection>` has what was typed, `was-…` the key of the article seen and its text with a bar
    between; the buttons `pick` (`<variant>-<connection>|<text>`) and `ignore` (`<variant>-<connection>`) say the rest.
    Or `changes`, JSON: [["<variant>-<connection>", text, key of the article seen, whether to ignore it], …].
    """
    edits: dict[str, Edit] = {}
    seen: dict[str, str] = {}
    for field in given:
        if not field.startswith("cell-"):
            continue
        key = field.removeprefix("cell-")
        was, _, shown = given.get(f"was-{key}", "").partition(BREAK)
        seen[key] = was
        if given[field].strip() != shown.strip():
            edits[key] = _make(key, given[field], was)
    for picked in given.getlist("pick"):
        key, _, text = picked.partition(BREAK)
        edits[key] = _make(key, text, seen.get(key, ""))
    for key in given.getlist("ignore"):
        edits[key] = _make(key, "", seen.get(key, ""), ignore=True)
    for key, text, was, ignore in _read_changes(given.get("changes", "[]")):
        edits[key] = _make(key, text, was, ignore=ignore)
    return list(edits.values())


def _read_changes(raw: str) -> list[tuple[str, str, str, bool]]:
    found = parse_strict(raw.encode())
    kinds = (str, str, str, bool)
    for one in found if isinstance(found, list) else [found]:
        if not isinstance(one, list) or [type(part) for part in one] != [*kinds]:
            raise StrictJsonError("invalid_changes", "A change is [cell, text, article seen, ignore].")
    return [(key, text, was, ignore) for key, text, was, ignore in found]


def _make(key: str, text: str, was: str, *, ignore: bool = False) -> Edit:
    """A key that names no cell becomes 0, which is no variant: it is refused with words."""
    variant, _, connection = key.partition("-")
    sound = all(part.isdecimal() and len(part) < 19 for part in (variant, connection))
    return Edit(
        variant_id=int(variant) if sound else 0,
        connection_id=int(connection) if sound else 0,
        text=clean(text),
        was=was,
        ignore=ignore,
    )


def clean(text: str) -> str:
    """What was typed, without spaces around it and without NUL, which no database column takes."""
    return text.replace("\x00", "").strip()
