"""Options of `gen sample` for beams and for the best of several samples."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gen.cli.options import with_default
from gen.config import require
from gen.errors import ConfigError

if TYPE_CHECKING:
    from gen.sampler import Ranked

_SEARCH = "Search for the best"  # panel of the help

Beam = Annotated[
    int | None,
    typer.Option("--beam", help="Search with so many hypotheses at once.", rich_help_panel=_SEARCH, metavar="N"),
]
BeamKindName = Annotated[
    str | None,
    typer.Option(
        "--beam-kind",
        help=with_default("deterministic, stochastic (drawn without replacement) or diverse.", "deterministic"),
        rich_help_panel=_SEARCH,
        metavar="KIND",
    ),
]
LengthPenalty = Annotated[
    float | None,
    typer.Option(
        help=with_default("The score is log-probability / length^A: 0 is their sum, 1 the mean.", 1),
        rich_help_panel=_SEARCH,
        metavar="A",
    ),
]
BeamLag = Annotated[
    int | None,
    typer.Option(
        "--beam-lag",
        help="What the hypotheses have not agreed on for N symbols is taken from the best, so that the rest can come.",
        rich_help_panel=_SEARCH,
        metavar="N",
    ),
]
BeamGroups = Annotated[
    int | None,
    typer.Option(
        "--beam-groups",
        help=with_default("Of diverse beams: groups that avoid each other.", "one a hypothesis"),
        rich_help_panel=_SEARCH,
        metavar="N",
    ),
]
Diversity = Annotated[
    float | None,
    typer.Option(
        help=with_default("Of diverse beams: nats that it costs to choose what another group chose.", 0.5),
        rich_help_panel=_SEARCH,
        metavar="NATS",
    ),
]
NoRepeatNgram = Annotated[
    int | None,
    typer.Option(
        help=with_default("No hypothesis writes N tokens in a row twice; 0 lets it.", "0; music: 12"),
        rich_help_panel=_SEARCH,
        metavar="N",
    ),
]
BestOf = Annotated[
    int | None,
    typer.Option("--best-of", help="Draw N samples and write the best.", rich_help_panel=_SEARCH, metavar="N"),
]
RankName = Annotated[
    str | None,
    typer.Option(
        "--rank",
        help=with_default(
            "Which is best: by likelihood, its mean over the tokens, or (music) statistics like the training set's.",
            "mean",
        ),
        rich_help_panel=_SEARCH,
        metavar="BY",
    ),
]
Returned = Annotated[
    int | None,
    typer.Option(
        "--return",
        help=with_default("How many of these to write, best first.", 1),
        rich_help_panel=_SEARCH,
        metavar="N",
    ),
]


@dataclass(frozen=True, slots=True)
class Search:
    """What is looked for, in place of samples.

    Attributes:
        beam: arguments of a sampler's `beam`; None where several samples are ranked.
        best_of: arguments of its `best_of`.
        returned: how many are written.
    """

    beam: Mapping[str, Any] | None
    best_of: Mapping[str, Any] = field(default_factory=dict)
    returned: int = 1

    @property
    def defaults(self) -> Mapping[str, Any]:
        """Settings of sampling that are others here: all beams but stochastic ones take the model as it is."""
        drawn = self.beam is None or self.beam.get("kind") == "stochastic"
        return {} if drawn else {"temperature": 1.0, "top_p": 1.0}

    def notice(self, settled: int) -> str | None:
        """What to say of a beam that had to follow its best hypothesis so many times."""
        if not settled or self.beam is None:
            return None
        times = "once" if settled == 1 else f"{settled:,} times"
        return (
            f"--beam-lag {self.beam['lag']}: {times} the hypotheses had not agreed by then, and the best was followed"
        )

    def facts(self, found: "Ranked[Any]", scores: Mapping[int, float]) -> dict[str, Any]:
        """What JSON says of one that was found; of samples that were ranked, the scores of all, stream by stream."""
        facts: dict[str, Any] = {"score": _number(found.score), "log_probability": _number(found.log_probability)}
        if self.beam is None:
            facts |= {"rank": self.best_of["rank"], "scores": [_number(scores[stream]) for stream in sorted(scores)]}
        return facts


def search_for(
    beam: Mapping[str, Any], best_of: int | None, rank: str | None, returned: int | None, *, samples: int, stream: int
) -> Search | None:
    """What the flags ask for; None is sampling.

    Args:
        beam: the flags of beams, called as arguments of a sampler's `beam`; None where one was not given.
        best_of: as given, and so the others.
        rank: None takes the mean.
        returned: None takes one.
        samples: how many are asked for.
        stream: the first.

    Raises:
        ConfigError: they contradict each other.
    """
    given = {name: value for name, value in beam.items() if value is not None}
    flags = [_FLAGS[name] for name in given if name != "width"]
    if "width" in given and best_of is not None:
        raise ConfigError("--beam and --best-of are both given; one of them is enough")
    if flags and "width" not in given:
        raise ConfigError(f"{', '.join(flags)}: of use to a beam only: give one, --beam 8, or leave it out")
    if rank is not None and best_of is None:
        raise ConfigError("--rank: of use to the best of several samples only: give --best-of 8, or leave it out")
    width = given.get("width", best_of)
    if width is None:
        if returned is not None:
            raise ConfigError("--return: of use to --beam and --best-of only; --samples draws several")
        return None
    flag = "--best-of" if best_of is not None else "--beam"
    require(width >= 1, flag, width, "1 or more")
    if samples > 1:
        raise ConfigError(f"--samples is {samples}; with {flag}, --return says how many are written: leave it out")
    if stream and best_of is not None:
        raise ConfigError(f"--stream is {stream}; --best-of {width} draws the streams 0 … {width - 1}: leave it out")
    returned = 1 if returned is None else returned
    require(1 <= returned <= width, "--return", returned, f"in 1 … {width}, as {flag} has no more")
    if best_of is None:
        return Search({"lag": None, **given}, returned=returned)
    return Search(None, {"count": best_of, "rank": rank or "mean"}, returned)


_FLAGS = {
    "kind": "--beam-kind",
    "length_penalty": "--length-penalty",
    "lag": "--beam-lag",
    "groups": "--beam-groups",
    "diversity": "--diversity",
    "no_repeat_ngram": "--no-repeat-ngram",
}


def _number(value: float) -> float | None:
    """JSON knows no infinity."""
    return value if abs(value) < float("inf") else None
