"""A row of a table of customers: who he is, where he lives, what was agreed with him."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.utils.translation import gettext_lazy as _

from catalog.mapping.feed_rows import BadCell, Field, read_code, read_number, read_text

CODE, EMAIL, COUNTRY = "external_id", "email", "country"
GROUP, TERMS, LIMIT, CURRENCY = "customer_group", "terms", "credit_limit", "account_currency"
PERSON = {"name": 200, "company": 200, "email": 254, "phone": 50, "tax_number": 40}
ADDRESS = {"line1": 200, "line2": 200, "city": 100, "region": 100, "postcode": 20, "country": 2}
LINES = {
    "line1": (_("street"), {"address", "street", "address 1", "address line 1"}),
    "line2": (_("second line"), {"address 2", "address line 2"}),
    "city": (_("city"), {"city", "town"}),
    "region": (_("region"), {"region", "county", "province"}),
    "postcode": (_("postcode"), {"postcode", "zip", "zip code", "postal code"}),
    "country": (_("country, as two letters"), {"country", "country code"}),
}
SIDES = {
    "billing": (_("Billing address: %(part)s"), ("billing {}", "invoice {}", "{}")),
    "shipping": (_("Delivery address: %(part)s"), ("shipping {}", "delivery {}")),
}
LARGEST_LIMIT = 10**9


class _Label:
    """ "Billing address: city", in the language of who looks."""

    def __init__(self, side: Any, part: Any) -> None:
        self._side, self._part = side, part

    def __str__(self) -> str:
        return str(self._side) % {"part": self._part}


def _list_address_fields() -> list[Field]:
    return [
        Field(
            name=f"{side}_{part}",
            label=_Label(label, words),
            usual=frozenset(form.format(header) for form in forms for header in headers),
        )
        for side, (label, forms) in SIDES.items()
        for part, (words, headers) in LINES.items()
    ]


FIELDS = (
    Field(
        name=CODE,
        label=_("The customer's number there"),
        usual=frozenset({
            "code", "customer", "customer code", "customer number", "customer no", "customer id", "account",
            "account number", "number", "id", "external id",
        }),
        required=True,
        is_code=True,
    ),
    Field(name="name", label=_("Name"), usual=frozenset({"name", "customer name", "contact", "full name"})),
    Field(name="company", label=_("Company"), usual=frozenset({"company", "company name", "organisation"})),
    Field(name=EMAIL, label=_("E-mail"), usual=frozenset({"email", "e mail", "mail", "email address"})),
    Field(name="phone", label=_("Phone"), usual=frozenset({"phone", "telephone", "mobile", "phone number"})),
    Field(name="tax_number", label=_("Tax number"), usual=frozenset({"tax number", "vat number", "vat", "tax id"})),
    *_list_address_fields(),
    Field(
        name=GROUP,
        label=_("Group, as price lists name it"),
        usual=frozenset({"group", "customer group", "price group", "class", "category"}),
    ),
    Field(name=TERMS, label=_("Terms of payment"), usual=frozenset({"terms", "payment terms"})),
    Field(name=LIMIT, label=_("Credit limit"), usual=frozenset({"credit limit", "limit", "credit"})),
    Field(
        name=CURRENCY,
        label=_("Currency of the limit (none: the merchant's)"),
        usual=frozenset({"currency", "currency code", "account currency"}),
    ),
)  # fmt: skip


def parse_customer(texts: Mapping[str, str], *, decimal_comma: bool) -> dict[str, Any]:
    """{key, family, name, told: {field: text of it}}: what has no column is not told. BadCell."""
    code = read_code(texts, CODE, 200, needed=True)
    told = {name: read_code(texts, name, longest) for name, longest in PERSON.items() if name in texts}
    if told.get(EMAIL):
        _check_email(told[EMAIL])
    for side in SIDES:
        for part, longest in ADDRESS.items():
            name = f"{side}_{part}"
            if name in texts:
                told[name] = _read_country(texts, name) if part == COUNTRY else read_text(texts, name, longest)
    told |= {name: read_code(texts, name, 100) for name in (GROUP, TERMS) if name in texts}
    if LIMIT in texts:
        told[LIMIT] = _read_limit(texts[LIMIT], decimal_comma)
    if CURRENCY in texts:
        told[CURRENCY] = _read_currency(texts)
    return {"key": code, "family": code, "name": code, "told": told}


def _check_email(text: str) -> None:
    """No spaces, no letters that write backwards, nothing that is no address."""
    try:
        validate_email(text)
    except ValidationError:
        raise BadCell(EMAIL, "email_invalid", f"{text[:60]!r} is no e-mail address.") from None
    if not text.isprintable():
        raise BadCell(EMAIL, "email_invalid", f"{text[:60]!r} has letters in it that cannot be seen.")


def _read_country(texts: Mapping[str, str], name: str) -> str:
    text = read_code(texts, name, 60).upper()
    if text and not (len(text) == 2 and text.isascii() and text.isalpha()):
        raise BadCell(name, "country_unknown", f"{text[:40]!r} is no country: write it as two letters, GB.")
    return text


def _read_currency(texts: Mapping[str, str]) -> str:
    text = read_code(texts, CURRENCY, 10).upper()
    if text and not (len(text) == 3 and text.isascii() and text.isalpha()):
        raise BadCell(CURRENCY, "currency_invalid", f"{text!r} is no currency: write three letters, as GBP.")
    return text


def _read_limit(text: str, decimal_comma: bool) -> str:
    """'' where there is none: then nothing limits him."""
    if not text.strip():
        return ""
    limit = read_number(text, LIMIT, decimal_comma=decimal_comma, places=2, largest=LARGEST_LIMIT)
    if limit < 0:
        raise BadCell(LIMIT, "price_negative", f"{text.strip()} is less than nothing.")
    return f"{limit:f}"
