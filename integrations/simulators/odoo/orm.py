"""A small ORM in memory: models, records, indexes, x2many commands, and one transaction a call.

documented: https://www.odoo.com/documentation/19.0/developer/reference/backend/orm.html and, for what each public
method takes and returns, specs/odoo/live-doc. Nothing here knows a business rule.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable
from datetime import UTC, datetime
from typing import Any, ClassVar, TypeVar

from integrations.simulators.odoo import domains
from integrations.simulators.odoo.errors import BadValue, MissingError, UserError, ValidationError
from integrations.simulators.odoo.fields import TEXT, X2MANY, Field, char, convert, integer, many2one, moment, show

Function = TypeVar("Function", bound=Callable[..., Any])

COMMON: dict[str, Field] = {
    "id": integer(readonly=True, string="ID"),
    "display_name": char(compute="display_name"),
    "create_date": moment(readonly=True),
    "write_date": moment(readonly=True),
    "create_uid": many2one("res.users", compute="uid", readonly=True),
    "write_uid": many2one("res.users", compute="uid", readonly=True),
}
AUTOMATIC = frozenset({"id", "create_date", "write_date", "create_uid", "write_uid", "display_name"})


def on_records(function: Function) -> Function:
    """A public method called with `ids`."""
    function.api = "records"  # type: ignore[attr-defined]  # a mark the dispatcher reads
    return function


def on_model(function: Function) -> Function:
    """A public method that takes no `ids` (@api.model)."""
    function.api = "model"  # type: ignore[attr-defined]  # a mark the dispatcher reads
    return function


class Database:
    """All models, the transaction's journal, and the context of the call under way. The caller holds the lock."""

    def __init__(self, models: Iterable[type[Model]]) -> None:
        self.context: dict[str, Any] = {}
        self.is_visible: Callable[[float], bool] = lambda changed_at: True
        self.written = False
        self.stamp = ""
        self.journal: list[tuple[Any, ...]] = []
        self.dirty: dict[tuple[str, int], None] = {}
        self.sequences: dict[str, int] = {}
        self.places: dict[str, int] = {}
        self.models: dict[str, Model] = {}
        for kind in models:
            self.models[kind.name] = kind(self)

    def __getitem__(self, name: str) -> Any:
        return self.models[name]

    def begin(self, context: dict[str, Any] | None = None) -> None:
        """PostgreSQL's now() is the transaction's: all a call writes bears one time."""
        self.stamp = datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S.%f")
        self.context = dict(context or {})
        self.written = False
        self.journal.clear()
        self.dirty.clear()

    def commit(self) -> None:
        """`written` says whether anything was."""
        self.flush()
        self.written = bool(self.journal)
        self.journal.clear()

    def rollback(self) -> None:
        """One call is one transaction: an error leaves nothing behind.

        documented: https://www.odoo.com/documentation/19.0/developer/reference/external_api.html#transaction
        """
        for model, kind, row, name, old in reversed(self.journal):
            model.undo(kind, row, name, old)
        self.journal.clear()
        self.dirty.clear()

    def mark(self, model: str, record: int) -> None:
        """Have the stored computed fields of a record worked out before anybody reads them."""
        if record:
            self.dirty[model, record] = None

    def flush(self) -> None:
        while self.dirty:
            name, record = next(iter(self.dirty))
            del self.dirty[name, record]
            row = self.models[name].rows.get(record)
            if row is not None:
                self.models[name].recompute(row)

    def next(self, sequence: str, form: str) -> str:
        """The next number; like PostgreSQL's, a sequence is not given back by a rollback."""
        value = self.sequences[sequence] = self.sequences.get(sequence, 0) + 1
        return form % value

    def place(self, usage: str) -> int:
        """The one record of its kind the seed made: the customers' location, the income account."""
        return self.places[usage]

    @property
    def now(self) -> str:
        return self.stamp[:19]

    @property
    def today(self) -> str:
        return self.stamp[:10]


class Model:
    """A table and its public methods. Subclasses state FIELDS and add business methods."""

    name: ClassVar[str]
    order: ClassVar[str] = "id"
    rec_name: ClassVar[str] = "name"
    parent: ClassVar[str] = "parent_id"
    FIELDS: ClassVar[dict[str, Field]] = {}
    PRIVATE: ClassVar[dict[str, Any]] = {}
    UNSEARCHABLE: ClassVar[frozenset[str]] = frozenset()  # computed, and without a search of their own
    UNSORTABLE: ClassVar[frozenset[str]] = frozenset()  # computed, and searched otherwise

    def __init__(self, db: Database) -> None:
        self.db = db
        self.fields = {**COMMON, **self.FIELDS}
        self.columns = [name for name, field in self.fields.items() if field.stored]
        self.row_type: type[Any] = type("Row", (), {"__slots__": (*self.columns, *self.PRIVATE, "touched")})
        self.rows: dict[int, Any] = {}
        self.index: dict[str, dict[Any, set[int]]] = {n: {} for n, f in self.fields.items() if f.index and f.stored}
        self.next_id = 1
        self.methods: dict[str, Callable[..., Any]] = {
            name: getattr(self, name) for name in dir(type(self)) if hasattr(getattr(type(self), name), "api")
        }

    # What business code uses

    def get(self, record: int) -> Any:
        """A record that must be there."""
        row = self.rows.get(record)
        if row is None:
            raise MissingError(f"Record does not exist or has been deleted.\n(Record: {self.name}({record},), User: 2)")
        return row

    def value(self, row: Any, name: str) -> Any:
        """A field's raw value: an id, a tuple of ids, text, a number."""
        field = self.fields[name]
        if field.compute:
            return getattr(self, field.compute)(row)
        if field.related:
            return self._follow(row, field.related)
        if field.type == "one2many":
            return self.db[field.relation].lines(field.inverse, row.id)
        return getattr(row, name)

    def lines(self, inverse: str, owner: int) -> tuple[int, ...]:
        """The records whose `inverse` is `owner`, in their own order, archived ones left out."""
        ids: Collection[int] = self.index[inverse].get(owner, ())
        if "active" in self.fields and self.db.context.get("active_test", True):
            ids = [one for one in ids if self.rows[one].active]
        if "sequence" in self.columns:
            return tuple(sorted(ids, key=lambda one: (self.rows[one].sequence, one)))
        return tuple(sorted(ids))

    def new(self, vals: dict[str, Any]) -> Any:
        """Create one record, lines and all, and return its row."""
        for name in vals:
            if name not in self.fields:
                raise BadValue(f"Invalid field {name!r} in {self.name!r}")
        vals = self.prepare(dict(vals))
        row = self.row_type()
        row.id = self.next_id
        self.next_id += 1
        lines = {}
        for name in self.columns:
            field = self.fields[name]
            if name in AUTOMATIC:
                continue
            if name not in vals:
                default = field.default(self) if callable(field.default) else field.default
                setattr(row, name, convert(self.name, name, field, default) if default else field.empty)
            elif field.type == "many2many":
                row_value: tuple[int, ...] = ()
                setattr(row, name, row_value)
                lines[name] = vals[name]
            else:
                setattr(row, name, self._accept(name, field, vals[name]))
        for name, start in self.PRIVATE.items():
            setattr(row, name, start)
        row.create_date = row.write_date = self.db.stamp
        row.touched = time.time()
        self._insert(row)
        owned = {n for n in vals if self.fields[n].type == "one2many" and not self.fields[n].compute}
        lines.update({name: vals[name] for name in owned})
        for name, commands in lines.items():
            self._command(row, name, commands)
        self._check_required(row)
        self.inverse(row, vals)
        self.created(row, vals)
        return row

    def change(self, row: Any, vals: dict[str, Any]) -> None:
        """Write stored fields and lines of one record; touches its write_date."""
        for name, value in vals.items():
            field = self.fields.get(name)
            if field is None:
                raise BadValue(f"Invalid field {name!r} in {self.name!r}")
            if field.type in X2MANY and not field.compute:
                self._command(row, name, value)
            elif field.stored and name not in AUTOMATIC:
                self.put(row, name, self._accept(name, field, value))
        self.inverse(row, vals)
        self._check_required(row)
        self.touch(row)

    def put(self, row: Any, name: str, value: Any) -> None:
        """Set one column, journalled and indexed; no checks, no write_date."""
        old = getattr(row, name)
        if old == value and type(old) is type(value):
            return
        self.db.journal.append((self, "set", row, name, old))
        self._reindex(row, name, old, value)
        setattr(row, name, value)

    def touch(self, row: Any) -> None:
        self.put(row, "write_date", self.db.stamp)
        row.touched = time.time()

    def drop(self, row: Any) -> None:
        for name, buckets in self.index.items():
            self._unindex(buckets, getattr(row, name), row.id)
        del self.rows[row.id]
        self.db.journal.append((self, "drop", row, "", None))

    def find(self, domain: Any, *, active_test: bool | None = None) -> list[int]:
        """Ids in ascending order, search lag not applied."""
        self.db.flush()
        if active_test is None:
            active_test = self.db.context.get("active_test", True)
        found = domains.answer(self, domain)
        if found.ids is not None:
            ids: Iterable[int] = found.ids
        else:
            pool = getattr(found, "candidates", None)
            rows = self.rows.values() if pool is None else [self.rows[one] for one in pool if one in self.rows]
            ids = [row.id for row in rows if found.test(row)]
        if active_test and "active" in self.fields and not domains.mentions(domain, "active"):
            ids = [one for one in ids if self.rows[one].active]
        return sorted(ids)

    def descendants(self, roots: Iterable[int]) -> set[int]:
        """The roots and all under them, by the model's parent field."""
        found: set[int] = set()
        todo = [one for one in roots if one]
        while todo:
            one = todo.pop()
            if one not in found:
                found.add(one)
                todo.extend(self.index.get(self.parent, {}).get(one, ()))
        return found

    def searchable(self, name: str) -> bool:
        return name not in self.UNSEARCHABLE

    def sortable(self, name: str) -> bool:
        """Seen in the live-doc: neither what is not in a column, nor a display name, nor a many2many."""
        unsortable = name == "display_name" or self.fields[name].type in ("many2many", "binary")
        return not unsortable and name not in self.UNSEARCHABLE | self.UNSORTABLE

    # Hooks of business models

    def prepare(self, vals: dict[str, Any]) -> dict[str, Any]:
        """Defaults that depend on other values."""
        return vals

    def created(self, row: Any, vals: dict[str, Any]) -> None:
        """After a record and its lines exist."""

    def inverse(self, row: Any, vals: dict[str, Any]) -> None:
        """Written computed fields, carried to where they are kept."""

    def before_write(self, row: Any, vals: dict[str, Any]) -> None:
        """Refuse a write, or note what changes."""

    def after_write(self, row: Any, vals: dict[str, Any]) -> None:
        """After a write through the API."""

    def before_unlink(self, row: Any) -> None:
        """Refuse a deletion, or delete what hangs on it."""

    def recompute(self, row: Any) -> None:
        """Work out stored computed fields."""

    def display_name(self, row: Any) -> Any:
        return getattr(row, self.rec_name, False) or f"{self.name},{row.id}"

    def uid(self, row: Any) -> int:
        return 2

    # Public methods

    @on_model
    def create(self, vals_list: Any) -> list[int]:
        given = [vals_list] if isinstance(vals_list, dict) else vals_list
        if not isinstance(given, list) or not all(isinstance(one, dict) for one in given):
            raise BadValue(f"create() takes a list of dictionaries, not {vals_list!r}")
        return [self.new(vals).id for vals in given]

    @on_records
    def write(self, ids: list[int], vals: dict[str, Any]) -> bool:
        for name in vals:
            if name not in self.fields:
                raise BadValue(f"Invalid field {name!r} in {self.name!r}")
        for row in [self.get(one) for one in ids]:
            self.before_write(row, vals)
            self.change(row, vals)
            self.after_write(row, vals)
        return True

    @on_records
    def unlink(self, ids: list[int]) -> bool:
        for row in [self.get(one) for one in ids]:
            self.before_unlink(row)
            self.drop(row)
        return True

    @on_records
    def read(
        self, ids: list[int], fields: list[str] | None = None, load: str | None = "_classic_read"
    ) -> list[dict[str, Any]]:
        """A missing id is left out, not an error (seen live)."""
        self.db.flush()
        names = self._names(fields)
        classic = load == "_classic_read"
        return [self._show(self.rows[one], names, classic) for one in ids if one in self.rows]

    @on_model
    def search(self, domain: Any, offset: int = 0, limit: int | None = None, order: str | None = None) -> list[int]:
        """Records touched within the search lag are not found, not even by their own id.

        documented: addons/rpc/controllers/json2.py: what is marked @api.readonly, every search among it, may run on a
        replica, and a domain on `id` is a search like another. judgement: `read`, so marked too, is fresh all the same.
        """
        ids = [one for one in self.find(domain) if not self._hidden(self.rows[one])]
        ids = self._sorted(ids, order or self.order)
        return ids[offset or 0 : (offset or 0) + limit if limit else None]

    @on_model
    def search_count(self, domain: Any, limit: int | None = None) -> int:
        found = sum(1 for one in self.find(domain) if not self._hidden(self.rows[one]))
        return min(found, limit) if limit else found

    @on_model
    def search_read(
        self,
        domain: Any = None,
        fields: list[str] | None = None,
        offset: int = 0,
        limit: int | None = None,
        order: str | None = None,
        **read_kwargs: Any,
    ) -> list[dict[str, Any]]:
        names = self._names(fields)
        ids = self.search(domain or [], offset, limit, order)
        classic = read_kwargs.get("load", "_classic_read") == "_classic_read"
        return [self._show(self.rows[one], names, classic) for one in ids]

    @on_model
    def name_search(
        self, name: str = "", domain: Any = None, operator: str = "ilike", limit: int | None = 100
    ) -> list[list[Any]]:
        terms = [*(domain or []), *([("display_name", operator, name)] if name else [])]
        return [[one, self.display_name(self.rows[one])] for one in self.search(terms, 0, limit)]

    @on_model
    def fields_get(
        self, allfields: list[str] | None = None, attributes: list[str] | None = None
    ) -> dict[str, dict[str, Any]]:
        described = {name: self._describe(name) for name in (allfields or self.fields) if name in self.fields}
        if attributes:
            return {n: {k: v for k, v in d.items() if k in attributes} for n, d in described.items()}
        return described

    # Inside

    def undo(self, kind: str, row: Any, name: str, old: Any) -> None:
        if kind == "set":
            self._reindex(row, name, getattr(row, name), old)
            setattr(row, name, old)
        elif kind == "new":
            for field, buckets in self.index.items():
                self._unindex(buckets, getattr(row, field), row.id)
            self.rows.pop(row.id, None)
        else:
            self._attach(row)

    def clear(self) -> None:
        self.rows.clear()
        for buckets in self.index.values():
            buckets.clear()

    def load(self, row: Any) -> None:
        """Put back a saved record."""
        self._attach(row)
        self.next_id = max(self.next_id, row.id + 1)

    def _insert(self, row: Any) -> None:
        self._attach(row)
        self.db.journal.append((self, "new", row, "", None))

    def _attach(self, row: Any) -> None:
        self.rows[row.id] = row
        for name in self.index:
            self._reindex(row, name, None, getattr(row, name))

    def _reindex(self, row: Any, name: str, old: Any, new: Any) -> None:
        buckets = self.index.get(name)
        if buckets is None:
            return
        self._unindex(buckets, old, row.id)
        for key in new if isinstance(new, tuple) else (new,):
            if key:
                buckets.setdefault(key, set()).add(row.id)

    @staticmethod
    def _unindex(buckets: dict[Any, set[int]], old: Any, record: int) -> None:
        for key in old if isinstance(old, tuple) else (old,):
            if key and key in buckets:
                buckets[key].discard(record)
                if not buckets[key]:
                    del buckets[key]

    def _accept(self, name: str, field: Field, value: Any) -> Any:
        accepted = convert(self.name, name, field, value)
        if field.type == "many2one" and accepted:
            self.db[field.relation].get(accepted)
        return accepted

    def _check_required(self, row: Any) -> None:
        for name in self.columns:
            if self.fields[name].required and getattr(row, name) is False:
                raise ValidationError(
                    "The operation cannot be completed:\n- Create/update: a mandatory field is not set.\n"
                    f"Model: {self.name}\nField: {name}"
                )

    def _command(self, row: Any, name: str, commands: Any) -> None:
        """documented: https://www.odoo.com/documentation/19.0/developer/reference/backend/orm.html#odoo.fields.Command"""
        if commands in (None, False):
            commands = [(5,)]
        if not isinstance(commands, (list, tuple)):
            raise BadValue(f"Wrong value for {self.name}.{name}: {commands!r}")
        for command in [(6, 0, commands)] if commands and isinstance(commands[0], int) else commands:
            if not isinstance(command, (list, tuple)) or not command or command[0] not in range(7):
                raise BadValue(f"Wrong value for {self.name}.{name}: {commands!r}")
            one = command[1] if len(command) > 1 else 0
            detail = command[2] if len(command) > 2 else None
            if self.fields[name].type == "one2many":
                self._one2many(row, self.fields[name], command[0], one, detail)
            else:
                self._many2many(row, name, command[0], one, detail)

    def _one2many(self, row: Any, field: Field, code: int, one: Any, detail: Any) -> None:
        other: Model = self.db[field.relation]
        if code == 0:
            other.new({**(detail or {}), field.inverse: row.id})
        elif code == 1:
            other.write([one], detail or {})
        elif code == 2:
            other.unlink([one])
        elif code == 4:
            other.change(other.get(one), {field.inverse: row.id})
        else:
            keep = set(detail or ()) if code == 6 else set()
            gone = [one] if code == 3 else [n for n in other.lines(field.inverse, row.id) if n not in keep]
            if other.fields[field.inverse].required:
                other.unlink(gone)
            else:
                for record in gone:
                    other.change(other.get(record), {field.inverse: False})
            for record in keep:
                other.change(other.get(record), {field.inverse: row.id})

    def _many2many(self, row: Any, name: str, code: int, one: Any, detail: Any) -> None:
        other: Model = self.db[self.fields[name].relation]
        now: tuple[int, ...] = getattr(row, name)
        if code == 0:
            now = (*now, other.new(detail or {}).id)
        elif code == 1:
            other.write([one], detail or {})
        elif code in (2, 3):
            now = tuple(n for n in now if n != one)
            if code == 2:
                other.unlink([one])
        elif code == 4:
            now = now if one in now else (*now, other.get(one).id)
        else:
            now = tuple(other.get(n).id for n in dict.fromkeys(detail or ())) if code == 6 else ()
        self.put(row, name, now)

    def _names(self, fields: list[str] | None) -> list[str]:
        for name in fields or ():
            if name not in self.fields:
                raise BadValue(f"Invalid field {name!r} on {self.name!r}")
        return ["id", *(name for name in (fields or self.fields) if name != "id")]

    def _show(self, row: Any, names: list[str], classic: bool) -> dict[str, Any]:
        shown: dict[str, Any] = {}
        for name in names:
            field = self.fields[name]
            value = self.value(row, name)
            if field.type == "many2one":
                shown[name] = self._show_one(field, value) if classic and value else value or False
            else:
                shown[name] = show(field, value)
        return shown

    def _show_one(self, field: Field, value: int) -> Any:
        other = self.db[field.relation]
        row = other.rows.get(value)
        return [value, other.display_name(row)] if row is not None else False

    def _follow(self, row: Any, path: str) -> Any:
        model: Model = self
        *steps, last = path.split(".")
        for step in steps:
            target = model.value(row, step)
            model = model.db[model.fields[step].relation]
            row = model.rows.get(target) if target else None
            if row is None:
                return model.fields[last].empty
        return model.value(row, last)

    def _hidden(self, row: Any) -> bool:
        return not self.db.is_visible(row.touched)

    def _sorted(self, ids: list[int], order: str) -> list[int]:
        """Stable sorts from the last key to the first; an empty value comes last going up, first going down."""
        for part in reversed([one.split() for one in order.split(",")]):
            name = part[0] if part else ""
            if name not in self.fields or len(part) > 2 or part[-1].lower() not in (name, "asc", "desc"):
                raise BadValue(f"Invalid order {order!r} on model {self.name!r}")
            if not self.sortable(name):
                raise BadValue(f"Cannot convert {self.name}.{name} to SQL because it is not stored")
            down = len(part) == 2 and part[1].lower() == "desc"
            if name == "id":
                ids = sorted(ids, reverse=down)
                continue
            text = self.fields[name].type in TEXT
            keys = {one: self._key(self.rows[one], name, text) for one in ids}
            ids = sorted(ids, key=keys.__getitem__, reverse=down)
        return ids

    def _key(self, row: Any, name: str, text: bool) -> tuple[bool, Any]:
        value = self.value(row, name)
        if text:
            return (not value and value != "", value or "")
        return (False, len(value) if isinstance(value, tuple) else value or 0)

    def _describe(self, name: str) -> dict[str, Any]:
        field = self.fields[name]
        about: dict[str, Any] = {
            "name": name,
            "type": field.type,
            "string": field.string or name.removesuffix("_id").replace("_", " ").title(),
            "required": field.required,
            "readonly": field.readonly or bool(field.compute),
            "searchable": self.searchable(name),
            "sortable": self.sortable(name),
        }
        if field.relation:
            about["relation"] = field.relation
        if field.inverse:
            about["relation_field"] = field.inverse
        if field.selection:
            about["selection"] = [[one, one.replace("_", " ").capitalize()] for one in field.selection]
        return about


def ensure_one(model: Model, ids: list[int]) -> Any:
    """The one record a method was called on."""
    if len(ids) != 1:
        raise BadValue(f"Expected singleton: {model.name}{tuple(ids)!r}")
    return model.get(ids[0])


def refuse(condition: bool, message: str) -> None:
    if condition:
        raise UserError(message)
