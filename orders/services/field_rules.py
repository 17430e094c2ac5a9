"""The versions of a destination's field rules, and what they make of an order."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Max

from integrations.contract import records as r
from integrations.contract.errors import Rejected
from integrations.models import Connection
from integrations.sync.platforms import get_platform
from integrations.sync.release import release
from orders.mapping.rules import Rule, Step, check_rule, fill_document, follow, needs_raw
from orders.mapping.targets import TARGETS
from orders.mapping.view import build_view
from orders.models import FieldRule, FieldRuleVersion, Order, OrderLine, OrderPayload, Payment
from orders.services import payloads
from portal.base.prepared import Prepared, given
from portal.tenancy.models import User

State = FieldRuleVersion.State
Published = tuple[FieldRuleVersion | None, list[Rule]]
MOST_RULES = 100
_PUBLISHED = Prepared(lambda: FieldRuleVersion.plain.filter(connection_id=given("connection"), state=State.PUBLISHED))


class NotPossible(Exception):
    """It cannot be done; the message says what to do instead."""


def rules_key(there: Connection) -> str:
    """What frees orders that wait for a rule to be mended."""
    return f"rules:{there.pk}"


# --- what they make of an order ---------------------------------------------------------------------------------------


def list_rules(version: FieldRuleVersion | None) -> list[Rule]:
    """In the order they are followed."""
    return [read_rule(row) for row in version.rules.order_by("position")] if version else []


def read_rule(row: FieldRule) -> Rule:
    return Rule(
        target=row.target,
        name=row.name,
        source=row.source,
        expression=row.expression,
        default=row.default,
        required=row.required,
        shop=row.shop_id or 0,
    )


def find_published(there: Connection) -> FieldRuleVersion | None:
    return _PUBLISHED.first(connection=there.pk)


def read_views(orders: Sequence[Order], *, with_raw: bool) -> dict[int, dict[str, Any]]:
    """The orders as rules see them, by primary key; a handful of queries however many they are."""
    lines: dict[int, list[OrderLine]] = defaultdict(list)
    rows = OrderLine.plain.filter(order__in=orders).select_related("variant").prefetch_related("taxes")
    for line in rows.order_by("order_id", "position", "pk"):
        lines[line.order_id].append(line)
    payments: dict[int, list[Payment]] = defaultdict(list)
    for payment in Payment.plain.filter(order__in=orders).order_by("order_id", "pk"):
        payments[payment.order_id].append(payment)
    kept = OrderPayload.plain.filter(order__in=orders if with_raw else []).values_list("order_id", "body")
    raws = {order_id: payloads.load(bytes(body)).get("raw") for order_id, body in kept}
    return {
        order.pk: build_view(order, lines=lines[order.pk], payments=payments[order.pk], raw=raws.get(order.pk))
        for order in orders
    }


def read_published(there: Connection) -> Published:
    """The version in force, and its rules."""
    version = find_published(there)
    return version, list_rules(version)


def follow_published(order: Order, there: Connection, published: Published | None = None) -> tuple[int, list[Step]]:
    """The version in force (0 for none) and what came of each of its rules; `published`, where it was read just now."""
    version, rules = published or read_published(there)
    if version is None or not rules:
        return version.number if version else 0, []
    view = read_views([order], with_raw=needs_raw(rules))[order.pk]
    return version.number, follow(rules, view, shop=order.connection_id)


def list_problems(order: Order, there: Connection, published: Published | None = None) -> list[str]:
    """Why the order cannot go by the rules in force, in words."""
    _number, steps = follow_published(order, there, published)
    return [f"{step.rule.label}: {step.error}" for step in steps if step.error]


def apply_rules(document: r.OrderDocument, order: Order, there: Connection) -> r.OrderDocument:
    """The document as the rules in force have it, with their version; Rejected where one fails."""
    number, steps = follow_published(order, there)
    for step in steps:
        if step.error:
            words = f"The rule for “{step.rule.label}” (version {number}) fails for order {order}: {step.error}"
            raise Rejected(words, code="RULE_FAILED", field=step.rule.target)
    return replace(fill_document(document, steps), rules_version=number)


# --- versions ---------------------------------------------------------------------------------------------------------


@transaction.atomic
def start_draft(*, connection_id: int, copied_from: int | None, by: User, at: datetime) -> FieldRuleVersion:
    """A draft to work on: a copy of that version, or empty. The one there is, where there is one."""
    there = _lock(connection_id)
    versions = FieldRuleVersion.plain.filter(connection=there)
    if draft := versions.filter(state=State.DRAFT).first():
        return draft
    last = versions.aggregate(last=Max("number"))["last"] or 0
    draft = FieldRuleVersion(
        merchant_id=there.merchant_id, connection=there, number=last + 1, made_at=at, made_by=str(by)
    )
    draft.save()
    source = versions.filter(pk=copied_from).first() if copied_from else None
    _write_rules(draft, list_rules(source))
    return draft


@transaction.atomic
def save_draft(*, version_id: int, rules: Sequence[Rule]) -> None:
    """Make the draft's rules these. NotPossible where it is no draft any more, or one of them cannot be followed."""
    draft = _lock_version(version_id)
    if draft.state != State.DRAFT:
        raise NotPossible("Only a draft is changed; what was published stays as it was.")
    if len(rules) > MOST_RULES:
        raise NotPossible(f"A version has at most {MOST_RULES} rules.")
    for place, rule in enumerate(rules, 1):
        if wrong := check(rule, draft.connection):
            raise NotPossible(f"Rule {place}: {next(iter(wrong.values()))}")
    draft.rules.all().delete()
    _write_rules(draft, rules)


@transaction.atomic
def discard(*, version_id: int) -> None:
    """Throw the draft away; NotPossible for one that was published once."""
    draft = _lock_version(version_id)
    if draft.state != State.DRAFT:
        raise NotPossible("What was published is kept: documents were built under it.")
    draft.delete()


@transaction.atomic
def publish(*, version_id: int, by: User, at: datetime) -> int:
    """Put a draft, or an earlier version again, in force at once; how many orders waited for that and go on. What was
    built before stays as it is."""
    version = _lock_version(version_id)
    if version.state == State.PUBLISHED:
        raise NotPossible(f"{version} is in force already.")
    for place, rule in enumerate(list_rules(version), 1):
        if wrong := check(rule, version.connection):
            raise NotPossible(f"Rule {place}: {next(iter(wrong.values()))}")
    FieldRuleVersion.plain.filter(connection=version.connection, state=State.PUBLISHED).update(state=State.RETIRED)
    version.state, version.published_at, version.published_by = State.PUBLISHED, at, str(by)
    version.save(update_fields=["state", "published_at", "published_by"])
    return release(merchant_id=version.merchant_id, key=rules_key(version.connection), at=at)


def list_targets(there: Connection) -> list[str]:
    """What the destination's platform has a place for."""
    able = get_platform(there.platform).order_fields
    return [key for key in TARGETS if key in able]


def check(rule: Rule, there: Connection) -> dict[str, str]:
    """What is wrong with the rule, by its field: with its words, or for this destination."""
    wrong = check_rule(rule)
    if "target" not in wrong and rule.target not in list_targets(there):
        label = get_platform(there.platform).label
        wrong["target"] = f"{label} has no place for it: {TARGETS[rule.target].label}."
    return wrong


def _lock(connection_id: int) -> Connection:
    """Versions of one destination change one after another. Not its key: whoever writes a row that names it, holding
    an order that `publish` is to release, is not to wait for that."""
    return Connection.plain.select_for_update(no_key=True).get(pk=connection_id)


def _lock_version(version_id: int) -> FieldRuleVersion:
    """Under the lock of its destination."""
    connection_id = FieldRuleVersion.plain.values_list("connection_id", flat=True).get(pk=version_id)
    there = _lock(connection_id)
    version = FieldRuleVersion.plain.select_for_update().get(pk=version_id)
    version.connection = there
    return version


def _write_rules(version: FieldRuleVersion, rules: Sequence[Rule]) -> None:
    FieldRule.plain.bulk_create(
        FieldRule(
            merchant_id=version.merchant_id,
            version=version,
            position=place,
            target=rule.target,
            name=rule.name,
            shop_id=rule.shop or None,
            source=rule.source,
            expression=rule.expression,
            default=rule.default,
            required=rule.required,
        )
        for place, rule in enumerate(rules, 1)
    )
