import re

import pytest

from gen import errors
from gen.errors import GenError, MidiError


def tree(kind: type[GenError]) -> dict[str, type[GenError]]:
    found = {kind.__name__: kind}
    for child in kind.__subclasses__():
        found |= tree(child) if child.__module__ == errors.__name__ else {}
    return found


def test_the_tree_is_the_one_that_is_drawn() -> None:
    assert errors.__doc__ is not None
    drawn = re.findall(r"^( *[│├└─ ]*)(\w+Error)( +\d)?  ", errors.__doc__, re.MULTILINE)
    kinds = tree(GenError)
    assert {name for _, name, _ in drawn} == set(kinds)
    above: list[str] = []
    for lines, name, code in drawn:
        depth = (len(lines) - 4) // 4
        del above[depth:]
        if above:
            assert kinds[name].__bases__ == (kinds[above[-1]],)
        if code:
            assert kinds[name].exit_code == int(code)
        above.append(name)


@pytest.mark.parametrize("kind", tree(GenError).values(), ids=lambda kind: kind.__name__)
def test_only_the_four_failures_that_house_rules_name_end_a_command(kind: type[GenError]) -> None:
    assert kind.exit_code in (1, 2, 3, 4)
    assert kind.__doc__


def test_a_midi_error_tells_the_file_and_the_reason() -> None:
    error = MidiError("a.mid", "no header")
    assert (str(error), error.path, error.reason) == ("a.mid: no header", "a.mid", "no header")
