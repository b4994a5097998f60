"""Constraints on what a model writes: an id may come if, and only if, a text can still be whole with it."""

import time
from collections.abc import Sequence

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from gen.config import TextConstraints
from gen.constraints import TextConstraint, text_constraint
from gen.errors import ConfigError
from gen.tokenizers import ByteTokenizer, CharTokenizer, SubwordTokenizer, TextTokenizer, WordTokenizer
from tests.constraints.strategies import constraints, fits

_PIECES = ["a", "b", "ab", "ba b", "é", "aé"]
_LETTERS = [b"a", b"b", b"\n", "é".encode()[:1], "é".encode()[1:], b" "]


def banned_but(tokenizer: TextTokenizer, kept: Sequence[bytes]) -> tuple[int, ...]:
    return tuple(id for id, piece in enumerate(tokenizer.pieces) if piece not in kept and id != tokenizer.boundary)


def _tokenizers() -> dict[str, tuple[TextTokenizer, tuple[int, ...]]]:
    """Tokenizers with what is banned, so that few ids are left."""
    char = CharTokenizer("\n abé")
    ending = CharTokenizer("\nabC", boundary=True)
    byte = ByteTokenizer(boundary=True)
    subword = SubwordTokenizer("bpe", _PIECES, [-float(it) for it in range(len(_PIECES))], boundary=True)
    word = WordTokenizer(["\n", "a", "ab", " b", "é", "aab"], boundary=True)
    letters = [piece.encode() for piece in _PIECES]
    return {
        "char": (char, ()),
        "char without b": (ending, (2,)),
        "byte": (byte, banned_but(byte, _LETTERS)),
        "subword": (subword, banned_but(subword, [*letters, b"\n"])),
        "subword and bytes": (subword, banned_but(subword, [b"ab", b"aab", b"b", *_LETTERS[2:5]])),
        "word": (word, ()),
        "few words": (WordTokenizer(["\n", "ab", "ba", "é"]), (0,)),
    }


_TOKENIZERS = _tokenizers()
_OPEN: dict[str, TextTokenizer] = {
    "char": CharTokenizer(sorted("\n abcdefghiéÉ")),
    "byte": ByteTokenizer(),
    "subword": _TOKENIZERS["subword"][0],
    "word": _TOKENIZERS["word"][0],
}


class Oracle:
    """What may come, by writing everything that could."""

    def __init__(
        self,
        given: TextConstraints,
        tokenizer: TextTokenizer,
        banned: Sequence[int],
        prompt: str,
        n: int,
    ) -> None:
        self.given, self.prompt, self.n = given, prompt, n
        self.pieces = tokenizer.pieces
        lost = {*banned, *tokenizer.unknown_ids}
        self.ids = [id for id, piece in enumerate(self.pieces) if piece and id not in lost]
        self.boundary = tokenizer.boundary if tokenizer.boundary not in lost else None
        self.known: dict[tuple[bytes, int | None], bool] = {}

    def whole(self, data: bytes) -> bool:
        """Whether a text may end here."""
        try:
            text = data.decode()
        except UnicodeDecodeError:
            return False
        if not self.given.must_finish:
            text = text[: self.n]
        return len(text) <= self.n and fits(text, self.given, self.prompt)

    def possible(self, data: bytes, left: int | None) -> bool:
        """Whether a text can become whole with so many more ids."""
        key = data, left
        if key not in self.known:
            self.known[key] = self.whole(data) or (left != 0 and bool(self.allowed(data, left)))
        return self.known[key]

    def allowed(self, data: bytes, left: int | None) -> set[int]:
        written = data.decode(errors="ignore")
        if (
            left == 0
            or len(written) >= self.n
            or (not self.given.must_finish and not fits(written, self.given, self.prompt))
        ):
            return set()
        further = None if left is None or not self.given.must_finish else left - 1
        return {
            id
            for id in self.ids
            if self.sound(data + self.pieces[id]) and self.possible(data + self.pieces[id], further)
        }

    @staticmethod
    def sound(data: bytes) -> bool:
        try:
            data.decode()
        except UnicodeDecodeError as error:
            return error.reason == "unexpected end of data"
        return True


@settings(max_examples=400)
@given(
    constraints=constraints(),
    name=st.sampled_from(list(_TOKENIZERS)),
    prompt=st.text("ab\n", max_size=3),
    n=st.integers(1, 4),
    most=st.none() | st.integers(1, 4),
    ignore_end=st.booleans(),
    seed=st.integers(0, 2**32),
)
def test_what_may_come_is_what_can_still_finish(
    constraints: TextConstraints, name: str, prompt: str, n: int, most: int | None, ignore_end: bool, seed: int
) -> None:
    tokenizer, banned = _TOKENIZERS[name]
    oracle = Oracle(constraints, tokenizer, banned, prompt, n)
    try:
        constraint = text_constraint(
            constraints, tokenizer, prompt=prompt, characters=n, ids=most, banned=banned, ignore_end=ignore_end
        )
    except ConfigError:
        assert not oracle.allowed(b"", most)
        return
    draws = np.random.default_rng(seed)
    data, left = b"", most
    while True:
        expected = oracle.allowed(data, left)
        assert constraint.over == (not expected)
        room = left != 0 and len(data.decode(errors="ignore")) < n
        ends = not ignore_end and data and room and oracle.boundary is not None and oracle.whole(data)
        found = set(np.flatnonzero(constraint.allowed).tolist())
        assert found - {tokenizer.boundary} == expected
        assert (tokenizer.boundary in found) == bool(ends), (data, found)
        if not expected:
            break
        id = int(draws.choice(sorted(expected)))
        data, left = data + tokenizer.pieces[id], None if left is None else left - 1
        constraint = constraint.after(id)
    assert oracle.whole(data) or (not constraints.must_finish and oracle.sound(data))


_FREE = CharTokenizer("\n abc"), CharTokenizer("\n abc", boundary=True), WordTokenizer(["\n", "a", " ab", "b"])


@settings(max_examples=150)
@given(
    constraints=constraints(),
    tokenizer=st.sampled_from(_FREE),
    prompt=st.text("ab\n", max_size=3),
    n=st.integers(1, 30),
    most=st.none() | st.integers(1, 30),
    seed=st.integers(0, 2**32),
)
def test_where_ids_are_free_any_of_them_may_come(
    constraints: TextConstraints, tokenizer: TextTokenizer, prompt: str, n: int, most: int | None, seed: int
) -> None:
    banned = (*tokenizer.unknown_ids, *([0] if isinstance(tokenizer, WordTokenizer) else []))
    written = np.array([it for it in range(len(tokenizer.vocabulary)) if it not in banned])
    try:
        constraint = text_constraint(constraints, tokenizer, prompt=prompt, characters=n, ids=most, banned=banned)
    except ConfigError:
        return
    draws = np.random.default_rng(seed)
    while not constraint.over:
        ids = []
        step = constraint
        for _ in range(min(step.free, 20)):
            if step.ended:
                break
            if not step.over:
                assert step.allowed[written].all()
            ids.append(int(draws.choice(written)))
            step = step.after(ids[-1])
        if ids:
            ahead = constraint.after_all(ids)
            assert (ahead.state, ahead.characters, ahead.over) == (step.state, step.characters, step.over)
        else:
            step = step.after(int(draws.choice(np.flatnonzero(step.allowed))))
        constraint = step


def test_what_does_not_matter_yet_is_free() -> None:
    tokenizer = CharTokenizer("\n abc")
    word = text_constraint(TextConstraints(must_include=("abc",)), tokenizer, characters=50)
    assert word.free == 47 and word.after_all(tokenizer.encode("ab" * 20).tolist()).free == 7
    line = text_constraint(TextConstraints(line_length=9), tokenizer, prompt="a\nabc")
    assert line.free == 6 and line.after(0).free == 9
    ban = text_constraint(TextConstraints(ban=("abc", "cc")), tokenizer, prompt="a")
    assert [ban.free, ban.after(2).free, ban.after(3).free, ban.after(4).free] == [1, 1, 0, 0]
    ending = CharTokenizer("\n abc", boundary=True)
    assert text_constraint(TextConstraints(must_include=("abc",)), ending, characters=50).free == 0


def write(constraint: TextConstraint, tokenizer: TextTokenizer, seed: int) -> tuple[list[int], str]:
    """A text of ids that are all as likely."""
    draws = np.random.default_rng(seed)
    ids: list[int] = []
    while not constraint.over:
        ids.append(int(draws.choice(np.flatnonzero(constraint.allowed))))
        constraint = constraint.after(ids[-1])
    return ids, tokenizer.decode(ids)


@settings(max_examples=400)
@given(
    constraints=constraints(),
    name=st.sampled_from(list(_OPEN)),
    prompt=st.text("ab\n", max_size=5),
    n=st.integers(1, 40),
    most=st.none() | st.integers(1, 60),
    seed=st.integers(0, 2**32),
)
def test_every_finished_text_is_as_it_has_to_be(
    constraints: TextConstraints, name: str, prompt: str, n: int, most: int | None, seed: int
) -> None:
    tokenizer = _OPEN[name]
    began = time.perf_counter()
    try:
        constraint = text_constraint(constraints, tokenizer, prompt=prompt, characters=n, ids=most)
    except ConfigError as error:
        assert time.perf_counter() - began < 1, error
        return
    ids, text = write(constraint, tokenizer, seed)
    assert ids and (most is None or len(ids) <= most)
    assert fits(text[:n], constraints, prompt), (text, constraints)
    assert len(text) <= n or not constraints.must_finish
