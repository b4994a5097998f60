"""Why no text is as it has to be."""

from gen.constraints.compile import Compiler
from gen.constraints.machine import Limits
from gen.constraints.table import FAR
from gen.errors import ConfigError

_MOST_PARTS = 12
_MOST_STEPS = 100_000  # of the automaton of some of the constraints


def refusal(compiler: Compiler, characters: int, ids: int) -> str:
    """What to say of constraints that no text fulfils.

    Args:
        compiler: of these.
        characters: of a text, at most.
        ids: the same.
    """
    limits = Limits(characters, ids, _MOST_STEPS)
    core = list(range(len(compiler.parts)))
    for place in core[:] if len(core) <= _MOST_PARTS else ():
        rest = [it for it in core if it != place]
        if _is_impossible(compiler, rest, limits):
            core = rest
    names = [compiler.parts[place].name for place in core]
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


def _is_impossible(compiler: Compiler, parts: list[int], limits: Limits) -> bool:
    """Whether no text fits some of the constraints; not where this takes long to find out."""
    try:
        machine = compiler.machine(parts, limits)
    except ConfigError:
        return False
    return not machine.allowed(machine.start, limits.characters, limits.ids).any()
