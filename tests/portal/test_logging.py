"""Logs: JSON lines with the request id, and no secret in any of the ways one gets there."""

from __future__ import annotations

import io
import json
import logging
import logging.config
from collections.abc import Iterator
from typing import Any

import pytest
import structlog

from portal.base.logging import REDACTED, build_logging, redact

CANARY = "c4n4ry-5ecret"


@pytest.fixture
def lines() -> Iterator[io.StringIO]:
    """What goes through the JSON formatter."""
    stream = io.StringIO()
    config = build_logging("DEBUG", "json")["formatters"]["line"]
    handler = logging.StreamHandler(stream)
    handler.setFormatter(structlog.stdlib.ProcessorFormatter(**{k: v for k, v in config.items() if k != "()"}))
    logger = logging.getLogger("tests.lines")
    logger.addHandler(handler)
    logger.setLevel("DEBUG")
    yield stream
    logger.removeHandler(handler)


def read(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_line_is_json_with_request_id(lines: io.StringIO) -> None:
    with structlog.contextvars.bound_contextvars(request_id="abc"):
        structlog.get_logger("tests.lines").info("Order sent.", order=7)
        logging.getLogger("tests.lines").warning("Slow %s", "answer", extra={"seconds": 3})
    ours, theirs = read(lines)
    assert (ours["event"], ours["order"], ours["request_id"], ours["level"]) == ("Order sent.", 7, "abc", "info")
    assert (theirs["event"], theirs["seconds"], theirs["request_id"]) == ("Slow answer", 3, "abc")
    assert ours["timestamp"].endswith("Z")
    assert ours["logger"] == "tests.lines"


@pytest.mark.parametrize(
    "fields",
    [
        {"authorization": CANARY},
        {"headers": {"X-Shop-Token": CANARY, "Set-Cookie": CANARY}},
        {"tries": [{"client_secret": CANARY}]},
        {"password": CANARY},
        {"note": f"Authorization: Bearer {CANARY}"},
        {"url": f"https://shop.example/?access_token={CANARY}&page=2"},
        {"body": f'{{"password": "{CANARY}"}}'},
    ],
)
def test_fields_are_redacted(lines: io.StringIO, fields: dict[str, Any]) -> None:
    structlog.get_logger("tests.lines").info("Asked the shop.", **fields)
    assert CANARY not in lines.getvalue()
    assert REDACTED in lines.getvalue()


def test_exceptions_and_plain_messages_are_redacted(lines: io.StringIO) -> None:
    try:
        raise ValueError(f"password={CANARY}")
    except ValueError:
        structlog.get_logger("tests.lines").exception("Failed.")
        logging.getLogger("tests.lines").exception("token: %s", CANARY)
    assert CANARY not in lines.getvalue()
    assert "ValueError" in lines.getvalue()


def test_ordinary_words_stay() -> None:
    event = {"event": "The basic price of the secretary desk changed.", "sku": "85099B", "keys": 3}
    assert redact(event) == event
