"""Money and quantities: whole numbers in the database, Decimal in Python."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import Any, ClassVar

from django import forms
from django.core.exceptions import ValidationError
from django.db import models
from django.utils.functional import cached_property

_LARGEST = 2**63 - 1


class FixedPointField(models.BigIntegerField):  # type: ignore[type-arg]  # the stubs' generic is not subscriptable here
    """A Decimal of `places` decimals kept as BIGINT; finer or larger values raise ValidationError, never round."""

    places: ClassVar[int]
    _pyi_private_set_type: Any  # how the stubs are told that a Decimal may be assigned
    _pyi_private_get_type: Any
    _pyi_lookup_exact_type: Any

    def to_python(self, value: Any) -> Decimal | None:
        if value is None:
            return None
        if isinstance(value, float):
            raise ValidationError(f"{value!r} is a float; give a Decimal.", code="float")
        try:
            number = Decimal(value)
        except (InvalidOperation, TypeError, ValueError) as error:
            raise ValidationError(f"{value!r} is not a number.", code="invalid") from error
        if not number.is_finite():
            raise ValidationError(f"{value!r} is not finite.", code="not_finite")
        scaled = number.scaleb(self.places)
        if scaled != scaled.to_integral_value():
            raise ValidationError(f"{value} has more than {self.places} decimals.", code="too_fine")
        if abs(scaled) > _LARGEST:
            raise ValidationError(f"{value} is too large.", code="too_large")
        return number

    def get_prep_value(self, value: Any) -> int | None:
        if value is None or hasattr(value, "resolve_expression"):
            return value  # type: ignore[no-any-return]  # expressions resolve themselves
        number = self.to_python(value)
        return None if number is None else int(number.scaleb(self.places))

    def from_db_value(self, value: Any, expression: Any, connection: Any) -> Decimal | None:
        return None if value is None else Decimal(int(value)).scaleb(-self.places)

    def value_to_string(self, obj: models.Model) -> str:
        value = self.value_from_object(obj)
        return "" if value is None else str(value)

    def formfield(self, **kwargs: Any) -> Any:
        return models.Field.formfield(self, **{"form_class": forms.DecimalField, **kwargs})

    @cached_property
    def validators(self) -> list[Any]:
        # BIGINT's own range check would compare scaled with plain numbers; to_python has looked already.
        return [*self.default_validators, *self._validators]  # type: ignore[attr-defined]  # Field.__init__ sets it


class MoneyField(FixedPointField):
    """An amount in millionths; its currency stands in a field beside it."""

    places = 6


class QuantityField(FixedPointField):
    """A quantity in thousandths of the base unit."""

    places = 3
