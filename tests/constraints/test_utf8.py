"""Characters that come in bytes: exactly those that UTF-8 has, each to its class."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from gen.constraints.utf8 import FIRST, Beginnings

_CLASSES = np.array([0, 1, 2, 1], np.int32)[np.arange(0x110000) // 0x700 % 4]
_BEGINNINGS = Beginnings(_CLASSES, 3)


def ends() -> tuple[int, list[int]]:
    """How many sequences of bytes become a character, and how many of each class."""
    counts = np.zeros((len(_BEGINNINGS.steps), 3), np.int64)
    for _ in range(4):  # a character has four bytes at most
        for node, (steps, completes) in enumerate(zip(_BEGINNINGS.steps, _BEGINNINGS.completes, strict=True)):
            following = steps[steps >= 0]
            counts[node] = np.bincount(following, minlength=3)[:3] if completes else counts[following].sum(0)
    return int(counts[0].sum()), counts[0].tolist()


def test_there_are_as_many_characters_as_unicode_has_beyond_ascii() -> None:
    beyond = np.r_[0x80:0xD800, 0xE000:0x110000]
    assert ends() == (len(beyond), np.bincount(_CLASSES[beyond]).tolist())
    assert len(_BEGINNINGS.steps) < 800


@given(character=st.characters(min_codepoint=0x80, exclude_categories=["Cs"]))
def test_the_bytes_of_a_character_lead_to_its_class(character: str) -> None:
    node = 0
    *before, last = character.encode()
    for byte in before:
        assert not _BEGINNINGS.completes[node]
        node = int(_BEGINNINGS.steps[node, byte - FIRST])
        assert node > 0 and _BEGINNINGS.possible[node, _CLASSES[ord(character)]]
    assert _BEGINNINGS.completes[node]
    assert _BEGINNINGS.steps[node, last - FIRST] == _CLASSES[ord(character)]


@given(data=st.binary(min_size=1, max_size=4))
def test_bytes_that_are_no_utf8_lead_nowhere(data: bytes) -> None:
    node, alive, read = 0, True, b""
    for byte in data:
        read += bytes([byte])
        alive = byte >= FIRST and _BEGINNINGS.steps[node, byte - FIRST] >= 0
        if not alive or _BEGINNINGS.completes[node]:
            break
        node = int(_BEGINNINGS.steps[node, byte - FIRST])
    try:
        whole = len(read.decode()) == 1 and data[0] >= FIRST
        assert alive == whole
    except UnicodeDecodeError as error:
        assert alive == (error.reason == "unexpected end of data")
