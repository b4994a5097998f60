"""How a beam is searched: settings, checked when they are made."""

import math
from dataclasses import dataclass
from typing import Literal, get_args

from gen.config import require
from gen.errors import ConfigError

BeamKind = Literal["deterministic", "stochastic", "diverse"]
BEAM_KINDS: tuple[BeamKind, ...] = get_args(BeamKind)


@dataclass(frozen=True, kw_only=True)
class BeamConfig:
    """What is kept of all that could be written.

    Attributes:
        width: hypotheses that are kept.
        kind: "deterministic" keeps the likeliest; "stochastic" draws them without replacement (Kool, van Hoof & Welling
            2019), so that the first is a sample like any other; "diverse" searches in groups, each of which avoids
            what those before it chose at the same place (Vijayakumar et al. 2016).
        length_penalty: alpha of the score, log-probability / length ** alpha (Wu et al. 2016, equation 14, without its
            constants): 0 is the log-probability, 1 its mean in nats a symbol. None takes 1; stochastic beams have none.
        groups: of diverse beams, as many as divide `width`; None takes a group for each hypothesis, as the paper does.
        diversity: nats that a diverse beam takes from an id for each hypothesis of an earlier group that chose it at
            the same place. It counts in that choice alone: scores stay log-probabilities. None takes 0.5.
        no_repeat_ngram: no hypothesis writes so many ids in a row that it wrote before, unless nothing else may come;
            0 lets it.
        lag: symbols that may be open at most. Where hypotheses differ in an older one, that of the best is taken, and
            those that have another are dropped. None waits until they agree.

    Raises:
        ConfigError: a value is out of range, or of no use to this kind.
    """

    width: int = 8
    kind: BeamKind = "deterministic"
    length_penalty: float | None = None
    groups: int | None = None
    diversity: float | None = None
    no_repeat_ngram: int = 0
    lag: int | None = None

    def __post_init__(self) -> None:
        require(self.kind in BEAM_KINDS, "kind", self.kind, f"one of {', '.join(BEAM_KINDS)}")
        whole = {
            "width": (self.width, 1, 1024),
            "groups": (self.groups, 1, self.width),
            "no_repeat_ngram": (self.no_repeat_ngram, 0, 1024),
            "lag": (self.lag, 1, 2**20),
        }
        for name, (value, low, high) in whole.items():
            sound = value is None or (type(value) is int and low <= value <= high)
            require(sound, name, value, f"a whole number in {low} … {high}")
        for name, number, most in (("length_penalty", self.length_penalty, 10), ("diversity", self.diversity, 1000)):
            sound = number is None or (type(number) in (int, float) and math.isfinite(number) and 0 <= number <= most)
            require(sound, name, number, f"a number in 0 … {most}")
        divides = self.groups is None or self.width % self.groups == 0
        require(divides, "groups", self.groups, f"a divisor of the width, {self.width}")
        self._refuse_what_is_of_no_use()

    def _refuse_what_is_of_no_use(self) -> None:
        for name in ("groups", "diversity"):
            if self.kind != "diverse" and getattr(self, name) is not None:
                raise ConfigError(
                    f"{name} is {getattr(self, name)}; {self.kind} beams have none: leave it out, or take diverse ones"
                )
        if self.kind == "stochastic" and self.length_penalty is not None:
            raise ConfigError(
                f"length_penalty is {self.length_penalty}; stochastic beams are drawn, not ranked by length: leave it "
                "out, or take another kind"
            )
        if self.kind == "diverse" and self.lag is not None:
            raise ConfigError(
                f"lag is {self.lag}; diverse beams differ from the first symbol on, and a lag would drop all but one: "
                "leave it out, or take another kind"
            )
