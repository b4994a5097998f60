"""Muon for the matrices between hidden units, row-wise Adagrad for the table of n-grams, AdamW for everything else.

Their memory is given out as named arrays.
"""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from gen.config import TrainConfig

_POLAR_EXPRESS = (
    (8.28721201814563, -23.595886519098837, 17.300387312530933),
    (4.107059111542203, -2.9478499167379106, 0.5448431082926601),
    (3.9486908534822946, -2.908902115962949, 0.5518191394370137),
    (3.3184196573706015, -2.488488024314874, 0.51004894012372),
)
"""Each iteration's quintic, the best after those before it: Amsel et al. 2025, "The Polar Express"."""
_MOMENTUM = 0.95
_MET_BEFORE = 100  # times that each row of a table is taken to have been met at the beginning
_USUAL = 0.99  # memory of the usual gradient's square
_TINY = 1e-10


def orthogonalize(matrices: Tensor) -> Tensor:
    """Matrices (N, rows, columns), each close to the nearest semi-orthogonal one, by Newton-Schulz.

    Four iterations bring the singular values above a hundredth of the norm to 0.5 … 1.6. They run on the
    Gram matrix, whose side is the shorter one: for the LSTM half the work of iterating on the matrix itself.

    Source: Jordan et al. 2024, "Muon: an optimizer for hidden layers in neural networks".
    """
    if matrices.size(1) < matrices.size(2):
        return orthogonalize(matrices.mT).mT
    x = matrices / (torch.linalg.matrix_norm(matrices, keepdim=True) + 1e-7)
    gram = x.mT @ x
    root = None  # the product of the polynomials so far
    for a, b, c in _POLAR_EXPRESS:
        polynomial = torch.baddbmm(gram, gram, gram, beta=b, alpha=c)
        polynomial.diagonal(dim1=1, dim2=2).add_(a)
        if root is None:
            root = polynomial
        else:
            root = root @ polynomial
        if (a, b, c) != _POLAR_EXPRESS[-1]:
            gram = polynomial @ (polynomial @ gram)
    orthogonal: Tensor = x @ root
    return orthogonal


class Muon(torch.optim.Optimizer):
    """Momentum whose update is made orthogonal, so that every direction of a matrix learns at the same rate.

    Not `torch.optim.Muon`, which iterates on one matrix after another, and in bfloat16, which crawls on processors
    without it.

    Args:
        parameters: matrices.
    """

    def __init__(self, parameters: Iterable[Tensor]) -> None:
        super().__init__(parameters, {"lr": 0.0})

    @torch.no_grad()
    def step(self, closure: Any = None) -> None:  # type: ignore[override]
        """Take one step at the groups' `lr` (no closure is called)."""
        for group in self.param_groups:
            alike: dict[torch.Size, list[Tensor]] = {}
            for parameter in group["params"]:
                alike.setdefault(parameter.shape, []).append(parameter)
            for shape, parameters in alike.items():
                updates = orthogonalize(torch.stack([self._moved(parameter) for parameter in parameters]))
                scale = max(1.0, shape[0] / shape[1]) ** 0.5
                for parameter, update in zip(parameters, updates, strict=True):
                    parameter.add_(update, alpha=-group["lr"] * scale)

    def _moved(self, parameter: Tensor) -> Tensor:
        """The gradient with Nesterov's momentum."""
        state = self.state[parameter]
        if not state:
            state["momentum"] = torch.zeros_like(parameter)
        momentum: Tensor = state["momentum"].mul_(_MOMENTUM).add_(parameter.grad)
        assert parameter.grad is not None
        return parameter.grad.add(momentum, alpha=_MOMENTUM)


class RowwiseAdagrad(torch.optim.Optimizer):
    """Adagrad (Duchi et al. 2011) with one number of memory a row, for sparse gradients of a table.

    Only rows that a chunk met are touched (Naumov et al. 2019, "Deep Learning Recommendation Model"). Each begins as if
    it had been met a hundred times, with gradients of the usual size: what was seen once is not trusted like what was
    seen often, and the n-grams of a text are not learned by heart.

    Args:
        parameters: tables (rows, width).
    """

    def __init__(self, parameters: Iterable[Tensor]) -> None:
        super().__init__(parameters, {"lr": 0.0})

    @torch.no_grad()
    def step(self, closure: Any = None) -> None:  # type: ignore[override]
        """Take one step at the groups' `lr` (no closure is called)."""
        for group in self.param_groups:
            for table in group["params"]:
                state = self.state[table]
                if not state:
                    state["squares"] = table.new_zeros(len(table))
                    state["usual"] = None
                gradient = table.grad.coalesce()
                rows, values = gradient.indices()[0], gradient.values()
                squares = values.square().mean(1)
                usual, now = state["usual"], squares.mean()
                state["usual"] = usual = now if usual is None else torch.lerp(usual, now, 1 - _USUAL)
                total = state["squares"].index_add_(0, rows, squares)[rows] + _MET_BEFORE * usual
                table.index_add_(0, rows, values * (-group["lr"] / (total.sqrt() + _TINY)).unsqueeze(1))


class Optimizer:
    """All weights of a model under their optimizers.

    Args:
        model: its encoder's matrices go to Muon unless `config.matrix_learning_rate` is 0.
        config: peak rates and decay.
    """

    def __init__(self, model: nn.Module, config: TrainConfig) -> None:
        self._names: dict[Tensor, str] = {parameter: name for name, parameter in model.named_parameters()}
        self._clip = config.clip
        with_muon = config.matrix_learning_rate > 0
        matrices = [p for p, n in self._names.items() if with_muon and n.startswith("encoder") and p.ndim == 2]
        tables = [p for p, n in self._names.items() if n.startswith("ngram")]
        chosen = {*matrices, *tables}
        rest = [p for p in self._names if p not in chosen]
        self._dense = [*matrices, *rest]
        adamw = torch.optim.AdamW(
            rest, lr=0.0, betas=(0.9, 0.99), weight_decay=config.weight_decay, fused=rest[0].device.type != "mps"
        )
        self._optimizers: list[tuple[torch.optim.Optimizer, float]] = [(adamw, config.learning_rate)]
        if matrices:
            self._optimizers.append((Muon(matrices), config.matrix_learning_rate))
        if tables:
            self._optimizers.append((RowwiseAdagrad(tables), config.ngram_learning_rate))

    def clip_gradients(self) -> float:
        """Bound the gradient's global norm, and return what it was; tables stand aside, Adagrad scales their rows."""
        return torch.nn.utils.clip_grad_norm_(self._dense, self._clip).item()

    def step(self, factor: float) -> None:
        """Take one step at `factor` times the peak rates and clear the gradients."""
        for optimizer, peak in self._optimizers:
            for group in optimizer.param_groups:
                group["lr"] = peak * factor
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)

    def tensors(self) -> dict[str, NDArray[Any]]:
        """A copy of everything remembered: `<key>.<parameter>` -> array."""
        return {
            f"{key}.{self._names[parameter]}": value.detach().to("cpu", copy=True).numpy()
            for optimizer, _ in self._optimizers
            for parameter, state in optimizer.state.items()
            for key, value in state.items()
        }

    def load(self, tensors: Mapping[str, NDArray[Any]]) -> None:
        """Take back what `tensors` returned (nothing, for a run at its beginning).

        Raises:
            KeyError: a name is not that of a parameter.
            ValueError: an array has not the shape of its parameter.
        """
        parameters = {name: parameter for parameter, name in self._names.items()}
        owner = {p: o for o, _ in self._optimizers for group in o.param_groups for p in group["params"]}
        for optimizer, _ in self._optimizers:
            optimizer.state.clear()
        for full, array in tensors.items():
            key, name = full.split(".", 1)
            parameter = parameters[name]
            # AdamW counts its steps in a tensor on the processor or, when fused, on the parameter's device
            tensor = torch.tensor(np.asarray(array), device=parameter.device)
            # AdamW's count of steps is a single number, Adagrad's memory one for each row
            if tensor.shape not in (parameter.shape, parameter.shape[:1], ()):
                raise ValueError(f"{full} is {tuple(tensor.shape)}, {name} is {tuple(parameter.shape)}")
            owner[parameter].state[parameter][key] = tensor
