"""A product's options and variants, and the bulk mutations of variants.

documented: https://shopify.dev/docs/api/admin-graphql/2026-07/mutations/productVariantsBulkCreate, ...BulkUpdate and
...BulkDelete: all or none unless allowPartialUpdates; quantities may be given on creation only; without options there
is one variant, "Default Title" of the option "Title". judgement: a new variant is stocked at the first location, with
0, unless quantities say where.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from integrations.simulators.shopify import inventory
from integrations.simulators.shopify.metafields import check_metafields, write_metafields
from integrations.simulators.shopify.records import Record, UserError, amount_of, plain_id, round_to
from integrations.simulators.shopify.shop import Shop

DEFAULT_OPTION, DEFAULT_VALUE = "Title", "Default Title"
MOST_OPTIONS, MOST_VARIANTS = 3, 2048

Options = list[tuple[str, list[str]]]
Chosen = tuple[str, ...]


# options --------------------------------------------------------------------------------------------------------------
def read_options(
    options: Sequence[Mapping[str, Any]] | None, given: Sequence[Mapping[str, Any]] | None, is_new: bool
) -> Options | None:
    """What productSet says of options; None where it says nothing."""
    if options is None:
        if given is not None and is_new:
            message = "Product options input is required when updating variants"
            raise UserError(message, ["input", "productOptions"], "PRODUCT_OPTIONS_INPUT_MISSING")
        return None
    if given is None:
        message = "Variants input is required when updating product options"
        raise UserError(message, ["input", "variants"], "VARIANTS_INPUT_MISSING")
    wanted = [(str(one.get("name")), [str(value.get("name")) for value in one.get("values") or []]) for one in options]
    if len(wanted) > MOST_OPTIONS:
        message = f"The number of options can't exceed {MOST_OPTIONS}"
        raise UserError(message, ["input", "productOptions"], "OPTIONS_OVER_LIMIT")
    if len({name.casefold() for name, _ in wanted}) < len(wanted):
        raise UserError("Option names must be unique", ["input", "productOptions"], "DUPLICATED_OPTION_NAME")
    for place, (name, values) in enumerate(wanted):
        field = ["input", "productOptions", str(place)]
        if not values:
            raise UserError(f"Option values are missing for {name}", field, "OPTION_VALUES_MISSING")
        if len(set(values)) < len(values):
            raise UserError(f"Option values of {name} must be unique", field, "DUPLICATED_OPTION_VALUE")
    return wanted


def list_options(shop: Shop, product: Record) -> Options:
    return [(row["name"], [value["name"] for value in shop.many(row["_values"])]) for row in options_of(shop, product)]


def options_of(shop: Shop, product: Record) -> list[Record]:
    return sorted(shop.many(product["options"]), key=lambda row: row["position"])


def set_options(shop: Shop, product: Record, wanted: Options) -> None:
    """Options and values of the same name stay, with their ids."""
    known = {row["name"]: row for row in shop.many(product["options"])}
    for row in known.values():
        if row["name"] not in dict(wanted):
            shop.remove(row)
    kept = []
    for place, (name, values) in enumerate(wanted, 1):
        row = known.get(name) or shop.add("ProductOption", {"name": name, "_values": [], "product": product["id"]})
        row["position"] = place
        have = {value["name"]: value["id"] for value in shop.many(row["_values"])}
        row["_values"] = [have.get(value) or _add_value(shop, row, value) for value in values]
        kept.append(row["id"])
    product["options"] = kept


def _add_value(shop: Shop, option: Record, name: str) -> str:
    gid: str = shop.add("ProductOptionValue", {"name": name, "option": option["id"]})["id"]
    return gid


def _need_values(shop: Shop, product: Record, chosen: Chosen) -> None:
    for option, name in zip(options_of(shop, product), chosen, strict=True):
        if name not in [value["name"] for value in shop.many(option["_values"])]:
            option["_values"].append(_add_value(shop, option, name))


def choose(given: Mapping[str, Any], options: Options, field: list[str], shop: Shop) -> Chosen:
    """The value of each option that a variant names, in the options' order."""
    found = {}
    for one in given.get("optionValues") or []:
        named = one.get("optionName")
        if named is None and one.get("optionId"):
            option = shop.find(plain_id(one["optionId"], "ProductOption"), "ProductOption")
            named = option["name"] if option else None
        value = one.get("name")
        if value is None and one.get("id"):
            row = shop.find(one["id"], "ProductOptionValue")
            value = row["name"] if row else None
            named = named or (shop.get(row["option"])["name"] if row else None)
        if named not in dict(options):
            raise UserError("Option does not exist", [*field, "optionValues"], "OPTION_DOES_NOT_EXIST")
        if value is None:
            raise UserError("Option value does not exist", [*field, "optionValues"], "OPTION_VALUE_DOES_NOT_EXIST")
        found[named] = value
    missing = [name for name, _ in options if name not in found]
    if missing:
        message = f"You need to add option values for {', '.join(missing)}"
        raise UserError(message, [*field, "optionValues"], "NEED_TO_ADD_OPTION_VALUES")
    return tuple(found[name] for name, _ in options)


# variants -------------------------------------------------------------------------------------------------------------
def chosen_of(variant: Record) -> Chosen:
    return tuple(variant["_values"])


def add_default(shop: Shop, product: Record) -> Record:
    set_options(shop, product, [(DEFAULT_OPTION, [DEFAULT_VALUE])])
    return add_variant(shop, product, {"optionValues": [{"optionName": DEFAULT_OPTION, "name": DEFAULT_VALUE}]})


def add_variant(shop: Shop, product: Record, given: Mapping[str, Any]) -> Record:
    chosen = choose(given, list_options(shop, product), [], shop)
    _need_values(shop, product, chosen)
    variant = shop.add("ProductVariant", {
        "product": product["id"], "sku": None, "barcode": None, "price": "0.00", "compareAtPrice": None,
        "inventoryPolicy": "DENY", "taxable": True, "taxCode": None, "_values": list(chosen), "_media": [],
        "title": " / ".join(chosen), "position": len(product["variants"]) + 1,
    })  # fmt: skip
    item = inventory.add_item(shop, variant, given.get("inventoryItem") or {})
    variant["inventoryItem"] = item["id"]
    product["variants"].append(variant["id"])
    change_variant(shop, variant, given)
    _stock(shop, item, given.get("inventoryQuantities"))
    shop.emit(item["id"], "inventory_items/create")
    return variant


def _stock(shop: Shop, item: Record, given: Sequence[Mapping[str, Any]] | None) -> None:
    if given is None:
        inventory.stock_at(shop, item, shop.primary_location)
        return
    for one in given:
        location = shop.get(plain_id(one["locationId"], "Location"))
        level = inventory.stock_at(shop, item, location)
        wanted = one["quantity"] if "quantity" in one else one["availableQuantity"]
        name = one.get("name", "available")
        inventory.move(shop, level, available=wanted - inventory.quantity_of(level, name))


def change_variant(shop: Shop, variant: Record, given: Mapping[str, Any]) -> None:
    for name in ("barcode", "inventoryPolicy", "taxable", "taxCode"):
        if name in given and (given[name] is not None or name in {"barcode", "taxCode"}):
            variant[name] = given[name]
    if given.get("price") is not None:
        variant["price"] = str(round_to(amount_of(given["price"]), shop.currency))
    if "compareAtPrice" in given:
        price = given["compareAtPrice"]
        variant["compareAtPrice"] = None if price is None else str(round_to(amount_of(price), shop.currency))
    item = shop.get(variant["inventoryItem"])
    detail = given.get("inventoryItem") or {}
    sku = given.get("sku") if given.get("sku") is not None else detail.get("sku")
    if sku is not None and sku != variant["sku"]:
        old, variant["sku"] = variant["sku"], sku or None
        shop.index_sku(variant, old)
    if detail:
        inventory.change_item(shop, item, detail)
        shop.touch(item)
    write_metafields(shop, variant, given.get("metafields"))
    shop.touch(variant)


def remove_variant(shop: Shop, variant: Record) -> None:
    item = shop.get(variant["inventoryItem"])
    for level in shop.many(item["_levels"]):
        shop.remove(level)
    if variant["sku"]:
        shop.index_sku({**variant, "sku": None}, variant["sku"])
    shop.remove(item)
    shop.remove(variant)
    shop.emit(item["id"], "inventory_items/delete")


def _renumber(shop: Shop, product: Record) -> None:
    for place, variant in enumerate(shop.many(product["variants"]), 1):
        variant["position"] = place


# productSet -----------------------------------------------------------------------------------------------------------
def check_set(shop: Shop, product: Record | None, given: Sequence[Mapping[str, Any]], wanted: Options | None) -> None:
    options = wanted if wanted is not None else list_options(shop, product) if product else []
    if len(given) > MOST_VARIANTS:
        raise UserError("The number of variants is limited", ["input", "variants"], "VARIANTS_OVER_LIMIT")
    seen: set[Chosen] = set()
    for place, one in enumerate(given):
        field = ["input", "variants", str(place)]
        if one.get("id") and (product is None or plain_id(one["id"], "ProductVariant") not in product["variants"]):
            raise UserError("Product variant does not exist", [*field, "id"], "PRODUCT_VARIANT_DOES_NOT_EXIST")
        chosen = choose(one, options, field, shop)
        for (name, values), value in zip(options, chosen, strict=True):
            if value not in values:
                message = f"Option value {value} does not exist for {name}"
                raise UserError(message, [*field, "optionValues"], "OPTION_VALUE_DOES_NOT_EXIST")
        if chosen in seen:
            raise UserError(f"The variant '{' / '.join(chosen)}' already exists", field, "INVALID_VARIANT")
        seen.add(chosen)
        check_given(shop, one, field)


def set_variants(shop: Shop, product: Record, given: Sequence[Mapping[str, Any]]) -> None:
    known = {chosen_of(row): row for row in shop.many(product["variants"])}
    options, kept = list_options(shop, product), []
    for one in given:
        chosen = choose(one, options, [], shop)
        variant = shop.find(plain_id(one["id"], "ProductVariant")) if one.get("id") else known.get(chosen)
        if variant is None or variant["id"] in kept:
            variant = add_variant(shop, product, one)
        else:
            _rename(shop, variant, chosen)
            change_variant(shop, variant, one)
            if one.get("inventoryQuantities") is not None:
                _stock(shop, shop.get(variant["inventoryItem"]), one["inventoryQuantities"])
        kept.append(variant["id"])
    for variant in shop.many(product["variants"]):
        if variant["id"] not in kept:
            remove_variant(shop, variant)
    product["variants"] = kept
    _renumber(shop, product)


def _rename(shop: Shop, variant: Record, chosen: Chosen) -> None:
    variant["_values"], variant["title"] = list(chosen), " / ".join(chosen)


def check_given(shop: Shop, given: Mapping[str, Any], field: list[str]) -> None:
    """What any mutation refuses about one variant."""
    for name in ("price", "compareAtPrice"):
        if given.get(name) is not None and amount_of(given[name]) < 0:
            raise UserError("Price must be greater than or equal to 0", [*field, name], "GREATER_THAN_OR_EQUAL_TO")
    check_metafields(given.get("metafields"), [*field, "metafields"])
    for place, one in enumerate(given.get("inventoryQuantities") or []):
        if shop.find(plain_id(one["locationId"], "Location"), "Location") is None:
            where = [*field, "inventoryQuantities", str(place), "locationId"]
            raise UserError("Location does not exist", where, "TRACKED_VARIANT_LOCATION_NOT_FOUND")
        if one.get("name", "available") not in {"available", "on_hand"}:
            message = "The quantity name must be either 'available' or 'on_hand'."
            raise UserError(message, [*field, "inventoryQuantities", str(place), "name"], "INVALID_INPUT")


# bulk -----------------------------------------------------------------------------------------------------------------
def _product(shop: Shop, gid: str) -> Record:
    gid = plain_id(gid, "Product")
    return shop.need(gid, "Product", ["productId"], "PRODUCT_DOES_NOT_EXIST", "Product does not exist")


def bulk_create(shop: Shop, args: dict[str, Any]) -> Record:
    product = _product(shop, args["productId"])
    options = list_options(shop, product)
    standalone = options == [(DEFAULT_OPTION, [DEFAULT_VALUE])]
    rows = shop.many(product["variants"])
    strategy = args.get("strategy") or "DEFAULT"
    drop = rows if len(rows) == 1 and (strategy == "REMOVE_STANDALONE_VARIANT" or standalone) else []
    taken = {chosen_of(row) for row in rows if row not in drop}
    for place, one in enumerate(args["variants"]):
        field = ["variants", str(place)]
        chosen = choose(one, options, field, shop)
        if chosen in taken:
            message = f"The variant '{' / '.join(chosen)}' already exists. Please change at least one option value."
            raise UserError(message, field, "VARIANT_ALREADY_EXISTS")
        taken.add(chosen)
        check_given(shop, one, field)
    for row in drop:
        product["variants"].remove(row["id"])
        remove_variant(shop, row)
    made = [add_variant(shop, product, one)["id"] for one in args["variants"]]
    _renumber(shop, product)
    shop.touch(product, "products/update")
    return {"product": product["id"], "productVariants": made}


def bulk_update(shop: Shop, args: dict[str, Any]) -> Record:
    product = _product(shop, args["productId"])
    good: list[tuple[Record, Mapping[str, Any]]] = []
    errors = []
    for place, one in enumerate(args["variants"]):
        try:
            good.append((_check_update(shop, product, one, ["variants", str(place)]), one))
        except UserError as error:
            errors.append(error)
    if errors and not args.get("allowPartialUpdates"):
        raise errors[0]
    for variant, one in good:
        if one.get("optionValues"):
            chosen = choose(_complete(shop, variant, one), list_options(shop, product), [], shop)
            _need_values(shop, product, chosen)
            _rename(shop, variant, chosen)
        change_variant(shop, variant, one)
    shop.touch(product, "products/update")
    changed = [variant["id"] for variant, _ in good]
    return {"product": product["id"], "productVariants": changed, "userErrors": [error.entry for error in errors]}


def _check_update(shop: Shop, product: Record, given: Mapping[str, Any], field: list[str]) -> Record:
    if not given.get("id"):
        raise UserError("Product variant is missing ID attribute", [*field, "id"], "PRODUCT_VARIANT_ID_MISSING")
    gid = plain_id(given["id"], "ProductVariant")
    missing = "Product variant does not exist"
    variant = shop.need(gid, "ProductVariant", [*field, "id"], "PRODUCT_VARIANT_DOES_NOT_EXIST", missing)
    if variant["product"] != product["id"]:
        raise UserError(missing, [*field, "id"], "PRODUCT_VARIANT_DOES_NOT_EXIST")
    if given.get("inventoryQuantities") is not None:
        message = "Inventory quantities can only be provided during create."
        raise UserError(message, [*field, "inventoryQuantities"], "NO_INVENTORY_QUANTITIES_ON_VARIANTS_UPDATE")
    check_given(shop, given, field)
    if given.get("optionValues"):
        chosen = choose(_complete(shop, variant, given), list_options(shop, product), field, shop)
        others = [row for row in shop.many(product["variants"]) if row is not variant]
        if chosen in {chosen_of(row) for row in others}:
            raise UserError(f"The variant '{' / '.join(chosen)}' already exists.", field, "VARIANT_ALREADY_EXISTS")
    return variant


def _complete(shop: Shop, variant: Record, given: Mapping[str, Any]) -> Mapping[str, Any]:
    """Options an update does not name stay."""
    options = options_of(shop, shop.get(variant["product"]))
    rest = [
        {"optionName": option["name"], "name": value} for option, value in zip(options, variant["_values"], strict=True)
    ]
    return {"optionValues": [*rest, *given["optionValues"]]}


def bulk_delete(shop: Shop, args: dict[str, Any]) -> Record:
    product = _product(shop, args["productId"])
    wanted = [plain_id(gid, "ProductVariant") for gid in args["variantsIds"]]
    for place, gid in enumerate(wanted):
        if gid not in product["variants"]:
            message = "At least one variant does not belong to the product"
            field = ["variantsIds", str(place)]
            raise UserError(message, field, "AT_LEAST_ONE_VARIANT_DOES_NOT_BELONG_TO_THE_PRODUCT")
    if len(set(wanted)) == len(product["variants"]):
        message = "Cannot delete the last variant of a product"
        raise UserError(message, ["variantsIds"], "CANNOT_DELETE_LAST_VARIANT")
    for variant in shop.many(wanted):
        product["variants"].remove(variant["id"])
        remove_variant(shop, variant)
    _renumber(shop, product)
    shop.touch(product, "products/update")
    return {"product": product["id"]}


MUTATIONS = {
    "productVariantsBulkCreate": bulk_create,
    "productVariantsBulkUpdate": bulk_update,
    "productVariantsBulkDelete": bulk_delete,
}
