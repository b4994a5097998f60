"""AdamW with a rate for the head and another for what comes before it. Its memory is given out as named arrays."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gen.config import ClassifyConfig
from gen.models.classifier import RecurrentClassifier

_HEAD = "head."


class ClassifierOptimizer:
    """The weights of a classifier that are trained, under Adam.

    Vectors of n-grams, which only a language model brings along, stay as they are: few documents tell little of them.

    Args:
        model: gradients are switched off for what is not trained.
        config: rates, decay, and whether the head is trained alone.
    """

    def __init__(self, model: RecurrentClassifier, config: ClassifyConfig) -> None:
        frozen = config.freeze or config.encoder_rate == 0
        for name, parameter in model.named_parameters():
            trained = name.startswith(_HEAD) or not (frozen or name.startswith("ngram"))
            parameter.requires_grad_(trained)
        self._names: dict[Tensor, str] = {p: name for name, p in model.named_parameters() if p.requires_grad}
        self._clip = config.clip
        self._rates = {True: config.learning_rate, False: config.learning_rate * config.encoder_rate}
        groups = [
            {"params": [p for p, name in self._names.items() if name.startswith(_HEAD) == head], "head": head}
            for head in (True, False)
        ]
        self._adamw = torch.optim.AdamW(
            [group for group in groups if group["params"]], lr=1.0, weight_decay=config.weight_decay, fused=True
        )

    @property
    def trained(self) -> int:
        """How many numbers it changes."""
        return sum(parameter.numel() for parameter in self._names)

    def step(self, factor: float) -> None:
        """Take one step at the peak rates times `factor`; gradients are gone afterwards."""
        for group in self._adamw.param_groups:
            group["lr"] = self._rates[group["head"]] * factor
        self._adamw.step()
        self._adamw.zero_grad(set_to_none=True)

    def clip_gradients(self) -> float:
        """Scale the gradients to the largest norm allowed; return the norm that they had."""
        return float(torch.nn.utils.clip_grad_norm_(list(self._names), self._clip))

    def tensors(self) -> dict[str, NDArray[Any]]:
        """A copy of everything remembered: `<key>.<parameter>` -> array."""
        return {
            f"{key}.{self._names[parameter]}": value.detach().to("cpu", copy=True).numpy()
            for parameter, state in self._adamw.state.items()
            for key, value in state.items()
        }

    def load(self, tensors: Mapping[str, NDArray[Any]]) -> None:
        """Take back what `tensors` returned (nothing, for a run at its beginning).

        Raises:
            KeyError: a name is not that of a parameter that is trained.
            ValueError: an array has not the shape of its parameter.
        """
        parameters: dict[str, Tensor] = {name: parameter for parameter, name in self._names.items()}
        self._adamw.state.clear()
        for full, array in tensors.items():
            key, name = full.split(".", 1)
            parameter = parameters[name]
            tensor = torch.tensor(np.asarray(array), device=parameter.device)
            if tensor.shape not in (parameter.shape, ()):  # it counts its steps in a single number
                raise ValueError(f"{full} is {tuple(tensor.shape)}, {name} is {tuple(parameter.shape)}")
            self._adamw.state[parameter][key] = tensor
