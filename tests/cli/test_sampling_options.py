"""Symbols as they are typed in a shell."""

import pytest

from gen.cli.sampling_options import biases, symbols, unescaped
from gen.errors import ConfigError


@pytest.mark.parametrize(
    ("typed", "meant"),
    [(r"\n", "\n"), (r"\t", "\t"), ("e", "e"), ("é", "é"), ("☃", "☃"), ("\\", "\\"), (r"\x41", "A"), ("é\\n", "é\n")],
)
def test_an_escape_is_what_it_stands_for_and_all_else_itself(typed: str, meant: str) -> None:
    assert unescaped(typed) == meant


def test_no_symbols_are_none_and_none_is_no_symbol() -> None:
    assert symbols(None) is None
    assert symbols(["none"]) == []
    assert symbols([r"\n", ":"]) == ["\n", ":"]


def test_biases_are_symbols_and_nats() -> None:
    assert biases(None) is None
    assert biases(["e=-inf", "==2", r"\=1"]) == {"e": -float("inf"), "=": 2.0, "\\": 1.0}
    for wrong in ("e", "=1", "e=much"):
        with pytest.raises(ConfigError, match=f"--logit-bias is '{wrong}'; it must be SYMBOL=NATS"):
            biases([wrong])
