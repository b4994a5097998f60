"""Streams of ids that one model writes side by side, so that each reading of its weights serves them all.

A batch holds the state of its rows; a row holds what is one stream's own, as the ids that are drawn and not taken yet.
Whoever asks for an id that is not there sets the whole batch going. A stream that is closed, or that nobody holds any
more, is left out from then on.
"""

import math
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from copy import copy
from dataclasses import dataclass, field
from functools import reduce
from typing import Any
from weakref import ref

import numpy as np
from numpy.typing import NDArray

from gen.config import require
from gen.decoding.picking import Constraint, Foreseen, Limit, likeliest_token, sample_token
from gen.decoding.processors import History, LogitsProcessor, Mask
from gen.errors import ConfigError, GenError
from gen.protocols import LanguageModel, Logits, RecurrentState
from gen.random import Draws

_ENOUGH = 65_536  # ids that wait in a row before it draws no more for the sake of others
_LONGEST = 256  # ids of a row in a block
_CALL = 7  # ids that could be drawn while one call is made
_WORTH = 3  # times as many as are ever free for certain, from which on ids that are likely to be free are drawn
_SECONDS = 0.01  # blocks grow while they take less, so what is drawn shows as if at once

_UNHEEDED = History(0, 0)

State = RecurrentState[NDArray[Any]]
Block = Callable[..., tuple[NDArray[np.int64], State]]


@dataclass(eq=False, slots=True, weakref_slot=True, kw_only=True)
class Row:
    """What is one stream's own.

    Attributes:
        prompt: what it goes on from. Rows that have the same object share its reading.
        draws: None takes the likeliest ids.
        history: of the prompt and what is drawn; None where nothing heeds it.
        constraint: on the id that is drawn next. Where it is a `Limit` that is over, the row has ended.
        last: the id that the batch's state has not seen.
        queue: drawn, and not taken yet.
        error: why nothing comes after these.
        batch: that it is drawn in; None when it has ended.
        over: its constraint says that what was drawn is whole: nothing follows.
        foreseen: its constraint looks at ids that were drawn without it.
    """

    prompt: NDArray[np.int64]
    draws: Draws | None
    history: History | None
    constraint: Constraint | None
    last: int = field(init=False)
    queue: deque[int] = field(init=False, default_factory=deque)
    error: GenError | None = field(init=False, default=None)
    batch: "Batch | None" = field(init=False, default=None)
    over: bool = field(init=False)
    foreseen: bool = field(init=False)
    _limited: bool = field(init=False)

    def __post_init__(self) -> None:
        self.last = int(self.prompt[-1])
        self._limited = isinstance(self.constraint, Limit)
        self.foreseen = isinstance(self.constraint, Foreseen)
        self.over = self._limited and self.constraint.over  # type: ignore[union-attr]

    @property
    def free(self) -> int:
        """How many of the next ids are the same whether a constraint is asked or not."""
        if self.constraint is None:
            return sys.maxsize
        return self.constraint.free if self.foreseen else 0  # type: ignore[attr-defined]

    def pick(self, logits: Logits, processors: Sequence[LogitsProcessor], position: int) -> int:
        """The id that comes at a position.

        Raises:
            ConfigError: none is allowed.
            SamplingError: a logit is NaN or plus infinity.
        """
        if processors or self.constraint is not None:
            likeliest_token(logits)  # raises where the model is broken, which a processor might hide
        history = self.history or _UNHEEDED
        if self.constraint is not None:
            allowed = self.constraint.allowed
            if not allowed.any():
                raise ConfigError("nothing may follow what was written: what is asked of it cannot all be kept")
            logits = Mask(allowed)(logits, history)
        for processor in processors:
            logits = processor(logits, history)
        return likeliest_token(logits) if self.draws is None else sample_token(logits, self.draws.at(position))

    def kept(self, ids: list[int]) -> int:
        """How many of the ids that were drawn at a time are what they would be one by one."""
        return self.constraint.kept(ids) if self.foreseen else len(ids)  # type: ignore[union-attr]

    def receive(self, ids: list[int]) -> None:
        """Take ids that are drawn."""
        if self.constraint is not None:
            if self.foreseen:
                self.constraint = self.constraint.after_all(ids)  # type: ignore[attr-defined]
            else:
                self.constraint = reduce(lambda constraint, id: constraint.after(id), ids, self.constraint)
            self.over = self._limited and self.constraint.over  # type: ignore[union-attr]
        self.queue += ids
        self.last = ids[-1] if ids else self.last
        if self.history is not None:
            for id in ids:
                self.history.append(id)


class TokenStream(Iterator[int]):
    """The ids of one stream, without end unless it is closed.

    They are drawn when they are asked for, and some ahead where the model chooses many at a time. Streams that were
    made together belong to one thread at a time.
    """

    def __init__(self, row: Row) -> None:
        self._row = row

    def __next__(self) -> int:
        queue = self._row.queue
        if not queue:
            self._draw(sys.maxsize)
            if not queue:
                raise StopIteration
        return queue.popleft()

    def take(self, most: int = sys.maxsize) -> list[int]:
        """The next ids, as many as a block has: 1 … `most`, and none when it is closed. None is drawn beyond `most`.

        Raises:
            ConfigError: `most` is below 1.
            GenError: as iteration does.
        """
        require(most >= 1, "most", most, "1 or more")
        queue = self._row.queue
        if not queue:
            self._draw(most)
        return [queue.popleft() for _ in range(min(most, len(queue)))]

    def close(self) -> None:
        """End it here."""
        self._row.batch = None
        self._row.queue.clear()

    def _draw(self, most: int) -> None:
        row = self._row
        while row.batch is not None and not row.queue:
            if row.error is not None or row.over:
                self.close()
            if row.error is not None:
                raise row.error
            if row.batch is not None:
                row.batch.draw(most)


class Batch:
    """Rows that one model writes in step.

    Args:
        model: of numpy arrays.
        processors: what shapes its logits.
        block: draws many ids at a time, as `BlockModel` does where its choice is given; None draws them one by one.
        rows: at the beginning. They are not held, and leave when their streams do.
    """

    def __init__(
        self,
        model: LanguageModel[NDArray[Any]],
        processors: tuple[LogitsProcessor, ...],
        block: Block | None,
        rows: Sequence[Row],
    ) -> None:
        self._model = model
        self._processors = processors
        self._block = block
        self._rows = [ref(row) for row in rows]
        for row in rows:
            row.batch = self
        self._state: State | None = None
        self._position = 0
        self._chosen = 0  # ids, one by one
        self._freest = 0  # how many ids were free for certain, at most
        self._length = 1  # of the next block; of the first, so that its id comes at once
        self._broken = False

    def draw(self, most: int) -> None:
        """Draw 1 … `most` ids for each row, or find out why none comes, in two calls at most."""
        rows, length = self._gathered(), min(self._length, most)
        try:
            self._state = self._state or self._read(rows)
            began = time.perf_counter()
            drawn = self._draw_next(rows, length)
            while 0 < drawn < length and all(row.foreseen and row.error is None and not row.over for row in rows):
                drawn += self._draw_next(rows, length - drawn)
            if drawn == self._length and time.perf_counter() - began < _SECONDS:
                self._length = min(2 * self._length, _LONGEST)
        except BaseException:  # the rows may be out of step with the state
            for row in rows:
                row.batch = None
            raise

    def _draw_next(self, rows: Sequence[Row], most: int) -> int:
        """Draw as many ids as can be drawn in a call; how many these are, or none where it broke."""
        free = min(row.free for row in rows)
        if self._block is None or self._broken or free < 1:
            self._chosen += 1
            self._draw_one(rows)
            return 1
        self._freest = max(self._freest, free)
        likely = math.isqrt(_CALL * self._position // (1 + self._chosen))
        length = likely if likely > _WORTH * self._freest else free
        return self._draw_block(self._block, rows, min(most, length), free)

    def _draw_one(self, rows: Sequence[Row]) -> None:
        batch, self._state = self._model.step(*self._before(rows))
        for row, logits in zip(rows, batch, strict=True):
            try:
                row.receive([row.pick(logits, self._processors, self._position)])
            except GenError as error:
                row.error = error
        self._position += 1
        self._broken = False

    def _draw_block(self, block: Block, rows: Sequence[Row], length: int, free: int) -> int:
        draws = np.zeros((len(rows), length))
        for row, its_draws in zip(rows, draws, strict=True):
            if row.draws is not None:
                its_draws[:] = row.draws.block(self._position, length)
        counts = recent = None
        histories = [row.history for row in rows if row.history is not None]
        if histories:
            counts = np.array([history.counts for history in histories], np.int32)
            if histories[0].window >= 0:
                recent = np.array([history.leaving(length) for history in histories], np.int32)
        before = self._before(rows)
        ids, state = block(*before, draws, counts=counts, recent=recent)
        kept = ids.shape[1]
        if length > free:
            kept = min(row.kept(its) for row, its in zip(rows, ids.tolist(), strict=True))
        if kept < ids.shape[1]:  # it has gone too far; what comes there is chosen under the constraint
            ids, state = block(*before, draws[:, :kept], counts=counts, recent=recent)
        self._state = state
        for row, its in zip(rows, ids.tolist(), strict=True):
            row.receive(its)
        self._position += kept
        self._broken = kept < length
        return int(kept)

    def _before(self, rows: Sequence[Row]) -> tuple[NDArray[np.int64], State]:
        """The id of each row that the model reads next, and the state before it."""
        assert self._state is not None
        return np.array([row.last for row in rows], np.int64), self._state

    def _read(self, rows: Sequence[Row]) -> State:
        """The state after all prompts but their last ids, each read once."""
        prompts = {id(row.prompt): row.prompt for row in rows}
        states = [self._model.initial_state(1) for _ in prompts]
        for place, ids in enumerate(prompts.values()):
            if len(ids) > 1:
                _, states[place] = self._model.prefill(ids[None, :-1], states[place])
        places = {key: place for place, key in enumerate(prompts)}
        arrays = zip(*(state.arrays for state in states), strict=True)
        joined = RecurrentState(tuple(np.concatenate(parts, 1) for parts in arrays))
        return joined.select([places[id(row.prompt)] for row in rows])

    def _gathered(self) -> list[Row]:
        """The rows that go on. Those that have enough for now become a batch of their own, those that ended leave."""
        found = [(place, row) for place, it in enumerate(self._rows) if (row := it()) is not None]
        alive = [(place, row) for place, row in found if row.batch is self and row.error is None and not row.over]
        wanting = [(place, row) for place, row in alive if len(row.queue) < _ENOUGH]
        if len(wanting) < len(alive):
            copy(self)._keep([(place, row) for place, row in alive if len(row.queue) >= _ENOUGH])
        if len(wanting) < len(self._rows):
            self._keep(wanting)
        return [row for _, row in wanting]

    def _keep(self, rows: list[tuple[int, Row]]) -> None:
        """Go on with these of the rows alone, each with its place among them."""
        self._rows = [ref(row) for _, row in rows]
        for _, row in rows:
            row.batch = self
        if self._state is not None:
            self._state = self._state.select([place for place, _ in rows])
