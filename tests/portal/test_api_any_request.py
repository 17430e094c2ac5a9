"""Nothing that the schema lets a caller send fails inside: https://schemathesis.readthedocs.io/en/stable/"""

from __future__ import annotations

from typing import Any

import pytest
import schemathesis
from django.core.cache import cache
from hypothesis import HealthCheck, given, settings
from schemathesis.checks import not_a_server_error

from integrations.models import Connection
from portal.wsgi import application
from tests.api_world import connect_api, make_caller
from tests.catalog.test_prices import make_list, make_rule
from tests.orders.test_goods import place
from tests.world import make_world, order, stocked

FULL_CASES, SHORT_EXAMPLES = 50_000, 12


# The requests end as a server's do, and let go of the database: what they read must be durable.
@pytest.mark.django_db(transaction=True)
@pytest.mark.reliability
def test_nothing_that_may_be_sent_fails_inside(full_run: bool) -> None:
    """In full 50,000 cases. A back office with every scope asks, at a merchant who sells mugs and has an order placed;
    nobody else is dialled."""
    cache.clear()
    world = make_world()
    stocked(world, "MUG")
    row = connect_api(world, "Old ERP", role="back_office")
    make_rule(world, make_list(world, "retail", {"MUG": "4.50"}), connection=row)
    place(world, order("1001", ("MUG", 2, "4.50")))
    caller = make_caller(row)
    assert caller.row is not None
    caller.row.per_minute = 10**6
    caller.row.save()
    Connection.plain.exclude(platform="api").update(state=Connection.State.PAUSED)
    schema = schemathesis.openapi.from_wsgi("/api/v1/schema/?format=json", application)
    found: Any = schema.get_all_operations()
    operations = [one.ok() for one in found]
    assert len(operations) >= 30
    examples = -(-FULL_CASES // len(operations)) if full_run else SHORT_EXAMPLES
    tried = sum(_try(operation, examples, caller.key) for operation in operations)
    assert tried >= len(operations)


def _try(operation: Any, examples: int, key: str) -> int:
    tried = 0

    @settings(max_examples=examples, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(case=operation.as_strategy())
    def run(case: Any) -> None:
        nonlocal tried
        tried += 1
        response = case.call(headers={"Authorization": f"Bearer {key}"})
        case.validate_response(response, checks=[not_a_server_error])

    run()
    return tried
