"""What a platform has under a message's reference, for a person who must say which of them it is."""

from __future__ import annotations

from collections.abc import Sequence

from integrations.contract import errors as e
from integrations.contract import records as r
from integrations.contract.connector import FIND_FOR
from integrations.models import Command
from integrations.sync.client import Captures, build_connector


class NoneOfThem(Exception):
    """There are documents under this reference, and what was typed names none of them."""


def list_there(command: Command) -> Sequence[r.CommandResult]:
    """Ask the platform now. Unsupported where it cannot be searched; any other ConnectorError is the caller's."""
    finder = FIND_FOR.get(command.kind)
    if finder is None:
        raise e.Unsupported(f"{command.connection.name} cannot be searched for it.")
    captures = Captures()
    try:
        connector = build_connector(command.connection, captures)
        found: Sequence[r.CommandResult] = getattr(connector, finder)(command.reference)
    finally:
        captures.save(command.connection)
    return found


def find_there(command: Command, typed: str) -> r.CommandResult | None:
    """The document a person named by its number or id; None where the platform has none under our reference (it was
    entered by hand) or cannot be asked. NoneOfThem where it has others."""
    try:
        found = list_there(command)
    except e.ConnectorError:
        return None
    for one in found:
        if typed in (one.number, one.external_id):
            return one
    if found:
        there = ", ".join(one.number or one.external_id for one in found)
        raise NoneOfThem(f"{command.connection.name} has {there} under {command.reference}, not {typed}.")
    return None
