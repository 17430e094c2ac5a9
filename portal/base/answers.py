"""Answers as typed structs: the schema of the API is drawn from what is sent."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec

Number = Annotated[str, msgspec.Meta(extra_json_schema={"format": "decimal", "example": "12.5"})]


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What is sent; subclass it, one class a shape."""


class Refusal(Answer, frozen=True, kw_only=True):
    """Why one item of several was not taken: `code` is stable, `field` names the part of the item it is about."""

    code: str
    detail: str
    field: str


def build(answer: msgspec.Struct) -> Any:
    """Plain values, as answers are kept and sent."""
    return msgspec.to_builtins(answer)
