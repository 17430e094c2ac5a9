"""The Odoo simulator's transport: keys, databases, and the status and body of each error."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import requests

from integrations.simulators.base import serve
from integrations.simulators.odoo.simulator import OdooSimulator
from tests.simulators.odoo_client import Far


@pytest.fixture
def far() -> Iterator[Far]:
    sim = OdooSimulator()
    with serve(sim) as base_url:
        yield Far(sim, base_url)


@pytest.mark.parametrize("header", [None, "Basic abc", "bearer", "bearer wrong"])
def test_a_wrong_key_is_401(far: Far, header: str | None) -> None:
    response = far.post("res.partner", "search", {"domain": []}, headers={"Authorization": header})
    assert response.status_code == 401
    body = response.json()
    assert body["name"] == "werkzeug.exceptions.Unauthorized"
    assert body["arguments"] == [body["message"], 401]


def test_a_good_key_in_any_case_of_the_scheme(far: Far) -> None:
    key = far.sim.credentials["api_key"]
    response = far.post("res.users", "search_count", {"domain": []}, headers={"Authorization": f"Bearer {key}"})
    assert (response.status_code, response.json()) == (200, 2)


def test_the_database_header(far: Far) -> None:
    assert far.post("res.users", "search_count", {"domain": []}).status_code == 200
    wrong = far.post("res.users", "search_count", {"domain": []}, headers={"X-Odoo-Database": "other"})
    assert wrong.status_code == 404
    assert wrong.headers["Content-Type"].startswith("text/html")
    far.sim.databases = ("odoo", "other")
    assert far.post("res.users", "search_count", {"domain": []}).status_code == 404
    named = far.post("res.users", "search_count", {"domain": []}, headers={"X-Odoo-Database": "odoo"})
    assert named.json() == 2


def test_the_version_needs_no_key(far: Far) -> None:
    assert requests.get(f"{far.base_url}/web/version", timeout=5).json()["version"] == "19.0"


@pytest.mark.parametrize(
    ("model", "method", "arguments", "expected"),
    [
        ("no.model", "search", {"domain": []}, (404, "NotFound", "the model 'no.model' does not exist")),
        ("sale.order", "fly", {}, (404, "NotFound", "The method 'sale.order.fly' does not exist")),
        ("sale.order", "search", {}, (422, "UnprocessableEntity", "missing a required argument: 'domain'")),
        ("sale.order", "search_count", {"domain": [], "limits": 3}, (422, "UnprocessableEntity", "got an unexpected keyword argument 'limits'")),  # noqa: E501  # one row a case
        ("sale.order", "search", {"domain": [], "ids": [1]}, (422, "UnprocessableEntity", "cannot call sale.order.search with ids")),  # noqa: E501  # one row a case
        ("sale.order", "_create_invoices", {"ids": [1]}, (403, "AccessError", "Private methods (such as 'sale.order._create_invoices') cannot be called remotely.")),  # noqa: E501  # one row a case
        ("sale.order", "search_read", {"fields": ["nope"]}, (500, "ValueError", "Invalid field 'nope' on 'sale.order'")),  # noqa: E501  # one row a case
        ("sale.order", "create", {"vals_list": [{"partner_id": 1, "nope": 1}]}, (500, "ValueError", "Invalid field 'nope' in 'sale.order'")),  # noqa: E501  # one row a case
        ("sale.order", "search", {"domain": [["delivery_count", ">", 1]]}, (500, "ValueError", "Cannot convert sale.order.delivery_count to SQL because it is not stored")),  # noqa: E501  # one row a case
        ("res.partner", "create", {"vals_list": [{"type": "teapot"}]}, (500, "ValueError", "Wrong value for res.partner.type: 'teapot'")),  # noqa: E501  # one row a case
        ("res.partner", "create", {"vals_list": [{"email": "a@b.c"}]}, (422, "ValidationError", "The operation cannot be completed: Contacts require a name")),  # noqa: E501  # one row a case
    ],
)  # fmt: skip
def test_each_error_has_its_status(
    far: Far, model: str, method: str, arguments: dict[str, object], expected: tuple[int, str, str]
) -> None:
    assert far.error(model, method, **arguments) == expected  # type: ignore[arg-type]  # ids among them


def test_a_missing_record(far: Far) -> None:
    assert far.call("res.partner", "read", [999], fields=["name"]) == []
    status, name, message = far.error("res.partner", "write", [999], vals={"name": "X"})
    assert (status, name) == (404, "MissingError")
    assert message.startswith("Record does not exist or has been deleted.")


def test_other_requests(far: Far) -> None:
    key = {"Authorization": f"bearer {far.sim.credentials['api_key']}"}
    get = requests.get(f"{far.base_url}/json/2/res.partner/search", headers=key, timeout=5)
    assert (get.status_code, get.json()["message"]) == (404, "Did you mean POST /json/2/<model>/<method>?")
    url = f"{far.base_url}/json/2/res.partner/search"
    broken = requests.post(url, data=b"{", headers={**key, "Content-Type": "application/json"}, timeout=5)
    assert broken.status_code == 400
    assert broken.json()["message"].startswith("could not parse the body as json")
    form = requests.post(url, data={"domain": "[]"}, headers=key, timeout=5)
    assert form.status_code == 415


def test_an_error_leaves_nothing_behind(far: Far) -> None:
    """One call is one transaction: the good first record goes with the bad second."""
    before = far.call("res.partner", "search_count", domain=[])
    assert far.error("res.partner", "create", vals_list=[{"name": "Good"}, {"email": "no name"}])[0] == 422
    assert far.call("res.partner", "search_count", domain=[]) == before
    assert far.call("res.partner", "search", domain=[["name", "=", "Good"]]) == []
