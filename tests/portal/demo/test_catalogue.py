"""What the living demo leaves to be mapped: the same things under names no code joins."""

from __future__ import annotations

from portal.management.demo.catalogue import TOYS_IN_SHOP, build_unmapped


def test_a_toy_of_three_colours_and_two_sizes_that_no_code_joins() -> None:
    (toy, teapot), (auto, kanne) = build_unmapped()
    assert [axis["values"] for axis in toy["axes"]] == [["Red", "Green", "Blue"], ["Small", "Large"]]
    assert [axis["values"] for axis in auto["axes"]] == [["Rot", "Grün", "Blau"], ["Klein", "Groß"]]
    assert [one["sku"] for one in toy["variants"]] == [
        "TOY-RED-S", "TOY-RED-L", "TOY-GRN-S", "TOY-GRN-L", "TOY-BLU-S", "TOY-BLU-L",
    ]  # fmt: skip
    assert tuple(one["sku"] for one in auto["variants"]) == TOYS_IN_SHOP
    assert auto["variants"][2]["options"] == {"Farbe": "Grün", "Größe": "Klein"}
    ours = {one["sku"] for product in (toy, teapot) for one in product["variants"]}
    theirs = {one["sku"] for product in (auto, kanne) for one in product["variants"]}
    assert ours & theirs == set()
