"""The curves of a run: what it logged, as a chart."""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gen.cli.charts import Axis, Chart, Curve, Points


@dataclass(frozen=True, slots=True)
class Curves:
    """What a run's log says of its loss.

    Attributes:
        training: (step, nats a token) of single steps, in their order.
        validation: the same of the validations on the way, and the last, exact one.
        baseline: the model that only counts, if it is known: its name and its loss.
    """

    training: Points
    validation: Points
    baseline: tuple[str, float] | None

    def bounds(self) -> tuple[float, float, float]:
        """Last step, and the least and the greatest loss to be shown: the first steps may run out of the picture."""
        last = max(step for step, _ in (*self.training, *self.validation))
        later = [loss for step, loss in self.training if step > last * 0.02] or [loss for _, loss in self.training]
        shown = [*later, *(loss for _, loss in self.validation), *([self.baseline[1]] if self.baseline else [])]
        low, high = min(shown), max(shown)
        room = 0.05 * (high - low) or 0.1
        return last, low - room, high + room


def read_curves(log: Path, provenance: Mapping[str, Any]) -> Curves | None:
    """The curves in a run's log; None where it has too few points to draw. A torn last line is passed over."""
    training: list[tuple[float, float]] = []
    validation: list[tuple[float, float]] = []
    for line in log.read_text("utf-8", errors="replace").splitlines() if log.is_file() else ():
        try:
            entry = json.loads(line)
            point = (float(entry["step"]), float(entry["loss"]))
        except (ValueError, KeyError, TypeError):
            continue
        if all(map(math.isfinite, point)):
            (training if entry.get("event") == "step" else validation).append(point)
    if len({step for step, _ in (*training, *validation)}) < 2:
        return None
    found = provenance.get("baseline")
    baseline = (str(found["model"]), float(found["nats_per_token"])) if isinstance(found, dict) else None
    return Curves(training, validation, baseline)


def chart_of(curves: Curves, title: str = "") -> Chart:
    """The chart of a run: training as it was step by step, validations marked, the baseline dashed."""
    last, low, high = curves.bounds()
    return Chart(
        title,
        Axis("step", 0, last),
        Axis("nats a token", low, high, digits=".2f"),
        [Curve("training", curves.training, joined=False), Curve("validation", curves.validation, "o", joined=False)],
        [(f"{curves.baseline[0]}: {curves.baseline[1]:.3f}", curves.baseline[1])] if curves.baseline else [],
    )
