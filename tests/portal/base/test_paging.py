"""Pages by cursor."""

from __future__ import annotations

import pytest
from django.test import RequestFactory
from rest_framework.request import Request

from portal.base.paging import encode_cursor, read_page
from portal.base.problems import Problem
from portal.tenancy.models import Location
from tests.world import make_world


def ask(**given: str) -> Request:
    return Request(RequestFactory().get("/", given))


def test_each_row_comes_once_whatever_is_added_meanwhile(db: None) -> None:
    world = make_world()
    for number in range(5):
        Location(merchant=world.merchant, code=f"L{number}", name="same").save()
    rows = Location.plain.filter(merchant=world.merchant)
    first = read_page(ask(page_size="2"), rows, order=("-name", "-pk"))
    assert len(first.rows) == 2
    Location(merchant=world.merchant, code="NEW", name="zzz").save()
    seen, cursor = [row.code for row in first.rows], first.next
    while cursor:
        page = read_page(ask(page_size="2", cursor=cursor), rows, order=("-name", "-pk"))
        seen, cursor = seen + [row.code for row in page.rows], page.next
    assert seen == ["L4", "L3", "L2", "L1", "L0", "MAIN"]


@pytest.mark.parametrize("size", ["0", "201", "1000000000", "-1", "x", "１", "1.5"])
def test_bad_input_33_a_page_has_at_most_200_rows(size: str) -> None:
    with pytest.raises(Problem) as caught:
        read_page(ask(page_size=size), Location.plain.none(), order=("pk",))
    assert (caught.value.status_code, caught.value.code) == (400, "parameter_not_allowed")


@pytest.mark.parametrize(
    "cursor", ["x", "e30", encode_cursor(["a"]), encode_cursor([1, 2, 3]), "W10", "!!", "é", "bnVsbA"]
)
def test_what_is_no_cursor_is_refused(cursor: str) -> None:
    with pytest.raises(Problem) as caught:
        read_page(ask(cursor=cursor), Location.plain.none(), order=("name", "pk"))
    assert (caught.value.status_code, caught.value.code) == (400, "cursor_invalid")
