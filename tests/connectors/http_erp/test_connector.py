"""Calls as they are sent, and what each kind of answer means, over real HTTP."""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from integrations.connectors.http_erp.connector import HttpErp
from integrations.connectors.http_erp.presets import PRESETS
from integrations.contract import records as r
from integrations.contract.connector import Safety
from integrations.contract.errors import (
    AuthFailed,
    ConnectorError,
    NotFound,
    OutcomeUnknown,
    RateLimited,
    Rejected,
    Retryable,
    Unsupported,
)
from tests.connectors.http_erp.far_side import Answer, Asked, speaking

PLACED = datetime(2026, 11, 20, 9, 30, tzinfo=UTC)
MUG = r.OrderDocumentLine(
    key="1", variant_external_id="17", sku="MUG", name="Mug", quantity=Decimal(2), unit_price=Decimal("6.25"),
    net=Decimal("12.50"), gross=Decimal("12.50"),
)  # fmt: skip
ORDER = r.OrderDocument(
    reference="W-1001", number="1001", currency="GBP", total=Decimal("12.500000"), placed_at=PLACED,
    customer_external_id="C7", customer=r.CustomerRecord(name="Ada", phone="+447700900123"), lines=(MUG,),
)  # fmt: skip
CREATE: dict[str, Any] = {
    "create_order_method": "POST",
    "create_order_path": "orders",
    "create_order_body": '{"ref": {{ reference }}, "total": {{ total }}, "at": {{ placed_at }}, '
    '"rows": [{% each lines %}{"sku": {{ sku }}, "qty": {{ quantity }}}{% end %}]}',
    "create_order_answer": "id: data.id\nnumber: data.no\ntotal: data.total\nlines: data.rows",
}
FIND: dict[str, Any] = {
    "find_order_method": "GET",
    "find_order_path": "orders?ref={{ reference }}",
    "find_order_rows": "orders",
    "find_order_answer": "id: id\nreference: ref\ntotal: total\ncancelled: status",
}


def test_an_order_is_sent_as_the_form_says_and_its_id_is_found() -> None:
    answer = {"data": {"id": 4711, "no": "SO-9", "total": "12.50", "rows": [{}]}}
    with speaking((201, answer), {**CREATE, "create_order_headers": "X-Shop: {{ number }}"}) as far:
        made = far.connector.create_order(ORDER)
    assert far.last.json == {
        "ref": "W-1001", "total": 12.5, "at": "2026-11-20T09:30:00Z", "rows": [{"sku": "MUG", "qty": 2}],
    }  # fmt: skip
    assert (far.last.method, far.last.path) == ("POST", "/orders")
    assert far.last.headers["content-type"] == "application/json"
    assert far.last.headers["x-shop"] == "1001"
    assert (made.external_id, made.number, made.total, made.line_count) == ("4711", "SO-9", Decimal("12.50"), 1)
    assert '"total": 12.50' in far.last.body


def test_a_get_may_have_a_body_and_still_counts_as_a_write() -> None:
    with speaking((500, {}), {**CREATE, "create_order_method": "GET"}) as far:
        with pytest.raises(OutcomeUnknown):
            far.connector.create_order(ORDER)
        assert far.last.method == "GET"
        assert far.last.json["ref"] == "W-1001"


def test_xml_goes_out_and_comes_back() -> None:
    settings = {
        **CREATE, "format": "xml", "create_order_answer": "id: Reply.Order.@id",
        "create_order_body": '<Order ref="{{ reference }}">{% each lines %}<L>{{ sku }}</L>{% end %}</Order>',
    }  # fmt: skip
    settings["create_order_answer"] = 'id: Reply.Order."@id"'
    with speaking((200, b'<Reply><Order id="9">ok</Order></Reply>'), settings) as far:
        assert far.connector.create_order(ORDER).external_id == "9"
        assert far.last.body == '<Order ref="W-1001"><L>MUG</L></Order>'
        assert far.last.headers["content-type"] == "application/xml"


# --- what answers mean -----------------------------------------------------------------------------------------------

HTML = b"<!DOCTYPE html><html><body>Log in</body></html>"


@pytest.mark.parametrize(
    ("answer", "kind", "code"),
    [
        ((200, {"error": {"message": "Customer C7 is blocked"}}), Rejected, "REJECTED"),
        ((422, {"error": {"message": "Customer C7 is blocked"}}), Rejected, "REJECTED"),
        ((200, {"data": {}}), OutcomeUnknown, "REMOTE_UNEXPECTED_CONTENT"),
        ((200, b""), OutcomeUnknown, "REMOTE_UNEXPECTED_CONTENT"),
        ((200, b'{"data": {"id": 47'), OutcomeUnknown, "REMOTE_UNEXPECTED_CONTENT"),
        ((200, HTML), OutcomeUnknown, "REMOTE_UNEXPECTED_CONTENT"),
        ((302, b""), OutcomeUnknown, "REDIRECT_REFUSED"),
        ((503, {}), OutcomeUnknown, "OUTCOME_UNKNOWN"),
        ((429, {}), RateLimited, "RATE_LIMITED"),
        ((401, {}), AuthFailed, "AUTH_FAILED"),
        ((404, {}), NotFound, "NOT_FOUND"),
    ],
    ids=str,
)
def test_what_an_answer_to_a_create_means(answer: Answer, kind: type[ConnectorError], code: str) -> None:
    with speaking(answer, {**CREATE, "error_path": "error.message"}) as far, pytest.raises(ConnectorError) as caught:
        far.connector.create_order(ORDER)
    assert (type(caught.value), caught.value.code) == (kind, code)
    assert len(far.erp.asked) == 1
    if kind is Rejected:
        assert caught.value.upstream == "Customer C7 is blocked"


@pytest.mark.parametrize(
    "body", [HTML, b'<!DOCTYPE r [<!ENTITY x SYSTEM "file:///etc/passwd">]><r><id>&x;</id></r>', b"<a>" * 300],
    ids=["html", "entity", "deep"],
)  # fmt: skip
def test_xml_that_is_not_to_be_trusted_proves_nothing(body: bytes) -> None:
    with speaking((200, body), {**CREATE, "format": "xml", "create_order_answer": "id: r.id"}) as far:
        with pytest.raises(OutcomeUnknown) as caught:
            far.connector.create_order(ORDER)
        assert caught.value.code == "REMOTE_UNEXPECTED_CONTENT"


def test_a_template_that_cannot_be_filled_sends_nothing() -> None:
    settings = {**CREATE, "create_order_path": "customers/{{ customer_external_id }}/orders"}
    with speaking((200, {}), settings) as far, pytest.raises(Rejected) as caught:
        far.connector.create_order(replace(ORDER, customer_external_id=""))
    assert caught.value.code == "TEMPLATE_FAILED"
    assert not far.erp.asked


def test_a_rule_whose_field_the_body_lacks_is_not_dropped_in_silence() -> None:
    with speaking((200, {"data": {"id": 1}}), CREATE) as far:
        with pytest.raises(Unsupported, match="no place for its purchase order"):
            far.connector.create_order(replace(ORDER, purchase_order="PO-7"))
        assert not far.erp.asked
        with pytest.raises(Unsupported, match="not configured"):
            far.connector.create_return(
                r.ReturnDocument(reference="W-1001-R", order_external_id="1", order_reference="W-1001")
            )


@pytest.mark.parametrize(
    ("said", "success"), [(True, True), ("true", True), (1, True), ("OK", True), (False, False), ("0", False)]
)
def test_a_cancel_is_a_yes_or_a_no(said: Any, success: bool) -> None:
    settings = {
        "cancel_order_method": "POST", "cancel_order_path": "cancel", "cancel_order_body": '{"id": {{ external_id }}}',
        "cancel_order_answer": "success: ok\nmessage: why",
    }  # fmt: skip
    with speaking((200, {"ok": said, "why": "billed"}), settings) as far:
        result = far.connector.cancel_order("9")
        assert far.last.json == {"id": "9"}
    assert (result.success, result.message, result.external_id) == (success, "billed", "9")
    assert result.state is (r.DocumentState.CANCELLED if success else r.DocumentState.OPEN)


def test_a_cancel_that_says_neither_yes_nor_no_is_unknown_and_lines_have_a_call_of_their_own() -> None:
    settings = {
        "cancel_order_method": "POST", "cancel_order_path": "cancel", "cancel_order_answer": "success: ok",
        "cancel_order_lines_method": "POST", "cancel_order_lines_path": "orders/{{ external_id }}/cancel-items",
        "cancel_order_lines_body": "[{% each lines %}{{ variant_external_id }}{% end %}]",
    }  # fmt: skip
    with speaking((200, {"ok": "perhaps"}), settings) as far:
        with pytest.raises(OutcomeUnknown, match="neither yes nor no"):
            far.connector.cancel_order("9")
        assert far.connector.cancel_order("9", [MUG]).success
        assert (far.last.path, far.last.json) == ("/orders/9/cancel-items", ["17"])


# --- searches --------------------------------------------------------------------------------------------------------


def test_a_search_keeps_what_carries_exactly_the_reference() -> None:
    rows = [
        {"id": 1, "ref": "W-1001", "total": 12.5, "status": "open"}, {"id": 2, "ref": "W-10010", "total": 9},
        {"id": 3, "ref": "W-1001", "total": 12.5, "status": "Canceled"},
    ]  # fmt: skip
    with speaking((200, {"orders": rows}), FIND) as far:
        found = far.connector.find_order("W-1001")
        assert far.last.query == "ref=W-1001"
    assert [(one.external_id, one.total, one.state.value) for one in found] == [
        ("1", Decimal("12.5"), "open"), ("3", Decimal("12.5"), "cancelled"),
    ]  # fmt: skip


@pytest.mark.parametrize("body", [{"ordres": []}, {"orders": None}, {"orders": [{"ref": "W-1001"}]}, HTML], ids=str)
def test_a_search_that_cannot_be_read_is_no_empty_search(body: Any) -> None:
    """Taken for none, the same order would go again."""
    with speaking((200, body), FIND) as far, pytest.raises(Retryable):
        far.connector.find_order("W-1001")


def test_none_may_be_a_404_where_the_form_says_so() -> None:
    with speaking((404, {}), FIND) as far:
        with pytest.raises(NotFound):
            far.connector.find_order("W-1001")
        far.connector.settings = {**far.connector.settings, "find_order_none": "404"}
        assert far.connector.find_order("W-1001") == []


def test_an_empty_xml_list_is_one_and_one_element_is_a_list_of_one() -> None:
    settings = {**FIND, "format": "xml", "find_order_rows": "orders.order", "find_order_answer": "id: id"}
    with speaking((200, b"<orders/>"), settings) as far:
        assert far.connector.find_order("W-1001") == []
    with speaking((200, b"<orders><order><id>9</id></order></orders>"), settings) as far:
        assert [one.external_id for one in far.connector.find_order("W-1001")] == ["9"]


# --- lists -----------------------------------------------------------------------------------------------------------

ITEMS: dict[str, Any] = {
    "currency": "GBP",
    "page_size": 2,
    "pull_products_method": "GET",
    "pull_products_path": "items?page={{ page }}&limit={{ limit }}{% if since %}&since={{ since }}{% end %}",
    "pull_products_rows": "items",
    "pull_products_answer": "id: id\nname: name\nsku: code\nprice: price\nupdated_at: changed",
}


def serve_items(count: int) -> Callable[[Asked], Answer]:
    def answer(asked: Asked) -> Answer:
        page = int(asked.query.split("page=")[1].split("&")[0])
        rows = [
            {"id": n, "name": f"Item {n}", "code": f"S{n}", "price": 1.5, "changed": f"2026-11-2{n} 10:00:00"}
            for n in range(count)
        ]
        return 200, {"items": rows[(page - 1) * 2 : page * 2]}

    return answer


def test_pages_are_counted_until_one_is_empty() -> None:
    with speaking(serve_items(3), {**ITEMS, "time_zone": "Europe/London"}) as far:
        found: list[r.ProductRecord] = []
        cursor, since = "", None
        while True:
            page = far.connector.pull_products(None, cursor)
            found += page.records
            cursor, since = page.cursor, page.since
            if not cursor:
                break
        assert [asked.query for asked in far.erp.asked] == [f"page={n}&limit=2" for n in (1, 2, 3)]
        assert [(one.external_id, one.variants[0].sku, one.variants[0].price) for one in found] == [
            ("0", "S0", Decimal("1.5")), ("1", "S1", Decimal("1.5")), ("2", "S2", Decimal("1.5")),
        ]  # fmt: skip
        assert since == datetime(2026, 11, 22, 9, 59, tzinfo=UTC)
        far.connector.pull_products(since, "")
        assert far.last.query.endswith("&since=2026-11-22T09%3A59%3A00Z")


def test_a_page_that_comes_again_ends_the_walk() -> None:
    same = {"items": [{"id": 1, "name": "Mug"}]}
    with speaking((200, same), ITEMS) as far:
        first = far.connector.pull_products(None, "")
        with pytest.raises(Retryable) as caught:
            far.connector.pull_products(None, first.cursor)
        assert caught.value.code == "PAGINATION_LOOP"


def test_a_token_of_the_next_page_is_followed() -> None:
    def answer(asked: Asked) -> Answer:
        if "c=x1" in asked.query:
            return 200, {"rows": [{"id": 2, "q": 0}], "next": None}
        return 200, {"rows": [{"id": 1, "q": "4.5"}], "next": "x1"}

    settings = {
        "pull_stock_method": "GET", "pull_stock_path": "stock{% if cursor %}?c={{ cursor }}{% end %}",
        "pull_stock_rows": "rows", "pull_stock_answer": "id: id\nquantity: q\nnext: next",
    }  # fmt: skip
    with speaking(answer, settings) as far:
        first = far.connector.pull_stock(None, "")
        last = far.connector.pull_stock(None, first.cursor)
    assert (*first.records, *last.records) == (
        r.StockRow("1", "", Decimal("4.5")), r.StockRow("2", "", Decimal(0)),
    )  # fmt: skip
    assert last.cursor == ""


def test_rows_inside_rows_know_their_parent_and_a_bad_row_stands_in_nobodys_way() -> None:
    rows = [{"itemId": 7, "stock": [{"loc": "A", "n": 3}, {"loc": "B", "n": "many"}]}, {"itemId": 8, "stock": []}]
    settings = {
        "pull_stock_method": "GET", "pull_stock_path": "items", "pull_stock_rows": "items",
        "pull_stock_answer": "each: stock\nid: parent.itemId\nquantity: n\nlocation: loc",
    }  # fmt: skip
    with speaking((200, {"items": rows}), settings) as far:
        page = far.connector.pull_stock(None, "")
    assert page.records == (r.StockRow("7", "A", Decimal(3)),)
    assert [(one.external_id, one.error) for one in page.failed] == [("7", "quantity is 'many', no number.")]


def test_the_pos_says_canceled() -> None:
    rows = [
        {"orderPK": 1, "status": "canceled", "updatedAt": "2026-11-20 09:30:00"},
        {"orderPK": 2, "status": "pending"},
    ]
    settings = {**PRESETS["pos"].settings, "auth": "none", "pull_orders_path": "salesOrders"}
    with speaking((200, {"salesOrders": rows}), settings) as far:
        page = far.connector.pull_orders(None, "")
    assert [(one.external_id, one.status_text, one.cancelled) for one in page.records] == [
        ("1", "canceled", True), ("2", "pending", False),
    ]  # fmt: skip


def test_quotes_ledger_and_account() -> None:
    settings = {
        "currency": "GBP",
        "quote_prices_method": "POST", "quote_prices_path": "quote",
        "quote_prices_body": '{"c": {{ customer_external_id }}, "l": [{% each lines %}{{ variant_external_id }}'
        "{% end %}]}",
        "quote_prices_answer": "id: item\nunit_price: price",
        "list_ledger_method": "GET", "list_ledger_path": "ledger/{{ customer_external_id }}",
        "list_ledger_answer": "id: id\nat: day\namount: amount\nkind: type",
        "get_account_method": "GET", "get_account_path": "customers/{{ customer_external_id }}",
        "get_account_answer": "balance: owes\ncredit_limit: limit",
    }  # fmt: skip
    lines = [r.QuoteLine(variant_external_id=one, quantity=Decimal(2)) for one in ("17", "18")]
    with speaking((200, [{"item": 18, "price": "2"}, {"item": 17, "price": "6.10"}]), settings) as far:
        quoted = far.connector.quote_prices(lines, "C7")
        assert far.last.json == {"c": "C7", "l": ["17", "18"]}
    assert [(one.variant_external_id, one.unit_price, one.currency) for one in quoted] == [
        ("17", Decimal("6.10"), "GBP"), ("18", Decimal(2), "GBP"),
    ]  # fmt: skip
    rows = [
        {"id": 2, "day": "2026-11-02", "amount": -5, "type": "Credit note"},
        {"id": 1, "day": "2026-11-01", "amount": "12.50", "type": "invoice"},
    ]
    with speaking((200, rows), settings) as far:
        ledger = far.connector.list_ledger("C7", None)
    assert [(one.external_id, one.kind, one.debit, one.credit) for one in ledger] == [
        ("1", "invoice", Decimal("12.50"), 0), ("2", "credit_note", 0, Decimal(5)),
    ]  # fmt: skip
    with speaking((200, {"owes": "7.50", "limit": None}), settings) as far:
        account = far.connector.get_account("C7")
    assert (account.balance, account.credit_limit, account.currency) == (Decimal("7.50"), None, "GBP")


# --- being let in ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "credentials", "header", "value"),
    [
        ({"auth": "headers"}, {"username": "u", "password": "pw-1"}, "password", "pw-1"),
        ({"auth": "headers", "username_header": "X-User"}, {"username": "u", "password": "pw-1"}, "x-user", "u"),
        ({"auth": "basic"}, {"username": "ü", "password": "pw-1"}, "authorization",
         "Basic " + base64.b64encode("ü:pw-1".encode()).decode()),
        ({"auth": "bearer"}, {"token": "tok-1"}, "authorization", "Bearer tok-1"),
        ({"auth": "key_header", "key_name": "X-Auth-Token"}, {"api_key": "key-1"}, "x-auth-token", "key-1"),
    ],
)  # fmt: skip
def test_credentials_go_where_the_form_says(
    settings: dict[str, str], credentials: dict[str, str], header: str, value: str
) -> None:
    with speaking((200, {"data": {"id": 1}}), {**CREATE, **settings}, **credentials) as far:
        far.connector.create_order(ORDER)
        assert far.last.headers[header] == value
        assert not [secret for secret in ("pw-1", "tok-1", "key-1") if secret in repr(far.exchanges)]


def test_a_key_in_the_query_is_sent_and_not_captured() -> None:
    with speaking((200, []), {**ITEMS, "auth": "key_query", "key_name": "key"}, api_key="key-1") as far:
        far.connector.settings = {**far.connector.settings, "pull_products_rows": ""}
        far.connector.pull_products(None, "")
        assert far.last.query == "page=1&limit=2&key=key-1"
        assert "key-1" not in repr(far.exchanges)


def test_what_is_needed_and_was_never_typed_is_said_before_anything_is_sent() -> None:
    with speaking((200, {}), {**CREATE, "auth": "basic"}, username="u") as far, pytest.raises(AuthFailed) as caught:
        far.connector.create_order(ORDER)
    assert caught.value.code == "CREDENTIALS_MISSING"
    assert not far.erp.asked


def test_oauth2_client_credentials_fetch_a_token_first() -> None:
    def answer(asked: Asked) -> Answer:
        if asked.path == "/oauth/token":
            return 200, {"access_token": "tok-9", "token_type": "bearer"}
        return (200, {"data": {"id": 1}}) if asked.headers.get("authorization") == "Bearer tok-9" else (401, {})

    with speaking(answer, {**CREATE, "auth": "oauth2"}, client_id="app", client_secret="s:1") as far:
        assert far.connector.create_order(ORDER).external_id == "1"
        ask, _ = far.erp.asked
        assert ask.body == "grant_type=client_credentials"
        assert ask.headers["authorization"] == "Basic " + base64.b64encode(b"app:s%3A1").decode()
        assert "tok-9" not in repr(far.exchanges)


def test_a_login_call_yields_the_token_and_a_200_may_say_that_it_ran_out() -> None:
    state = {"token": 0}

    def answer(asked: Asked) -> Answer:
        if asked.path == "/login":
            state["token"] += 1
            return 200, {"session": {"key": f"tok-{state['token']}"}}
        if asked.headers.get("x-session") != f"tok-{state['token']}":
            return 200, {"expired": True}
        return 200, {"data": {"id": 1}}

    settings = {
        **CREATE, "auth": "login", "login_path": "login", "login_body": '{"u": {{ username }}, "p": {{ password }}}',
        "login_answer": "session.key", "auth_header": "X-Session", "auth_scheme": "", "expired_path": "expired",
    }  # fmt: skip
    with speaking(answer, settings, username="u", password="pw-1") as far:
        connector = far.connector
        assert connector.create_order(ORDER).external_id == "1"
        assert far.erp.asked[0].json == {"u": "u", "p": "pw-1"}
        state["token"] = 7  # it forgot us

        assert connector.create_order(ORDER).external_id == "1"
        assert [asked.path for asked in far.erp.asked] == ["/login", "/orders", "/orders", "/login", "/orders"]
        assert "tok-" not in repr(far.exchanges)


# --- what the form makes of it ---------------------------------------------------------------------------------------


def test_it_can_what_is_configured_and_nothing_else() -> None:
    assert HttpErp.capabilities({}) == {"check"}
    assert HttpErp.capabilities({**CREATE, "cancel_order_lines_method": "POST"}) == {
        "check", "create_order", "cancel_order",
    }  # fmt: skip
    assert HttpErp.product_groups(ITEMS) == {"text", "codes"}


def test_a_create_is_as_safe_as_the_form_says_and_no_safer() -> None:
    def safety(**more: Any) -> Safety:
        return HttpErp.safety("create_order", {**CREATE, **more}).safety

    assert safety() is Safety.NONE
    assert safety(create_order_safety="search") is Safety.NONE  # nothing to search with
    assert safety(create_order_safety="unique_key") is Safety.NONE
    assert safety(create_order_safety="search", **FIND) is Safety.SEARCH
    assert safety(create_order_safety="repeatable") is Safety.REPEATABLE
    assert safety(create_order_safety="key_header") is Safety.KEY_HEADER
    assert (
        HttpErp.safety("create_order", {**FIND, "create_order_safety": "search", "search_lag_seconds": 9}).lag_seconds
        == 9
    )
    assert HttpErp.safety("cancel_order_lines", {}).safety is Safety.NONE
    with speaking((200, {"data": {"id": 1}}), {**CREATE, "create_order_safety": "key_header"}) as far:
        far.connector.create_order(ORDER)
        assert far.last.headers["idempotency-key"] == "W-1001"


def test_basic_is_enough_to_go_live_and_advanced_cancels_and_returns() -> None:
    level = HttpErp.level(CREATE)
    assert (level.name, level.suffices) == ("Not Basic yet", False)
    assert "create a customer" in level.next_step
    basic = {**CREATE, "create_customer_method": "POST"}
    assert (HttpErp.level(basic).name, HttpErp.level(basic).suffices) == ("Basic", True)
    advanced = {**basic, "cancel_order_method": "POST", "create_return_method": "POST"}
    assert HttpErp.level(advanced).name == "Advanced"
    assert HttpErp.level(PRESETS["commerceup"].settings).name == "Advanced"


@pytest.mark.parametrize("key", PRESETS)
def test_a_preset_has_nothing_wrong(key: str) -> None:
    assert HttpErp.check_settings(PRESETS[key].settings) == {}
    assert set(PRESETS[key].settings) <= {field.name for field in HttpErp.settings_fields}


def test_what_is_wrong_is_said_at_its_field() -> None:
    wrong = HttpErp.check_settings({
        **CREATE, "create_order_body": "{{ lines[ }}", "create_order_answer": "number: no", "time_zone": "Mars/Base",
        "create_order_headers": "no header", "create_order_safety": "search", "error_path": "{a: b}", "auth": "login",
        "find_order_body": "{{ not looked at", "page_size": 0,
    })  # fmt: skip
    assert set(wrong) == {
        "create_order_body", "create_order_answer", "create_order_headers", "create_order_safety", "error_path",
        "login_path", "time_zone",
    }  # fmt: skip
    assert wrong["create_order_answer"] == "Say where id is in the answer."
    assert wrong["create_order_safety"] == "This needs the call: Search an order by our reference."


def test_the_connection_is_tested_by_a_call_that_reads_or_says_that_none_is() -> None:
    with speaking((200, {"items": []}), ITEMS) as far:
        assert far.connector.check().notes == ("By the call: Items.",)
    with speaking((404, b""), CREATE) as far:
        assert far.connector.check().notes == ("It answers; no call that reads is configured to prove more.",)
    with speaking((401, b""), CREATE) as far, pytest.raises(AuthFailed):
        far.connector.check()
    settings = {"check_method": "GET", "check_path": "me", "check_answer": "account: company\nversion: v"}
    with speaking((200, {"company": "Northwind", "v": 7}), settings) as far:
        result = far.connector.check()
        assert (result.account, result.version) == ("Northwind", "7")


def test_the_form_says_what_stock_figures_count() -> None:
    assert HttpErp.find_stock_basis({}) is r.StockBasis.ON_HAND
    assert HttpErp.find_stock_basis({"stock_basis": "available"}) is r.StockBasis.AVAILABLE
    assert HttpErp.find_stock_basis(HttpErp.presets["old_erp"].settings) is r.StockBasis.AVAILABLE
