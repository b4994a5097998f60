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


@dataclass(frozen=True, eq=False)
class TextConstraint:
    """What may be written from here on, so that the text can still become whole: a `Limit` for streams and beams.

    Attributes:
        machine: of all constraints.
        end: the id that ends a text, where it may; None where there is none.
        characters: that may still come.
        ids: the same.
        state: of the machine.
        begun: something has been written.
        ended: by the id that ends a text.
    """

    machine: Machine
    end: int | None
    characters: int
    ids: int
    state: int
    begun: bool = False
    ended: bool = False

    @cached_property
    def allowed(self) -> NDArray[np.bool_]:
        """The ids that may come next, (V,)."""
        allowed = self._written
        room = min(self.characters, self.ids) > 0 and not self.ended
        if self.end is not None and self.begun and room and self.machine.accepts(self.state):
            allowed = allowed.copy()
            allowed[self.end] = True
        return allowed

    @cached_property
    def over(self) -> bool:
        """The text is whole, and nothing that may follow would make it so again."""
        return self.ended or not self._written.any()

    @cached_property
    def _written(self) -> NDArray[np.bool_]:
        return self.machine.allowed(self.state, 0 if self.ended else self.characters, self.ids)

    def after(self, id: int) -> "TextConstraint":
        """What may be written when `id` has come."""
        if id == self.end:
            return TextConstraint(self.machine, self.end, self.characters, self.ids - 1, self.state, True, True)
        state, units = self.machine.after(self.state, id)
        characters = max(0, self.characters - units)
        return TextConstraint(self.machine, self.end, characters, self.ids - 1, state, True)


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
    constraint = TextConstraint(machine, end if usable else None, characters, ids, machine.start)
    if constraint.over:
        raise ConfigError(refusal(compiler, characters, ids))
    return constraint
