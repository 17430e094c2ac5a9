"""Reference codes from a pattern: `{product.code}-{colour.code}-{size|upper|3}`. Pure; nothing is ever evaluated.

    {product.code} {product.name} {product.brand}     the product
    {variant.code} {variant.barcode} {variant.name}   the article as it is now
    {colour} {colour.code}    an axis by its name, any case: its value, or the code of its value
    {1} {1.code} {2} …        an axis by its place, for products whose axes are called differently
    {n}                       1, 2, 3 … within the product

Filters, from left to right: `upper`, `lower`, `ascii` (é → e), `clean` (letters and digits only), a number cuts to so
many characters, one that begins with 0 fills up with zeros (`{n|03}` → 007). `{{` and `}}` are braces.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from catalog.mapping.codes import fold

LONGEST_PATTERN = 200
LONGEST_CODE = 100  # what Variant.code and Binding.reference_code hold
# Platforms whose articles' codes are shorter than ours:
# https://github.com/magento/magento2/issues/33026 (64), https://devdocs.prestashop-project.org/8/webservice/resources/products/
# (reference, 64), https://learn.microsoft.com/en-us/dynamics365/business-central/dev-itpro/api-reference/v2.0/resources/dynamics_item
# (number is a Code[20]).
PLATFORM_LIMITS = {"magento": 64, "prestashop": 64, "business_central": 20}

_PART = re.compile(r"\{\{|\}\}|\{([^{}]*)\}|[{}]")
_WIDTH = re.compile(r"[0-9]{1,3}")
_FIELDS = {"product": {"code", "name", "brand"}, "variant": {"code", "barcode", "name"}}


class PatternError(ValueError):
    """The pattern is not one; the message says where."""


class NoCode(ValueError):
    """This article gets no code by the pattern; the message says why."""


@dataclass(frozen=True, slots=True)
class Field:
    """`{source.attribute|filter|…}`"""

    source: str
    attribute: str = ""
    filters: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """An article as a pattern sees it. `axes`: (axis, value, code of the value) in their order."""

    key: int
    product: Mapping[str, str]
    variant: Mapping[str, str]
    axes: Sequence[tuple[str, str, str]] = ()
    number: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """The code one article would get. `problem` '' = it can be saved."""

    key: int
    before: str
    code: str = ""
    problem: str = ""

    @property
    def changes(self) -> bool:
        return not self.problem and self.code != self.before


def parse_pattern(text: str) -> tuple[str | Field, ...]:
    """Raises PatternError."""
    if not text.strip():
        raise PatternError("The pattern is empty.")
    if len(text) > LONGEST_PATTERN:
        raise PatternError(f"The pattern is longer than {LONGEST_PATTERN} characters.")
    parts: list[str | Field] = []
    end = 0
    for match in _PART.finditer(text):
        parts.append(text[end : match.start()])
        end = match.end()
        if match[0] in {"{{", "}}"}:
            parts.append(match[0][0])
        elif match[1] is None:
            raise PatternError(f"“{match[0]}” at character {match.start() + 1} has no partner; write {match[0] * 2}.")
        else:
            parts.append(_parse_field(match[1]))
    parts.append(text[end:])
    return tuple(part for part in parts if part)


def _parse_field(text: str) -> Field:
    name, *filters = (part.strip() for part in text.split("|"))
    if not name:
        raise PatternError("“{}” names nothing.")
    for one in filters:
        if one not in _FILTERS and not (_WIDTH.fullmatch(one) and int(one)):
            raise PatternError(f"“{one}” in {{{text}}} is no filter; there are {', '.join(_FILTERS)} and numbers.")
    source, dot, attribute = name.rpartition(".")
    if not dot or (fold(source) not in _FIELDS and fold(attribute) not in {"code", "name", "value"}):
        source, attribute = name, ""  # an axis may have a dot in its name
    source, attribute = fold(source), fold(attribute)
    if source in _FIELDS and attribute not in _FIELDS[source]:
        known = ", ".join(f"{source}.{one}" for one in sorted(_FIELDS[source]))
        raise PatternError(f"{{{name}}} is unknown; there are {known}.")
    if source not in _FIELDS and attribute not in {"", "code", "value"}:
        raise PatternError(f"{{{name}}}: an axis has a value and a code.")
    return Field(source=source, attribute=attribute, filters=tuple(filters))


def build_code(pattern: Sequence[str | Field], article: Named) -> str:
    """The article's code; raises NoCode with the reason."""
    code = "".join(part if isinstance(part, str) else _read(part, article) for part in pattern).strip()
    if not code:
        raise NoCode("Nothing is left of the pattern here.")
    if not code.isprintable():
        raise NoCode("It would contain characters that cannot be printed.")
    return code


def _read(part: Field, article: Named) -> str:
    text = _lookup(part, article)
    for one in part.filters:
        apply = _FILTERS.get(one)
        if apply:
            text = apply(text)
        else:
            text = text.rjust(int(one), "0") if one.startswith("0") else text[: int(one)]
    return text


def _lookup(part: Field, article: Named) -> str:
    if part.source in _FIELDS:
        fields = article.product if part.source == "product" else article.variant
        if not (text := fields.get(part.attribute, "")):
            raise NoCode(f"The {'product' if part.source == 'product' else 'article'} has no {part.attribute}.")
        return text
    if part.source == "n":
        return str(article.number)
    places = {str(place): axis for place, axis in enumerate(article.axes, start=1)}
    named = {fold(axis[0]): axis for axis in article.axes}
    axis = named.get(part.source) or places.get(part.source)
    if axis is None:
        raise NoCode(f"It has no axis “{part.source}”.")
    if part.attribute == "code" and not axis[2]:
        raise NoCode(f"{axis[0]} “{axis[1]}” has no code; give it one, or use {{{part.source}|upper|3}}.")
    return axis[2] if part.attribute == "code" else axis[1]


def propose(
    pattern: Sequence[str | Field],
    articles: Iterable[Named],
    *,
    current: Mapping[int, str],
    taken: Callable[[list[str]], Mapping[str, tuple[int, str]]],
    limit: tuple[int, str],
) -> list[Proposal]:
    """What each article would be called, and what stands against it.

    `current`: key → its code now. `taken(codes)`: code → (key, in words) of those that carry it now. `limit`: the most
    characters a code may have, and who says so.
    """
    wanted: dict[int, str] = {}
    problems: dict[int, str] = {}
    keys: list[int] = []
    for article in articles:
        keys.append(article.key)
        try:
            code = wanted[article.key] = build_code(pattern, article)
        except NoCode as error:
            problems[article.key] = str(error)
            continue
        if len(code) > limit[0]:
            problems[article.key] = f"{len(code)} characters; {limit[1]} takes {limit[0]}."
    claims: dict[str, list[int]] = {}
    for key, code in wanted.items():
        claims.setdefault(code, []).append(key)
    _find_collisions(wanted, problems, claims, taken(list(claims)), current)
    return [
        Proposal(key=key, before=current.get(key, ""), code=wanted.get(key, ""), problem=problems.get(key, ""))
        for key in keys
    ]


def _find_collisions(
    wanted: Mapping[int, str],
    problems: dict[int, str],
    claims: Mapping[str, Sequence[int]],
    owners: Mapping[str, tuple[int, str]],
    current: Mapping[int, str],
) -> None:
    """Codes given twice, and codes that somebody has who keeps it; who keeps his code may itself be in the batch."""
    for keys in claims.values():
        if len(keys) > 1:
            problems.update({key: f"{len(keys)} articles would get this code." for key in keys if key not in problems})
    keeps = {key for key in current if key not in wanted or key in problems or wanted[key] == current[key]}
    while True:
        blocked = {
            key: f"{owners[code][1]} has this code."
            for key, code in wanted.items()
            if key not in problems
            and code in owners
            and owners[code][0] != key
            and (owners[code][0] not in current or owners[code][0] in keeps)
        }
        if not blocked:
            return
        problems.update(blocked)
        keeps |= blocked.keys()


def _to_ascii(text: str) -> str:
    return unicodedata.normalize("NFKD", text.replace("ß", "ss")).encode("ascii", "ignore").decode()


_FILTERS: dict[str, Callable[[str], str]] = {
    "upper": str.upper,
    "lower": str.lower,
    "ascii": _to_ascii,
    "clean": lambda text: "".join(char for char in text if char.isalnum()),
}
