"""Tables people and systems bring and take, as CSV or XLSX: one way to read them and one to write them."""

from portal.base.tables.cells import (
    CSV,
    LONGEST_CELL,
    XLSX,
    Formula,
    NotPlain,
    Row,
    Table,
    TableError,
    Typed,
    protect,
    unprotect,
)
from portal.base.tables.reading import MOST_BYTES, Sheet, open_table, read_sheet
from portal.base.tables.writing import CONTENT_TYPES, write_table

__all__ = [
    "CONTENT_TYPES",
    "CSV",
    "LONGEST_CELL",
    "MOST_BYTES",
    "XLSX",
    "Formula",
    "NotPlain",
    "Row",
    "Sheet",
    "Table",
    "TableError",
    "Typed",
    "open_table",
    "protect",
    "read_sheet",
    "unprotect",
    "write_table",
]
