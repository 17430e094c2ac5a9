"""The database as JSON and back, for `state_path`."""

from __future__ import annotations

from typing import Any

from integrations.simulators.odoo.orm import Database


def dump(db: Database) -> dict[str, Any]:
    return {
        "sequences": db.sequences,
        "places": db.places,
        "models": {
            name: {
                "columns": [*model.columns, *model.PRIVATE],
                "next_id": model.next_id,
                "rows": [[getattr(row, c) for c in (*model.columns, *model.PRIVATE)] for row in model.rows.values()],
            }
            for name, model in db.models.items()
        },
    }


def load(db: Database, saved: dict[str, Any]) -> None:
    """Put a dump in the place of what the database holds; lists are tuples again."""
    db.sequences, db.places = dict(saved["sequences"]), dict(saved["places"])
    for name, table in saved["models"].items():
        model = db.models[name]
        model.clear()
        for values in table["rows"]:
            row = model.row_type()
            for column in model.columns:  # one that an older dump does not know
                setattr(row, column, model.fields[column].empty)
            for column, value in zip(table["columns"], values, strict=True):
                setattr(row, column, _tuples(value))
            row.touched = 0.0
            model.load(row)
        model.next_id = table["next_id"]


def _tuples(value: Any) -> Any:
    return tuple(_tuples(one) for one in value) if isinstance(value, list) else value
