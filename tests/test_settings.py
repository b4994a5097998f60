"""Settings from files, the environment, -S and flags: the highest source wins, and mistakes are met with one line."""

import math
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gen.config import SAMPLERS, ClassifierConfig, ClassifyConfig, ModelConfig, SamplingConfig, TrainConfig
from gen.corpus.documents import ReadingOptions
from gen.errors import ConfigError
from gen.settings import (
    SECTIONS,
    SETTINGS,
    Given,
    from_assignments,
    from_environment,
    from_file,
    give,
    merge,
    toml,
    values,
)

quick = settings(derandomize=True, deadline=None, max_examples=60)
shares = st.floats(0, 1, exclude_min=True)
finite = st.floats(allow_nan=False, allow_infinity=False)
biases = st.dictionaries(st.text(min_size=1, max_size=2), st.floats(-100, 100) | st.just(-math.inf), max_size=3)

ACCEPTED: Mapping[str, st.SearchStrategy[Any]] = {
    "model.cell": st.sampled_from(["rnn", "lstm", "gru"]),
    "model.layers": st.integers(1, 64),
    "model.hidden": st.integers(1, 2**16),
    "model.residual": st.booleans(),
    "model.tied": st.booleans(),
    "model.ngrams": st.integers(1, 8),
    "model.ngram_rows": st.integers(1, 2**24),
    "model.ngram_width": st.integers(1, 2**16),
    "train.steps": st.integers(1, 10**9),
    "train.minutes": st.floats(0.01, 1e6),
    "train.epochs": st.floats(0.01, 1e6),
    "train.batch_size": st.integers(1, 2**20),
    "train.sequence_length": st.integers(1, 2**20),
    "train.learning_rate": st.floats(1e-9, 10),
    "train.matrix_learning_rate": st.floats(0, 10),
    "train.ngram_learning_rate": st.floats(0, 10),
    "train.ngram_dropout": st.floats(0, 1, exclude_max=True),
    "train.weight_decay": st.floats(0, 10),
    "train.clip": st.floats(1e-9, 1e9),
    "train.warmup": shares,
    "train.decay": shares,
    "train.dropout": st.floats(0, 1, exclude_max=True),
    "train.transpose": st.integers(0, 12),
    "train.stretch": st.floats(0, 0.5),
    "train.validate_every": st.integers(0, 10**9),
    "train.seed": st.integers(0, 2**63 - 1),
    "train.precision": st.sampled_from(["auto", "fp32", "bf16"]),
    "train.device": st.sampled_from(["auto", "cpu", "cuda:1"]),
    "train.threads": st.integers(1, 4096),
    "corpus.encoding": st.sampled_from(["utf-8", "cp1252", "UTF-16"]),
    "corpus.keep_line_ends": st.booleans(),
    "corpus.column": st.text(),
    "corpus.medium": st.sampled_from(["text", "music"]),
    "corpus.clock": st.sampled_from(["seconds", "beats"]),
    "corpus.strict": st.booleans(),
    "corpus.tokens": st.sampled_from(["char", "byte", "subword", "subword:300", "bpe:8000", "word:100000"]),
    "sampling.samplers": st.lists(st.sampled_from(SAMPLERS), unique=True, min_size=1).map(",".join),
    "sampling.temperature_end": st.floats(0, 1e9, exclude_min=True),
    "sampling.temperature_over": st.integers(1, 10**9),
    "sampling.dry_multiplier": shares,
    "sampling.dry_base": st.floats(1, 1e9),
    "sampling.dry_allowed_length": st.integers(1, 10**9),
    "sampling.dry_penalty_last_n": st.integers(-1, 10**9),
    "sampling.dry_sequence_breakers": st.lists(st.text(min_size=1, max_size=2), max_size=3),
    "sampling.temperature": st.floats(0, 1e9),
    "sampling.top_k": st.integers(0, 10**9),
    "sampling.top_p": shares,
    "sampling.min_p": shares,
    "sampling.typical_p": shares,
    "sampling.repeat_penalty": shares,
    "sampling.presence_penalty": finite,
    "sampling.frequency_penalty": finite,
    "sampling.repeat_last_n": st.integers(-1, 10**9),
    "sampling.logit_bias": biases,
    "classifier.embedding": st.integers(1, 2**16),
    "classifier.pooling": st.sampled_from(["last", "mean", "max", "all"]),
    "classifier.length": st.integers(1, 2**20),
    "classifier.keep": st.sampled_from(["first", "last"]),
    "classify.steps": st.integers(1, 10**9),
    "classify.epochs": st.floats(0.01, 1e6),
    "classify.batch_size": st.integers(1, 2**20),
    "classify.learning_rate": st.floats(1e-9, 10),
    "classify.encoder_rate": st.floats(0, 1),
    "classify.freeze": st.booleans(),
    "classify.weight_decay": st.floats(0, 10),
    "classify.clip": st.floats(1e-9, 1e9),
    "classify.warmup": shares,
    "classify.decay": shares,
    "classify.dropout": st.floats(0, 1, exclude_max=True),
    "classify.recurrent_dropout": st.floats(0, 1, exclude_max=True),
    "classify.validate_every": st.integers(0, 10**9),
    "classify.seed": st.integers(0, 2**63 - 1),
    "classify.precision": st.sampled_from(["auto", "fp32", "bf16"]),
    "classify.device": st.sampled_from(["auto", "cpu", "cuda:1"]),
    "classify.threads": st.integers(1, 4096),
}
BUDGETS = ("train.minutes", "train.steps", "train.epochs")
OF_CLASSIFIERS = ("classify.steps", "classify.epochs")

Source = Callable[[Mapping[str, Any]], dict[str, Given]]


def file_source(wanted: Mapping[str, Any]) -> dict[str, Given]:
    lines = []
    for section in SECTIONS:
        inside = {SETTINGS[key].name: value for key, value in wanted.items() if SETTINGS[key].section == section}
        lines += [f"[{section}]", *(f"{name} = {toml(value)}" for name, value in inside.items())]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "run.toml"
        path.write_text("\n".join(lines), "utf-8", newline="")
        return {key: Given(it.value, it.origin.replace(folder + "/", "")) for key, it in from_file(path).items()}


def environment_source(wanted: Mapping[str, Any]) -> dict[str, Given]:
    return from_environment({SETTINGS[key].variable: toml(value) for key, value in wanted.items()})


def assignment_source(wanted: Mapping[str, Any]) -> dict[str, Given]:
    return from_assignments(f"{key}={toml(value)}" for key, value in wanted.items())


def flag_source(wanted: Mapping[str, Any]) -> dict[str, Given]:
    return {key: give(key, value, "flag") for key, value in wanted.items()}


SOURCES: tuple[tuple[Source, Callable[[str], str]], ...] = (  # from the lowest to the highest
    (file_source, lambda key: "file run.toml"),
    (environment_source, lambda key: f"environment {SETTINGS[key].variable}"),
    (assignment_source, lambda key: "-S"),
    (flag_source, lambda key: "flag"),
)


# ── What can be set ──────────────────────────────────────────────────────────────────────────────────────────────────


def test_every_field_of_every_config_can_be_set() -> None:
    configs = {
        "model": ModelConfig,
        "train": TrainConfig,
        "corpus": ReadingOptions,
        "sampling": SamplingConfig,
        "classifier": ClassifierConfig,
        "classify": ClassifyConfig,
    }
    expected = {f"{section}.{field.name}" for section, config in configs.items() for field in fields(config)}
    of_the_corpus = {"model.vocabulary_size", "classifier.labels"}
    assert set(SETTINGS) == expected - of_the_corpus | {"train.epochs", "classify.epochs"}
    assert len({setting.variable for setting in SETTINGS.values()}) == len(SETTINGS)
    assert SETTINGS["sampling.top_p"].default == SamplingConfig().top_p
    assert set(ACCEPTED) == set(SETTINGS), "the strategies above cover all settings"


@pytest.mark.parametrize(("source", "origin"), SOURCES, ids=lambda it: getattr(it, "__name__", ""))
@pytest.mark.parametrize("key", SETTINGS)
@settings(derandomize=True, deadline=None, max_examples=5)
@given(data=st.data())
def test_every_setting_can_be_given_by_every_source(
    key: str, source: Source, origin: Callable[[str], str], data: st.DataObject
) -> None:
    value = data.draw(ACCEPTED[key])
    assert source({key: value}) == {key: Given(value, origin(key))}


@quick
@given(
    wanted=st.tuples(
        *[
            st.fixed_dictionaries(
                {}, optional={k: v for k, v in ACCEPTED.items() if k not in (*BUDGETS, *OF_CLASSIFIERS)}
            )
            for _ in SOURCES
        ]
    )
)
def test_the_highest_source_wins_and_the_origin_is_its_own(wanted: tuple[dict[str, Any], ...]) -> None:
    merged = merge(*(source(there) for (source, _), there in zip(SOURCES, wanted, strict=True)))
    assert set(merged) == set().union(*wanted)
    for key, found in merged.items():
        rank = max(rank for rank, there in enumerate(wanted) if key in there)
        assert found == Given(wanted[rank][key], SOURCES[rank][1](key))


@quick
@given(
    st.sampled_from([BUDGETS, OF_CLASSIFIERS]).flatmap(
        lambda budgets: st.lists(st.sets(st.sampled_from(budgets)), min_size=1, max_size=4)
    )
)
def test_a_budget_takes_the_place_of_every_lower_one(ranks: list[set[str]]) -> None:
    merged = merge(*({key: Given(1, str(rank)) for key in there} for rank, there in enumerate(ranks)))
    highest = max((rank for rank, there in enumerate(ranks) if there), default=0)
    assert {key: it.origin for key, it in merged.items()} == {key: str(highest) for key in ranks[highest]}


def test_values_are_those_of_a_section() -> None:
    told = from_assignments(["model.hidden=8", "train.seed=1", "sampling.top_k=3"])
    assert values(told, "model", "train") == {"hidden": 8, "seed": 1}
    assert values(told, "corpus") == {}


# ── How values are written ───────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("assignment", "value"),
    [
        ("model.cell=gru", "gru"),
        ("model.cell = 'gru' # Cho 2014", "gru"),
        ("model.hidden=1_024", 1024),
        ("model.residual=true", True),
        ("train.minutes=2", 2.0),
        ("train.device=cuda:1", "cuda:1"),
        ("corpus.column=2024", "2024"),
        ("corpus.column=true", "true"),
        ('corpus.column=" padded "', " padded "),
        ("corpus.column=a=b", "a=b"),
        ("corpus.column=a\ncell='x'", "a\ncell='x'"),
        ("corpus.column=1\nother=2", "1\nother=2"),
        ('sampling.logit_bias={e = -inf, "\\n" = 1}', {"e": -math.inf, "\n": 1.0}),
        ('sampling.dry_sequence_breakers=["\\n", ":"]', ["\n", ":"]),
        ("sampling.samplers=top-k, temperature", "top-k, temperature"),
    ],
)
def test_an_assignment_is_toml_or_a_bare_word(assignment: str, value: Any) -> None:
    (found,) = from_assignments([assignment]).values()
    assert found.value == value and type(found.value) is type(value)


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (True, "true"),
        (3, "3"),
        (1e-5, "1e-05"),
        (-math.inf, "-inf"),
        ('a\n"\\é☃', '"a\\n\\"\\\\é☃"'),
        ("\x7f\u202e", r'"\U0000007f\U0000202e"'),
        (["\n", "e"], r'["\n", "e"]'),
        ({"\n": 1.0, "e": -2.5}, r'{"\n" = 1.0, "e" = -2.5}'),
    ],
)
def test_values_as_toml_are_on_one_line_and_safe_to_print(value: Any, written: str) -> None:
    assert toml(value) == written


def test_the_last_of_two_assignments_counts() -> None:
    assert from_assignments(["model.hidden=1", "model.hidden=2"])["model.hidden"].value == 2


def test_empty_variables_and_those_of_others_give_nothing() -> None:
    assert from_environment({"GEN_MODEL_HIDDEN": "", "GEN_CACHE": "x", "GEN_CHECKPOINTS": "y", "PATH": "/"}) == {}


def test_a_file_may_have_a_byte_order_mark_and_windows_line_ends(tmp_path: Path) -> None:
    path = tmp_path / "run.toml"
    path.write_bytes(b"\xef\xbb\xbf[model]\r\nhidden = 8\r\n[sampling]\r\n")
    assert values(from_file(path), "model") == {"hidden": 8}


# ── What is refused ──────────────────────────────────────────────────────────────────────────────────────────────────

DEEP = "[" * 100_000


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("[model]\nhiden = 3", "file PATH: there is no setting model.hiden: did you mean model.hidden?"),
        ("[modle]\nhidden = 3", "file PATH: there is no setting modle.hidden: did you mean model.hidden?"),
        ("[train]\nhidden = 3", "file PATH: there is no setting train.hidden: did you mean model.hidden?"),
        ("[model]\nqqqq = 3", "file PATH: there is no setting model.qqqq: 'gen config show' lists them all"),
        (
            "[other]",
            "file PATH: there is no section other: take one of model, train, corpus, classifier, classify, sampling",
        ),
        ("hidden = 3", "file PATH: hidden stands outside of a section: did you mean model.hidden?"),
        ("[model]\nhidden = 'big'", "file PATH: model.hidden is 'big'; it must be a whole number in 1 … 65536"),
        ("[model]\nhidden = 0", "file PATH: model.hidden is 0; it must be a whole number in 1 … 65536"),
        ("[model]\nhidden = 8.0", "file PATH: model.hidden is 8.0; it must be a whole number in 1 … 65536"),
        ("[model]\ncell = ['gru']", "file PATH: model.cell is ['gru']; it must be one of rnn, lstm, gru"),
        ("[train]\nminutes = 2024-01-01", "file PATH: train.minutes is datetime.date(2024, 1, 1); it must be a number"),
        ("[train]\nepochs = inf", "file PATH: train.epochs is inf; it must be a number above 0, at most 1,000,000"),
        ("[corpus]\ncolumn = 3", "file PATH: corpus.column is 3; it must be text"),
        ("[corpus]\nkeep_line_ends = 1", "file PATH: corpus.keep_line_ends is 1; it must be true or false"),
        ("[corpus]\nencoding = 'utf9'", "file PATH: corpus.encoding 'utf9' is not known: did you mean"),
        ("[sampling]\nlogit_bias = 3", "file PATH: sampling.logit_bias is 3; it must be a table of symbols and nats"),
        (
            "[sampling]\nsamplers = 'top-q'",
            "file PATH: sampling.samplers is 'top-q'; it must be names among penalties,",
        ),
        (
            "[sampling]\ndry_sequence_breakers = 3",
            "file PATH: sampling.dry_sequence_breakers is 3; it must be a list of",
        ),
        ("[sampling.logit_bias]\ne = inf", "file PATH: sampling.logit_bias is inf; it must be a number below infinity"),
        ("[model]\n\nhidden 3", "PATH: not TOML: Expected '=' after a key in a key/value pair (at line 3, column 8)"),
        ("[model]\nhidden = '", "PATH: not TOML: "),
        ("[model]\nhidden =\n", "PATH: not TOML: Invalid value (at line 2, column 9)"),
        ("[model]\nhidden = 1\nhidden = 2", "PATH: not TOML: Cannot overwrite a value (at its end, line 3)"),
        (f"[model]\nhidden = {DEEP}", "PATH: not TOML: "),
        ("[model]\nhidden = 1" + "0" * 5000, "PATH: not TOML: "),
        ("[model]\nhidden = 0x1" + "0" * 5000, "file PATH: model.hidden is a number of thousands of digits; it must"),
        ("#" * 2**21, "PATH: more than 1,048,576 bytes"),
        (b"[model]\n# caf\xe9", "PATH: not UTF-8 at line 2"),
        (b"\x00\x01\x02", "PATH: not TOML: "),
    ],
    ids=lambda it: str(it)[:40] if isinstance(it, str) else None,
)
def test_a_mistake_in_a_file_is_told_with_its_place(tmp_path: Path, content: str | bytes, message: str) -> None:
    path = tmp_path / "run.toml"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(ConfigError) as caught:
        from_file(path)
    told = str(caught.value).replace(str(path), "PATH")
    assert told.startswith(message)
    assert len(told) < 500 and "\n" not in told


def test_an_unfinished_value_is_told_with_the_last_line(tmp_path: Path) -> None:
    path = tmp_path / "run.toml"
    path.write_text('[model]\nhidden = 3\ncell = """gru')
    with pytest.raises(ConfigError, match=r"run.toml: not TOML: .*line 3"):
        from_file(path)


@pytest.mark.parametrize("path", ["nowhere.toml", ".", "a\0b"])
def test_a_file_that_cannot_be_read_is_refused(path: str) -> None:
    with pytest.raises(ConfigError, match=r"cannot read the settings \(.+\): check the path"):
        from_file(path)


@pytest.mark.parametrize(
    ("variable", "text", "message"),
    [
        (
            "GEN_MODEL_HIDEN",
            "3",
            "environment GEN_MODEL_HIDEN: there is no such setting: did you mean GEN_MODEL_HIDDEN",
        ),
        ("GEN_SAMPLING_X", "3", "environment GEN_SAMPLING_X: there is no such setting: "),
        ("GEN_MODEL_HIDDEN", "big", "environment GEN_MODEL_HIDDEN: model.hidden is 'big'; it must be a whole number"),
        ("GEN_CORPUS_KEEP_LINE_ENDS", "yes", "environment GEN_CORPUS_KEEP_LINE_ENDS: corpus.keep_line_ends is 'yes'"),
    ],
)
def test_a_mistake_in_a_variable_is_told_with_its_name(variable: str, text: str, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        from_environment({variable: text})
    assert str(caught.value).startswith(message)


@pytest.mark.parametrize(
    ("assignment", "message"),
    [
        ("model.hidden", "-S is 'model.hidden'; it must be SECTION.NAME=VALUE, such as model.hidden=512"),
        ("hidden=3", "-S: there is no setting hidden: did you mean model.hidden?"),
        ("train.batch-size=3", "-S: there is no setting train.batch-size: did you mean train.batch_size?"),
        ("sampling.temp=1", "-S: there is no setting sampling.temp: did you mean sampling.temperature"),
        ("model.vocabulary_size=3", "-S: there is no setting model.vocabulary_size: "),
        ("model.hidden=", "-S: model.hidden is ''; it must be a whole number"),
        ("model.hidden=1.5", "-S: model.hidden is 1.5; it must be a whole number"),
        ("model.hidden=" + DEEP, "-S: model.hidden is '[[["),
        ("=3", "-S: there is no setting : "),
    ],
    ids=lambda it: it[:40],
)
def test_a_mistake_in_an_assignment_is_told(assignment: str, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        from_assignments([assignment])
    assert str(caught.value).startswith(message)
    assert len(str(caught.value)) < 500


anything = st.recursive(
    st.booleans() | st.integers() | st.floats() | st.text() | st.dates(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


@settings(derandomize=True, deadline=None, max_examples=500)
@given(key=st.sampled_from(list(SETTINGS)), value=anything)
def test_any_value_is_taken_or_refused_in_one_line(key: str, value: Any) -> None:
    try:
        found = give(key, value, "here")
    except ConfigError as error:
        assert str(error).startswith(f"here: {key} ")
    else:
        assert found.value == value


@settings(derandomize=True, deadline=None, max_examples=300)
@given(key=st.sampled_from([*SETTINGS, "", "model", "model.hidden.x"]) | st.text(), text=st.text())
def test_any_assignment_is_taken_or_refused(key: str, text: str) -> None:
    try:
        from_assignments([f"{key}={text}"])
    except ConfigError as error:
        assert str(error).startswith("-S")


@settings(derandomize=True, deadline=None, max_examples=200)
@given(content=st.binary() | st.text(alphabet="[model]hidn =3\"'\n.{},#\\").map(str.encode))
def test_any_file_is_taken_or_refused(content: bytes) -> None:
    with tempfile.NamedTemporaryFile() as file:
        file.write(content)
        file.flush()
        try:
            from_file(file.name)
        except ConfigError as error:
            assert file.name in str(error)
