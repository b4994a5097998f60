"""The loss of a language model against the length of context: what it makes use of, of all that it has read."""

from collections.abc import Generator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from gen.errors import CorpusError
from gen.models.language_model import RecurrentLanguageModel
from gen.progress import Probing
from gen.protocols import Ids

LONGEST = 1024
"""Tokens of the longest context."""
TARGETS = 4096
"""Tokens that are predicted, the same ones from each length of context."""

_FINER = 8  # a context is exact to this part of it
_TOKENS, _LOGITS = 2**15, 2**24  # at a time
_LEAST = 16  # tokens of a text


@dataclass(frozen=True, slots=True)
class ContextLosses:
    """What the last n tokens are worth.

    Attributes:
        losses: for each n = 1, 2, 4, … the mean loss in nats per token, where n tokens were read from the zero state,
            or up to an eighth more.
        errors: the standard error of each.
        targets: on how many tokens each was measured.
    """

    losses: dict[int, float]
    errors: dict[int, float]
    targets: int

    def used(self, within: float = 0.01) -> int:
        """The shortest context whose loss is at most `within` nats above the least of all."""
        least = min(self.losses.values())
        return min(n for n, loss in self.losses.items() if loss <= least + within)

    def to_dict(self) -> dict[str, Any]:
        """All of it as JSON values."""
        return {
            "targets": self.targets,
            "contexts": [
                {"tokens": n, "nats_per_token": loss, "standard_error": self.errors[n]}
                for n, loss in self.losses.items()
            ],
        }


def context_losses(
    model: RecurrentLanguageModel, ids: Ids, *, longest: int = LONGEST, targets: int = TARGETS
) -> Generator[Probing, None, ContextLosses]:
    """Measure it on tokens spread evenly over a text; yields progress.

    From a context of n tokens on, n // 8 tokens (or 1) are predicted one after the other before the next one is read
    from the zero state: so all of 8 n tokens and more cost what one token costs where each has its own.

    Args:
        model: read without gradients.
        ids: the text, (N,).
        longest: context, in tokens; half of the text at most.
        targets: tokens to predict, at most.

    Raises:
        CorpusError: the text has fewer than 16 tokens.
    """
    if len(ids) < _LEAST:
        raise CorpusError(f"{len(ids)} tokens to measure on; {_LEAST} are needed at least: give a longer text")
    lengths = [2**power for power in range(min(longest, len(ids) // 2).bit_length())]
    begins, width = _blocks(len(ids), lengths[-1], targets)
    costs = [length * width // _stride(length, width) + width for length in lengths]
    losses, errors = {}, {}
    done = 0
    for length, cost in zip(lengths, costs, strict=True):
        stride = _stride(length, width)
        firsts = (begins[:, None] + np.arange(0, width, stride)).ravel()
        rows = max(1, min(_TOKENS // (length + stride), _LOGITS // (stride * model.vocabulary_size)))
        found = []
        for row in range(0, len(firsts), rows):
            found.append(_nats(model, ids, firsts[row : row + rows], length, stride))
            done += cost * found[-1].size // width
            yield Probing(done / (sum(costs) * len(begins)))
        nats = np.concatenate(found)
        losses[length] = float(nats.mean())
        errors[length] = float(nats.std() / np.sqrt(len(nats)))
    return ContextLosses(losses, errors, len(begins) * width)


def _blocks(size: int, longest: int, targets: int) -> tuple[NDArray[np.int64], int]:
    """Where blocks of tokens to predict begin, spread evenly behind the first context, and how wide each is."""
    room = size - longest
    width = 2 ** (min(max(1, longest // _FINER), room, targets).bit_length() - 1)
    count = min(targets, room) // width
    return longest + np.linspace(0, room - width, count).astype(np.int64), width


def _stride(length: int, width: int) -> int:
    """Tokens that are predicted one after the other, behind a context."""
    return min(max(1, length // _FINER), width)


def _nats(
    model: RecurrentLanguageModel, ids: Ids, firsts: NDArray[np.int64], length: int, stride: int
) -> NDArray[np.float64]:
    """The loss of each of `stride` tokens from each of `firsts` on, after `length` tokens and the targets before."""
    windows = ids[np.arange(-length, stride)[:, None] + firsts].astype(np.int64)
    read = torch.from_numpy(windows).to(model.output.bias.device)
    with torch.no_grad():
        state = model.initial_state(len(firsts))
        if length > 1:
            _, state = model.prefill(read[: length - 1].T, state)
        logits, _ = model(read[length - 1 : -1], state)
        nats = functional.cross_entropy(logits.flatten(0, 1), read[length:].flatten(), reduction="none")
    return nats.double().cpu().numpy()
