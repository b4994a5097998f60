"""What a text has to be, as what may come next."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from gen.config import TextConstraints
from gen.constraints.compile import Compiler
from gen.constraints.machine import Limits, Machine
from gen.constraints.reasons import refusal
from gen.constraints.vocabulary import Pieces
from gen.errors import ConfigError
from gen.tokenizers import TextTokenizer


@dataclass(frozen=True, slots=True, eq=False)
class Rules:
    """What holds for a text from its beginning to its end.

    Attributes:
        machine: of all constraints.
        end: the id that ends a text, where it may; None where there is none.
        open: all other ids write something, or are never drawn anyway.
    """

    machine: Machine
    end: int | None
    open: bool


@dataclass(frozen=True, eq=False)
class TextConstraint:
    """What may be written from here on, so that the text can still become whole: it ends a stream, and is foreseen.

    Attributes:
        rules: of the text.
        characters: that may still come.
        ids: the same.
        state: of the machine.
        begun: something has been written.
        ended: by the id that ends a text.
    """

    rules: Rules
    characters: int
    ids: int
    state: int
    begun: bool = False
    ended: bool = False

    @cached_property
    def allowed(self) -> NDArray[np.bool_]:
        """The ids that may come next, (V,)."""
        allowed, end = self._written, self.rules.end
        if end is not None and self.begun and self._room and self.rules.machine.accepts(self.state):
            allowed = allowed.copy()
            allowed[end] = True
        return allowed

    @cached_property
    def over(self) -> bool:
        """The text is whole, and nothing that may follow would make it so again."""
        return not self._written.any()

    @property
    def free(self) -> int:
        """How many of the next ids may be any."""
        rules = self.rules
        if not (rules.open and self._room and (rules.end is None or (self.begun and rules.machine.always_whole))):
            return 0
        return rules.machine.free(self.state, self.characters, self.ids)

    @property
    def _room(self) -> bool:
        """Whether more may come."""
        return not self.ended and self.characters > 0 and self.ids > 0

    @cached_property
    def _written(self) -> NDArray[np.bool_]:
        """The ids of more text that may come next."""
        return self.rules.machine.allowed(self.state, self.characters if self._room else 0, self.ids)

    def kept(self, ids: Sequence[int]) -> int:
        """How many of these came where any id might come; none beyond what is `free` is looked at."""
        return min(len(ids), self.free)

    def after(self, id: int) -> "TextConstraint":
        """What may be written when `id` has come."""
        return self.after_all((id,))

    def after_all(self, ids: Sequence[int]) -> "TextConstraint":
        """What may be written when `ids` have come."""
        state, characters, left, ended = self.state, self.characters, self.ids, self.ended
        for id in ids:
            if ended or id == self.rules.end:
                ended = True
                break
            state, units = self.rules.machine.after(state, id)
            characters = max(0, characters - units)
            left -= 1
        return TextConstraint(self.rules, characters, left, state, True, ended)


def text_constraint(
    constraints: TextConstraints,
    tokenizer: TextTokenizer,
    *,
    prompt: str = "",
    characters: int | None = None,
    ids: int | None = None,
    banned: Sequence[int] = (),
    ignore_end: bool = False,
) -> TextConstraint:
    """The constraint on what follows a prompt.

    Args:
        constraints: what the text has to be.
        tokenizer: of the model.
        prompt: what comes before the text.
        characters: of the text, at most; None for no bound.
        ids: the same.
        banned: ids that are never drawn.
        ignore_end: the id that ends a document is not drawn.

    Raises:
        ConfigError: no text is so; the message says why. Or there would be too many states.
    """
    writable = np.ones(len(tokenizer.vocabulary), np.bool_)
    writable[[*banned, *tokenizer.unknown_ids]] = False
    end = tokenizer.boundary
    usable = end is not None and not ignore_end and bool(writable[end])
    characters, ids = characters or sys.maxsize, ids or sys.maxsize
    compiler = Compiler(constraints, Pieces(tokenizer.pieces, writable), prompt, characters)
    machine = compiler.machine(range(len(compiler.parts)), Limits(characters, ids))
    unwritten = set(np.flatnonzero(~compiler.written).tolist()) - {end if usable else None}
    rules = Rules(machine, end if usable else None, unwritten <= set(banned))
    constraint = TextConstraint(rules, characters, ids, machine.start)
    if constraint.over:
        raise ConfigError(refusal(compiler, characters, ids))
    return constraint
