"""One request as a route of wc/v3 sees it, and the refusals all routes share.

documented: the classes WP_REST_Request, WP_REST_Server (https://developer.wordpress.org/reference/classes/wp_rest_server/)
and WC_REST_CRUD_Controller:
https://github.com/woocommerce/woocommerce/blob/trunk/plugins/woocommerce/includes/rest-api/Controllers/Version3/class-wc-rest-crud-controller.php
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from werkzeug.wrappers import Request

from integrations.simulators.woocommerce import args as a
from integrations.simulators.woocommerce import lists
from integrations.simulators.woocommerce.args import WpError
from integrations.simulators.woocommerce.auth import parse_php_query
from integrations.simulators.woocommerce.orders import Shop
from integrations.simulators.woocommerce.records import Record


@dataclass
class Call:
    """`given` is the body's JSON (or form) over the query. `checked` is off within a batch, whose rows WooCommerce
    does not validate. `visible(changed_at)`: whether lists show a record yet."""

    shop: Shop
    base: str
    method: str
    path: str
    query: dict[str, Any]
    body: dict[str, Any]
    visible: Callable[[float], bool]
    ping: Callable[[Record], None]
    checked: bool = True
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def given(self) -> dict[str, Any]:
        return {**as_lists(self.query), **self.body}

    @property
    def is_edit(self) -> bool:
        """documented: create_item, update_item and delete_item answer in the context "edit"."""
        return self.method != "GET" or self.given.get("context") == "edit"

    @property
    def places(self) -> int:
        """documented: prepare_object_for_response: `dp`, else the shop's decimals."""
        wanted = str(self.given.get("dp", "")).lstrip("-")
        return int(wanted) if wanted.isdecimal() else self.shop.decimals

    def take(self, spec: dict[str, a.Spec]) -> dict[str, Any]:
        return a.take(spec, self.given) if self.checked else a.take_as_is(spec, self.given)

    def take_named(self, spec: dict[str, a.Spec]) -> dict[str, Any]:
        """What was posted, without the defaults."""
        named = {name for name, value in self.given.items() if value is not None}
        return {name: value for name, value in self.take(spec).items() if name in named}

    def page(self, rows: Sequence[Any], taken: dict[str, Any]) -> Sequence[Any]:
        self.headers |= lists.build_headers(len(rows), taken, f"{self.base}/{self.path}", self.query)
        return lists.cut(rows, taken)

    def seen(self, record: Record) -> bool:
        return self.visible(record.get("touched", 0.0))

    def created(self, path: str, number: int) -> None:
        self.status = 201
        self.headers["Location"] = f"{self.base}/{path}/{number}"

    def refuse_id(self, kind: str) -> None:
        """documented: create_item refuses a body with an id."""
        if self.body.get("id"):
            raise WpError(f"woocommerce_rest_{kind}_exists", f"Cannot create existing {kind}.", 400)

    @property
    def is_forced(self) -> bool:
        return str(self.given.get("force", "false")).lower() in {"true", "1"}


def parse_body(request: Request) -> dict[str, Any]:
    """documented: WP_REST_Request: JSON where the type says so, else a form."""
    raw = request.get_data()
    if (request.mimetype == "application/json" or request.mimetype.endswith("+json")) and raw:
        try:
            found = json.loads(raw)
        except ValueError as error:
            data = {"status": 400, "json_error_code": 4, "json_error_message": "Syntax error"}
            raise WpError("rest_invalid_json", "Invalid JSON body passed.", 400, data) from error
        return found if isinstance(found, dict) else {}
    if request.mimetype == "application/x-www-form-urlencoded":
        return dict(as_lists(parse_php_query(raw.decode())))
    return dict(request.form.items())


def as_lists(value: Any) -> Any:
    """PHP's arrays as JSON has them: a list where the keys are numbers (wp_is_numeric_array)."""
    if not isinstance(value, dict):
        return value
    inner = {key: as_lists(item) for key, item in value.items()}
    return list(inner.values()) if inner and all(key.isdecimal() for key in inner) else inner


def no_route() -> WpError:
    return WpError("rest_no_route", "No route was found matching the URL and request method.", 404)


def invalid_id(kind: str, method: str) -> WpError:
    """documented: 404 where it is read or deleted, 400 where it is to be changed."""
    return WpError(f"woocommerce_rest_{kind}_invalid_id", "Invalid ID.", 404 if method in {"GET", "DELETE"} else 400)


def no_trash(what: str) -> WpError:
    return WpError("woocommerce_rest_trash_not_supported", f"{what} support trashing.", 501)


def already_trashed(kind: str) -> WpError:
    return WpError("woocommerce_rest_already_trashed", f"The {kind} has already been deleted.", 410)


def pick_fields(data: Any, wanted: Sequence[str]) -> Any:
    """documented: rest_filter_response_fields: `_fields`, dots reach into objects. Quirk: of lists inside a record only
    the empty list is left, for the names are taken for positions."""
    if isinstance(data, list):
        return [pick_fields(row, wanted) for row in data]
    tree: dict[str, Any] = {}
    for name in wanted:
        at = tree
        *way, last = name.split(".")
        for step in way:
            inner = at.setdefault(step, {})
            if inner is True:
                break
            at = inner
        else:
            at[last] = True
    return _cut(data, tree)


def _cut(data: Any, tree: dict[str, Any]) -> Any:
    picked: dict[str, Any] = {}
    for name, value in data.items():
        inner = tree.get(name)
        if inner is True or (inner and not isinstance(value, dict | list)):
            picked[name] = value
        elif inner:
            picked[name] = _cut(value, inner) if isinstance(value, dict) else []
    return picked
