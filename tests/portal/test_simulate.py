"""`manage.py simulate`, `connection` and `run`, as an operator's script uses them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
import requests
from django.core.management import CommandError, call_command

from integrations.models import Connection, Credential, Flow
from integrations.registry import CONNECTORS, SIMULATORS, get_connector
from integrations.sync.vault import read_credentials
from orders.models import Order
from portal.tenancy.models import User
from portal.tenancy.services import create_merchant

ROOT = Path(__file__).resolve().parents[2]


@contextmanager
def simulate(platform: str, folder: Path, *arguments: str) -> Iterator[dict[str, Any]]:
    argv = [sys.executable, str(ROOT / "manage.py"), "simulate", platform, *arguments]
    environment = {**os.environ, "VAR_DIR": str(folder), "DATABASE_URL": ""}
    process = subprocess.Popen(argv, stdout=subprocess.PIPE, text=True, env=environment)
    try:
        assert process.stdout is not None
        yield json.loads(process.stdout.readline())
    finally:
        process.terminate()
        assert process.wait(20) == 0


@pytest.mark.parametrize("platform", sorted(SIMULATORS.keys() & CONNECTORS.keys()))
def test_a_simulators_first_line_says_where_it_is_and_how_to_come_in(platform: str, tmp_path: Path) -> None:
    with simulate(platform, tmp_path) as said:
        assert set(said) == {"platform", "base_url", "credentials", "dials_url"}
        assert said["platform"] == platform
        needed = {field.name for field in get_connector(platform).credential_fields if field.required}
        assert needed <= set(said["credentials"])
        assert requests.get(said["dials_url"], timeout=10).json()["latency_seconds"] == 0


def test_a_simulator_remembers_in_its_state_file(tmp_path: Path) -> None:
    state = str(tmp_path / "shop.json")
    article = {"sku": "MUG", "price": "2.00", "stock": "5", "name": "Mug"}
    with simulate("woocommerce", tmp_path, "--state", state) as first:
        products = {"products": [{"name": "Mug", "variants": [article]}]}
        assert requests.post(f"{first['base_url']}/_sim/catalogue", json=products, timeout=10).ok
    with simulate("woocommerce", tmp_path, "--state", state) as again:
        facts = requests.get(f"{again['base_url']}/_sim/facts/stock", timeout=10).text
        assert json.loads(facts) == {"sku": "MUG", "quantity": "5"}
        assert again["credentials"] == first["credentials"]


def test_an_unknown_platform_is_named_with_those_there_are() -> None:
    with pytest.raises(CommandError, match=r"odoo, .*woocommerce"):
        call_command("simulate", "amiga")


def run(*arguments: str) -> str:
    out = StringIO()
    call_command(*arguments, stdout=out)
    return out.getvalue()


@pytest.mark.django_db(transaction=True)
def test_a_shop_is_added_tested_read_and_taken_live_from_a_script(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    create_merchant(name="Northwind", owner=User.objects.create_user("o@example.com", "pw"))
    with simulate("woocommerce", tmp_path) as said:
        host = said["base_url"].partition("//")[2]
        given = {"name": "Shop", "platform": "woocommerce", "role": "store", "order_prefix": "N-",
                 "settings": {"url": said["base_url"]}, "allowed_private": [host]}  # fmt: skip
        (tmp_path / "shop.json").write_text(json.dumps(given))
        for name in ("consumer_key", "webhook_secret"):
            monkeypatch.setenv(f"WOOCOMMERCE_{name}".upper(), said["credentials"][name])
        secret = tmp_path / "secret"
        secret.write_text(said["credentials"]["consumer_secret"] + "\n")
        monkeypatch.setenv("WOOCOMMERCE_CONSUMER_SECRET_FILE", str(secret))
        assert "is added as a draft" in run("connection", "add", "--file", str(tmp_path / "shop.json"))
        row = Connection.plain.get()
        assert read_credentials(row) == said["credentials"]
        assert said["credentials"]["consumer_secret"] not in run("connection", "list", "--json")
        assert "It is watching." in run("connection", "test", "Shop")
        assert "Nothing was changed" in run("connection", "go-live", "Shop")
        assert Connection.plain.get().state == "watching"
        assert "Shop is live." in run("connection", "go-live", "Shop", "--yes")
        assert "paused" in run("connection", "pause", "Shop", "--parts", "stock")
        assert Connection.plain.get().stock_paused
        article = {"sku": "MUG", "price": "2.00", "stock": "5", "name": "Mug"}
        requests.post(f"{said['base_url']}/_sim/catalogue", timeout=10,
                      json={"products": [{"name": "Mug", "variants": [article]}]})  # fmt: skip
        line = {"sku": "MUG", "quantity": "1", "price": "2.00"}
        requests.post(f"{said['base_url']}/_sim/orders", json={"customer": None, "lines": [line]}, timeout=10)
        Flow(merchant=row.merchant, connection=row, stream="order", direction="pull").save()
        report = json.loads(run("run", "Shop:order:pull", "--json"))
        assert (report["state"], report["seen"], report["created"]) == ("done", 1, 1)
        assert Order.plain.count() == 1


@pytest.mark.django_db
def test_commands_say_what_there_is_when_something_is_not() -> None:
    with pytest.raises(CommandError, match="make start creates one"):
        run("connection", "list")
    create_merchant(name="Northwind", owner=User.objects.create_user("o@example.com", "pw"))
    with pytest.raises(CommandError, match="There are: none yet"):
        run("connection", "test", "Nothing")
    with pytest.raises(CommandError, match=r"odoo, .*woocommerce"):
        run("connection", "add", "--platform", "amiga")
    with pytest.raises(CommandError, match="WOOCOMMERCE_CONSUMER_KEY"):
        run("connection", "add", "--platform", "woocommerce")
    with pytest.raises(CommandError, match="There is no 'Nothing'"):
        run("run", "Nothing")
    assert "0 credentials were sealed anew" in run("rotate_keys")
    assert not Credential.plain.exists()
