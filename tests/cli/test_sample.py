"""`gen sample`: only the product on stdout, the same bytes for the same seed, one line for every mistake."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from gen.cli.terminal import read_text
from gen.config import SamplingConfig
from gen.sampler import TextSampler
from tests.cli.conftest import Gen, on_a_terminal, process


def test_the_same_seed_writes_the_same_bytes(gen: Gen) -> None:
    one, other = gen("sample", "tiny", "--seed", "7"), gen("sample", "tiny", "--seed", "7")
    assert one.code == 0
    assert one.out == other.out
    assert len(one.out.decode()) == 500
    assert one.out != gen("sample", "tiny", "--seed", "8").out


def test_it_equals_the_api(gen: Gen, trained: Path) -> None:
    told = gen("sample", "tiny", "--seed", "3", "-n", "80", "--temp", "0.5", "--prompt", "The ").out.decode()
    sampler = TextSampler.load(trained / "tiny")
    assert told == sampler.sample("The ", n=80, seed=3, config=SamplingConfig(temperature=0.5)).text


def test_each_sample_is_the_same_stream_drawn_alone(gen: Gen) -> None:
    together = gen("sample", "--samples", "4", "--json", "-n", "40", "--seed", "0").out.decode().splitlines()
    alone = [
        gen("sample", "--stream", str(k), "--json", "-n", "40", "--seed", "0").out.decode().strip() for k in range(4)
    ]
    assert together == alone
    assert len({json.loads(line)["text"] for line in together}) == 4


def test_json_lines_say_what_reproduces_them(gen: Gen) -> None:
    fields = json.loads(gen("sample", "--json", "-n", "30", "--prompt", "We sail").out)
    assert fields["prompt"] == "We sail"
    assert fields["finish"] == "length"
    assert len(fields["text"]) == 30
    again = gen("sample", "--json", "-n", "30", "--prompt", "We sail", "--seed", str(fields["seed"]))
    assert json.loads(again.out) == fields


def test_the_seed_is_printed_and_zero_is_one(gen: Gen) -> None:
    result = gen("sample", "-n", "5", "--seed", "0")
    assert "seed 0" in result.err
    assert gen("sample", "-n", "5", "--seed", "0", "--quiet").err == ""


def test_length_excludes_the_prompt_which_is_written_only_if_asked(gen: Gen) -> None:
    without = gen("sample", "-p", "The sea", "-n", "20", "--seed", "1").out
    within = gen("sample", "-p", "The sea", "-n", "20", "--seed", "1", "--keep-prompt").out
    assert len(without.decode()) == 20
    assert within == b"The sea" + without


def test_prompts_from_file_and_stdin_are_those_of_the_flag(gen: Gen, tmp_path: Path, trained: Path) -> None:
    flag = gen("sample", "-p", "The sea", "-n", "20", "--seed", "1").out
    file = tmp_path / "prompt.txt"
    file.write_bytes(b"The sea")
    assert gen("sample", "-f", str(file), "-n", "20", "--seed", "1").out == flag
    piped = process("sample", str(trained / "tiny"), "-n", "20", "--seed", "1", stdin=subprocess.PIPE)
    out, err = piped.communicate(b"The sea")
    assert out == flag
    assert "prompt: 7 characters from standard input" in err.decode()


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-be", "cp1252"])
def test_prompts_are_read_in_the_encodings_of_corpora(tmp_path: Path, encoding: str) -> None:
    prompt = "The sea is blue.\r\nCaf\u00e9 or no caf\u00e9, we sail on under a red sun.\r\n"
    file = tmp_path / "prompt.txt"
    file.write_bytes(prompt.encode(encoding))
    text, notices = read_text(str(file))
    assert text == prompt.replace("\r\n", "\n")
    assert len(notices) == (encoding != "utf-8-sig")
    assert read_text(str(file), encoding) == (text, ())


def test_the_encoding_found_is_told_unless_it_is_to_be_quiet(gen: Gen, tmp_path: Path) -> None:
    file = tmp_path / "prompt.txt"
    file.write_bytes("The sea".encode("utf-16-le"))
    told, quiet = gen("sample", "-n", "5", "-f", str(file)), gen("sample", "-n", "5", "-f", str(file), "--quiet")
    assert "read as utf-16-le" in told.err
    assert quiet.err == "" and quiet.code == 0
    assert gen("sample", "-n", "5", "-f", str(file), "--encoding", "utf-8").code == 3, "NUL was never seen"


def test_a_prompt_that_is_no_text_is_refused(gen: Gen, tmp_path: Path) -> None:
    file = tmp_path / "prompt"
    file.write_bytes(bytes(range(200)))
    result = gen("sample", "-f", str(file))
    assert result.code == 3 and "binary data" in result.err
    assert gen("sample", "-f", str(file), "--encoding", "utf9").code == 2
    file.write_bytes(b"caf\xe9")
    result = gen("sample", "-f", str(file), "--encoding", "utf-8")
    assert result.code == 3 and "byte 3 (0xe9)" in result.err


def test_stop_strings_end_it_and_are_left_out(gen: Gen) -> None:
    whole = gen("sample", "-n", "200", "--seed", "2").out.decode()
    stop = whole[60:64]
    fields = json.loads(gen("sample", "-n", "200", "--seed", "2", "--stop", stop, "--json").out)
    assert fields["text"] == whole[: whole.index(stop)]
    assert fields["finish"] == "stop"


def test_banned_symbols_do_not_come(gen: Gen) -> None:
    assert b"e" in gen("sample", "-n", "200", "--seed", "2").out
    assert b"e" not in gen("sample", "-n", "200", "--seed", "2", "--logit-bias", "e=-inf").out
    assert b"\n" not in gen("sample", "-n", "200", "--seed", "2", "--logit-bias", r"\n=-inf").out


def test_dry_ends_a_loop(gen: Gen) -> None:
    def different(text: str) -> int:
        return len({text[at : at + 12] for at in range(len(text) - 11)})

    cold = ["sample", "-n", "600", "--temp", "0", "--dry-allowed-length", "6"]
    loop, dry = gen(*cold).out.decode(), gen(*cold, "--dry-multiplier", "2").out.decode()
    assert different(loop) < 150 < 300 < different(dry)
    broken = gen(*cold, "--dry-multiplier", "2", "--dry-sequence-breaker", " ").out.decode()
    assert different(broken) < 150, "no word is so long"


def test_the_temperature_goes_from_one_to_the_other(gen: Gen) -> None:
    start = ["sample", "-n", "120", "--seed", "3", "--temp", "0.01"]
    cold, rising = gen(*start).out, gen(*start, "--temp-end", "5", "--temp-over", "100").out
    assert rising[:8] == cold[:8] and rising[60:] != cold[60:]
    assert gen(*start, "--temp-end", "0.01").out == cold


def test_samplers_run_in_the_order_that_is_asked_for(gen: Gen) -> None:
    start = ["sample", "-n", "80", "--seed", "3", "--temp", "2", "--min-p", "0.3"]
    usual = gen(*start).out
    assert gen(*start, "--samplers", "penalties,dry,top-k,typical,top-p,min-p,temperature").out == usual
    first, without = gen(*start, "--samplers", "temperature, min-p").out, gen(*start, "--samplers", "temperature").out
    assert len({usual, first, without}) == 3
    assert without == gen("sample", "-n", "80", "--seed", "3", "--temp", "2").out


def test_output_goes_to_files(gen: Gen, tmp_path: Path) -> None:
    told = gen("sample", "-n", "50", "--seed", "5").out
    result = gen("sample", "-n", "50", "--seed", "5", "-o", str(tmp_path / "new" / "tale.txt"))
    assert result.out == b""
    assert (tmp_path / "new" / "tale.txt").read_bytes() == told
    gen("sample", "-n", "50", "--seed", "5", "--samples", "2", "-o", str(tmp_path / "tale.txt"))
    assert (tmp_path / "tale-1.txt").read_bytes() == told
    assert (tmp_path / "tale-2.txt").exists()


@pytest.mark.parametrize(
    ("arguments", "code", "needle"),
    [
        (["--prompt", "é☃"], 3, "2 characters that the model never saw: 'é' (U+00E9) '☃' (U+2603)"),
        (["--temp", "-1"], 2, "temperature is -1.0; it must be a finite number, 0 or more"),
        (["--temp", "nan"], 2, "temperature is nan"),
        (["--temp", "inf"], 2, "temperature is inf"),
        (["--top-p", "0"], 2, "top_p is 0.0; it must be a number in (0, 1]"),
        (["--top-p", "1.1"], 2, "top_p is 1.1"),
        (["--top-k", "-1"], 2, "top_k is -1"),
        (
            ["--samplers", "top-k,topp"],
            2,
            "flag --samplers: sampling.samplers is 'topp'; it must be names among penalt",
        ),
        (["--samplers", "dry, dry"], 2, "it must be without dry twice"),
        (["--temp", "0", "--temp-end", "1"], 2, "temperature is 0.0; it must be a number above 0"),
        (["--temp-over", "0"], 2, "flag --temp-over: sampling.temperature_over is 0; it must be a whole number, 1 or"),
        (["--dry-base", "0.5"], 2, "flag --dry-base: sampling.dry_base is 0.5; it must be a finite number, 1 or more"),
        (["--dry-sequence-breaker", "☃"], 3, "'☃' is not among the"),
        (["-n", "0"], 2, "n is 0; it must be 1 or more"),
        (["--samples", "0"], 2, "samples is 0"),
        (["--seed", "-1"], 2, "seed is -1"),
        (["--seed", "9223372036854775808"], 2, "seed is 9223372036854775808"),
        (["--unknown", "guess"], 2, "unknown is 'guess'; it must be one of error, skip, nearest"),
        (["--logit-bias", "e"], 2, "SYMBOL=NATS"),
        (["--prompt-file", "nowhere.txt"], 3, "nowhere.txt: cannot read the prompt"),
        (["--tempp", "1"], 2, "--temp"),
    ],
)
def test_mistakes_get_one_line_and_a_code(gen: Gen, arguments: list[str], code: int, needle: str) -> None:
    result = gen("sample", "tiny", "--quiet", *arguments)
    assert result.code == code
    assert result.out == b""
    assert result.err.startswith("gen: error: ") and result.err.count("\n") == 1
    assert needle in result.err


def test_an_unknown_run_is_met_with_a_suggestion(gen: Gen) -> None:
    result = gen("sample", "tinny")
    assert result.code == 2
    assert "did you mean tiny?" in result.err


@pytest.mark.parametrize("temperature", ["0", "1e-9", "1e9"])
def test_extreme_temperatures_write(gen: Gen, temperature: str) -> None:
    result = gen("sample", "-n", "50", "--temp", temperature, "--seed", "1")
    assert result.code == 0
    assert len(result.out.decode()) == 50


def test_a_reader_that_leaves_is_taken_quietly(trained: Path) -> None:
    writer = process("sample", str(trained / "tiny"), "-n", "1000000", "--seed", "1")
    assert writer.stdout is not None and writer.stderr is not None
    head = writer.stdout.read(20)
    writer.stdout.close()
    assert len(head) == 20
    assert writer.wait(timeout=30) == 141
    complaints = writer.stderr.read().decode()
    writer.stderr.close()
    assert "rror" not in complaints


def test_a_closed_stdout_and_stderr_are_taken_quietly(trained: Path) -> None:
    for redirection in (">&-", "2>&-", ">&- 2>&-"):
        command = f'"$0" -m gen sample "$1" -n 20 --seed 1 {redirection}'
        done = subprocess.run(
            ["sh", "-c", command, sys.executable, str(trained / "tiny")], capture_output=True, stdin=subprocess.DEVNULL
        )
        assert done.returncode in (0, 141)
        assert b"Traceback" not in done.stderr
        assert done.stdout == b"" or len(done.stdout) == 20


def test_a_terminal_gets_the_bytes_of_the_pipe(gen: Gen, trained: Path) -> None:
    arguments = ["sample", str(trained / "tiny"), "-n", "100", "--seed", "4"]
    assert on_a_terminal(*arguments) == gen(*arguments).out


@pytest.mark.parametrize("setting", [{"LC_ALL": "C"}, {"NO_COLOR": "1"}, {"TERM": "dumb"}, {"COLUMNS": "20"}])
def test_the_product_is_the_same_in_every_surrounding(gen: Gen, trained: Path, setting: dict[str, str]) -> None:
    arguments = ["sample", str(trained / "tiny"), "-n", "100", "--seed", "4"]
    child = process(*arguments, env=os.environ | setting)
    out, err = child.communicate()
    assert out == gen(*arguments).out
    assert b"\x1b" not in err


def test_the_first_characters_come_before_the_rest_is_drawn(trained: Path) -> None:
    writer = process("sample", str(trained / "tiny"), "-n", "100000000")
    assert writer.stdout is not None and writer.stderr is not None
    assert len(writer.stdout.read(1)) == 1
    writer.kill()
    writer.communicate()


def test_a_model_adapts_to_a_file_for_once(gen: Gen, text_file: Path, trained: Path) -> None:
    before = (trained / "tiny" / "model.safetensors").read_bytes()
    command = ["sample", "tiny", "-n", "60", "--seed", "3", "--adapt", str(text_file)]
    adapted, again, plain = gen(*command), gen(*command), gen(*command[:-2])
    assert adapted.code == 0 and adapted.out == again.out and adapted.out != plain.out
    assert "adapted to" in adapted.err and "nats/token while it learned" in adapted.err
    assert (trained / "tiny" / "model.safetensors").read_bytes() == before
    text_file.write_text("☃" * 500, "utf-8")
    refused = gen(*command)
    assert refused.code == 3 and "☃" in refused.err
