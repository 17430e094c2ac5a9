"""Field rules, one after another: each fills a field of an order's document with something of the order. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from integrations.contract import records as r
from integrations.contract.formulas.expressions import check_expression, check_path, evaluate, pick
from integrations.contract.formulas.values import RuleError, read_text
from orders.mapping.targets import CUSTOM, CUSTOM_NAME, TARGETS, fill, read_value

LONGEST_DEFAULT = 500
RAW = "raw"  # what the order's view calls the shop's own payload


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """`target` and, of a custom field, its `name` there ← `source` (jmespath; '' for none), then `expression`
    (simpleeval, over `value` and `order`; '' for none), then `default` where that gives nothing. `shop`: only for
    orders of that connection, 0 for all."""

    target: str
    name: str = ""
    source: str = ""
    expression: str = ""
    default: str = ""
    required: bool = False
    shop: int = 0

    @property
    def label(self) -> str:
        return self.name if self.target == CUSTOM else str(TARGETS[self.target].label)


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What came of one rule: a value for its field, nothing (''), or why it failed."""

    rule: Rule
    value: Any = ""
    error: str = ""


def check_rule(rule: Rule) -> dict[str, str]:
    """What is wrong with it, by the name of its field; empty where nothing is."""
    wrong: dict[str, str] = {}
    if rule.target not in TARGETS:
        return {"target": "Choose what it fills."}
    if rule.target == CUSTOM and not CUSTOM_NAME.fullmatch(rule.name):
        wrong["name"] = "A custom field has the name it has there: letters, digits and _ . - only."
    if rule.target != CUSTOM and rule.name:
        wrong["name"] = "Only a custom field has a name."
    if not (rule.source or rule.expression or rule.default):
        wrong["source"] = "Say where the value comes from: a path, an expression or a default."
    for name, check in (("source", check_path), ("expression", check_expression)):
        try:
            if text := getattr(rule, name):
                check(text)
        except RuleError as error:
            wrong[name] = str(error)
    if len(rule.default) > LONGEST_DEFAULT:
        wrong["default"] = f"A default has at most {LONGEST_DEFAULT} characters."
    elif rule.default and "default" not in wrong:
        try:
            read_value(rule.target, rule.default)
        except RuleError as error:
            wrong["default"] = str(error)
    return wrong


def needs_raw(rules: Sequence[Rule]) -> bool:
    """Whether any of them looks into the shop's own payload."""
    return any(RAW in rule.source for rule in rules)


def follow(rules: Sequence[Rule], view: Mapping[str, Any], *, shop: int) -> list[Step]:
    """A Step for each rule that is meant for orders of this shop, in their order."""
    return [_follow_one(rule, view) for rule in rules if rule.shop in {0, shop}]


def fill_document(document: r.OrderDocument, steps: Sequence[Step]) -> r.OrderDocument:
    """The document with every field the steps have a value for; of two rules for one field the later counts."""
    for step in steps:
        if step.value != "" and not step.error:
            document = fill(document, step.rule.target, step.rule.name, step.value)
    return document


def _follow_one(rule: Rule, view: Mapping[str, Any]) -> Step:
    try:
        value = pick(rule.source, view) if rule.source else None
        if rule.expression and (value is not None or not rule.source):
            order = {key: part for key, part in view.items() if key != RAW}
            value = evaluate(rule.expression, {"value": value, "order": order})
        text = read_text(value)
        if rule.target != CUSTOM or not text.strip():
            text = text.strip()
        text = text or rule.default
        if not text and rule.required:
            return Step(rule=rule, error="It gives nothing, and is required.")
        return Step(rule=rule, value=read_value(rule.target, text) if text else "")
    except RuleError as error:
        return Step(rule=rule, error=str(error))
