"""Why no text is as it has to be."""

import sys

from gen.constraints.compile import Compiler
from gen.constraints.table import FAR
from gen.errors import ConfigError

_MOST = 12  # constraints that are tried without each other


def refusal(compiler: Compiler, characters: int, ids: int) -> str:
    """What to say of constraints that no text fulfils.

    Args:
        compiler: of these.
        characters: of a text, at most.
        ids: the same.
    """
    core = list(range(len(compiler.parts)))
    for place in core[:] if len(core) <= _MOST else ():
        rest = [it for it in core if it != place]
        if _fewest(compiler, rest, ids) > characters:
            core = rest
    names = [compiler.parts[place].name for place in core]
    named = " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names) or "what the model can write"
    least = _fewest(compiler, core, sys.maxsize)
    if least >= FAR:
        machine = compiler.machine(core, sys.maxsize)
        if machine.accepts(machine.start):
            return f"only the empty text fits {named}: nothing is left to be written"
        if len(names) > 1:
            return f"{named} exclude each other: leave one of them out"
        return f"no text that this model can write fits {named}"
    bounds = [f"{characters:,} characters"] * (characters < FAR) + [f"{ids:,} tokens"] * (ids < FAR)
    return f"no text of at most {' and '.join(bounds)} fits {named}: the shortest has {least:,} characters"


def _fewest(compiler: Compiler, parts: list[int], ids: int) -> int:
    """Characters of the shortest text that fits some of the constraints."""
    try:
        return compiler.machine(parts, ids).fewest(ids)
    except ConfigError:  # too large by themselves, which says nothing of the others
        return 0
