"""Options of `gen sample` for the choice of the next token."""

from typing import Annotated

import typer

from gen.cli.options import with_default
from gen.config import SAMPLERS, SamplingConfig
from gen.errors import ConfigError

CHOICE = "Choice of the next token"
"""The panel of the help."""


def _help(text: str, setting: str) -> str:
    """Help for a flag that a file or a variable may give in its place."""
    ours, music = getattr(SamplingConfig, setting), getattr(SamplingConfig.for_medium("music"), setting)
    return with_default(text, ours if ours == music else f"{ours}; music: {music}")


Temp = Annotated[
    float | None,
    typer.Option(help=_help("Temperature; 0 takes the likeliest.", "temperature"), rich_help_panel=CHOICE),
]
TempEnd = Annotated[
    float | None,
    typer.Option(
        help=with_default("What the temperature becomes, along a line.", "the temperature"), rich_help_panel=CHOICE
    ),
]
TempOver = Annotated[
    int | None, typer.Option(help=_help("Tokens that this takes.", "temperature_over"), rich_help_panel=CHOICE)
]
TopK = Annotated[
    int | None, typer.Option(help=_help("Keep the k likeliest; 0 keeps all.", "top_k"), rich_help_panel=CHOICE)
]
TopP = Annotated[
    float | None,
    typer.Option(help=_help("Keep the likeliest of this probability; 1 keeps all.", "top_p"), rich_help_panel=CHOICE),
]
MinP = Annotated[
    float | None,
    typer.Option(help=_help("Keep what is so many times as likely as the likeliest.", "min_p"), rich_help_panel=CHOICE),
]
Typical = Annotated[
    float | None,
    typer.Option(
        help=_help("Keep the most typical of this probability; 1 keeps all.", "typical_p"), rich_help_panel=CHOICE
    ),
]
RepeatPenalty = Annotated[
    float | None,
    typer.Option(help=_help("Divide logits of recent tokens; 1 is off.", "repeat_penalty"), rich_help_panel=CHOICE),
]
PresencePenalty = Annotated[
    float | None,
    typer.Option(help=_help("Subtract from logits of recent tokens.", "presence_penalty"), rich_help_panel=CHOICE),
]
FrequencyPenalty = Annotated[
    float | None,
    typer.Option(help=_help("The same, for each occurrence.", "frequency_penalty"), rich_help_panel=CHOICE),
]
RepeatLastN = Annotated[
    int | None,
    typer.Option(help=_help("How many tokens are recent; -1 is all.", "repeat_last_n"), rich_help_panel=CHOICE),
]
DryMultiplier = Annotated[
    float | None,
    typer.Option(
        help=_help("DRY: penalty of a token that goes on with a repetition; 0 is off.", "dry_multiplier"),
        rich_help_panel=CHOICE,
    ),
]
DryBase = Annotated[
    float | None,
    typer.Option(help=_help("It grows by this with each token of it.", "dry_base"), rich_help_panel=CHOICE),
]
DryAllowedLength = Annotated[
    int | None,
    typer.Option(help=_help("Tokens that may be repeated for nothing.", "dry_allowed_length"), rich_help_panel=CHOICE),
]
DryPenaltyLastN = Annotated[
    int | None,
    typer.Option(help=_help("How many tokens are searched; -1 is all.", "dry_penalty_last_n"), rich_help_panel=CHOICE),
]
DrySequenceBreaker = Annotated[
    list[str] | None,
    typer.Option(
        help=with_default(
            "Symbol that no repetition goes across. Repeatable; 'none' for none.", r'\n : " *; music: none'
        ),
        rich_help_panel=CHOICE,
        metavar="SYMBOL",
    ),
]
LogitBias = Annotated[
    list[str] | None,
    typer.Option(help="SYMBOL=NATS, added to its logit; SYMBOL=-inf bans it. Repeatable.", rich_help_panel=CHOICE),
]
Samplers = Annotated[
    str | None,
    typer.Option(
        help=with_default("What shapes the choice, in order; what is not named does not run.", ", ".join(SAMPLERS)),
        rich_help_panel=CHOICE,
        metavar="NAMES",
    ),
]


def symbols(given: list[str] | None) -> list[str] | None:
    r"""What is meant by symbols as they are typed: \n is the end of a line, and none is none."""
    if given is None:
        return None
    return [unescaped(symbol) for symbol in given if symbol != "none"]


def unescaped(symbol: str) -> str:
    r"""A symbol as it is typed: \n is the end of a line. What is no escape stands for itself."""
    try:
        return symbol.encode("latin-1", "backslashreplace").decode("unicode_escape")
    except UnicodeDecodeError:
        return symbol


def biases(given: list[str] | None) -> dict[str, float] | None:
    """Biases by symbol, of entries SYMBOL=NATS.

    Raises:
        ConfigError: an entry is none.
    """
    return dict(map(_bias, given)) if given else None


def _bias(entry: str) -> tuple[str, float]:
    """SYMBOL=NATS."""
    symbol, separator, number = entry.rpartition("=")
    try:
        value = float(number)
    except ValueError:
        separator = ""
    if not separator or not symbol:
        raise ConfigError(f"--logit-bias is {entry!r}; it must be SYMBOL=NATS, for example e=-inf")
    return unescaped(symbol), value
