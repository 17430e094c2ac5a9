"""The legacy ERP of the http_erp simulator: ways in, XML and JSON, errors inside a 200, each call."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest
import requests

from tests.simulators.http_erp_client import ORDER, Erp, open_erp


@pytest.fixture
def erp() -> Iterator[Erp]:
    with open_erp() as erp:
        yield erp


def way_in(erp: Erp, kind: str) -> dict[str, Any]:
    """The options of requests that prove the caller by `kind`."""
    keys = erp.keys
    if kind == "basic":
        return {"auth": (keys["username"], keys["password"])}
    if kind == "api_key_query":
        return {"params": {"api_key": keys["api_key"]}}
    if kind == "headers":
        return {"headers": {"UserName": keys["username"], "Password": keys["password"]}}
    if kind == "api_key":
        return {"headers": {"X-Api-Key": keys["api_key"]}}
    if kind == "login":
        login = f"<Login><UserName>{keys['username']}</UserName><Password>{keys['password']}</Password></Login>"
        return {"headers": {"X-Session-Token": erp.ok("POST", "Login", login, auth=None).findtext("Token")}}
    token = keys["token"] if kind == "bearer" else oauth2(erp).json()["access_token"]
    return {"headers": {"Authorization": f"Bearer {token}"}}


def oauth2(erp: Erp, grant_type: str = "client_credentials", **more: str) -> requests.Response:
    keys = {"client_id": erp.keys["client_id"], "client_secret": erp.keys["client_secret"]} | more
    return requests.post(f"{erp.base}/oauth/token", data={"grant_type": grant_type, **keys}, timeout=10)


KINDS = ("headers", "basic", "bearer", "api_key", "api_key_query", "oauth2", "login")


@pytest.mark.parametrize("kind", KINDS)
def test_each_way_in_opens_its_own_door_and_no_other(erp: Erp, kind: str) -> None:
    options = {"auth": None} | way_in(erp, kind)
    erp.dials(auth=kind)
    assert erp.ok("GET", "Ping", **options).findtext("Company") == "Legacy Trading Ltd"
    erp.dials(auth=next(one for one in KINDS if one not in {kind, "login"}))
    assert erp.send("GET", "Ping", **options).status_code == 401
    erp.dials(auth="any")
    assert erp.ok("GET", "Ping", **options) is not None


def test_a_stranger_is_turned_away(erp: Erp) -> None:
    wrong = ({"auth": None}, {"auth": ("stockbridge", "guess")}, {"headers": {"X-Api-Key": ""}, "auth": None})
    for options in wrong:
        answer = erp.send("POST", "Orders", ORDER.format(reference="N-1", total="24.50"), **options)
        assert (answer.status_code, answer.headers["WWW-Authenticate"]) == (401, "Basic")
        assert "<h1>401" in answer.text
    assert erp.facts("orders") == []


def test_a_session_ends_and_the_answer_says_so_with_200(erp: Erp) -> None:
    erp.dials(auth="login", session_seconds=0.2)
    options = {"auth": None} | way_in(erp, "login")
    assert erp.ok("GET", "Ping", **options) is not None
    time.sleep(0.3)
    assert erp.refused("GET", "Ping", **options) == (3, "The session has ended. Log in again.")
    wrong = "<Login><UserName>stockbridge</UserName><Password>x</Password></Login>"
    assert erp.refused("POST", "Login", wrong, auth=None) == (2, "The user name or the password is wrong.")


def test_the_token_endpoint_speaks_as_rfc_6749(erp: Erp) -> None:
    answer = oauth2(erp)
    assert (answer.json()["token_type"], answer.json()["expires_in"]) == ("Bearer", 1800)
    assert answer.headers["Cache-Control"] == "no-store"
    refused = oauth2(erp, client_secret="guess")
    assert (refused.status_code, refused.json()) == (401, {"error": "invalid_client"})
    assert (oauth2(erp, "password").status_code, oauth2(erp, "password").json()["error"]) == (
        400,
        "unsupported_grant_type",
    )


def test_an_order_is_made_found_by_a_get_with_a_body_and_read(erp: Erp) -> None:
    made = erp.ok("POST", "Orders", ORDER.format(reference="N-1", total="24.50"))
    assert (made.findtext("OrderNo"), made.findtext("Total")) == ("SO1001", "24.50")
    assert (erp.orders("N-1"), erp.orders("N-2")) == (["SO1001"], [])
    order = erp.ok("GET", "Orders/SO1001").find("Order")
    assert order is not None
    assert {name: order.findtext(name) for name in ("Reference", "OrderStatus", "Total", "Currency", "Paid")} == {
        "Reference": "N-1", "OrderStatus": "NEW", "Total": "24.50", "Currency": "GBP", "Paid": "0.00",
    }  # fmt: skip
    lines = [(one.findtext("Code"), one.findtext("Quantity"), one.findtext("Amount")) for one in order.iter("Line")]
    assert lines == [("MUG", "2", "20.00"), ("", "1", "4.50")]
    assert erp.stock()["MUG"] == "10"


def test_json_is_answered_in_json(erp: Erp) -> None:
    customer = {"Name": "Ada Lovelace", "Email": "ada@example.com", "Phone": "+441"}
    made = erp.json("POST", "Customers", {"Customer": customer})
    assert made == {"Status": "OK", "CustomerNo": "C1001"}
    line = {"Code": "MUG", "Quantity": 1, "UnitPrice": "10.00"}
    order = {"Reference": "N-9", "CustomerNo": "C1001", "Lines": [line]}
    assert erp.json("POST", "Orders", order) == {"Status": "OK", "OrderNo": "SO1001", "Total": "10.00"}
    listed = erp.json("GET", "Customers?Email=ada@example.com")
    assert (listed["Records"], listed["Customers"]["Customer"][0]["CustomerNo"]) == (1, "C1001")
    assert erp.json("GET", "Customers", {"Email": "eve@example.com"})["Records"] == 0
    assert erp.json("GET", "Orders/SO1001/Status")["OrderStatus"] == "NEW"
    changed = erp.json("PUT", "Customers/C1001", {"Customer": {"Name": "Ada King", "Phone": ""}})
    assert changed["CustomerNo"] == "C1001"
    kept = erp.json("GET", "Customers/C1001")["Customer"]
    assert (kept["Name"], kept["Phone"], kept["Email"]) == ("Ada King", "+441", "ada@example.com")


@pytest.mark.parametrize(
    ("method", "path", "body", "code", "said"),
    [
        ("POST", "Orders", "<Order>", 5, "no XML"),
        ("POST", "Orders", '<!DOCTYPE x [<!ENTITY a "b">]><Order/>', 5, "DOCTYPE"),
        ("POST", "Orders", "<a>" * 30 + "</a>" * 30, 5, "too deep"),
        ("POST", "Orders", "<Order><Reference>1</Reference></Order>", 6, "needs lines"),
        ("POST", "Orders", "<Order><Lines><Line><Code>NO</Code></Line></Lines></Order>", 10, "no item NO"),
        ("POST", "Orders", ORDER.format(reference="1", total="25.00"), 15, "come to 24.50, the total says 25.00"),
        ("POST", "Orders", ORDER.format(reference="1", total="much"), 6, "Total is no number"),
        ("GET", "Orders/SO1", "", 12, "no order SO1"),
        ("POST", "Orders/SO1/Cancel", "", 12, "no order SO1"),
        ("GET", "Ledger", "<Query><CustomerNo>C1</CustomerNo></Query>", 11, "no customer C1"),
        ("GET", "Ledger", "", 6, "CustomerNo is missing"),
        ("POST", "Customers", "<Customer><Email>a@example.com</Email></Customer>", 6, "needs a name"),
        ("GET", "Items", "<Query><Page>0</Page></Query>", 5, "Page is no number"),
        ("GET", "Items", "<Query><ChangedSince>monday</ChangedSince></Query>", 5, "is no time"),
    ],
)
def test_a_refusal_is_a_200_with_a_number(erp: Erp, method: str, path: str, body: str, code: int, said: str) -> None:
    found = erp.refused(method, path, body)
    assert found[0] == code
    assert said in found[1]
    assert erp.facts("orders") == []


def test_refusals_by_status_where_the_erp_is_of_that_kind(erp: Erp) -> None:
    erp.dials(errors_in_200=False)
    wrong = (("GET", "Orders/SO1", 404), ("POST", "Customers", 422), ("GET", "Items?Page=x", 400))
    assert [erp.send(method, path).status_code for method, path, _ in wrong] == [status for *_, status in wrong]


def test_what_is_no_call_is_the_web_servers(erp: Erp) -> None:
    assert (erp.send("GET", "Nothing").status_code, erp.send("DELETE", "Orders").status_code) == (404, 405)


def test_an_order_is_changed_until_it_ships(erp: Erp) -> None:
    number = erp.order()
    three = "<Line><Code>MUG</Code><Quantity>3</Quantity><UnitPrice>10</UnitPrice></Line>"
    line = f"<Order><Total>30</Total><Lines>{three}</Lines></Order>"
    assert erp.ok("PUT", f"Orders/{number}", line).findtext("Total") == "30.00"
    assert erp.stock()["MUG"] == "9"
    erp.control("shipments", {"order": number, "lines": None, "tracking": "1Z"})
    assert erp.refused("PUT", f"Orders/{number}", line)[0] == 14


def test_cancelling_says_so_and_twice_is_harmless(erp: Erp) -> None:
    number = erp.order()
    one = "<Cancel><Lines><Line><Code>MUG</Code><Quantity>1</Quantity></Line></Lines></Cancel>"
    part = erp.ok("POST", f"Orders/{number}/Cancel", one)
    assert (part.findtext("Cancelled"), part.findtext("OrderStatus"), erp.stock()["MUG"]) == ("true", "NEW", "11")
    for _ in range(2):
        whole = erp.ok("POST", f"Orders/{number}/Cancel")
        assert (whole.findtext("Cancelled"), whole.findtext("OrderStatus")) == ("true", "CANCELLED")
    assert erp.stock()["MUG"] == "12"
    assert erp.refused("POST", f"Orders/{number}/Cancel", one)[0] == 14


def test_what_is_shipped_is_not_cancelled_and_comes_back_as_a_return(erp: Erp) -> None:
    number = erp.order()
    made = erp.control("shipments", {"order": number, "lines": [{"sku": "MUG", "quantity": "1"}], "tracking": "1Z"})
    status = erp.ok("GET", f"Orders/{number}/Status")
    assert (status.findtext("OrderStatus"), status.findtext("Shipments/Shipment/Tracking")) == ("PARTLY_SHIPPED", "1Z")
    assert erp.refused("POST", f"Orders/{number}/Cancel")[0] == 14
    erp.control("shipments", {"order": number, "lines": None, "tracking": ""})
    assert erp.ok("GET", f"Orders/{number}/Status").findtext("OrderStatus") == "SHIPPED"
    assert [one["id"] for one in erp.facts("shipments")] == [made["id"], "D1002"]
    mugs = "<Lines><Line><Code>MUG</Code><Quantity>{}</Quantity></Line></Lines>"
    back = f"<Return><Reference>N-1-T1</Reference>{mugs}</Return>"
    given = erp.ok("POST", f"Orders/{number}/Returns", back.format(1))
    assert (given.findtext("ReturnNo"), given.findtext("Credited"), erp.stock()["MUG"]) == ("R1001", "10.00", "11")
    assert erp.refused("POST", f"Orders/{number}/Returns", back.format(2))[0] == 14
    found = erp.ok("GET", "Returns", "<Query><Reference>N-1-T1</Reference></Query>")
    assert [one.text for one in found.iter("ReturnNo")] == ["R1001"]
    assert [(one["order"], one["amount"]) for one in erp.facts("refunds")] == [(number, "10.00")]


def test_the_ledger_runs(erp: Erp) -> None:
    erp.ok("POST", "Customers", "<Customer><Name>Ada</Name></Customer>")
    body = ORDER.format(reference="N-1", total="24.50").replace(
        "</Reference>", "</Reference><CustomerNo>C1001</CustomerNo><Paid>24.50</Paid>"
    )
    number = erp.ok("POST", "Orders", body).findtext("OrderNo")
    erp.control("shipments", {"order": number, "lines": None, "tracking": ""})
    erp.control("invoices", {"order": number})
    erp.control("invoices", {"order": number}, status=400)
    ledger = erp.ok("GET", "Ledger?CustomerNo=C1001")
    entries = sorted((one.findtext("Type"), one.findtext("Amount")) for one in ledger.iter("Entry"))
    assert entries == [("INVOICE", "24.50"), ("PAYMENT", "-24.50")]
    assert ledger.findtext("Balance") == "0.00"


def test_a_quote_has_todays_price_the_stock_and_freight(erp: Erp) -> None:
    body = "<Quote><Lines><Line><Code>MUG</Code><Quantity>{}</Quantity></Line></Lines></Quote>"
    few, many = (erp.ok("POST", "Quote", body.format(quantity)) for quantity in (2, 10))
    assert [(one.findtext("Lines/Line/UnitPrice"), one.findtext("Freight")) for one in (few, many)] == [
        ("10.00", "4.90"),
        ("9.50", "0.00"),
    ]
    assert few.findtext("Lines/Line/Available") == "12"


def test_lists_come_in_pages_and_by_time(erp: Erp) -> None:
    def codes(query: str, name: str = "Item") -> list[str | None]:
        return [one.findtext("Code") for one in erp.ok("GET", f"{name}s{query}").iter(name)]

    assert codes("?PageSize=2") == ["MUG", "TEE-S"]
    last = erp.ok("GET", "Items", "<Query><Page>2</Page><PageSize>2</PageSize></Query>")
    assert [last.findtext(name) for name in ("Page", "Pages", "Records", "Items/Item/Code")] == ["2", "2", "3", "TEE-M"]
    changed = last.findtext("Items/Item/Changed") or ""
    assert codes(f"?ChangedSince={changed}") == ["MUG", "TEE-S", "TEE-M"]
    assert codes("?ChangedSince=2100-01-01T00:00:00Z") == []
    tee = erp.ok("GET", "Items?Code=TEE-S").find("Items/Item")
    assert tee is not None
    assert [tee.findtext(name) for name in ("ProductCode", "ProductName", "Options/Option/Value", "Price")] == [
        "TEE", "Tee", "S", "15.00",
    ]  # fmt: skip
    stock = erp.ok("GET", "Stock").iter("Row")
    assert [(row.findtext("Code"), row.findtext("OnHand"), row.findtext("Available")) for row in stock] == [
        ("MUG", "12", "12"), ("TEE-S", "5", "5"), ("TEE-M", "0", "0"),
    ]  # fmt: skip
    erp.order()
    (row,) = erp.ok("GET", "Stock?Code=MUG").iter("Row")
    assert (row.findtext("Warehouse"), row.findtext("OnHand"), row.findtext("Available")) == ("MAIN", "12", "10")
    assert [one.findtext("Price") for one in erp.ok("GET", "Prices").iter("Row")] == ["10.00", "15.00", "15.00"]


def test_a_reference_that_is_there_already(erp: Erp) -> None:
    assert [erp.order(), erp.order()] == ["SO1001", "SO1002"]
    erp.dials(on_duplicate="same")
    assert erp.order() == "SO1001"
    erp.dials(on_duplicate="refuse")
    again = erp.refused("POST", "Orders", ORDER.format(reference="N-1", total="24.50"))
    assert again == (13, "There is order SO1001 of reference N-1 already.")
    assert len(erp.facts("orders")) == 2


def test_a_key_header_answers_a_repeated_post_as_before(erp: Erp) -> None:
    erp.dials(key_header="Idempotency-Key")
    keyed: dict[str, Any] = {"headers": {"Idempotency-Key": "k1"}}
    assert [erp.order(**keyed), erp.order(**keyed), erp.order()] == ["SO1001", "SO1001", "SO1002"]
    other = erp.send("POST", "Orders", ORDER.format(reference="N-2", total="24.50"), **keyed)
    assert other.status_code == 422
    assert len(erp.facts("orders")) == 2
