"""`gen sample --beam` and `--best-of`: the best on stdout, scores with `--json`, one line for what does not fit."""

import json
from pathlib import Path

import pytest

from gen.sampler import TextSampler
from tests.cli.conftest import Gen, process


def lines(data: bytes) -> list[dict[str, object]]:
    return [json.loads(line) for line in data.decode().splitlines()]


@pytest.mark.parametrize("kind", ["deterministic", "stochastic", "diverse"])
def test_a_beam_equals_the_api(gen: Gen, trained: Path, kind: str) -> None:
    flags = ["sample", "tiny", "--beam", "4", "--beam-kind", kind, "-n", "60", "--seed", "3", "-p", "The "]
    told = gen(*flags, "-q").out.decode()
    found = TextSampler.load(trained / "tiny").beam("The ", width=4, kind=kind, n=60, seed=3).hypotheses()  # type: ignore[arg-type]
    assert told == found[0].sample.text
    several = lines(gen(*flags, "--return", "3", "--json").out)
    assert [it["text"] for it in several] == [it.sample.text for it in found[:3]]
    for it, known in zip(several, found, strict=False):
        assert (it["score"], it["log_probability"]) == (known.score, known.log_probability)
        assert (it["prompt"], it["seed"], it["stream"], it["tokens"], it["finish"]) == ("The ", 3, 0, 60, "length")
    plain = gen(*flags, "--return", "3", "-q").out.decode()
    assert plain == "\n\n".join(it.sample.text for it in found[:3])


def test_settings_of_the_beam_reach_it(gen: Gen, trained: Path) -> None:
    sampler = TextSampler.load(trained / "tiny")
    flags = ["sample", "tiny", "-n", "80", "-q", "--beam"]
    guarded = sampler.beam(width=3, n=80, no_repeat_ngram=5).hypotheses()
    assert gen(*flags, "3", "--no-repeat-ngram", "5").out.decode() == guarded[0].sample.text
    told = lines(gen(*flags, "3", "--length-penalty", "0", "--json").out)[0]
    assert told["score"] == told["log_probability"]
    groups = sampler.beam(width=4, n=80, kind="diverse", groups=2, diversity=2.0).hypotheses()
    told_groups = gen(*flags, "4", "--beam-kind", "diverse", "--beam-groups", "2", "--diversity", "2", "--json")
    assert lines(told_groups.out)[0]["score"] == groups[0].score


def test_a_lag_is_told_of_once_and_what_comes_is_the_whole(gen: Gen) -> None:
    flags = ["sample", "tiny", "--beam", "4", "--beam-lag", "5", "-n", "200", "--seed", "1"]
    streamed = gen(*flags)
    assert streamed.err.count("--beam-lag 5: ") == 1 and "the best was followed" in streamed.err
    assert lines(gen(*flags, "--json").out)[0]["text"] == streamed.out.decode()
    assert gen(*flags, "-q").err == ""
    assert "--beam-lag" not in gen("sample", "tiny", "--beam", "4", "-n", "200").err


def test_the_first_piece_comes_before_the_search_is_over(trained: Path) -> None:
    writer = process("sample", str(trained / "tiny"), "--beam", "4", "--beam-lag", "20", "-n", "100000000")
    assert writer.stdout is not None and writer.stderr is not None
    assert len(writer.stdout.read(1)) == 1
    writer.kill()
    writer.communicate()


def test_hypotheses_go_to_numbered_files(gen: Gen, tmp_path: Path) -> None:
    flags = ["sample", "tiny", "--beam", "3", "-n", "40"]
    texts = [str(it["text"]) for it in lines(gen(*flags, "--return", "2", "--json").out)]
    assert gen(*flags, "--return", "2", "-o", str(tmp_path / "a.txt")).out == b""
    assert [(tmp_path / f"a-{number}.txt").read_text("utf-8") for number in (1, 2)] == texts
    gen(*flags, "-o", str(tmp_path / "a.txt"))
    assert (tmp_path / "a.txt").read_text("utf-8") == texts[0]


@pytest.mark.parametrize("rank", ["mean", "likelihood"])
def test_the_best_of_several_with_the_scores_of_all(gen: Gen, rank: str) -> None:
    flags = ["sample", "tiny", "-n", "40", "--seed", "4", "--best-of", "5", "--rank", rank]
    found = lines(gen(*flags, "--return", "5", "--json").out)
    samples = lines(gen("sample", "tiny", "-n", "40", "--seed", "4", "--samples", "5", "--json").out)
    assert sorted(str(it["text"]) for it in found) == sorted(str(it["text"]) for it in samples)
    scores = [it["score"] for it in found]
    assert scores == sorted(scores, reverse=True)  # type: ignore[type-var]
    assert all(it["scores"][it["stream"]] == it["score"] and it["rank"] == rank for it in found)  # type: ignore[index]
    assert gen(*flags, "-q").out.decode() == found[0]["text"]


@pytest.mark.parametrize(
    ("arguments", "needle"),
    [
        (["--beam", "0"], "--beam is 0; it must be 1 or more"),
        (["--beam", "2000"], "width is 2000; it must be a whole number in 1 … 1024"),
        (["--beam", "4", "--best-of", "4"], "--beam and --best-of are both given"),
        (["--beam", "4", "--samples", "2"], "--samples is 2; with --beam, --return says how many"),
        (["--beam", "4", "--return", "5"], "--return is 5; it must be in 1 … 4"),
        (["--beam", "4", "--return", "0"], "--return is 0"),
        (["--beam", "4", "--temp", "0"], "temperature is 0; a beam weighs"),
        (["--beam", "4", "--beam-kind", "wide"], "kind is 'wide'; it must be one of deterministic"),
        (["--beam", "4", "--length-penalty", "nan"], "length_penalty is nan; it must be a number in 0 … 10"),
        (["--beam", "4", "--beam-lag", "0"], "lag is 0; it must be a whole number in 1 …"),
        (["--beam", "4", "--diversity", "1"], "diversity is 1.0; deterministic beams have none"),
        (["--beam", "4", "--beam-kind", "diverse", "--beam-lag", "9"], "lag is 9; diverse beams differ"),
        (["--beam", "4", "--beam-kind", "stochastic", "--length-penalty", "1"], "stochastic beams are drawn"),
        (["--beam-kind", "diverse", "--beam-lag", "3"], "--beam-kind, --beam-lag: of use to a beam only"),
        (["--best-of", "0"], "--best-of is 0"),
        (["--best-of", "3", "--samples", "2"], "--samples is 2; with --best-of"),
        (["--best-of", "3", "--stream", "2"], "--stream is 2; --best-of 3 draws the streams 0 … 2"),
        (["--best-of", "3", "--rank", "statistics"], "rank is 'statistics'; it must be likelihood or mean, for text"),
        (["--rank", "mean"], "--rank: of use to the best of several"),
        (["--return", "2"], "--return: of use to --beam and --best-of only"),
    ],
)
def test_what_does_not_fit_gets_one_line(gen: Gen, arguments: list[str], needle: str) -> None:
    result = gen("sample", "tiny", "--quiet", *arguments)
    assert (result.code, result.out) == (2, b"")
    assert result.err.startswith("gen: error: ") and result.err.count("\n") == 1
    assert needle in result.err
