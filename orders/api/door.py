"""What the addresses of orders share: who calls, and errors of services in the API's words."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.http import Http404
from rest_framework.request import Request

from integrations.api.door import ConnectedView
from orders.mapping.sales import BadValue
from orders.models import Customer, Order
from orders.services import admission, desk, sales
from portal.base.api import find_session_holder
from portal.base.idempotency import HEADER
from portal.base.problems import Problem, ProblemSerializer

ERRORS = dict.fromkeys((400, 401, 403, 404, 409, 422, 429), ProblemSerializer)
READ_ERRORS = dict.fromkeys((400, 401, 403, 404, 409, 429), ProblemSerializer)
WAITS_SECONDS = 8.0  # how long a caller waits for the back office before he is told to ask again


class SalesView(ConnectedView):
    """`self.caller` is who calls; POST needs `write_scope`, all else `key_scope`."""

    write_scope = "orders:write"
    open_to_sessions = True
    caller: sales.Caller

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        if request.method not in ("GET", "HEAD", "OPTIONS"):
            self.key_scope = self.write_scope
        super().initial(request, *args, **kwargs)
        holder = find_session_holder(request)
        customer = Customer.plain.get(pk=holder.customer_id) if holder else None
        self.caller = sales.Caller(connection=self.connection, location_ids=self.location_ids, customer=customer)

    def find_order(self, public_id: str, *, to_change: bool = False) -> Order:
        """Whoever may not see it is told that there is none; `to_change`: only what was sold here."""
        rows = sales.list_visible(self.caller).select_related("connection", "customer", "location")
        if to_change:
            rows = rows.filter(connection=self.connection)
        order = rows.filter(public_id=public_id).first()
        if order is None:
            raise Http404
        return order

    @property
    def actor(self) -> str:
        """Who did it, on the order's timeline."""
        return f"{self.connection} (API)"[:100]

    def build_seed(self, request: Request) -> str:
        """The same for the same request again: what it makes is then found instead of made anew."""
        given = request.headers.get(HEADER, "")
        return f"{self.key.pk}\n{getattr(request.user, 'share', '')}\n{given}" if given else ""


@contextmanager
def refusals() -> Iterator[None]:
    """What services refuse, as problems."""
    try:
        yield
    except BadValue as error:
        raise Problem(error.status, error.code, str(error), field=error.field) from error
    except sales.OrderExists as error:
        raise Problem(409, "order_exists", str(error), field="reference") from error
    except (desk.NotPossible, admission.NotPossible) as error:
        raise Problem(409, "not_possible", str(error)) from error
    except ValueError as error:
        raise Problem(400, "invalid_value", str(error)) from error
