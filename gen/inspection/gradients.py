"""How much of a loss's gradient comes back to a state: its norm against the number of steps that it was carried.

What a network is to learn about something k steps ago, it learns from d loss_t / d state_{t-k}: a product of k
Jacobians, which vanishes or explodes where their singular values are below or above 1 (Bengio et al. 1994; Pascanu et
al. 2013). The state of k steps ago is cut out as a whole: h of all layers, and c of an LSTM, as it was carried on.
"""

from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from gen.errors import CorpusError
from gen.models.language_model import RecurrentLanguageModel
from gen.progress import Probing
from gen.protocols import Ids, RecurrentState

BACK = 200
"""Tokens that gradients of a run are followed back."""
POSITIONS = 128
"""Of a text, whose losses they are the gradients of."""

_WARM_UP = 256  # tokens that are read before, so that a state is what it is in the middle of a text
_ROWS = 32  # windows side by side: each keeps all that its steps computed
_LEAST = 16  # tokens that make a window worth the name

State = RecurrentState[Tensor]
Read = Callable[[Tensor, State], tuple[Tensor, State]]
"""Inputs (T, B, …) and a state in; outputs (T, B, O) and the state after them out."""


def carried_gradients(
    read: Read, x: Tensor, state: State, loss: Callable[[Tensor], Tensor]
) -> tuple[Float[Tensor, "B O"], Float[Tensor, "K A L B"]]:
    """The gradients of a loss on the last output.

    Args:
        read: the network.
        x: inputs (T, B, …), T >= 2.
        state: before them.
        loss: of the last outputs (B, O), a sum over the B rows.

    Returns:
        The gradient of these outputs; and the norms of those of the states, for K = T - 1: [k - 1, a, l, b] is of array
        a (h, or c) of layer l in row b, k steps before the last.
    """
    current = state.map(lambda array: array.detach().requires_grad_(array.is_floating_point()))
    states = []
    for t in range(len(x)):
        output, current = read(x[t : t + 1], current)
        states.append([array for array in current.arrays if array.is_floating_point()])
    arrays = [array for carried in states[-2::-1] for array in carried]
    of_output, *of_states = torch.autograd.grad(loss(output[-1]), [output, *arrays])
    norms = torch.stack([gradient.norm(dim=-1) for gradient in of_states])
    return of_output[0], norms.view(len(x) - 1, -1, *norms.shape[1:])


@dataclass(frozen=True, slots=True)
class GradientReach:
    """How far the loss of a language model looks back, while it learns.

    Attributes:
        norms: for each part of the state, as "h1" or "c2" (of the first, of the second layer), the norm of
            d loss_t / d state_{t-k}, in nats, for k = 1, 2, …: the mean over the positions t.
        last: the norm of d loss_t / d h_t, of the last layer: k = 0.
        positions: how many.
    """

    norms: dict[str, tuple[float, ...]]
    last: float
    positions: int

    def to_dict(self) -> dict[str, Any]:
        """All of it as JSON values."""
        return {"positions": self.positions, "last_layer_at_0": self.last, "from_1_on": self.norms}


def gradient_reach(
    model: RecurrentLanguageModel, ids: Ids, *, back: int = BACK, positions: int = POSITIONS
) -> Generator[Probing, None, GradientReach]:
    """Measure it at positions spread evenly over a text; yields progress.

    Args:
        model: its weights are not changed.
        ids: the text, (N,).
        back: the largest k; half of the text at most.
        positions: how many, at most.

    Raises:
        CorpusError: the text has fewer than 16 tokens.
    """
    if len(ids) < _LEAST:
        raise CorpusError(f"{len(ids)} tokens to measure on; {_LEAST} are needed at least: give a longer text")
    back = min(back, len(ids) // 2)
    warm_up = min(_WARM_UP, (len(ids) - back - 2) // 2)  # of a short text, the rest is for windows to differ in
    length = warm_up + back + 2  # the last is only predicted
    begins = np.unique(np.linspace(0, len(ids) - length, positions).astype(np.int64))
    norms, last = torch.zeros(()), 0.0
    for first in range(0, len(begins), _ROWS):
        some = begins[first : first + _ROWS]
        windows = torch.from_numpy(ids[np.arange(length)[:, None] + some].astype(np.int64))
        windows = windows.to(model.output.bias.device)
        state = model.initial_state(len(some))
        if warm_up:
            with torch.no_grad():
                _, state = model.prefill(windows[:warm_up].T, state)

        def loss(logits: Tensor, wanted: Tensor = windows[-1]) -> Tensor:
            return functional.cross_entropy(logits, wanted, reduction="sum")

        of_logits, of_states = carried_gradients(model, windows[warm_up:-1], state, loss)
        norms = norms + of_states.detach().sum(-1)
        last += (of_logits @ model.output.weight).detach().norm(dim=-1).sum().item()
        yield Probing((first + len(some)) / len(begins))
    means = (norms / len(begins)).permute(1, 2, 0).tolist()
    named = {
        f"{part}{layer}": tuple(values)
        for part, layers in zip("hc", means, strict=False)
        for layer, values in enumerate(layers, 1)
    }
    return GradientReach(named, last / len(begins), len(begins))
