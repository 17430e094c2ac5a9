"""What a document makes of a template, and what no value can do to it."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest

from integrations.connectors.http_erp.templates import fill_header, fill_json, fill_path, fill_xml, parse_template
from integrations.contract.formulas.values import RuleError

VIEW: dict[str, Any] = {
    "reference": "W-1001",
    "total": Decimal("12.50"),
    "note": 'She said "now" \\ & </note>\n',
    "customer": {"name": "Ada", "phone": "+44 7700 900123"},
    "shipping": "",
    "lines": [{"sku": "MUG", "quantity": Decimal(2)}, {"sku": "PLATE", "quantity": Decimal(1)}],
}


def test_a_value_is_json_of_its_kind_and_text_within_quotes() -> None:
    text = '{"a": {{ reference }}, "b": "no. {{ reference }}", "c": {{ total }}, "d": "{{ total }}", "e": {{ gone }}}'
    assert fill_json(text, VIEW) == '{"a": "W-1001", "b": "no. W-1001", "c": 12.50, "d": "12.50", "e": null}'


@pytest.mark.parametrize("text", ['{"note": {{ note }}}', '{"note": "{{ note }}"}'])
def test_no_value_breaks_out_of_a_json_text(text: str) -> None:
    assert json.loads(fill_json(text, VIEW)) == {"note": VIEW["note"]}


def test_each_joins_with_commas_in_json_and_sees_the_whole_document() -> None:
    text = '{"rows": [{% each lines %}{"s": {{ sku }}, "q": {{ quantity }}, "r": {{ document.reference }}}{% end %}]}'
    assert json.loads(fill_json(text, VIEW)) == {
        "rows": [{"s": "MUG", "q": 2, "r": "W-1001"}, {"s": "PLATE", "q": 1, "r": "W-1001"}]
    }
    assert fill_json('{"rows": [{% each nothing %}{{ sku }}{% end %}]}', VIEW) == '{"rows": []}'


def test_a_list_may_be_filtered_and_a_value_worked_on_first() -> None:
    text = "[{% each lines[?sku=='PLATE'] %}{{ sku -> lower(value) + '-' + document['reference'] }}{% end %}]"
    assert fill_json(text, VIEW) == '["plate-W-1001"]'


def test_exact_numbers_are_added_up() -> None:
    assert fill_json("{{ sum(lines[].quantity) }}", VIEW) == "3"
    assert fill_json("{{ sum(lines[].quantity) -> value * 2 }}", VIEW) == "6"


def test_if_leaves_out_what_is_empty() -> None:
    text = '{"a": 1{% if shipping %}, "s": {{ shipping }}{% end %}{% if reference %}, "n": {{ reference }}{% end %}}'
    assert json.loads(fill_json(text, VIEW)) == {"a": 1, "n": "W-1001"}


def test_xml_is_escaped_and_repeated_without_commas() -> None:
    text = '<o n="{{ note }}">{% each lines %}<l q="{{ quantity }}">{{ sku }}</l>{% end %}</o>'
    assert fill_xml(text, VIEW) == (
        '<o n="She said &quot;now&quot; \\ &amp; &lt;/note&gt;\n"><l q="2">MUG</l><l q="1">PLATE</l></o>'
    )
    with pytest.raises(RuleError, match="control character"):
        fill_xml("<o>{{ note }}</o>", {"note": "a\x08b"})


def test_a_path_is_quoted_and_never_shortened() -> None:
    assert fill_path("orders/{{ id }}/cancel?by={{ who }}", {"id": "A/7 ?", "who": "a&b"}) == (
        "orders/A%2F7%20%3F/cancel?by=a%26b"
    )
    for empty in ("", None, ".."):
        with pytest.raises(RuleError, match="cannot do without it"):
            fill_path("orders/{{ id }}/cancel", {"id": empty})


def test_a_header_takes_no_line_break() -> None:
    assert fill_header("no. {{ id }}", {"id": "7"}) == "no. 7"
    with pytest.raises(RuleError, match="printable"):
        fill_header("{{ id }}", {"id": "7\r\nX-Admin: 1"})


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{{ a", "is not closed"),
        ("{% each lines %}x", "has no {% end %}"),
        ("{% end %}", "ends nothing"),
        ("{% for x in y %}{% end %}", "is unknown"),
        ("{{ a[ }}", "is no path"),
        ("{{ {b: c} }}", "builds something new"),
        ("{{ a -> __import__('os') }}", "not offered"),
        ("{{ a -> value.__class__ }}", "not possible"),
    ],
)
def test_what_is_no_template_says_why(text: str, words: str) -> None:
    with pytest.raises(RuleError, match=words.replace("{", r"\{")):
        parse_template(text)


def test_what_is_no_json_in_the_end_says_so() -> None:
    with pytest.raises(RuleError, match="no JSON"):
        fill_json('{"a": {{ reference }},}', VIEW)


def test_what_comes_of_it_is_bounded() -> None:
    rows = [{"t": "x" * 9_000}] * 400
    with pytest.raises(RuleError, match="longer than"):
        fill_json("[{% each rows %}{{ t }}{% end %}]", {"rows": rows})
