"""What a model was trained with."""

import platform

import numpy as np
import torch

from gen import __version__


def versions() -> dict[str, str]:
    """Names and versions of what decides over a model's numbers."""
    return {
        "gen": __version__,
        "python": platform.python_version(),
        "torch": str(torch.__version__),
        "numpy": np.__version__,
    }
