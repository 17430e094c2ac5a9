"""What is said of the API is true: README's examples run, and the Postman collection has every call."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client
from drf_spectacular.generators import SchemaGenerator
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]  # comes without

from portal.postman import list_operations, sample
from tests.api_world import Caller, connect_api, make_caller
from tests.catalog.test_prices import make_list, make_rule
from tests.orders.test_goods import place
from tests.world import World, make_world, order, stocked

README = Path(__file__).resolve().parent.parent.parent / "README.md"


@pytest.fixture
def world(db: None) -> World:
    cache.clear()
    return make_world()


@pytest.fixture
def caller(world: World) -> Caller:
    """A back office with every scope, at a merchant who sells mugs and has an order placed."""
    stocked(world, "MUG")
    row = connect_api(world, "Old ERP", role="back_office")
    make_rule(world, make_list(world, "retail", {"MUG": "4.50"}), connection=row)
    place(world, order("1001", ("MUG", 2, "4.50")))
    caller = make_caller(row)
    assert caller.row is not None
    caller.row.per_minute = 10**6
    caller.row.save()
    return caller


def read_examples() -> list[list[str]]:
    """The curl calls under "Our API", as a shell would split them."""
    text = README.read_text().partition("### Our API")[2].partition("\n**")[0].replace("\\\n", " ")
    lines = [line.strip() for line in text.splitlines() if line.strip().startswith("curl ")]
    return [shlex.split(line) for line in lines]


def test_every_example_of_the_readme_runs(world: World, caller: Caller) -> None:
    from portal.tenancy.models import LocationGroup, LocationGroupMember

    group = LocationGroup(merchant=world.merchant, name="Shops")
    group.save()
    LocationGroupMember(merchant=world.merchant, group=group, location=world.place, position=0).save()
    examples = read_examples()
    assert len(examples) >= 12
    for words in examples:
        address = next(word for word in words if word.startswith("$PORTAL"))
        method = words[words.index("-X") + 1] if "-X" in words else "GET"
        body = words[words.index("-d") + 1] if "-d" in words else ""
        given = [words[place + 1] for place, word in enumerate(words) if word == "-H"]
        headers = dict(line.replace("$KEY", caller.key).split(": ", 1) for line in given)
        content_type = headers.pop("Content-Type", "application/json")
        response = caller.client.generic(
            method, address.replace("$PORTAL", "/api/v1"), body, content_type=content_type, headers=headers
        )
        assert response.status_code in {200, 201, 202}, f"{words}: {response.content!r}"
        assert response.json().get("refused", 0) == 0, f"{words}: {response.content!r}"


def draw() -> dict[str, Any]:
    schema: dict[str, Any] = SchemaGenerator().get_schema(request=None, public=True)
    return schema


def test_the_postman_collection_has_every_call_of_the_schema() -> None:
    schema = draw()
    collection = Client().get("/api/v1/postman.json").json()
    assert collection["info"]["schema"].endswith("/v2.1.0/collection.json")
    listed = {
        (one["request"]["method"].lower(), re.sub(r":(\w+)", r"{\1}", "/" + "/".join(one["request"]["url"]["path"])))
        for folder in collection["item"]
        for one in folder["item"]
    }
    assert listed == {(method, path) for path, method, _operation in list_operations(schema)}
    assert len(listed) >= 15
    for path, _method, operation in list_operations(schema):
        shape = operation.get("requestBody", {}).get("content", {}).get("application/json")
        if shape is not None:
            whole = {**shape["schema"], "components": schema["components"]}
            errors = list(Draft202012Validator(whole).iter_errors(sample(shape["schema"], schema)))
            assert not [one for one in errors if one.validator in {"required", "type", "enum"}], f"{path}: {errors}"
