"""Customers and addresses.

documented: https://shopify.dev/docs/api/admin-graphql/2026-07/mutations/customerCreate: a name, an e-mail or a
telephone is needed; e-mails and telephones are unique. judgement: telephones are kept as they are given.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from integrations.simulators.shopify import totals
from integrations.simulators.shopify.metafields import check_metafields, split_tags, unique_tags, write_metafields
from integrations.simulators.shopify.products import find_by_custom_id
from integrations.simulators.shopify.records import Record, UserError, money, number_of, plain_id, shop_amount
from integrations.simulators.shopify.schema import Computed
from integrations.simulators.shopify.shop import Shop

ADDRESS = (
    "address1",
    "address2",
    "city",
    "company",
    "firstName",
    "lastName",
    "phone",
    "province",
    "provinceCode",
    "zip",
)
COUNTRIES = {
    "AE": "United Arab Emirates", "AU": "Australia", "CA": "Canada", "DE": "Germany", "ES": "Spain", "FR": "France",
    "GB": "United Kingdom", "IE": "Ireland", "IT": "Italy", "NL": "Netherlands", "US": "United States",
}  # fmt: skip
_CODES = {name: code for code, name in COUNTRIES.items()}


def add_customer(shop: Shop, given: Mapping[str, Any]) -> Record:
    row = shop.add("Customer", {
        "firstName": None, "lastName": None, "_email": None, "_phone": None, "note": None, "tags": [], "locale": "en",
        "state": "DISABLED", "taxExempt": False, "taxExemptions": [], "verifiedEmail": True, "_addresses": [],
        "multipassIdentifier": None,
    })  # fmt: skip
    _change(shop, row, given)
    shop.touch(row, "customers/create")
    return row


def _change(shop: Shop, row: Record, given: Mapping[str, Any]) -> None:
    for name in ("firstName", "lastName", "note", "locale", "taxExempt"):
        if name in given:
            row[name] = given[name]
    for name in ("email", "phone"):
        if name in given:
            row[f"_{name}"] = given[name] or None
    if given.get("tags") is not None:
        row["tags"] = unique_tags(split_tags(given["tags"]))
    if given.get("addresses") is not None:
        row["_addresses"] = [add_address(shop, one)["id"] for one in given["addresses"]]
    write_metafields(shop, row, given.get("metafields"))


def add_address(shop: Shop, given: Mapping[str, Any]) -> Record:
    """documented: MailingAddressInput: the country by its code; its name is answered."""
    code = given.get("countryCode") or _CODES.get(given.get("country") or "")
    country = COUNTRIES.get(code or "", given.get("country") or code)
    return shop.add("MailingAddress", {name: given.get(name) for name in ADDRESS} | {
        "country": country, "countryCodeV2": code, "countryCode": code, "coordinatesValidated": False,
        "latitude": None, "longitude": None, "timeZone": None,
    })  # fmt: skip


def find_by_email(shop: Shop, email: str | None) -> Record | None:
    wanted = (email or "").casefold()
    if not wanted:
        return None
    known = shop.find(shop.emails.get(wanted, ""))
    if known is not None and (known["_email"] or "").casefold() == wanted:
        return known
    found = next((row for row in shop.all("Customer") if (row["_email"] or "").casefold() == wanted), None)
    if found is not None:
        shop.emails[wanted] = found["id"]
    return found


def find_by(shop: Shop, identifier: Mapping[str, Any]) -> Record | None:
    if identifier.get("emailAddress"):
        return find_by_email(shop, identifier["emailAddress"])
    if identifier.get("phoneNumber"):
        return next((row for row in shop.all("Customer") if row["_phone"] == identifier["phoneNumber"]), None)
    if identifier.get("customId"):
        return find_by_custom_id(shop, "Customer", identifier["customId"])
    return shop.find(plain_id(str(identifier.get("id")), "Customer"), "Customer")


def _check(shop: Shop, given: Mapping[str, Any], row: Record | None) -> None:
    email, phone = given.get("email"), given.get("phone")
    if email and not re.fullmatch(r"[^@\s]+@[^@\s]+\.[^@\s]+", email):
        raise UserError("Email is invalid", ["email"])
    if phone and not re.fullmatch(r"\+?[\d\s().-]{5,}", phone):
        raise UserError("Phone is invalid", ["phone"])
    owner = find_by_email(shop, email)
    if owner is not None and owner is not row:
        raise UserError("Email has already been taken", ["email"], "TAKEN")
    if phone and any(one["_phone"] == phone and one is not row for one in shop.all("Customer")):
        raise UserError("Phone has already been taken", ["phone"], "TAKEN")
    check_metafields(given.get("metafields"), ["metafields"])


def customer_create(shop: Shop, args: dict[str, Any]) -> Record:
    given = args["input"]
    if given.get("id"):
        raise UserError("ID is not allowed on creation", ["id"])
    if not any(given.get(name) for name in ("email", "phone", "firstName", "lastName")):
        raise UserError("A name, phone number, or email address must be present")
    _check(shop, given, None)
    return {"customer": add_customer(shop, given)["id"]}


def customer_update(shop: Shop, args: dict[str, Any]) -> Record:
    given = args["input"]
    gid = plain_id(str(given.get("id")), "Customer")
    row = shop.need(gid, "Customer", ["id"], message="Customer does not exist")
    _check(shop, given, row)
    _change(shop, row, given)
    shop.touch(row, "customers/update")
    return {"customer": row["id"]}


def customer_delete(shop: Shop, args: dict[str, Any]) -> Record:
    row = shop.need(plain_id(args["input"]["id"], "Customer"), "Customer", ["id"], message="Customer can't be found")
    if orders_of(shop, row):
        raise UserError("Customer can't be deleted because they have orders", ["id"])
    shop.remove(row)
    shop.emit(row["id"], "customers/delete")
    return {"deletedCustomerId": row["id"]}


def customer_set(shop: Shop, args: dict[str, Any]) -> Record:
    """documented: changes the customer of the identifier, or makes one."""
    given = args["input"]
    identifier: dict[str, Any] = dict(args.get("identifier") or {})
    names = {"email": "emailAddress", "phone": "phoneNumber"}
    row = find_by(shop, {names.get(name, name): value for name, value in identifier.items()}) if identifier else None
    if row is None and identifier.get("id"):
        raise UserError("Customer does not exist", ["identifier", "id"], "NOT_FOUND")
    merged = {name: identifier[name] for name in names if identifier.get(name)} | given
    if row is None:
        return customer_create(shop, {"input": merged})
    return customer_update(shop, {"input": {**merged, "id": row["id"]}})


def address_create(shop: Shop, args: dict[str, Any]) -> Record:
    row = _need(shop, args["customerId"])
    address = add_address(shop, args["address"])
    row["_addresses"].insert(0 if args.get("setAsDefault") else len(row["_addresses"]), address["id"])
    shop.touch(row, "customers/update")
    return {"address": address["id"]}


def address_update(shop: Shop, args: dict[str, Any]) -> Record:
    row = _need(shop, args["customerId"])
    address = _need_address(shop, row, args["addressId"])
    known = {name: address[name] for name in (*ADDRESS, "country", "countryCode")}
    if args["address"].get("country") and not args["address"].get("countryCode"):
        known["countryCode"] = None
    fresh = add_address(shop, known | args["address"])
    shop.remove(fresh)
    address |= fresh | {"id": address["id"]}
    if args.get("setAsDefault"):
        row["_addresses"].remove(address["id"])
        row["_addresses"].insert(0, address["id"])
    shop.touch(row, "customers/update")
    return {"address": address["id"]}


def address_delete(shop: Shop, args: dict[str, Any]) -> Record:
    row = _need(shop, args["customerId"])
    address = _need_address(shop, row, args["addressId"])
    row["_addresses"].remove(address["id"])
    shop.remove(address)
    shop.touch(row, "customers/update")
    return {"deletedAddressId": address["id"]}


def _need(shop: Shop, gid: str) -> Record:
    gid = plain_id(gid, "Customer")
    return shop.need(gid, "Customer", ["customerId"], message="Customer does not exist")


def _need_address(shop: Shop, row: Record, gid: str) -> Record:
    gid = plain_id(gid, "MailingAddress").partition("?")[0]
    address = shop.need(gid, "MailingAddress", ["addressId"], message="Address does not exist")
    if address["id"] not in row["_addresses"]:
        raise UserError("Address does not exist", ["addressId"])
    return address


def orders_of(shop: Shop, row: Record) -> list[Record]:
    return [order for order in shop.all("Order") if order["customer"] == row["id"]]


def name_of(row: Mapping[str, Any]) -> str:
    return f"{row['firstName'] or ''} {row['lastName'] or ''}".strip()


def format_address(row: Record, *, name: bool = False, company: bool = True) -> list[str]:
    parts: Sequence[Any] = [
        name_of(row) if name else None, row["company"] if company else None, row["address1"], row["address2"],
        " ".join(filter(None, [row["city"], row["provinceCode"], row["zip"]])), row["country"],
    ]  # fmt: skip
    return [part for part in parts if part]


def _spent(shop: Shop, row: Record, args: dict[str, Any]) -> Record:
    amounts = [shop_amount(totals.received(shop, order)) for order in orders_of(shop, row)]
    return money(sum(amounts, Decimal(0)), shop.currency)


def _email(shop: Shop, row: Record, args: dict[str, Any]) -> Record | None:
    if not row["_email"]:
        return None
    return {"emailAddress": row["_email"], "marketingState": "NOT_SUBSCRIBED", "marketingOptInLevel": "SINGLE_OPT_IN",
            "marketingUpdatedAt": None, "validFormat": True}  # fmt: skip


MUTATIONS = {
    "customerCreate": customer_create,
    "customerUpdate": customer_update,
    "customerDelete": customer_delete,
    "customerSet": customer_set,
    "customerAddressCreate": address_create,
    "customerAddressUpdate": address_update,
    "customerAddressDelete": address_delete,
}
COMPUTED: dict[str, dict[str, Computed]] = {
    "Customer": {
        "legacyResourceId": lambda shop, row, args: number_of(row["id"]),
        "displayName": lambda shop, row, args: name_of(row) or row["_email"] or row["_phone"] or "",
        "email": lambda shop, row, args: row["_email"],
        "phone": lambda shop, row, args: row["_phone"],
        "defaultEmailAddress": _email,
        "defaultPhoneNumber": lambda shop, row, args: (
            {"phoneNumber": row["_phone"], "marketingState": "NOT_SUBSCRIBED"} if row["_phone"] else None
        ),
        "addresses": lambda shop, row, args: row["_addresses"],
        "addressesV2": lambda shop, row, args: row["_addresses"],
        "defaultAddress": lambda shop, row, args: next(iter(row["_addresses"]), None),
        "numberOfOrders": lambda shop, row, args: len(orders_of(shop, row)),
        "orders": lambda shop, row, args: [order["id"] for order in orders_of(shop, row)],
        "lastOrder": lambda shop, row, args: next((one["id"] for one in reversed(orders_of(shop, row))), None),
        "amountSpent": _spent,
        "canDelete": lambda shop, row, args: not orders_of(shop, row),
        "validEmailAddress": lambda shop, row, args: bool(row["_email"]),
        "lifetimeDuration": lambda shop, row, args: "less than a minute",
        "emailMarketingConsent": lambda shop, row, args: (
            {"marketingState": "NOT_SUBSCRIBED", "marketingOptInLevel": "SINGLE_OPT_IN"} if row["_email"] else None
        ),
    },
    "MailingAddress": {
        "name": lambda shop, row, args: name_of(row) or None,
        "formatted": lambda shop, row, args: format_address(
            row, name=bool(args.get("withName")), company=bool(args.get("withCompany", True))
        ),
        "formattedArea": lambda shop, row, args: ", ".join(filter(None, [row["city"], row["country"]])) or None,
    },
}
