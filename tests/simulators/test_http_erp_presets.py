"""Commerceup's sample calls and the POS's three of the http_erp simulator; its manual, faults and memory."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.simulators.http_erp_client import ORDER, Erp, open_erp

LINE = {"sku": "MUG", "quantity": 2, "price": "10.00"}


@pytest.fixture
def erp() -> Iterator[Erp]:
    with open_erp() as erp:
        yield erp


# --- Commerceup's sample ----------------------------------------------------------------------------------------------


def test_the_new_customers_and_the_new_orders_id_come_back(erp: Erp) -> None:
    customer = {"name": "Ada", "email": "ada@example.com", "phone": "+441"}
    assert erp.sample("createCustomer", customer).json() == {"success": True, "message": "", "customerId": "C1001"}
    order = {"orderNumber": "N-1", "customerId": "C1001", "currency": "GBP", "total": 20, "items": [LINE]}
    assert erp.sample("createOrder", order).json() == {"success": True, "message": "", "orderId": "SO1001"}
    (kept,) = erp.facts("orders")
    assert (kept["reference"], kept["total"], kept["state"]) == ("N-1", "20.00", "NEW")


def test_a_get_with_a_body_creates_as_the_vendors_page_has_it(erp: Erp) -> None:
    made = erp.sample("createcustomer", {"firstName": "Ada", "lastName": "King"}, method="GET").json()
    assert made["customerId"] == "C1001"


def test_the_sample_in_xml(erp: Erp) -> None:
    body = (
        "<order><orderNumber>N-1</orderNumber><items><item><sku>MUG</sku><quantity>1</quantity></item></items></order>"
    )
    headers = {"UserName": erp.keys["username"], "Password": erp.keys["password"], "Content-Type": "application/xml"}
    answer = requests.post(f"{erp.base}/createOrder", data=body, headers=headers, timeout=10)
    assert answer.text.endswith("<response><success>true</success><message /><orderId>SO1001</orderId></response>")


def test_only_who_has_the_name_and_the_password(erp: Erp) -> None:
    for headers in ({}, {"UserName": "stockbridge", "Password": "x"}, {"X-Api-Key": erp.keys["api_key"]}):
        assert erp.sample("createCustomer", {"name": "Eve"}, headers=headers).status_code == 401
    bearer = {"Authorization": f"Bearer {erp.keys['token']}"}
    assert erp.sample("createCustomer", {"name": "Ada"}, headers=bearer).json()["customerId"] == "C1001"


def test_a_refusal_of_the_sample(erp: Erp) -> None:
    refused = erp.sample("createOrder", {"orderNumber": "N-1", "items": [{"sku": "NO", "quantity": 1}]})
    assert (refused.status_code, refused.json()) == (200, {"success": False, "message": "There is no item NO."})
    assert erp.sample("cancelOrder", {}).json()["message"] == "orderId is missing."
    assert erp.sample("dropOrder", {}).status_code == 404


def test_items_of_an_order_or_all_of_it_are_cancelled(erp: Erp) -> None:
    erp.sample("createOrder", {"orderNumber": "N-1", "items": [LINE]})
    assert erp.sample("cancelOrder", {"orderId": "SO1001", "items": [{"MUG": 1}]}).json()["success"] is True
    assert (erp.facts("orders")[0]["state"], erp.stock()["MUG"]) == ("NEW", "11")
    assert erp.sample("cancelOrder", {"orderId": "SO1001"}).json()["success"] is True
    assert (erp.facts("orders")[0]["state"], erp.stock()["MUG"]) == ("CANCELLED", "12")


def test_a_return_of_the_sample(erp: Erp) -> None:
    erp.sample("createOrder", {"orderNumber": "N-1", "items": [LINE]})
    back = {"orderId": "SO1001", "reference": "T-1", "items": [{"sku": "MUG", "quantity": 1}]}
    assert erp.sample("returnOrder", back).json()["success"] is False  # nothing has been shipped
    erp.control("shipments", {"order": "SO1001", "lines": None, "tracking": ""})
    assert erp.sample("returnOrder", back).json()["returnId"] == "R1001"


# --- the POS ----------------------------------------------------------------------------------------------------------


def sale(number: Any = "N-1", **more: Any) -> dict[str, Any]:
    """Two mugs of 10.00 and 4.50 of postage."""
    item = {"rowNo": 1, "itemId": 1001, "itemReferenceCode": "MUG", "salePrice": 10, "quantity": 2, "itemAmount": 20}
    order = {
        "onlineReferenceNo": number, "createdAt": "2026-11-21 09: 30: 00", "totalQuantity": 2, "totalAmount": 24.5,
        "shippingCharge": 4.5, "paymentMode": 1, "customerName": "Ada", "customerMobile": "9600822216",
        "orderItems": [item],
    }  # fmt: skip
    return {"salesOrder": order | more}


def test_a_sales_order_is_posted_and_read(erp: Erp) -> None:
    assert erp.pos("POST", "salesOrders", sale()) == {"result": {"status": "Success", "id": 1001}}
    (order,) = erp.pos("GET", "salesOrders")["salesOrders"]
    names = ("orderPK", "onlineReferenceNo", "createdAt", "status", "totalAmount", "paymentMode", "customerName")
    assert [order[name] for name in names] == [1001, "N-1", "2026-11-21 09:30:00", "pending", 24.5, "1", "Ada"]
    assert [(one["itemReferenceCode"], one["quantity"]) for one in order["orderItems"]] == [("MUG", 2)]
    assert erp.pos("GET", "salesOrders/1001")["salesOrder"]["orderPK"] == 1001
    assert (erp.facts("orders")[0]["total"], erp.stock()["MUG"]) == ("24.50", "10")


def test_an_unknown_mobile_number_makes_a_customer_and_a_known_one_does_not(erp: Erp) -> None:
    for number in (1, 2):
        erp.pos("POST", "salesOrders", sale(number))
    assert [one["customerId"] for one in erp.pos("GET", "salesOrders")["salesOrders"]] == ["1001", "1001"]
    erp.pos("POST", "salesOrders", sale(3, customerMobile="9600000000"))
    assert erp.pos("GET", "salesOrders/1003")["salesOrder"]["customerId"] == "1002"


def test_a_sales_order_is_pending_delivered_or_canceled(erp: Erp) -> None:
    for number in (1, 2, 3, 4):
        erp.pos("POST", "salesOrders", sale(number))
    erp.control("shipments", {"order": "SO1001", "lines": None, "tracking": ""})
    erp.control("invoices", {"order": "SO1002"})
    erp.control("cancellations", {"order": "SO1003"})
    states = [one["status"] for one in erp.pos("GET", "salesOrders")["salesOrders"]]
    assert states == ["delivered", "delivered", "canceled", "pending"]


def test_orders_are_picked_by_what_they_hold(erp: Erp) -> None:
    erp.pos("POST", "salesOrders", sale("N-1"))
    erp.pos("POST", "salesOrders", sale("N-2", createdAt="2026-11-22 08:00:00"))

    def picked(query: str) -> list[str]:
        return [one["onlineReferenceNo"] for one in erp.pos("GET", "salesOrders", q=query)["salesOrders"]]

    erp.pos("POST", "salesOrders", sale("CT-2Z", createdAt="2026-11-23T08:00:00Z"))
    assert picked("onlineReferenceNo==N-2") == ["N-2"]
    assert picked("onlineReferenceNo==CT-2Z") == ["CT-2Z"]
    assert picked("createdAt>=2026-11-23T00:00:00Z") == ["CT-2Z"]
    assert picked("createdAt>=2026-11-21 00: 00: 00,createdAt<=2026-11-21 23: 59: 59") == ["N-1"]
    assert picked("totalAmount>24.5") == []
    refused = erp.pos("GET", "salesOrders", q="what is new")
    assert refused == {"result": {"status": "Failure", "message": "q is not understood: what is new."}}


def test_items_have_their_stock_price_and_one_code_a_combination(erp: Erp) -> None:
    found = erp.pos("GET", "items", limit=1)
    assert (found["total_pages"], found["total_records"], found["items"][0]["itemName"]) == (2, 2, "Mug")
    (tee,) = erp.pos("GET", "items", limit=1, page=2)["items"]
    codes = [(one["itemReferenceCode"], one["stock"], one["salePrice"], one["Size"]) for one in tee["stock"]]
    assert codes == [("TEE-S", 5, 15, "S"), ("TEE-M", 0, 15, "M")]
    assert erp.pos("GET", "items", locationId=2)["items"] == []
    stamp = tee["itemTimeStamp"]
    assert len(erp.pos("GET", "items", q=f"itemTimeStamp>={stamp}")["items"]) == 2
    assert erp.pos("GET", "items", q=f"itemTimeStamp>{stamp}")["items"] == []


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"totalAmount": None}, "totalAmount missing."),
        ({"orderItems": "MUG"}, "orderItems missing."),
        (
            {"orderItems": [{"itemId": 1002, "quantity": 1, "salePrice": 1}]},
            "Item 1002 is a matrix: which combination?",
        ),
        ({"orderItems": [{"itemId": 7, "quantity": 1, "salePrice": 1}]}, "There is no item 7."),
        ({"orderItems": [{"itemReferenceCode": "NO", "quantity": 1, "salePrice": 1}]}, "There is no item NO."),
    ],
)
def test_a_sales_order_the_pos_does_not_take(erp: Erp, change: dict[str, Any], said: str) -> None:
    refused = erp.pos("POST", "salesOrders", sale(**change))
    assert refused == {"result": {"status": "Failure", "message": said}}
    assert erp.facts("orders") == []


def test_the_pos_wants_its_key(erp: Erp) -> None:
    address = f"{erp.base}/WebReporter/api/v1/items"
    for headers in ({}, {"X-Auth-Token": "x"}, {"Authorization": f"Bearer {erp.keys['token']}"}):
        assert requests.get(address, headers=headers, timeout=10).status_code == 401
    wrong = requests.delete(address, headers={"X-Auth-Token": erp.keys["api_key"]}, timeout=10)
    assert wrong.status_code == 404


# --- all of it --------------------------------------------------------------------------------------------------------


def test_the_manual_is_at_the_door(erp: Erp) -> None:
    text = requests.get(erp.base, timeout=10).text
    for said in (f"{erp.base}/legacy", "createCustomer", f"{erp.base}/WebReporter/api/v1", '{"success": true'):
        assert said in text


@pytest.mark.parametrize(
    ("dial", "made"),
    [("error_after_commit", 1), ("html_200", 0), ("html_200_after_commit", 1), ("truncate", 1), ("late_commit", 0),
     ("timeout_before_commit", 0), ("timeout_after_commit", 1)],
)  # fmt: skip
def test_faults_happen_before_or_after(erp: Erp, dial: str, made: int) -> None:
    dials = {dial: 1, "timeout_seconds": 0.05, "late_commit_seconds": 0.3}
    erp.dials(**dials, writes_only=True)
    assert erp.ok("GET", "Ping") is not None  # reading goes on
    assert erp.ok("POST", "Quote", "<Q><Lines><Line><Code>MUG</Code></Line></Lines></Q>") is not None
    try:
        answer = erp.send("POST", "Orders", ORDER.format(reference="N-1", total="24.50"))
    except requests.RequestException:
        assert dial in {"truncate", "late_commit", "timeout_before_commit", "timeout_after_commit"}
    else:
        assert answer.headers["Content-Type"].startswith("text/html")
    assert len(erp.facts("orders")) == made
    if dial == "late_commit":
        time.sleep(0.6)
        assert len(erp.facts("orders")) == 1


def test_a_get_that_creates_is_a_write(erp: Erp) -> None:
    erp.dials(status={"500": 1}, writes_only=True)
    assert erp.sample("createCustomer", {"name": "Ada"}, method="GET").status_code == 500
    assert erp.pos("GET", "items")["total_records"] == 2


@pytest.mark.parametrize("status", [401, 403, 404, 409, 422, 424, 429, 500, 503])
def test_a_status_by_dial_is_the_web_servers_page(erp: Erp, status: int) -> None:
    erp.dials(status={str(status): 1}, retry_after="7")
    answer = erp.send("GET", "Ping")
    assert (answer.status_code, answer.headers["Content-Type"]) == (status, "text/html; charset=utf-8")
    assert answer.headers.get("Retry-After") == ("7" if status in (429, 503) else None)


def test_searches_lag(erp: Erp) -> None:
    erp.dials(search_lag_seconds=0.3)
    number = erp.order()
    erp.pos("POST", "salesOrders", sale("N-2"))
    assert (erp.orders("N-1"), erp.pos("GET", "salesOrders")["salesOrders"]) == ([], [])
    assert erp.ok("GET", f"Orders/{number}").findtext("Order/OrderNo") == number
    time.sleep(0.4)
    assert (erp.orders("N-1"), len(erp.pos("GET", "salesOrders")["salesOrders"])) == ([number], 2)


def test_dials_of_its_own_take_what_there_is(erp: Erp) -> None:
    for wrong in ({"auth": "magic"}, {"on_duplicate": "shrug"}, {"errors_in_200": 1}, {"session_seconds": "long"}):
        erp.control("dials", wrong, method="PUT", status=400)


def test_the_control_plane_says_what_it_cannot_do(erp: Erp) -> None:
    erp.control("shipments", {"order": "SO1", "lines": None}, status=404)
    erp.control("orders", {"lines": []}, status=404)  # it is a back office: nobody buys there
    erp.order()
    erp.control("shipments", {"order": "SO1001", "lines": [{"sku": "MUG", "quantity": "3"}]}, status=400)
    assert erp.stock()["MUG"] == "10"


def test_it_remembers(tmp_path: Path) -> None:
    state = tmp_path / "erp.json"
    with open_erp(state_path=state) as first:
        first.order()
        keys = first.keys
    with open_erp(state_path=state) as again:
        assert again.keys == keys
        assert again.orders("N-1") == ["SO1001"]
        assert again.order("N-2") == "SO1002"
