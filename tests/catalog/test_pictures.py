"""Headers of pictures: type and size exactly, and nothing else is ever taken for one."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.mapping.pictures import MAX_BYTES, TYPES, NoPicture, Picture, Refusal, read_picture
from tests.catalog import pictures

SIDES = st.integers(1, 9_999)
MAKERS: list[tuple[Callable[[int, int], bytes], str]] = [
    (pictures.gif, "image/gif"),
    (pictures.jpeg, "image/jpeg"),
    (pictures.webp_extended, "image/webp"),
    (pictures.webp_lossless, "image/webp"),
    (pictures.webp_lossy, "image/webp"),
    (lambda width, height: pictures.png()[:16] + bytes_of(width) + bytes_of(height) + b"\x08", "image/png"),
]


def bytes_of(number: int) -> bytes:
    return number.to_bytes(4, "big")


@pytest.mark.parametrize(("make", "content_type"), MAKERS)
@given(width=SIDES, height=SIDES, rest=st.binary(max_size=50))
def test_type_and_size_are_read(
    make: Callable[[int, int], bytes], content_type: str, width: int, height: int, rest: bytes
) -> None:
    assert read_picture(make(width, height) + rest) == Picture(content_type, width, height)


@given(
    segments=st.lists(st.tuples(st.sampled_from([0xC4, 0xDB, 0xE0, 0xE1, 0xE2, 0xFE]), st.binary(max_size=300))),
    frame=st.sampled_from([0xC0, 0xC1, 0xC2, 0xC9]),
    fill=st.integers(0, 5),
)
def test_whatever_stands_before_the_frame_of_a_jpeg(segments: list[tuple[int, bytes]], frame: int, fill: int) -> None:
    whole = pictures.jpeg(640, 480, *segments, frame=frame)
    filled = whole[:2] + b"\xff" * fill + whole[2:]
    assert read_picture(filled) == Picture("image/jpeg", 640, 480)


@pytest.mark.parametrize(("make", "content_type"), MAKERS)
@given(data=st.data())
def test_a_picture_cut_off_in_its_header_is_none(
    make: Callable[[int, int], bytes], content_type: str, data: st.DataObject
) -> None:
    del content_type
    whole = make(0x1234, 0x0707)
    cut = whole[: data.draw(st.integers(0, 9))]
    with pytest.raises(NoPicture) as refused:
        read_picture(cut)
    assert refused.value.reason == Refusal.NO_PICTURE


@given(content=st.binary(max_size=200), start=st.sampled_from([b"", b"\xff\xd8\xff", b"GIF89a", b"RIFF1234WEBPVP8 "]))
def test_any_bytes_are_a_picture_or_refused(content: bytes, start: bytes) -> None:
    try:
        found = read_picture(start + content)
    except NoPicture:
        return
    assert start, "random bytes begin like no picture"
    assert found.content_type in TYPES.values()
    assert found.width >= 1
    assert found.height >= 1


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>",
        b"<?xml version='1.0'?><svg/>",
        b"<html>GIF89a</html>",
        b"%PDF-1.7",
        b"MZ\x90\0",
        pictures.gif(0, 5),
        pictures.jpeg(640, 0),
        b"\xff\xd8\xff\xda\0\x08" + pictures.jpeg(1, 1),
        b"\xff\xd8\xff\xe0\0\0" * 10,
        b"RIFF\0\0\0\0WAVEfmt " + b"\0" * 30,
    ],
)
def test_what_is_no_picture(content: bytes) -> None:
    with pytest.raises(NoPicture) as refused:
        read_picture(content)
    assert refused.value.reason == Refusal.NO_PICTURE


def test_caps() -> None:
    full = pictures.gif() + b"\0" * (MAX_BYTES - len(pictures.gif()))
    assert read_picture(full) == Picture("image/gif", 1, 1)
    with pytest.raises(NoPicture) as refused:
        read_picture(full + b"\0")
    assert refused.value.reason == Refusal.TOO_LARGE
    assert read_picture(pictures.png(10_000, 10_000)) == Picture("image/png", 10_000, 10_000)
    with pytest.raises(NoPicture) as refused:
        read_picture(pictures.png(10_001, 10_000))
    assert refused.value.reason == Refusal.TOO_MANY_PIXELS
