"""Axis values without a database: what is offered, and what follows."""

from __future__ import annotations

from typing import Any

from catalog.mapping.axes import OurValue, fold_pair, follow, list_missing, list_pairs, offer_values
from catalog.mapping.codes import fold

RED, GREEN, SMALL, LARGE = 1, 2, 3, 4
VALUES = {
    RED: OurValue(pk=RED, axis="Colour", text="Red", code="RD"),
    GREEN: OurValue(pk=GREEN, axis="Colour", text="Green"),
    SMALL: OurValue(pk=SMALL, axis="Size", text="Small"),
    LARGE: OurValue(pk=LARGE, axis="Size", text="Large"),
}
THEIRS = [("Farbe", "Rot"), ("Farbe", "Grün"), ("Größe", "Small"), ("Größe", "Large")]
WORDS = {
    fold_pair(pair): pk
    for pair, pk in (
        (("Farbe", "Rot"), RED),
        (("Farbe", "Grün"), GREEN),
        (("Größe", "S"), SMALL),
        (("Größe", "L"), LARGE),
    )
}
COMBINATIONS = {frozenset({RED, SMALL}): 11, frozenset({RED, LARGE}): 12, frozenset({GREEN, SMALL}): 13}


def offered(theirs=THEIRS, synonyms=None, bound=()):
    found = offer_values(list(VALUES.values()), theirs, synonyms=synonyms or {}, bound=bound)
    return {pk: (offer.pair[1], offer.reason) for pk, offer in found.items()}


def test_words_are_folded() -> None:
    assert fold("  Light \n BLUE ") == "light blue"
    assert list_pairs([[("Farbe", "Rot")], [("farbe", "ROT"), ("Größe", "S")]]) == [("Farbe", "Rot"), ("Größe", "S")]


def test_the_same_word_is_offered_and_a_strange_one_is_not() -> None:
    assert offered() == {SMALL: ("Small", "the same word"), LARGE: ("Large", "the same word")}


def test_a_code_and_what_was_learnt_are_offered_with_the_reason() -> None:
    theirs = [("Farbe", "RD"), ("Farbe", "Grün")]
    synonyms = {("colour", "green"): {"grün": "Toy car"}}
    assert offered(theirs, synonyms) == {
        RED: ("RD", "the code of Red"),
        GREEN: ("Grün", "learnt: Green ↔ Grün (Toy car)"),
    }


def test_an_article_mapped_already_tells_its_other_words() -> None:
    bound = [(frozenset({RED, SMALL}), [("Farbe", "Rot"), ("Größe", "Small")])]
    assert offered(bound=bound)[RED] == ("Rot", "an article mapped already is Red here and Rot there")
    assert GREEN not in offered(bound=bound)


def test_a_word_that_could_be_two_is_offered_to_nobody() -> None:
    synonyms = {("colour", "red"): {"bunt": ""}, ("colour", "green"): {"bunt": ""}}
    assert offered([("Farbe", "Bunt")], synonyms) == {}
    assert offered([("Farbe", "Rot"), ("Farbe", "Rosso")], {("colour", "red"): {"rot": "", "rosso": ""}}) == {}


def test_two_options_there_with_the_same_words_are_told_apart_by_their_names() -> None:
    theirs = [("Style", "Small"), ("Style", "Large"), ("Size", "Small"), ("Size", "Large")]
    found = offer_values(list(VALUES.values()), theirs, synonyms={})
    assert found[SMALL].pair == ("Size", "Small")
    nameless = offer_values(list(VALUES.values()), [("X", "Small"), ("Y", "Small")], synonyms={})
    assert nameless == {}, "both agree as much: a person decides"


def test_every_combination_follows_from_the_values() -> None:
    articles: dict[str, list[Any]] = {
        "a": [("Farbe", "Rot"), ("Größe", "S")],
        "b": [["FARBE", "grün"], ["größe", "S"]],
    }
    outcomes = follow(articles, words=WORDS, values=VALUES, combinations=COMBINATIONS)
    assert {pk: (one.variant_id, one.reason) for pk, one in outcomes.items()} == {
        "a": (11, "Red / Small"),
        "b": (13, "Green / Small"),
    }


def test_what_does_not_follow_says_why() -> None:
    articles = {
        "no article": [("Farbe", "Grün"), ("Größe", "L")],
        "unknown word": [("Farbe", "Rosa"), ("Größe", "S")],
        "no size": [("Farbe", "Rot")],
        "one more option": [("Farbe", "Rot"), ("Größe", "S"), ("Stoff", "Wolle")],
        "nothing": [],
    }
    outcomes = follow(articles, words=WORDS, values=VALUES, combinations=COMBINATIONS)
    assert {pk: (one.variant_id, one.type, one.reason) for pk, one in outcomes.items()} == {
        "no article": (None, "missing_combination", "We have no article Green / Large."),
        "unknown word": (None, "axis_mismatch", "Not mapped yet: “Rosa” (Farbe)."),
        "no size": (None, "axis_mismatch", "It has no Size there."),
        "one more option": (None, "axis_mismatch", "Not mapped yet: “Wolle” (Stoff)."),
        "nothing": (None, "axis_mismatch", "It has no Colour and no Size there."),
    }


def test_two_articles_of_one_combination_are_nobodys() -> None:
    same = [("Farbe", "Rot"), ("Größe", "S")]
    outcomes = follow({"a": same, "b": same}, words=WORDS, values=VALUES, combinations=COMBINATIONS)
    assert {one.variant_id for one in outcomes.values()} == {None}
    assert outcomes["a"].reason == "2 articles there are Red / Small."


def test_missing_combinations_of_ours_are_listed() -> None:
    assert list_missing([(RED, GREEN), (SMALL, LARGE)], COMBINATIONS) == [(GREEN, LARGE)]
