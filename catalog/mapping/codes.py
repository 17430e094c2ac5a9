"""Codes as people write them, and trade item numbers as GS1 defines them.

Check digits and the forms of a GTIN: https://www.gs1.org/services/how-calculate-check-digit-manually
"""

from __future__ import annotations

import re
import unicodedata

GTIN_LENGTHS = (8, 12, 13, 14)
SHORTEST_STEM = 3
SHORTEST_PART = 4
_SEPARATORS = re.compile(r"[\W_]+")
_LETTERS_LAST = re.compile(r"^(.*\d)[^\W\d]{1,3}$")
_LETTERS_FIRST = re.compile(r"^[^\W\d]{1,4}(\d.*)$")
_BLANKS = re.compile(r"[\s\-]+")
_WORDS = re.compile(r"[^\W_]+")


def fold(text: str) -> str:
    """Without the difference between capitals and small letters, wide and narrow characters, one space and several."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def normalise_code(code: str) -> str:
    """Without case and separators: "Toy-Red_S" and "TOYREDS" are one; "00123" and "123" are two."""
    return _SEPARATORS.sub("", fold(code))


def loosen_code(code: str) -> str:
    """Also without leading zeros: good enough to ask a person, never to bind."""
    return normalise_code(code).lstrip("0")


def normalise_gtin(barcode: str) -> str:
    """The 14 digits of a GTIN-8, -12, -13 or -14; '' where the length or the check digit is wrong, or it is all
    zeros."""
    digits = _BLANKS.sub("", barcode)
    if len(digits) not in GTIN_LENGTHS or not (digits.isascii() and digits.isdigit()) or not digits.strip("0"):
        return ""
    padded = digits.zfill(14)
    total = sum(int(digit) * (3 if place % 2 == 0 else 1) for place, digit in enumerate(padded[:13]))
    return padded if (10 - total % 10) % 10 == int(padded[13]) else ""


def list_barcode_forms(barcode: str) -> tuple[str, ...]:
    """Every way the same number may be written down: as it is, and a GTIN in each length that holds it."""
    text = barcode.strip()
    gtin = normalise_gtin(text)
    if not gtin:
        return (text,) if text.strip("0") else ()
    forms = [gtin[14 - length :] for length in GTIN_LENGTHS if not gtin[: 14 - length].strip("0")]
    return tuple(dict.fromkeys([text, *forms]))


def barcode_key(barcode: str) -> str:
    """What two spellings of one number have in common; '' for none, or only zeros."""
    text = barcode.strip()
    return normalise_gtin(text) or (text if text.strip("0") else "")


def list_stems(code: str) -> tuple[str, ...]:
    """What the codes of a family may have in common: before the last separator, or before the last letters."""
    text = fold(code)
    found = []
    parts = [part for part in _SEPARATORS.split(text) if part]
    if len(parts) > 1:
        found.append("".join(parts[:-1]))
    if matched := _LETTERS_LAST.match(normalise_code(text)):
        found.append(matched[1])
    return tuple(dict.fromkeys(stem for stem in found if len(stem) >= SHORTEST_STEM))


def list_parts(code: str) -> tuple[str, ...]:
    """Pieces of their code that could be a code of ours by itself: "SHOP-85099B" and "UK85099B" hold 85099b."""
    text = fold(code)
    whole = normalise_code(text)
    parts = [part for part in _SEPARATORS.split(text) if part]
    found = [*parts, *("".join(parts[1:]), "".join(parts[:-1]))]
    found += [matched[1] for part in [whole, *parts] if (matched := _LETTERS_FIRST.match(part))]
    usable = (part for part in found if len(part) >= SHORTEST_PART and any(sign.isdigit() for sign in part))
    return tuple(dict.fromkeys(part for part in usable if part != whole))


def list_words(text: str) -> tuple[str, ...]:
    """The words of a title, folded, in their order."""
    return tuple(_WORDS.findall(fold(text)))
