"""Muon for the matrices between hidden units, AdamW for everything else; their memory as named arrays."""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from gen.config import TrainConfig

_NEWTON_SCHULZ = (3.4445, -4.7750, 2.0315)  # the quintic of Jordan 2024, steep at zero
_ITERATIONS = 5
_MOMENTUM = 0.95


def orthogonalize(matrix: Tensor, dtype: torch.dtype) -> Tensor:
    """A matrix close to the nearest semi-orthogonal one (most singular values in 0.7 … 1.2), by Newton-Schulz.

    Source: Jordan et al. 2024, "Muon: an optimizer for hidden layers in neural networks".
    """
    a, b, c = _NEWTON_SCHULZ
    tall = matrix.size(0) > matrix.size(1)
    x = (matrix.T if tall else matrix).to(dtype)
    x = x / (x.norm() + 1e-7)
    for _ in range(_ITERATIONS):
        gram = x @ x.T
        x = torch.addmm(x, torch.addmm(gram, gram, gram, beta=b, alpha=c), x, beta=a)
    return x.T if tall else x


class Muon(torch.optim.Optimizer):
    """Momentum whose update is made orthogonal, so that every direction of a matrix learns at the same rate.

    Not `torch.optim.Muon`, which always iterates in bfloat16, and that crawls on processors without it.

    Args:
        parameters: matrices.
        dtype: of the iteration.
    """

    def __init__(self, parameters: Iterable[Tensor], dtype: torch.dtype) -> None:
        super().__init__(parameters, {"lr": 0.0})
        self._dtype = dtype

    @torch.no_grad()
    def step(self, closure: Any = None) -> None:  # type: ignore[override]
        """Take one step at the groups' `lr` (no closure is called)."""
        for group in self.param_groups:
            for parameter in group["params"]:
                state = self.state[parameter]
                if not state:
                    state["momentum"] = torch.zeros_like(parameter)
                momentum = state["momentum"].mul_(_MOMENTUM).add_(parameter.grad)
                update = orthogonalize(parameter.grad.add(momentum, alpha=_MOMENTUM), self._dtype)
                scale = max(1.0, parameter.size(0) / parameter.size(1)) ** 0.5
                parameter.add_(update, alpha=-group["lr"] * scale)


class Optimizer:
    """All weights of a model under their optimizers.

    Args:
        model: its encoder's matrices go to Muon unless `config.matrix_learning_rate` is 0.
        config: peak rates and decay.
        dtype: in which Muon iterates.
    """

    def __init__(self, model: nn.Module, config: TrainConfig, dtype: torch.dtype) -> None:
        self._names: dict[Tensor, str] = {parameter: name for name, parameter in model.named_parameters()}
        with_muon = config.matrix_learning_rate > 0
        matrices = [p for p, n in self._names.items() if with_muon and n.startswith("encoder") and p.ndim == 2]
        chosen = set(matrices)
        rest = [p for p in self._names if p not in chosen]
        adamw = torch.optim.AdamW(
            rest, lr=0.0, betas=(0.9, 0.99), weight_decay=config.weight_decay, fused=rest[0].device.type != "mps"
        )
        self._optimizers: list[tuple[torch.optim.Optimizer, float]] = [(adamw, config.learning_rate)]
        if matrices:
            self._optimizers.append((Muon(matrices, dtype), config.matrix_learning_rate))

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
            if tensor.shape not in (parameter.shape, ()):  # AdamW's count of steps is a single number
                raise ValueError(f"{full} is {tuple(tensor.shape)}, {name} is {tuple(parameter.shape)}")
            owner[parameter].state[parameter][key] = tensor
