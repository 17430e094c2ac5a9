"""The connector against a scripted Odoo: what it asks, and what it makes of each answer."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from integrations.connectors.odoo import payloads as p
from integrations.connectors.odoo.connector import Odoo
from integrations.contract import records as r
from integrations.contract.connector import Safety
from integrations.contract.errors import (
    AuthFailed,
    ConnectorError,
    NotFound,
    OutcomeUnknown,
    Rejected,
    Retryable,
    Unsupported,
)
from tests.connectors.odoo.far_side import SCRIPT_KEY, FarSide, Fault, odoo_error, scripted
from tests.connectors.odoo.test_payloads import LINE, ORDER, load

D = Decimal
SINCE = datetime(2026, 3, 1, 9, tzinfo=UTC)
DRAFT = {**load("order__confirmed")["order"], "state": "draft", "order_line": [901], "amount_total": 39.8}
DRAFT |= {"amount_untaxed": 39.8, "amount_tax": 0}
SALE = {**DRAFT, "state": "sale"}
CREDIT = {**load("invoice__partly_paid")["invoice"], "id": 310, "move_type": "out_refund", "ref": "W-1001-R1"}
CREDIT |= {"amount_total": 19.9, "amount_residual": 19.9, "payment_state": "not_paid", "name": "RINV/2026/00001"}
REFUND = r.RefundDocument(
    reference="W-1001-R1",
    order_external_id="501",
    order_reference="W-1001",
    customer_external_id="14",
    currency="EUR",
    amount=D("19.90"),
    at=datetime(2026, 3, 3, 9, tzinfo=UTC),
    lines=(replace(LINE, quantity=D(1), net=D("19.90"), gross=D("19.90")),),
)


def user_error(words: str) -> Fault:
    return odoo_error(422, "odoo.exceptions.UserError", words)


# --- the call itself -------------------------------------------------------------------------------------------------


def test_the_key_and_the_database_travel_in_headers() -> None:
    far = FarSide().says("stock.warehouse.search_read", [])
    with scripted(far) as odoo:
        assert list(odoo.list_locations()) == []
    assert far.headers[0]["authorization"] == f"bearer {SCRIPT_KEY}"
    assert far.headers[0]["x-odoo-database"] == "shop"
    assert SCRIPT_KEY not in str(far.requests)


@pytest.mark.parametrize(
    ("status", "name", "error", "code"),
    [
        (401, "werkzeug.exceptions.Unauthorized", AuthFailed, "AUTH_FAILED"),
        (403, "odoo.exceptions.AccessDenied", AuthFailed, "AUTH_FAILED"),
        (403, "odoo.exceptions.AccessError", Rejected, "ACCESS_DENIED"),
        (404, "odoo.exceptions.MissingError", NotFound, "NOT_FOUND"),
        (404, "werkzeug.exceptions.NotFound", NotFound, "NOT_FOUND"),
        (409, "odoo.exceptions.LockError", Retryable, "BUSY"),
        (422, "odoo.exceptions.UserError", Rejected, "REJECTED"),
        (422, "odoo.exceptions.ValidationError", Rejected, "REJECTED"),
        (500, "builtins.ValueError", Rejected, "ODOO_ERROR"),
        (500, "psycopg2.errors.SerializationFailure", Retryable, "BUSY"),
        (500, "psycopg2.errors.LockNotAvailable", Retryable, "BUSY"),
        (500, "psycopg2.OperationalError", OutcomeUnknown, "OUTCOME_UNKNOWN"),
    ],
)
def test_odoos_exceptions_are_sorted(status: int, name: str, error: type[ConnectorError], code: str) -> None:
    far = FarSide().says("res.partner.create", odoo_error(status, name, "Their own words"))
    document = r.CustomerDocument(reference="C-1", customer=r.CustomerRecord(name="Ann"))
    with scripted(far) as odoo, pytest.raises(error) as caught:
        odoo.create_customer(document)
    assert type(caught.value) is error
    assert (caught.value.code, caught.value.upstream, caught.value.status) == (code, "Their own words", status)


@pytest.mark.parametrize(
    "answer",
    [
        Fault(502, b"<html>Bad gateway</html>", "text/html"),
        Fault(500, {"error": "not the body of an Odoo exception"}),
        Fault(200, b"<html><form>Log in</form></html>", "text/html"),
        Fault(200, b""),
        {"id": 7},
    ],
)
def test_a_write_that_nobody_vouches_for_is_unknown(answer: Any) -> None:
    far = FarSide().says("res.partner.create", answer)
    document = r.CustomerDocument(reference="C-1", customer=r.CustomerRecord(name="Ann"))
    with scripted(far) as odoo, pytest.raises(OutcomeUnknown):
        odoo.create_customer(document)


@pytest.mark.parametrize("status", [500, 502])
def test_a_read_that_fails_is_only_retried(status: int) -> None:
    far = FarSide().says("stock.warehouse.search_read", Fault(status, b"<html></html>", "text/html"))
    with scripted(far) as odoo, pytest.raises(Retryable):
        odoo.list_locations()


def test_a_missing_id_is_an_empty_list_and_means_gone() -> None:
    far = FarSide().says("sale.order.search_read", [])
    with scripted(far) as odoo, pytest.raises(NotFound, match=r"no sale\.order 77"):
        odoo.fetch_order("77")


def test_the_search_lag_is_the_connections() -> None:
    assert (Odoo.safety("create_order").safety, Odoo.safety("create_order").lag_seconds) == (Safety.SEARCH, 0)
    assert Odoo.safety("create_order", {"search_lag_seconds": 7}).lag_seconds == 7
    assert Odoo.safety("cancel_order").safety is Safety.REPEATABLE
    assert Odoo.safety("cancel_order_lines").safety is Safety.NONE
    assert Odoo.safety("create_return").safety is Safety.NONE


def test_webhooks_are_not_claimed() -> None:
    assert not {name for name in Odoo.capabilities({}) if "webhook" in name}


# --- reads -----------------------------------------------------------------------------------------------------------


def test_check_says_who_where_and_what_is_missing() -> None:
    far = FarSide()
    far.says("res.users.context_get", {"lang": "en_US", "tz": "UTC", "uid": 6})
    far.says("res.users.search_read", [{"id": 6, "login": "bridge", "company_id": [1, "Acme"]}])
    far.says("res.company.search_read", [{"id": 1, "name": "Acme", "currency_id": [1, "EUR"]}])
    far.says("/web/version", {"version": "19.0", "version_info": [19, 0, 0, "final", 0, ""]})
    for model in ("product.product", "res.partner", "stock.picking", "account.move"):
        far.says(f"{model}.has_access", True)
    far.says("sale.order.has_access", False)
    with scripted(far) as odoo:
        result = odoo.check()
    assert (result.account, result.version, result.currency) == ("Acme (bridge)", "19.0", "EUR")
    assert result.missing_permissions == ("sale.order: create",)


def product_answers(far: FarSide, *names: str) -> None:
    rows = [load(name) for name in names]
    far.says("product.product.search_read", [plain(row) for each in rows for row in each["variants"]])
    values = [row for each in rows for row in each["attribute_values"]]
    if values:
        far.says("product.template.attribute.value.search_read", values)


def plain(row: dict[str, Any]) -> dict[str, Any]:
    return {name: float(value) if isinstance(value, Decimal) else value for name, value in row.items()}


def test_products_are_walked_by_id_within_the_window() -> None:
    far = FarSide()
    matrix, simple = load("product__matrix")["template"], load("product__simple")["template"]
    far.says("product.template.search_read", [{"id": 42, "write_date": "2026-03-03 08:15:00"}], [matrix])
    product_answers(far, "product__matrix")
    far.says("product.template.search_read", [simple])
    product_answers(far, "product__simple")
    far.says("product.template.search_read", [])
    with scripted(far) as odoo:
        odoo.page_size = 1
        first = odoo.pull_products(None, "")
        second = odoo.pull_products(None, first.cursor)
        third = odoo.pull_products(None, second.cursor)
    assert [record.external_id for page in (first, second, third) for record in page.records] == ["41", "42"]
    assert [page.since for page in (first, second, third)] == [None, None, datetime(2026, 3, 3, 8, 14, tzinfo=UTC)]
    assert third.cursor == ""
    asked = far.bodies("product.template.search_read")
    assert [body["domain"][-1] for body in asked[1:]] == [["id", ">", 0], ["id", ">", 41], ["id", ">", 42]]
    assert all("offset" not in body for body in asked)
    assert asked[1]["context"] == {"active_test": False}


def test_a_product_of_which_only_a_variant_changed_comes_once() -> None:
    far = FarSide()
    rows = load("product__matrix")
    rows["variants"][0]["write_date"] = "2026-03-05 10:00:00"
    since = datetime(2026, 3, 2, tzinfo=UTC)
    changed = [{"id": row["id"], "product_tmpl_id": row["product_tmpl_id"]} for row in rows["variants"][:2]]
    far.says("product.template.search_read", [{"id": 41, "write_date": "2026-03-01 10:00:00"}], [])
    for visited in changed:
        far.says("product.template.search_read", [rows["template"]])
        far.says("product.product.search_read", [visited], [plain(row) for row in rows["variants"]])
        far.says("product.template.attribute.value.search_read", rows["attribute_values"])
    far.says("product.product.search_read", [])
    with scripted(far) as odoo:
        odoo.page_size = 1
        pages = [odoo.pull_products(since, "")]
        while pages[-1].cursor:
            pages.append(odoo.pull_products(since, pages[-1].cursor))
    assert [[record.external_id for record in page.records] for page in pages] == [[], [], ["41"], []]
    assert pages[-1].since == since
    assert far.bodies("product.product.search_read")[0]["domain"][-1] == ["write_date", ">=", "2026-03-02 00:00:00"]


def test_bad_input_58_pages_that_repeat_are_noticed() -> None:
    far = FarSide()
    template = load("product__simple")["template"]
    far.says("product.template.search_read", [{"id": 42, "write_date": "2026-03-03 08:15:00"}], [template], [template])
    product_answers(far, "product__simple")
    with scripted(far) as odoo:
        odoo.page_size = 1
        cursor = odoo.pull_products(None, "").cursor
        with pytest.raises(Retryable) as caught:
            odoo.pull_products(None, cursor)
    assert caught.value.code == "PAGINATION_LOOP"


@pytest.mark.parametrize(
    ("sent", "images"),
    [
        ("R0lGODlh", (r.ImageRecord(content=b"GIF89a"),)),
        (False, ()),
        ("not base64", (r.ImageRecord(content=b"not base64"),)),
    ],
)
def test_pictures_come_where_they_are_wanted(sent: Any, images: tuple[r.ImageRecord, ...]) -> None:
    far = FarSide()
    template = load("product__simple")["template"]
    far.says("product.template.search_read", [{"id": 42, "write_date": "2026-03-03 08:15:00"}], [template])
    product_answers(far, "product__simple")
    far.says("product.template.search_read", [{"id": 42, "image_1920": sent}])
    with scripted(far, photos=True) as odoo:
        page = odoo.pull_products(None, "")
    assert [record.images for record in page.records] == [images]
    assert far.bodies("product.template.search_read")[-1]["fields"] == ["id", "image_1920"]
    assert "image_1920" not in str(page.records[0].raw), "the raw payload stays small"


def test_a_bad_product_is_set_aside_alone() -> None:
    far = FarSide()
    nameless = {**load("product__matrix")["template"], "name": False, "attribute_line_ids": []}
    rows = [nameless, load("product__simple")["template"]]
    far.says("product.template.search_read", [{"id": 42, "write_date": "2026-03-03 08:15:00"}], rows)
    product_answers(far, "product__simple")
    with scripted(far) as odoo:
        page = odoo.pull_products(None, "")
    assert [record.external_id for record in page.records] == ["42"]
    assert [(failed.external_id, failed.error) for failed in page.failed] == [("41", "Odoo's record 41 has no name.")]


def test_stock_is_what_is_free_of_storable_articles() -> None:
    far = FarSide()
    far.says(
        "product.product.search_read",
        [{"id": 71, "is_storable": True, "free_qty": 12.5}, {"id": 72, "is_storable": False, "free_qty": 0}],
        [{"id": 80, "is_storable": True, "free_qty": -1}],
    )
    with scripted(far) as odoo:
        odoo.stock_page_size = 2
        first = odoo.pull_stock(SINCE, "")
        second = odoo.pull_stock(SINCE, first.cursor)
    assert first.records == (r.StockRow("71", "", D("12.5")),)
    assert (first.cursor, second.cursor) == ("72", "")
    assert second.records == (r.StockRow("80", "", D(-1)),)
    assert far.bodies("product.product.search_read")[1]["domain"] == [["id", ">", 72]]


def test_stock_by_warehouse_has_a_slot_each() -> None:
    far = FarSide()
    houses = [{"id": 1, "name": "Main", "active": True}, {"id": 2, "name": "Shop", "active": True}]
    far.says("stock.warehouse.search_read", houses)
    for quantity in (5, 2):
        far.says("product.product.search_read", [{"id": 71, "is_storable": True, "free_qty": quantity}])
    with scripted(far, stock_by_warehouse=True) as odoo:
        page = odoo.pull_stock(None, "")
    assert page.records == (r.StockRow("71", "1", D(5)), r.StockRow("71", "2", D(2)))
    contexts = [body["context"] for body in far.bodies("product.product.search_read")]
    assert contexts == [{"warehouse_id": 1}, {"warehouse_id": 2}]


def receipt(number: int, article: int, at: str, *, value: float, **more: Any) -> dict[str, Any]:
    return {
        "id": number, "product_id": [article, "T-Shirt"], "date": at, "quantity": 10, "product_qty": 10,
        "product_uom_qty": 10, "value": value, "company_currency_id": [1, "EUR"], **more,
    }  # fmt: skip


def test_what_was_paid_for_the_last_goods_that_came_in() -> None:
    far = FarSide()
    articles = [
        {"id": number, "product_tmpl_id": [41, "T-Shirt"], "lst_price": 100, "currency_id": [1, "EUR"]}
        for number in (71, 72, 73)
    ]
    far.says("product.product.search_read", articles)
    far.says("stock.move.fields_get", {"is_in": {}, "value": {}, "company_currency_id": {}})
    boxes = receipt(4, 72, "2026-11-02 07:30:00", value=100, quantity=2, product_uom_qty=5, product_qty=15)
    far.says(
        "stock.move.search_read",
        [receipt(9, 71, "2026-11-03 08:00:00", value=45), receipt(8, 71, "2026-11-01 08:00:00", value=99)],
        [boxes],
    )
    with scripted(far, inward_prices=True) as odoo:
        odoo.moves_at_once = 2
        page = odoo.pull_prices(None, "")
    assert page.records[3:] == (
        r.PriceRow("71", "inward", D("4.5"), "EUR", D(1), datetime(2026, 11, 3, 8, tzinfo=UTC)),
        r.PriceRow("72", "inward", D("16.666667"), "EUR", D(1), datetime(2026, 11, 2, 7, 30, tzinfo=UTC)),
    ), "six pieces came in two boxes; of 73 nothing ever did"
    asked = far.bodies("stock.move.search_read")
    assert [body["domain"][-1] for body in asked] == [
        ["product_id", "in", [71, 72, 73]], ["product_id", "in", [72, 73]],
    ]  # fmt: skip
    assert {body["order"] for body in asked} == {"date desc, id desc"}


def test_an_odoo_that_does_not_value_its_receipts_says_what_is_missing() -> None:
    far = FarSide()
    row = {"id": 71, "product_tmpl_id": [41, "T-Shirt"], "lst_price": 100, "currency_id": [1, "EUR"]}
    far.says("product.product.search_read", [row])
    far.says("stock.move.fields_get", {"company_currency_id": {}})
    with scripted(far, inward_prices=True) as odoo, pytest.raises(Unsupported, match="stock_account"):
        odoo.pull_prices(None, "")
    assert "stock.move.search_read" not in far.calls


def test_receipts_that_repeat_are_no_endless_loop() -> None:
    far = FarSide()
    row = {"id": 71, "product_tmpl_id": [41, "T-Shirt"], "lst_price": 100, "currency_id": [1, "EUR"]}
    far.says("product.product.search_read", [row])
    far.says("stock.move.fields_get", {"is_in": {}, "value": {}, "company_currency_id": {}})
    far.says("stock.move.search_read", [receipt(9, 99, "2026-11-03 08:00:00", value=45)])
    with scripted(far, inward_prices=True) as odoo:
        odoo.moves_at_once = 1
        with pytest.raises(Retryable, match="repeat"):
            odoo.pull_prices(None, "")


def test_prices_with_the_tiers_of_a_list() -> None:
    far = FarSide()
    row = {"id": 71, "product_tmpl_id": [41, "T-Shirt"], "lst_price": 100, "currency_id": [1, "EUR"]}
    rule = {
        "id": 1, "pricelist_id": [5, "Trade"], "applied_on": "1_product", "product_tmpl_id": [41, "T-Shirt"],
        "product_id": False, "categ_id": False, "min_quantity": 10, "date_start": False, "date_end": False,
        "base": "list_price", "compute_price": "fixed", "fixed_price": 80.5, "percent_price": 0, "price_discount": 0,
        "price_round": 0, "price_surcharge": 0, "price_min_margin": 0, "price_max_margin": 0,
    }  # fmt: skip
    over = {**rule, "id": 2, "min_quantity": 0, "fixed_price": 1, "date_end": "2020-01-01 00:00:00"}
    far.says("product.product.search_read", [row])
    far.says("product.pricelist.item.search_read", [rule, over])
    far.says("product.pricelist.search_read", [{"id": 5, "currency_id": [1, "EUR"]}])
    with scripted(far, pricelist_id="5") as odoo:
        page = odoo.pull_prices(None, "")
    assert page.records == (
        r.PriceRow("71", "", D(100), "EUR"),
        r.PriceRow("71", "5", D(100), "EUR", D(1)),
        r.PriceRow("71", "5", D("80.5"), "EUR", D(10)),
    )


def test_a_quote_makes_no_record() -> None:
    far = FarSide()
    far.says("res.partner.search_read", [{"id": 14, "property_product_pricelist": False}])
    row = {"id": 71, "product_tmpl_id": [41, "T-Shirt"], "lst_price": 19.9, "currency_id": [1, "EUR"]}
    far.says("product.product.search_read", [row])
    with scripted(far) as odoo:
        quoted = odoo.quote_prices([r.QuoteLine(variant_external_id="71", quantity=D(3))], "14")
    assert quoted == [r.QuotedPrice(variant_external_id="71", quantity=D(3), unit_price=D("19.9"), currency="EUR")]
    assert {name.rpartition(".")[2] for name in far.calls} == {"search_read"}


def test_shipments_with_tracking_only_where_the_module_is() -> None:
    far = FarSide()
    rows = load("picking__done")
    bare = {name: value for name, value in rows["picking"].items() if not name.startswith("carrier_")}
    far.says("stock.picking.fields_get", {})
    far.says("stock.picking.search_read", [{"id": 61, "write_date": "2026-03-02 12:00:01"}], [bare])
    far.says("stock.move.search_read", rows["moves"])
    with scripted(far) as odoo:
        (shipment,) = odoo.pull_shipments(SINCE, "").records
    assert (shipment.order_external_id, shipment.tracking_number) == ("501", "")
    assert "carrier_id" not in far.bodies("stock.picking.search_read")[1]["fields"]


def test_values_of_a_module_that_is_missing_are_none() -> None:
    far = FarSide().says("delivery.carrier.search_read", odoo_error(404, "werkzeug.exceptions.NotFound", "no model"))
    far.says("account.tax.search_read", [{"id": 1, "display_name": "15%"}])
    with scripted(far) as odoo:
        assert list(odoo.list_values("shipping")) == []
        assert list(odoo.list_values("tax")) == [r.RemoteValue(kind="tax", code="1", label="15%")]
        with pytest.raises(Unsupported):
            odoo.list_values("return_reason")


# --- orders ----------------------------------------------------------------------------------------------------------


def test_an_order_is_created_confirmed_and_read_back() -> None:
    far = FarSide().says("sale.order.create", [501]).says("sale.order.action_confirm", True)
    far.says("sale.order.search_read", [SALE])
    with scripted(far) as odoo:
        result = odoo.create_order(ORDER)
    assert far.calls == ["sale.order.create", "sale.order.action_confirm", "sale.order.search_read"]
    (values,) = far.bodies("sale.order.create")[0]["vals_list"]
    assert values["client_order_ref"] == "W-1001"
    assert values["order_line"][0][2]["tax_ids"] == [[6, 0, []]]
    assert far.bodies("sale.order.action_confirm") == [{"ids": [501]}]
    assert (result.external_id, result.number, result.total, result.line_count) == ("501", "S00501", D("39.8"), 1)
    assert (result.currency, result.state) == ("EUR", r.DocumentState.OPEN)


@pytest.mark.parametrize(
    "confirm",
    [
        Fault(502, b"", "text/html"),
        Fault(200, b"<html>", "text/html"),
        Fault(401, b"", "text/plain"),
        Fault(429, b"", "text/plain"),
        odoo_error(500, "psycopg2.errors.SerializationFailure", "could not serialize access"),
    ],
)
def test_after_the_create_nothing_may_be_called_undone(confirm: Fault) -> None:
    far = FarSide().says("sale.order.create", [501]).says("sale.order.action_confirm", confirm)
    with scripted(far) as odoo, pytest.raises(OutcomeUnknown):
        odoo.create_order(ORDER)
    assert far.calls == ["sale.order.create", "sale.order.action_confirm"]


def test_a_read_back_that_fails_leaves_the_outcome_open() -> None:
    far = FarSide().says("sale.order.create", [501]).says("sale.order.action_confirm", True)
    far.says("sale.order.search_read", Fault(503, b"", "text/plain"))
    with scripted(far) as odoo, pytest.raises(OutcomeUnknown):
        odoo.create_order(ORDER)


def test_a_refused_confirmation_leaves_no_draft() -> None:
    far = FarSide().says("sale.order.create", [501]).says("sale.order.action_confirm", user_error("Credit exceeded"))
    far.says("sale.order.unlink", True)
    with scripted(far) as odoo, pytest.raises(Rejected, match="Credit exceeded Nothing of it is left") as caught:
        odoo.create_order(ORDER)
    assert caught.value.upstream == "Credit exceeded"
    assert far.bodies("sale.order.unlink") == [{"ids": [501]}]


def test_a_draft_that_was_found_is_finished_once() -> None:
    far = FarSide().says("sale.order.search_read", [DRAFT], [DRAFT], [SALE], [SALE])
    far.says("sale.order.action_confirm", True)
    with scripted(far) as odoo:
        (found,) = odoo.find_order("W-1001")
        assert found.state is r.DocumentState.DRAFT
        assert odoo.complete_order(found.external_id).state is r.DocumentState.OPEN
        assert odoo.complete_order(found.external_id).state is r.DocumentState.OPEN
    assert far.calls.count("sale.order.action_confirm") == 1


def test_every_match_is_found_cancelled_ones_too() -> None:
    twin = {**SALE, "id": 502, "name": "S00502", "state": "cancel"}
    far = FarSide().says("sale.order.search_read", [SALE, twin])
    with scripted(far) as odoo:
        found = odoo.find_order("W-1001")
    assert [(one.external_id, one.state) for one in found] == [
        ("501", r.DocumentState.OPEN),
        ("502", r.DocumentState.CANCELLED),
    ]
    assert far.bodies("sale.order.search_read")[0]["domain"] == [["client_order_ref", "=", "W-1001"]]


def test_a_tax_that_is_gone_is_said_before_anything_is_made() -> None:
    far = FarSide().says("account.tax.search_read", [])
    with scripted(far) as odoo, pytest.raises(Rejected) as caught:
        odoo.create_order(replace(ORDER, lines=(replace(LINE, tax_codes=("9",)),)))
    assert caught.value.code == "TAX_MISSING"


def test_cancel_is_harmless_twice() -> None:
    gone = {**SALE, "state": "cancel"}
    far = FarSide().says("sale.order.search_read", [SALE], [gone], [gone]).says("sale.order.action_cancel", True)
    with scripted(far) as odoo:
        first, second = odoo.cancel_order("501"), odoo.cancel_order("501")
    assert (first.success, first.state, second.success) == (True, r.DocumentState.CANCELLED, True)
    assert far.calls.count("sale.order.action_cancel") == 1


def test_a_refused_cancel_is_a_no_with_odoos_words() -> None:
    far = FarSide().says("sale.order.search_read", [SALE])
    far.says("sale.order.action_cancel", user_error("You cannot cancel a locked order."))
    with scripted(far) as odoo:
        result = odoo.cancel_order("501")
    assert (result.success, result.message) == (False, "You cannot cancel a locked order.")


def test_lines_are_cancelled_by_quantity() -> None:
    line = plain(load("order__confirmed")["lines"][0])
    far = FarSide().says("sale.order.search_read", [SALE], [SALE]).says("sale.order.line.search_read", [line])
    far.says("sale.order.write", True)
    with scripted(far) as odoo:
        assert odoo.cancel_order("501", [replace(LINE, quantity=D(1))]).success
    assert far.bodies("sale.order.write") == [
        {"ids": [501], "vals": {"order_line": [[1, 901, {"product_uom_qty": 1}]]}}
    ]


def test_more_than_is_left_is_not_cancelled() -> None:
    line = plain(load("order__confirmed")["lines"][0])
    far = FarSide().says("sale.order.search_read", [SALE]).says("sale.order.line.search_read", [line])
    with scripted(far) as odoo:
        result = odoo.cancel_order("501", [replace(LINE, quantity=D(3), sku="TS-R-S")])
    assert not result.success
    assert result.message == "Odoo's order 501 has no line with 3 of TS-R-S left to cancel."


# --- money back, invoices, returns -----------------------------------------------------------------------------------


def test_a_credit_note_carries_its_reference_and_explicit_taxes() -> None:
    far = FarSide().says("account.move.create", [310]).says("account.move.action_post", None)
    far.says("account.move.search_read", [CREDIT | {"amount_total": 19.9}])
    with scripted(far) as odoo:
        result = odoo.create_refund(REFUND)
    (values,) = far.bodies("account.move.create")[0]["vals_list"]
    assert values == {
        "move_type": "out_refund",
        "partner_id": 14,
        "ref": "W-1001-R1",
        "invoice_origin": "W-1001",
        "invoice_date": "2026-03-03",
        "invoice_line_ids": [
            [0, 0, {"product_id": 71, "quantity": 1, "price_unit": 19.9, "discount": 0, "tax_ids": [[6, 0, []]],
                    "name": "T-Shirt"}]
        ],
    }  # fmt: skip
    assert (result.external_id, result.number, result.total) == ("310", "RINV/2026/00001", D("19.9"))
    assert result.state is r.DocumentState.OPEN


def test_a_credit_note_left_as_a_draft_is_posted_once() -> None:
    draft = CREDIT | {"state": "draft"}
    far = FarSide().says("account.move.search_read", [draft], [CREDIT], [CREDIT]).says("account.move.action_post", None)
    with scripted(far) as odoo:
        assert odoo.complete_refund("310").state is r.DocumentState.OPEN
        assert odoo.complete_refund("310").state is r.DocumentState.OPEN
    assert far.calls.count("account.move.action_post") == 1


def test_a_free_amount_is_one_untaxed_line() -> None:
    far = FarSide().says("account.move.create", [310]).says("account.move.action_post", None)
    far.says("account.move.search_read", [CREDIT])
    with scripted(far) as odoo:
        odoo.create_refund(replace(REFUND, lines=(), reason="Goodwill"))
    (values,) = far.bodies("account.move.create")[0]["vals_list"]
    assert values["invoice_line_ids"] == [
        [0, 0, {"name": "Goodwill", "quantity": 1, "price_unit": 19.9, "tax_ids": [[6, 0, []]]}]
    ]


INVOICE = r.InvoiceDocument(reference="W-1001-I1", order_external_id="501", order_reference="W-1001")
POSTED = {**load("invoice__partly_paid")["invoice"], "amount_total": 45.77, "amount_residual": 45.77}
POSTED |= {"payment_state": "not_paid", "ref": "W-1001-I1"}


def test_an_invoice_goes_through_the_wizard_and_is_posted() -> None:
    far = FarSide()
    order = {"id": 501, "name": "S00501"}
    far.says("sale.order.search_read", [{**order, "invoice_ids": []}], [{**order, "invoice_ids": [301]}])
    far.says("sale.advance.payment.inv.create", [4]).says("sale.advance.payment.inv.create_invoices", {"res_id": 301})
    far.says("account.move.search_read", [{"id": 301}], [POSTED | {"state": "draft"}], [POSTED])
    far.says("account.move.write", True).says("account.move.action_post", None)
    with scripted(far) as odoo:
        result = odoo.create_invoice(INVOICE)
    assert far.bodies("sale.advance.payment.inv.create")[0]["vals_list"] == [
        {"advance_payment_method": "delivered", "sale_order_ids": [[6, 0, [501]]]}
    ]
    assert far.bodies("account.move.write") == [{"ids": [301], "vals": {"ref": "W-1001-I1"}}]
    assert (result.number, result.total, result.state) == ("INV/2026/00007", D("45.77"), r.DocumentState.OPEN)


def test_an_invoice_that_stands_is_not_made_again() -> None:
    far = FarSide().says("sale.order.search_read", [{"id": 501, "name": "S00501", "invoice_ids": [301]}])
    far.says("account.move.search_read", [{"id": 301}], [POSTED], [POSTED])
    with scripted(far) as odoo:
        assert odoo.create_invoice(INVOICE).external_id == "301"
    assert not [name for name in far.calls if name.endswith((".create", ".create_invoices", ".action_post"))]


def test_a_return_of_the_finished_delivery() -> None:
    far = FarSide()
    back = {**load("picking__done")["picking"], "id": 70, "name": "WH/IN/00070", "state": "assigned"}
    back = {name: value for name, value in back.items() if not name.startswith("carrier_")}
    far.says("stock.picking.search_read", [{"id": 61}], [{**back, "return_id": [61, "WH/OUT/00061"]}])
    far.says("stock.move.search_read", load("picking__done")["moves"])
    far.says("stock.return.picking.create", [3])
    far.says("stock.return.picking.line.search_read", [{"id": 8, "product_id": [71, "x"], "move_id": [611, "y"]}])
    far.says("stock.return.picking.line.write", True)
    far.says("stock.return.picking.action_create_returns", {"res_model": "stock.picking", "res_id": 70})
    far.says("stock.picking.write", True)
    document = r.ReturnDocument(
        reference="W-1001-B1", order_external_id="501", order_reference="W-1001", lines=(replace(LINE, quantity=D(1)),)
    )
    with scripted(far) as odoo:
        result = odoo.create_return(document)
    assert far.bodies("stock.return.picking.line.write") == [{"ids": [8], "vals": {"quantity": 1}}]
    assert far.bodies("stock.picking.write") == [{"ids": [70], "vals": {"origin": "W-1001-B1"}}]
    assert (result.external_id, result.number, result.state) == ("70", "WH/IN/00070", r.DocumentState.OPEN)


# --- state -----------------------------------------------------------------------------------------------------------

HOUSES = [{"id": 1, "lot_stock_id": [8, "WH/Stock"]}]
PUSH = r.StockPush(key="k", external_id="71", quantity=D(7))


def pushed(far: FarSide, *items: r.StockPush) -> list[tuple[str, str]]:
    with scripted(far) as odoo:
        return [(result.key, result.outcome.value) for result in odoo.push_stock(items or (PUSH,))]


def test_stock_is_counted_applied_once_and_read_back() -> None:
    far = FarSide().says("stock.warehouse.search_read", HOUSES).says("stock.quant.write", True)
    far.says("stock.quant.search_read", [{"id": 5, "quantity": 3}], [{"id": 5, "quantity": 7}])
    far.says("stock.quant.action_apply_inventory", None)
    assert pushed(far) == [("k", "sent")]
    assert far.bodies("stock.quant.write") == [
        {"ids": [5], "vals": {"inventory_quantity": 7, "inventory_quantity_set": True}}
    ]


@pytest.mark.parametrize("answer", [Fault(502, b"", "text/html"), Fault(200, b"<html>", "text/html")])
def test_an_apply_of_unknown_outcome_is_not_repeated(answer: Fault) -> None:
    far = FarSide().says("stock.warehouse.search_read", HOUSES).says("stock.quant.write", True)
    far.says("stock.quant.search_read", [{"id": 5, "quantity": 3}]).says("stock.quant.action_apply_inventory", answer)
    assert pushed(far) == [("k", "unknown")]
    assert far.calls.count("stock.quant.action_apply_inventory") == 1


def test_the_next_attempt_counts_afresh_before_it_applies() -> None:
    far = FarSide()
    for _ in range(2):
        far.says("stock.warehouse.search_read", HOUSES).says("stock.quant.write", True)
        far.says("stock.quant.search_read", [{"id": 5, "quantity": 7}], [{"id": 5, "quantity": 7}])
        far.says("stock.quant.action_apply_inventory", None)
    with scripted(far) as odoo:
        odoo.push_stock([PUSH])
        odoo.push_stock([PUSH])
    writes = [name for name in far.calls if name in ("stock.quant.write", "stock.quant.action_apply_inventory")]
    assert writes == ["stock.quant.write", "stock.quant.action_apply_inventory"] * 2


def test_a_figure_that_did_not_stick_is_unknown() -> None:
    far = FarSide().says("stock.warehouse.search_read", HOUSES).says("stock.quant.write", True)
    far.says("stock.quant.search_read", [{"id": 5, "quantity": 3}], [{"id": 5, "quantity": 0}])
    far.says("stock.quant.action_apply_inventory", {"res_model": "stock.inventory.conflict"})
    assert pushed(far) == [("k", "unknown")]


def test_one_refused_figure_does_not_stop_the_others() -> None:
    far = FarSide().says("stock.warehouse.search_read", HOUSES)
    far.says("stock.quant.search_read", [], [], [{"id": 6, "quantity": 7}])
    far.says("stock.quant.create", odoo_error(422, "odoo.exceptions.ValidationError", "Not storable"), [6])
    far.says("stock.quant.action_apply_inventory", None)
    other = replace(PUSH, key="second", external_id="72")
    assert pushed(far, PUSH, other) == [("k", "refused"), ("second", "sent")]


def test_a_price_is_written_in_its_own_currency_only() -> None:
    row = {"id": 80, "currency_id": [1, "EUR"], "product_tmpl_id": [42, "Mug"], "price_extra": 0}
    far = FarSide().says("product.product.search_read", [row], [{"id": 80}], [row])
    far.says("product.template.write", True)
    item = r.PricePush(key="a", external_id="80", amount=D("8.50"), currency="EUR")
    with scripted(far) as odoo:
        results = odoo.push_prices([item, replace(item, key="b", currency="USD")])
    assert [(result.key, result.outcome.value) for result in results] == [("a", "sent"), ("b", "refused")]
    assert far.bodies("product.template.write") == [{"ids": [42], "vals": {"list_price": 8.5}}]


def test_a_new_matrix_product_gets_its_codes() -> None:
    rows = load("product__matrix")
    product = p.parse_product(**rows)
    far = FarSide()
    far.says("product.attribute.search_read", [{"id": 4}], [{"id": 3}])
    far.says("product.attribute.value.search_read", [{"id": 21}], [{"id": 31}], [])
    far.says("product.attribute.value.create", [32])
    far.says("product.template.create", [41])
    far.says("product.product.search_read", [plain(row) for row in rows["variants"][:2]])
    far.says("product.template.attribute.value.search_read", rows["attribute_values"])
    far.says("product.product.write", True, True)
    with scripted(far) as odoo:
        result = odoo.create_product(r.ProductDocument(reference="TS", product=product))
    (values,) = far.bodies("product.template.create")[0]["vals_list"]
    assert values["attribute_line_ids"] == [
        [0, 0, {"attribute_id": 4, "value_ids": [[6, 0, [21]]]}],
        [0, 0, {"attribute_id": 3, "value_ids": [[6, 0, [31, 32]]]}],
    ]
    assert result.children == (("TS-R-S", "71"), ("TS-G-S", "72"))
    assert far.bodies("product.product.write")[0] == {
        "ids": [71],
        "vals": {"default_code": "TS-R-S", "barcode": "4006381333931"},
    }


def test_a_missing_right_is_not_taken_for_a_no() -> None:
    far = FarSide().says("sale.order.search_read", [SALE])
    far.says("sale.order.action_cancel", odoo_error(403, "odoo.exceptions.AccessError", "Not allowed"))
    with scripted(far) as odoo, pytest.raises(Rejected) as caught:
        odoo.cancel_order("501")
    assert caught.value.code == "ACCESS_DENIED"


def test_a_refunds_gross_unit_price_makes_no_discount() -> None:
    far = FarSide().says("account.tax.search_read", [{"id": 1, "price_include": False}])
    far.says("account.move.create", [310]).says("account.move.action_post", None)
    far.says("account.move.search_read", [CREDIT])
    line = replace(LINE, quantity=D(1), unit_price=D("23.88"), net=D("19.90"), gross=D("23.88"), tax_codes=("1",))
    with scripted(far) as odoo:
        odoo.create_refund(replace(REFUND, lines=(line,), amount=D("23.88")))
    written = far.bodies("account.move.create")[0]["vals_list"][0]["invoice_line_ids"][0][2]
    assert (written["price_unit"], written["discount"], written["tax_ids"]) == (19.9, 0, [[6, 0, [1]]])


def test_an_address_that_is_not_odoos_is_said() -> None:
    far = FarSide().says("res.users.context_get", ["nonsense"])
    with scripted(far) as odoo, pytest.raises(Retryable, match="is the address Odoo's"):
        odoo.check()
