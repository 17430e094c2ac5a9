"""What a file's first bytes say of a picture: its type and size. Nothing is decoded, so nothing can blow up.

PNG: https://www.w3.org/TR/png-3/#11IHDR · GIF: https://www.w3.org/Graphics/GIF/spec-gif89a.txt · JPEG:
https://www.w3.org/Graphics/JPEG/itu-t81.pdf (B.2.2) · WebP: https://developers.google.com/speed/webp/docs/riff_container
SVG is none of them on purpose: it carries scripts.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

MAX_BYTES = 10_000_000
MAX_PIXELS = 100_000_000  # a shop decodes what we serve: 100 megapixels are 400 MB in its memory
TYPES = {"jpg": "image/jpeg", "png": "image/png", "webp": "image/webp", "gif": "image/gif"}
PNG = b"\x89PNG\r\n\x1a\n"
FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}  # the SOF markers; those three are tables
ALONE = frozenset({0x01, *range(0xD0, 0xD8)})  # markers without a length
ENDS = frozenset({0xD8, 0xD9, 0xDA})  # picture data, an end or a new start: no frame comes before it


class Refusal(StrEnum):
    """Why a file is not taken."""

    TOO_LARGE = "too_large"
    NO_PICTURE = "no_picture"
    TOO_MANY_PIXELS = "too_many_pixels"


class NoPicture(ValueError):
    """The file is not taken, for `reason`."""

    def __init__(self, reason: Refusal) -> None:
        super().__init__(reason.value)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Picture:
    """`content_type` is one of TYPES; width and height are pixels, ≥ 1, as the header has them."""

    content_type: str
    width: int
    height: int


def read_picture(content: bytes) -> Picture:
    """What these bytes are; raises NoPicture."""
    if len(content) > MAX_BYTES:
        raise NoPicture(Refusal.TOO_LARGE)
    found = _read_png(content) or _read_gif(content) or _read_jpeg(content) or _read_webp(content)
    if found is None or not (found.width and found.height):
        raise NoPicture(Refusal.NO_PICTURE)
    if found.width * found.height > MAX_PIXELS:
        raise NoPicture(Refusal.TOO_MANY_PIXELS)
    return found


def _big(content: bytes, start: int, size: int) -> int:
    return int.from_bytes(content[start : start + size], "big")


def _little(content: bytes, start: int, size: int) -> int:
    return int.from_bytes(content[start : start + size], "little")


def _read_png(content: bytes) -> Picture | None:
    if not content.startswith(PNG) or content[12:16] != b"IHDR" or len(content) < 24:
        return None
    return Picture("image/png", _big(content, 16, 4), _big(content, 20, 4))


def _read_gif(content: bytes) -> Picture | None:
    if content[:6] not in (b"GIF87a", b"GIF89a") or len(content) < 10:
        return None
    return Picture("image/gif", _little(content, 6, 2), _little(content, 8, 2))


def _read_jpeg(content: bytes) -> Picture | None:
    """Goes from segment to segment, each of which says its length, to the frame's."""
    if not content.startswith(b"\xff\xd8\xff"):
        return None
    at = 2
    while at + 4 <= len(content) and content[at] == 0xFF:
        marker = content[at + 1]
        if marker == 0xFF:  # a fill byte
            at += 1
        elif marker in ALONE:
            at += 2
        elif marker in FRAMES:
            return Picture("image/jpeg", _big(content, at + 7, 2), _big(content, at + 5, 2))
        elif marker in ENDS or (length := _big(content, at + 2, 2)) < 2:
            return None
        else:
            at += 2 + length
    return None


def _read_webp(content: bytes) -> Picture | None:
    if content[:4] != b"RIFF" or content[8:12] != b"WEBP" or len(content) < 30:
        return None
    kind = content[12:16]
    if kind == b"VP8X":
        return Picture("image/webp", _little(content, 24, 3) + 1, _little(content, 27, 3) + 1)
    if kind == b"VP8L" and content[20] == 0x2F:
        bits = _little(content, 21, 4)
        return Picture("image/webp", (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1)
    if kind == b"VP8 " and content[23:26] == b"\x9d\x01\x2a":
        return Picture("image/webp", _little(content, 26, 2) & 0x3FFF, _little(content, 28, 2) & 0x3FFF)
    return None
