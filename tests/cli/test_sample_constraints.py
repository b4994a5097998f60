"""`gen sample` with constraints: what is written fits, and what cannot be is one line."""

import json
import re
from pathlib import Path

import pytest

from gen.config import TextConstraints
from gen.sampler import TextSampler
from tests.cli.conftest import Gen


def test_the_flags_are_those_of_the_api(gen: Gen, trained: Path) -> None:
    held = TextConstraints(
        regex=r"([A-Z]?[a-z ]+[.]\n)+", must_include=("sea", ".\nA"), ban=("the",), allowed_characters=r"a-zA \n.",
        banned_characters="q", line_length=20,
    )  # fmt: skip
    flags = [
        "--regex", r"([A-Z]?[a-z ]+[.]\n)+", "--must-include", "sea", "--must-include", r".\nA", "--ban", "the",
        "--allowed-characters", r"a-zA \n.", "--banned-characters", "q", "--line-length", "20",
    ]  # fmt: skip
    told = json.loads(gen("sample", "tiny", "-p", "We\n", "-n", "90", "--seed", "4", "--json", *flags).out)
    sample = TextSampler.load(trained / "tiny").sample("We\n", n=90, seed=4, constraints=held)
    assert (told["text"], told["finish"]) == (sample.text, sample.finish)
    assert re.fullmatch(r"([A-Z]?[a-z ]+[.]\n)+", told["text"])
    assert "sea" in told["text"] and ".\nA" in told["text"] and "the" not in told["text"]
    assert max(map(len, told["text"].split("\n"))) <= 20


@pytest.mark.parametrize("search", [["--beam", "4"], ["--best-of", "4"], ["--samples", "3"]])
def test_all_that_is_returned_fits(gen: Gen, search: list[str]) -> None:
    returned = [] if search[0] == "--samples" else ["--return", "3"]
    flags = ["--regex", r"(\w+ ){3}\w+[.]", "--ban", "e", "-n", "40", "--json", "--seed", "2"]
    lines = gen("sample", "tiny", *flags, *search, *returned).out.decode().splitlines()
    assert len(lines) == 3
    for line in lines:
        told = json.loads(line)
        assert re.fullmatch(r"(\w+ ){3}\w+[.]", told["text"]) and "e" not in told["text"]
        assert told["finish"] in ("complete", "length")


@pytest.mark.parametrize(
    ("flags", "why"),
    [
        (["-n", "20", "--regex", r"\w{24}"], "at most 20 characters fits regex '\\\\w{24}': the shortest has 24"),
        (["--must-include", "sand", "--ban", "an", "--line-length", "30"], "must_include 'sand' and ban 'an' exclude"),
        (["--must-include", "é"], "must_include has 'é', but the model cannot write 'é'"),
        (["--regex", "é+"], "no text that this model can write fits regex 'é+'"),
        (["--regex", "é*"], "only the empty text fits regex 'é*'"),
        (["--regex", "a(b"], "regex is 'a(b', which cannot be read: missing )"),
        (["--regex", "(?=a)b"], "with a look-ahead"),
        (["--regex", "(a{1000}){1000}"], "more than 10,000 parts: repeat less often"),
        (["--ban", ""], "ban is"),
        (["--allowed-characters", "z-a"], "allowed_characters is 'z-a', which cannot be read: bad character range z-a"),
        (["--allowed-characters", "é"], "only the empty text fits allowed_characters 'é'"),
        (["--line-length", "0"], "line_length is 0; it must be a whole number above 0"),
        (["--regex", "a+b", "--stop", "b"], "stop is 'b', which could end a text before regex or must_include hold"),
        (["--must-include", "sea", "--max-tokens", "2"], "at most 2 tokens fits must_include 'sea': the shortest has"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused_with_one_line(gen: Gen, flags: list[str], why: str) -> None:
    result = gen("sample", "tiny", *flags)
    assert result.code == 2 and result.out == b"" and why in result.err
    assert result.err.startswith("gen: error: ") and result.err.count("\n") == 1


def test_music_has_no_use_for_them(gen: Gen, tmp_path: Path) -> None:
    result = gen("sample", "tiny", "--regex", "a+", "-o", str(tmp_path / "tune.mid"))
    assert result.code == 2 and "music" in result.err
