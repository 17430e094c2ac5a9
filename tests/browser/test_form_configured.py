"""The form of a platform that is configured by form, and the page its calls are tried on, in a browser."""

from __future__ import annotations

import pytest

from tests.browser.conftest import DESK, PHONE, Visitor
from tests.integrations.shop import LiveShop
from tests.integrations.test_trials import Erp, connected

pytestmark = pytest.mark.browser


@pytest.mark.parametrize("width", [DESK, PHONE])
def test_a_preset_is_filled_in_and_a_section_opens_and_folds(shop: LiveShop, visit: Visitor, width: int) -> None:
    visitor = visit(shop.world.merchant, "owner", width)
    page = visitor.open("admin:integrations_connection_add", query="?platform=http_erp")
    page.get_by_label("Begin with").select_option("commerceup")
    page.get_by_role("button", name="Fill in").click()
    body = page.locator("#id_setting_create_order_body")
    assert not body.is_visible()
    page.locator("summary", has_text="Create an order").click()
    assert body.is_visible()
    assert '"orderNumber": {{ reference }}' in body.input_value()
    visitor.assert_sound()


@pytest.mark.parametrize("width", [DESK, PHONE])
def test_a_call_is_tried_and_its_request_and_answer_are_shown(shop: LiveShop, visit: Visitor, width: int) -> None:
    with connected(shop.world, Erp()) as (row, _):
        visitor = visit(shop.world.merchant, "owner", width)
        page = visitor.open("admin:integrations_connection_calls", row.pk)
        page.get_by_role("button", name="Stock", exact=True).click()
        page.get_by_text("What we read out of the answer:").wait_for()
        assert page.get_by_text("external_id: 17 · quantity: 3").is_visible()
        page.get_by_label("Yes, make documents there").check()
        page.get_by_role("button", name="Certify").click()
        page.get_by_text("It makes a second one. The search finds 2.").wait_for()
        visitor.assert_sound()
