"""The variant families of a real wholesaler, and how a shop might have written their codes and titles.

Data: UCI "Online Retail" (D. Chen, 2015, CC BY 4.0, https://archive.ics.uci.edu/dataset/352/online+retail): a code is
five digits and, for a colour or pattern, a letter; one code has several descriptions, as real data has.
"""

from __future__ import annotations

import csv
import lzma
import random
import re
from collections import Counter, defaultdict
from dataclasses import dataclass
from pathlib import Path

CODE = re.compile(r"^\d{5}[A-Z]?$")
Rng = random.Random


@dataclass(frozen=True)
class Real:
    """An article as the back office has it; `other_title`: another description that was really used for it."""

    code: str
    family: str
    letter: str
    title: str
    other_title: str


def read_articles(path: Path) -> list[Real]:
    titles: dict[str, Counter[str]] = defaultdict(Counter)
    with lzma.open(path, "rt", encoding="utf-8", newline="") as lines:
        for row in csv.DictReader(lines):
            code, title = row["StockCode"].strip().upper(), row["Description"].strip()
            if CODE.match(code) and len(title) > 5 and title == title.upper():
                titles[code][title] += 1
    found = []
    for code, seen in sorted(titles.items()):
        ranked = [title for title, _ in seen.most_common(2)]
        found.append(Real(code=code, family=code[:5], letter=code[5:], title=ranked[0], other_title=ranked[-1]))
    return found


def spell(code: str, rng: Rng) -> str:
    """As somebody might have typed it into a shop; never the code itself."""
    head, letter = code[:5], code[5:]
    spellings = [
        f"{head}-{letter}" if letter else f"{head[:2]}-{head[2:]}",
        f"{head} {letter}" if letter else f"{head[:3]} {head[3:]}",
        f"SHOP-{code}",
        f"UK{code}",
        f"{code}-1",
        f"0{code}",
        f"{head}_{letter.lower()}" if letter else f"{head}.",
        f"#{code}",
        f"{code} ",
    ]
    if letter:
        spellings += [code.lower(), head]
    return rng.choice(spellings)


def mistype(code: str, rng: Rng) -> str:
    """Another code altogether: a sign lost, doubled, swapped or exchanged."""
    place = rng.randrange(len(code))
    kind = rng.randrange(6)
    if kind == 0:
        return code[:place] + code[place + 1 :]
    if kind == 1:
        return code[:place] + code[place] + code[place:]
    if kind == 2 and place:
        return code[: place - 1] + code[place] + code[place - 1] + code[place + 1 :]
    if kind == 3:
        return code[:place] + rng.choice("0123456789ABCDEF") + code[place + 1 :]
    if kind == 4:
        return code.swapcase()
    return rng.choice([f" {code}", f"{code} ", f"0{code}", code.lstrip("0"), f"{code[:3]}-{code[3:]}"])


def retitle(real: Real, rng: Rng) -> str:
    """What the shop calls it: another real description, other case, a word less, a word more, a typing error."""
    words = real.other_title.title().split()
    if len(words) > 3 and rng.random() < 0.3:
        words.pop(rng.randrange(len(words)))
    if rng.random() < 0.2:
        words.insert(0, "New")
    if rng.random() < 0.2:
        place = rng.randrange(len(words))
        words[place] = mistype(words[place], rng)
    return " ".join(words)
