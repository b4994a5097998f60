"""`gen bench`: figures that belong together, on the smallest of networks."""

import json

import pytest
import torch

from gen.engine import instruction_sets
from tests.cli.conftest import Gen


def test_training_is_measured_beside_a_plain_loop(gen: Gen) -> None:
    result = gen("bench", "train", "--cell", "gru", "--hidden", "8", "--rounds", "1", "--threads", "1", "--json")
    assert result.code == 0
    (row,) = json.loads(result.out)["rows"]
    assert (row["cell"], row["layers"], row["hidden"]) == ("gru", 2, 8)
    assert row["ratio"] == pytest.approx(row["ours"] / row["plain"], rel=0.01)
    assert 0 < row["share_of_peak"] < 1 and row["ours_with_muon"] > 0


def test_sampling_is_measured_beside_pytorch(gen: Gen, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gen.training.sampling_benchmark._SECONDS", 0.01)
    before = torch.get_num_threads(), torch._C._get_mkldnn_enabled()
    result = gen("bench", "sample", "--hidden", "8", "--batch", "1", "--batch", "3", "--rounds", "1", "--json")
    assert result.code == 0
    found = json.loads(result.out)
    native = ["native-int8", "native-fp32"] if instruction_sets() else []
    assert [(row["batch"], row["engine"]) for row in found["rows"]] == [
        (batch, engine) for batch in (1, 3) for engine in [*native, "numpy", "torch", "torch-no-onednn"]
    ]
    assert all((row["layers"], row["hidden"]) == (2, 8) and row["tokens_per_second"] > 0 for row in found["rows"])
    assert [it["engine"] for it in found["bandwidth"]] == native
    for it in found["bandwidth"]:
        assert it["share"] == pytest.approx(it["used"] / it["limit"], rel=0.01)
    first = found["first_character"]
    assert first["ratio"] == pytest.approx(first["sample"] / first["torch"])
    assert (torch.get_num_threads(), torch._C._get_mkldnn_enabled()) == before


@pytest.mark.parametrize(("flag", "value"), [("--hidden", "0"), ("--layers", "0"), ("--rounds", "0"), ("--batch", "0")])
def test_what_cannot_be_sampled_is_refused(gen: Gen, flag: str, value: str) -> None:
    assert gen("bench", "sample", flag, value).code == 2


@pytest.mark.parametrize(
    ("flag", "value"), [("--cell", "transformer"), ("--hidden", "0"), ("--rounds", "0"), ("--threads", "0")]
)
def test_what_cannot_be_measured_is_refused(gen: Gen, flag: str, value: str) -> None:
    assert gen("bench", "train", flag, value).code == 2
