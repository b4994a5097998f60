"""Constraints as automata over one alphabet, each by itself, and together."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from re import _parser  # type: ignore[attr-defined]

import numpy as np
from numpy.typing import NDArray

from gen.config import TextConstraints
from gen.config.constraints import character_class
from gen.constraints.alphabet import Alphabet, Leaf, Universe, frozen
from gen.constraints.determinise import leaves_of, table_of
from gen.constraints.machine import Limits, Machine
from gen.constraints.regex import Automaton, shown
from gen.constraints.table import DEAD, Table, product
from gen.constraints.utf8 import Beginnings
from gen.constraints.vocabulary import Groups, Pieces
from gen.constraints.words import lines, within, without
from gen.errors import ConfigError


@dataclass(frozen=True, slots=True)
class Part:
    """One of several constraints.

    Attributes:
        name: for messages.
        table: makes its automaton; None of a word.
        included: a word that has to be in the text, in classes of characters.
        banned: one that may not.
    """

    name: str
    table: Callable[[], Table] | None = None
    included: tuple[int, ...] = ()
    banned: tuple[int, ...] = ()


class Compiler:
    """Constraints on their way to automata.

    Args:
        constraints: what a text has to be.
        pieces: what a model writes.
        prompt: what comes before the text.
        characters: of the text, at most.

    Attributes:
        parts: the constraints, one by one.

    Raises:
        ConfigError: a regular expression is none that an automaton can follow, or a word has a character that the model
            cannot write.
    """

    def __init__(self, constraints: TextConstraints, pieces: Pieces, prompt: str, characters: int) -> None:
        self._given = constraints
        self._prompt = prompt
        self._automaton = None if constraints.regex is None else Automaton.of(constraints.regex)
        universe = Universe(pieces.characters)
        leaves = [] if self._automaton is None else leaves_of(self._automaton)
        for text in (*constraints.must_include, *constraints.ban, "\n" if constraints.line_length else ""):
            leaves += map(Leaf.of, text)
        self._alphabet = Alphabet(universe, list(dict.fromkeys([*leaves, *self._classes])))
        self._groups = Groups(pieces, self._alphabet)
        self._beginnings = None
        writable = self._groups.used
        if universe.complete:
            self._beginnings = Beginnings(self._alphabet.all_classes(), self._alphabet.size)
            writable = writable | self._beginnings.possible.any(0)
        self.parts = list(self._parts(writable, characters))
        self._tables: dict[int, Table] = {}

    @property
    def written(self) -> NDArray[np.bool_]:
        """The ids that write something, (V,)."""
        return self._groups.written

    @cached_property
    def _classes(self) -> list[Leaf]:
        """The characters that are allowed, and those that are banned, as far as there are such."""
        found = []
        for characters in (self._given.allowed_characters, self._given.banned_characters):
            if characters is not None:
                parsed = _parser.parse(character_class(characters))
                ((op, argument),) = parsed
                found.append(Leaf(op, frozen(argument), parsed.state.flags))
        return found

    def _parts(self, writable: NDArray[np.bool_], characters: int) -> Iterator[Part]:
        given, alphabet = self._given, self._alphabet
        if self._automaton is not None:
            yield Part(f"regex {shown(str(given.regex))}", partial(table_of, self._automaton, alphabet))
        for word in given.must_include:
            classes = alphabet.classes(word)
            for character, it in zip(word, classes, strict=True):
                if it < 0 or not writable[it]:
                    raise ConfigError(f"must_include has {shown(word)}, but the model cannot write {character!r}")
            yield Part(f"must_include {shown(word)}", included=tuple(classes))
        for text in given.ban:
            classes = alphabet.classes(text)
            if min(classes) >= 0:  # what has another character is never written
                yield Part(f"ban {shown(text)}", banned=tuple(classes))
        leaves = iter(self._classes)
        for name in ("allowed_characters", "banned_characters"):
            value = getattr(given, name)
            if value is not None:
                allowed = alphabet.matched(next(leaves)) ^ (name == "banned_characters")
                yield Part(f"{name} {shown(value)}", partial(_of_these, allowed))
        if given.line_length is not None:
            column = len(self._prompt) - self._prompt.rfind("\n") - 1
            (newline,) = alphabet.classes("\n")
            if column + characters > given.line_length:
                table = partial(lines, given.line_length, newline, alphabet.size, column)
                yield Part(f"line_length {given.line_length}", table)

    def machine(self, parts: Sequence[int], limits: Limits) -> Machine:
        """The automaton of some of the parts together.

        Args:
            parts: their places among all.
            limits: of a text, and of the work that it may make.

        Raises:
            ConfigError: it is too large.
        """
        size = self._alphabet.size
        tables = []
        for place in parts:
            make = self.parts[place].table
            if make is not None:
                if place not in self._tables:
                    self._tables[place] = make()
                tables.append(self._tables[place])
        chosen = [self.parts[place] for place in parts]
        included = [part.included for part in chosen if part.included]
        banned = [part.banned for part in chosen if part.banned]
        if included:
            tables.append(within(included, size))
        if banned:
            tables.append(without(banned, size, self._alphabet.classes(self._prompt)))
        whole = product(tables, size, limits.steps)
        return Machine(whole, self._groups, self._beginnings, limits, must_finish=self._given.must_finish)


def _of_these(allowed: NDArray[np.bool_]) -> Table:
    """The texts of some classes of characters."""
    return Table(np.where(allowed, 0, DEAD).astype(np.int32)[None], np.ones(1, np.bool_))
