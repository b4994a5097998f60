"""`gen bench`: figures that belong together, on the smallest of networks."""

import json

import pytest

from tests.cli.conftest import Gen


def test_training_is_measured_beside_a_plain_loop(gen: Gen) -> None:
    result = gen("bench", "train", "--cell", "gru", "--hidden", "8", "--rounds", "1", "--threads", "1", "--json")
    assert result.code == 0
    (row,) = json.loads(result.out)["rows"]
    assert (row["cell"], row["layers"], row["hidden"]) == ("gru", 2, 8)
    assert row["ratio"] == pytest.approx(row["ours"] / row["plain"], rel=0.01)
    assert 0 < row["share_of_peak"] < 1 and row["ours_with_muon"] > 0


@pytest.mark.parametrize(
    ("flag", "value"), [("--cell", "transformer"), ("--hidden", "0"), ("--rounds", "0"), ("--threads", "0")]
)
def test_what_cannot_be_measured_is_refused(gen: Gen, flag: str, value: str) -> None:
    assert gen("bench", "train", flag, value).code == 2
