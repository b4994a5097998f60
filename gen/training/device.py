"""Which device and which precision: chosen from static facts, checked before they are used."""

import torch

from gen.config import ModelConfig, Precision
from gen.errors import ConfigError
from gen.models.initialization import initial_weights
from gen.models.language_model import RecurrentLanguageModel

_TOLERANCE = 0.05  # largest difference of bf16 logits from fp32's that is rounding and not a broken kernel


def use_threads(count: int) -> None:
    """Give tensor work `count` processors: for the program that owns the process, since it is set for all of it."""
    torch.set_num_threads(count)


def choose_device(wanted: str) -> str:
    """The torch device for `wanted` ("auto" takes a CUDA GPU where there is one).

    Raises:
        ConfigError: no such device here.
    """
    if wanted == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    try:
        torch.zeros(1, device=wanted)
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        reason = str(error).splitlines()[0]
        raise ConfigError(f"device {wanted!r} cannot be used here ({reason}): take 'cpu' or 'auto'") from error
    return wanted


def choose_precision(wanted: Precision, device: str) -> Precision:
    """The precision for `wanted`: "auto" takes bf16 where the hardware multiplies it and the result is right.

    Raises:
        ConfigError: bf16 is wanted, and cannot be had here.
    """
    if wanted == "bf16" and not _agrees(device):
        raise ConfigError(f"precision is 'bf16', which {device} does not compute here: take 'fp32' or 'auto'")
    if wanted != "auto":
        return wanted
    return "bf16" if _has_bf16(device) and _agrees(device) else "fp32"


def _has_bf16(device: str) -> bool:
    if device.startswith("cuda"):
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    # no public function tells; where the name is gone, fp32 is always right
    instructions = ("_is_avx512_bf16_supported", "_is_amx_tile_supported")
    return device == "cpu" and any(bool(getattr(torch.cpu, name, bool)()) for name in instructions)


def _agrees(device: str) -> bool:
    """Whether a small network gives the same logits in both precisions."""
    config = ModelConfig(vocabulary_size=16, hidden=32, layers=1)
    model = RecurrentLanguageModel(config).to(device)
    model.load_weights(initial_weights(config, seed=0))
    ids = torch.arange(64, device=device).remainder(16).view(16, 4)
    with torch.no_grad():
        exact, _ = model(ids, model.initial_state(4))
        try:
            with torch.autocast(torch.device(device).type, torch.bfloat16):
                rounded, _ = model(ids, model.initial_state(4))
        except RuntimeError:  # oneDNN has no such LSTM for this processor
            return False
    return bool((exact - rounded.float()).abs().max() < _TOLERANCE)
