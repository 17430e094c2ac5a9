"""Codes by pattern without a database."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.mapping.patterns import (
    LONGEST_PATTERN,
    Named,
    NoCode,
    PatternError,
    Proposal,
    build_code,
    parse_pattern,
    propose,
)


def article(key: int = 1, colour: tuple[str, str] = ("Crème brûlée", "CRM"), number: int = 1) -> Named:
    return Named(
        key=key,
        product={"code": "TOY", "name": "Toy car", "brand": ""},
        variant={"code": "OLD-1", "barcode": "4006381333931", "name": ""},
        axes=[("Colour", *colour), ("Shoe size", "42", "")],
        number=number,
    )


@pytest.mark.parametrize(
    ("pattern", "code"),
    [
        ("{product.code}-{colour.code}-{shoe size}", "TOY-CRM-42"),
        ("{Product.Code}-{COLOUR}", "TOY-Crème brûlée"),
        ("{colour|ascii|clean|upper|5}", "CREME"),
        ("{colour.value|lower|3}", "crè"),
        ("{1.code}/{2}", "CRM/42"),
        ("{product.code}-{n|03}", "TOY-007"),
        ("{n|2}", "7"),
        ("{{{product.code}}}", "{TOY}"),
        ("{variant.barcode|8}", "40063813"),
        ("  {product.code}  ", "TOY"),
        ("plain", "plain"),
    ],
)
def test_a_pattern_names_fields_and_filters_them(pattern: str, code: str) -> None:
    assert build_code(parse_pattern(pattern), article(number=7)) == code


@pytest.mark.parametrize(
    ("pattern", "words"),
    [
        ("", "The pattern is empty."),
        ("   ", "The pattern is empty."),
        ("{product.code", "“{” at character 1 has no partner; write {{."),
        ("a}b", "“}” at character 2 has no partner; write }}."),
        ("{}", "“{}” names nothing."),
        ("{product.price}", "{product.price} is unknown; there are product.brand, product.code, product.name."),
        ("{product}", "{product} is unknown; there are product.brand, product.code, product.name."),
        ("{colour.name}", "{colour.name}: an axis has a value and a code."),
        ("{colour|reverse}", "“reverse” in {colour|reverse} is no filter; there are upper, lower, ascii, clean"),
        ("{colour|0}", "“0” in {colour|0} is no filter"),
        ("{colour|²}", "“²” in {colour|²} is no filter"),
        ("x" * (LONGEST_PATTERN + 1), "The pattern is longer than 200 characters."),
    ],
)
def test_a_pattern_that_is_none_says_where(pattern: str, words: str) -> None:
    with pytest.raises(PatternError) as caught:
        parse_pattern(pattern)
    assert str(caught.value).startswith(words)


@pytest.mark.parametrize(
    ("pattern", "words"),
    [
        ("{product.brand}", "The product has no brand."),
        ("{material}", "It has no axis “material”."),
        ("{3}", "It has no axis “3”."),
        ("{shoe size.code}", "Shoe size “42” has no code; give it one, or use {shoe size|upper|3}."),
        ("{__class__.__mro__}", "It has no axis “__class__.__mro__”."),
        ("{2|clean|upper|2}{variant.name}", "The article has no name."),
    ],
)
def test_what_an_article_lacks_is_said(pattern: str, words: str) -> None:
    with pytest.raises(NoCode) as caught:
        build_code(parse_pattern(pattern), article())
    assert str(caught.value) == words


def test_nothing_left_and_unprintable_are_no_codes() -> None:
    with pytest.raises(NoCode, match="Nothing is left"):
        build_code(parse_pattern("{colour|ascii|clean}"), article(colour=("红", "")))
    with pytest.raises(NoCode, match="cannot be printed"):
        build_code(parse_pattern("{colour}x"), article(colour=("a\tb", "")))


@given(st.text(max_size=60))
def test_whatever_is_typed_is_a_pattern_or_says_why(text: str) -> None:
    try:
        made = build_code(parse_pattern(text), article())
    except (PatternError, NoCode) as error:
        made = str(error)
    assert made.strip()


def proposals(pattern: str, articles: list[Named], current: dict[int, str], owners: dict[str, tuple[int, str]],
              limit: tuple[int, str] = (100, "the portal")) -> list[Proposal]:  # fmt: skip
    return propose(
        parse_pattern(pattern),
        articles,
        current=current,
        taken=lambda codes: {code: owners[code] for code in codes if code in owners},
        limit=limit,
    )


def test_collisions_within_the_batch_with_ours_and_with_the_limit_are_shown() -> None:
    red, pink, blue = (article(1, ("Red", "R")), article(2, ("Pink", "R")), article(3, ("Blue", "B")))
    found = proposals("T-{colour.code}", [red, pink, blue], {1: "A", 2: "B", 3: "C"}, {"T-B": (99, "T-B Mug")})
    assert [(one.code, one.problem) for one in found] == [
        ("T-R", "2 articles would get this code."),
        ("T-R", "2 articles would get this code."),
        ("T-B", "T-B Mug has this code."),
    ]
    found = proposals("T-{colour}", [red], {1: "A"}, {}, limit=(4, "Shop A"))
    assert [(one.code, one.problem, one.changes) for one in found] == [
        ("T-Red", "5 characters; Shop A takes 4.", False)
    ]


def test_codes_may_change_hands_within_the_batch_but_not_from_one_who_keeps_his() -> None:
    first, second = article(1, ("x", "B")), article(2, ("x", "A"))
    found = proposals("{colour.code}", [first, second], {1: "A", 2: "B"}, {"A": (1, "A"), "B": (2, "B")})
    assert [(one.code, one.problem) for one in found] == [("B", ""), ("A", "")]
    third = article(2, ("x", ""))  # gets no code, so keeps B
    found = proposals("{colour.code}", [first, third], {1: "A", 2: "B"}, {"B": (2, "B Mug")})
    assert [one.problem for one in found] == [
        "B Mug has this code.",
        "Colour “x” has no code; give it one, or use {colour|upper|3}.",
    ]


def test_a_code_that_stays_is_no_change() -> None:
    found = proposals("{colour.code}", [article(1, ("x", "A"))], {1: "A"}, {"A": (1, "A")})
    assert (found[0].problem, found[0].changes) == ("", False)
