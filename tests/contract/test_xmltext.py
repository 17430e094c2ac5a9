"""XML as an object, and what of it is refused: BAD_INPUTS 47 to 50."""

from __future__ import annotations

from typing import Any

import pytest

from integrations.contract.errors import OutcomeUnknown, Retryable
from integrations.contract.response import Response
from integrations.contract.xmltext import parse_xml


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("<a/>", {"a": ""}),
        ("<a>x</a>", {"a": "x"}),
        ('<a><b id="7">x</b><b/></a>', {"a": {"b": [{"@id": "7", "#text": "x"}, ""]}}),
        ('<s:E xmlns:s="urn:s"><s:B> 1 </s:B></s:E>', {"E": {"B": "1"}}),
        ("<a>x &amp; <![CDATA[<y>]]></a>", {"a": "x & <y>"}),
        ('<?xml version="1.0" encoding="ISO-8859-1"?><a>\xe9</a>', {"a": "é"}),
    ],
)
def test_xml_is_the_object_its_json_would_be(text: str, found: dict[str, Any]) -> None:
    assert parse_xml(text.encode("latin-1")) == found


BOMB = '<!DOCTYPE l [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">]><l>&b;&b;</l>'


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("<!DOCTYPE html><html/>", "DOCTYPE"),
        ('<!DOCTYPE r [<!ENTITY x SYSTEM "file:///etc/passwd">]><r>&x;</r>', "DOCTYPE"),
        (BOMB, "DOCTYPE"),
        ("<r>&x;</r>", "undefined entity"),
        ("<a>" * 300 + "</a>" * 300, "nested deeper"),
        ("<a><b></a>", "mismatched"),
        ("", "no element"),
        ('<?xml version="1.0" encoding="nonsense"?><a/>', "no XML"),
    ],
)
def test_what_xml_brings_along_is_refused(text: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        parse_xml(text.encode())


@pytest.mark.parametrize(("write", "kind"), [(True, OutcomeUnknown), (False, Retryable)])
def test_an_answer_that_is_no_such_xml_proves_nothing(write: bool, kind: type[Exception]) -> None:
    answer = Response(status=200, headers={}, body=BOMB.encode(), url="", write=write)
    with pytest.raises(kind) as caught:
        answer.xml()
    assert caught.value.code == "REMOTE_UNEXPECTED_CONTENT"  # type: ignore[attr-defined]  # both are ConnectorErrors
