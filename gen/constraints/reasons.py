"""Why no text is as it has to be."""

from gen.constraints.compile import Compiler
from gen.constraints.machine import Limits
from gen.constraints.table import FAR
from gen.errors import ConfigError

_TRIALS = 40
_MOST_STEPS = 60_000  # of the automaton of some of the constraints
_SHOWN = 6  # constraints in a message


def refusal(compiler: Compiler, characters: int, ids: int) -> str:
    """What to say of constraints that no text fulfils.

    Args:
        compiler: of these.
        characters: of a text, at most.
        ids: the same.
    """
    core = _at_odds(compiler, Limits(characters, ids, _MOST_STEPS))
    names = [compiler.parts[place].name for place in core]
    if len(names) > _SHOWN:
        names[_SHOWN:] = [f"{len(names) - _SHOWN:,} more"]
    named = " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names) or "what the model can write"
    try:
        machine = compiler.machine(core, Limits(FAR, FAR))
    except ConfigError:
        return f"no text that this model can write fits {named}"
    if machine.allowed(machine.start, FAR, FAR).any():
        bounds = [f"{characters:,} characters"] * (characters < FAR) + [f"{ids:,} tokens"] * (ids < FAR)
        shortest = f": the shortest has {machine.fewest():,} characters" if machine.whole else ""
        return f"no text of at most {' and '.join(bounds)} fits {named}{shortest}"
    if machine.accepts(machine.start):
        return f"only the empty text fits {named}: nothing is left to be written"
    if len(names) > 1:
        return f"{named} exclude each other: leave one of them out"
    return f"no text that this model can write fits {named}"


def _at_odds(compiler: Compiler, limits: Limits) -> list[int]:
    """Constraints that no text fulfils together, without those that need not be: after Zeller & Hildebrandt (2002)."""
    core = list(range(len(compiler.parts)))
    trials, size = 0, len(core)
    while size > 1:
        size = (size + 1) // 2
        at = 0
        while at < len(core) and trials < _TRIALS:
            rest = core[:at] + core[at + size :]
            trials += 1
            if rest and _is_impossible(compiler, rest, limits):
                core = rest
            else:
                at += size
    return core


def _is_impossible(compiler: Compiler, parts: list[int], limits: Limits) -> bool:
    """Whether no text fits some of the constraints; not where this takes long to find out."""
    try:
        machine = compiler.machine(parts, limits)
    except ConfigError:
        return False
    return not machine.allowed(machine.start, limits.characters, limits.ids).any()
