"""Fields of the simulator's small ORM: a type, how a value is kept, and how JSON shows it.

documented: https://www.odoo.com/documentation/19.0/developer/reference/backend/orm.html#fields
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from integrations.simulators.odoo.errors import BadValue

TEXT = frozenset({"char", "text", "html", "selection", "date", "datetime"})
NUMBERS = frozenset({"integer", "float", "monetary"})
X2MANY = frozenset({"one2many", "many2many"})
_QUANTUM = {2: Decimal("0.01"), 4: Decimal("0.0001")}


@dataclass(frozen=True, slots=True)
class Field:
    """`compute` (a method of the model) and `related` are worked out when read; a one2many reads its `inverse`."""

    type: str
    relation: str = ""
    inverse: str = ""
    required: bool = False
    readonly: bool = False
    default: Any = False
    compute: str = ""
    related: str = ""
    selection: tuple[str, ...] = ()
    index: bool = False
    digits: int = 0
    string: str = ""

    @property
    def stored(self) -> bool:
        return not self.compute and not self.related and self.type != "one2many"

    @property
    def empty(self) -> Any:
        """What the column holds when nobody gave a value."""
        if self.type in X2MANY:
            return ()
        if self.type == "integer":
            return 0
        return 0.0 if self.type in NUMBERS else False


def round_to(value: float | Decimal, digits: int = 2) -> float:
    """Half up, away from zero, on the decimal the float stands for."""
    exact = value if isinstance(value, Decimal) else Decimal(repr(value))
    quantum = _QUANTUM.get(digits) or Decimal(1).scaleb(-digits)
    return float(exact.quantize(quantum, rounding=ROUND_HALF_UP))


def percent_of(value: float, percent: float) -> Decimal:
    """Exactly, so that a half cent is a half cent."""
    return Decimal(repr(float(value))) * Decimal(repr(float(percent))) / 100


def line_amount(quantity: float, price: float, discount: float) -> float:
    """Quantity × price less the discount, half up to the cent.

    documented: odoo/tools/float_utils.py, `float_round`: half up, with an epsilon for what floats do to a half.
    """
    exact = Decimal(repr(float(quantity))) * Decimal(repr(float(price)))
    if discount:
        exact -= exact * Decimal(repr(float(discount))) / 100
    return round_to(exact)


def convert(model: str, name: str, field: Field, value: Any) -> Any:
    """A written value as the column keeps it; ValueError where Odoo raises one."""
    if value is None or value is False:
        return field.empty
    try:
        if field.type in ("float", "monetary"):
            number = float(value)
            return round_to(number, field.digits) if field.digits else number
        if field.type in ("integer", "many2one"):
            if isinstance(value, (list, tuple)) and field.type == "many2one":
                value = value[0] if value else False
            return int(value) if value else field.empty
    except (TypeError, ValueError) as exc:
        raise BadValue(f"Wrong value for {model}.{name}: {value!r}") from exc
    if field.type == "boolean":
        return bool(value)
    if field.type == "selection" and field.selection and value not in field.selection:
        raise BadValue(f"Wrong value for {model}.{name}: {value!r}")
    if field.type == "datetime":
        return _moment(model, name, value)
    return sys.intern(value) if type(value) is str else str(value)


def _moment(model: str, name: str, value: Any) -> str:
    """ "YYYY-MM-DD HH:MM:SS"; Odoo refuses a `T`, a zone or fractions longer than microseconds."""
    text = str(value)
    if len(text) == 10:
        text += " 00:00:00"
    if len(text) < 19 or text[10] != " " or "+" in text or text.endswith("Z"):
        raise BadValue(f"time data {value!r} does not match format '%Y-%m-%d %H:%M:%S' ({model}.{name})")
    return text[:19]


def show(field: Field, value: Any) -> Any:
    """A column as JSON shows it (many2one and x2many apart)."""
    if field.type == "datetime" and value:
        return value[:19]
    if field.type in X2MANY:
        return list(value)
    return value


def char(**options: Any) -> Field:
    return Field("char", **options)


def text(**options: Any) -> Field:
    return Field("text", **options)


def html(**options: Any) -> Field:
    return Field("html", **options)


def integer(**options: Any) -> Field:
    return Field("integer", **options)


def number(**options: Any) -> Field:
    return Field("float", **options)


def money(**options: Any) -> Field:
    return Field("monetary", **options)


def boolean(**options: Any) -> Field:
    return Field("boolean", **options)


def day(**options: Any) -> Field:
    return Field("date", **options)


def moment(**options: Any) -> Field:
    return Field("datetime", **options)


def choice(*selection: str, **options: Any) -> Field:
    return Field("selection", selection=selection, **options)


def many2one(relation: str, **options: Any) -> Field:
    return Field("many2one", relation=relation, **options)


def one2many(relation: str, inverse: str, **options: Any) -> Field:
    return Field("one2many", relation=relation, inverse=inverse, **options)


def many2many(relation: str, **options: Any) -> Field:
    return Field("many2many", relation=relation, **options)
