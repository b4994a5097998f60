import json
import math
from dataclasses import FrozenInstanceError, replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gen.config import (
    GATES,
    SAMPLERS,
    ClassifierConfig,
    ClassifyConfig,
    ModelConfig,
    SamplingConfig,
    TrainConfig,
    check_epochs,
    require,
)
from gen.errors import ConfigError

Config = ModelConfig | TrainConfig | SamplingConfig | ClassifierConfig | ClassifyConfig

models = st.builds(
    ModelConfig,
    vocabulary_size=st.integers(1, 2**24),
    cell=st.sampled_from(["rnn", "lstm", "gru"]),
    layers=st.integers(1, 64),
    hidden=st.integers(1, 2**16),
    residual=st.booleans(),
    tied=st.booleans(),
)
bounds = st.sampled_from([{"steps": 1}, {"steps": 10**12}, {"minutes": 0.001}, {"minutes": 3}])
trainings = st.builds(
    lambda bound, **rest: TrainConfig(**bound, **rest),
    bounds,
    batch_size=st.integers(1, 2**20),
    learning_rate=st.floats(1e-9, 10),
    clip=st.floats(0, exclude_min=True, allow_infinity=False),
    dropout=st.floats(0, 1, exclude_max=True),
    warmup=st.floats(0, 1),
    seed=st.integers(0, 2**63 - 1),
    precision=st.sampled_from(["auto", "fp32", "bf16"]),
    device=st.text(max_size=8),
)
samplings = st.builds(
    SamplingConfig,
    temperature=st.floats(0, allow_infinity=False),
    top_k=st.integers(0, 10**9),
    top_p=st.floats(0, 1, exclude_min=True),
    min_p=st.floats(0, 1),
    repeat_penalty=st.floats(0, exclude_min=True, allow_infinity=False),
    presence_penalty=st.floats(allow_nan=False, allow_infinity=False),
    repeat_last_n=st.integers(-1, 10**9),
    samplers=st.lists(st.sampled_from(SAMPLERS), unique=True).map(tuple),
    temperature_over=st.integers(1, 10**9),
    dry_multiplier=st.floats(0, allow_infinity=False),
    dry_sequence_breakers=st.lists(st.integers(0, 99)).map(tuple),
    logit_bias=st.lists(st.tuples(st.integers(0, 99), st.floats(max_value=1e9, allow_nan=False))).map(tuple),
)
classifiers = st.builds(
    ClassifierConfig,
    labels=st.lists(st.text(min_size=1, max_size=3), min_size=2, max_size=5, unique=True).map(tuple),
    embedding=st.none() | st.integers(1, 2**16),
    pooling=st.sampled_from(["last", "mean", "max", "all"]),
    length=st.integers(1, 2**20),
    keep=st.sampled_from(["first", "last"]),
)
classifyings = st.builds(
    ClassifyConfig,
    steps=st.integers(1, 10**12),
    learning_rate=st.floats(1e-9, 10),
    encoder_rate=st.floats(0, 1),
    freeze=st.booleans(),
    recurrent_dropout=st.floats(0, 1, exclude_max=True),
)


@settings(derandomize=True, deadline=None, max_examples=300)
@given(config=models | trainings | samplings | classifiers | classifyings)
def test_settings_survive_json(config: Config) -> None:
    through = type(config).from_dict(json.loads(json.dumps(config.to_dict())))
    assert through == config
    assert hash(through) == hash(config)


def test_settings_are_frozen() -> None:
    classifying = ClassifierConfig(labels=("a", "b")), ClassifyConfig(steps=1)
    for config in (ModelConfig(vocabulary_size=1), TrainConfig(steps=1), SamplingConfig(), *classifying):
        with pytest.raises(FrozenInstanceError):
            config.seed = 1  # type: ignore[union-attr, misc]


def test_a_message_names_the_setting_the_value_and_what_it_must_be() -> None:
    with pytest.raises(ConfigError, match=r"^hidden is 1000000000; it must be a whole number in 1 … 65536$"):
        ModelConfig(vocabulary_size=1, hidden=10**9)
    with pytest.raises(ConfigError, match=r"^steps is None and minutes is None; give exactly one of them$"):
        TrainConfig()
    with pytest.raises(ConfigError, match=r"^top_p is 1.1; it must be a number in \(0, 1\]$"):
        SamplingConfig(top_p=1.1)
    with pytest.raises(ConfigError, match=r"^a is 'b'; it must be c$"):
        require(False, "a", "b", "c")


# ── Each limit, from both sides ──────────────────────────────────────────────────────────────────────────────────────

TINY = 5e-324
HUGE = 10**400  # an integer that no float holds
NOT_NUMBERS: list[Any] = [math.nan, math.inf, -math.inf, "1", None, True, [], HUGE]
MINIMAL: dict[type, dict[str, Any]] = {
    ModelConfig: {"vocabulary_size": 65},
    TrainConfig: {"steps": 1},
    SamplingConfig: {},
    ClassifierConfig: {"labels": ("a", "b")},
    ClassifyConfig: {"steps": 1},
}
LIMITS: list[tuple[type, str, list[Any], list[Any]]] = [
    (ModelConfig, "vocabulary_size", [1, 2**24], [0, -1, 2**24 + 1, 1.0, "65", None, True]),
    (ModelConfig, "cell", ["rnn", "lstm", "gru"], ["LSTM", "", None, 3, ["gru"]]),
    (ModelConfig, "layers", [1, 64], [0, 65, 2.0, True]),
    (ModelConfig, "hidden", [1, 65_536], [0, 65_537, 10**9, math.nan]),
    (ModelConfig, "residual", [True, False], [1, 0, None, "yes"]),
    (ModelConfig, "tied", [True, False], [1, 0, None, "yes"]),
    (ModelConfig, "ngrams", [1, 8], [0, 9, 2.0, True]),
    (ModelConfig, "ngram_rows", [1, 2**24], [0, 2**24 + 1, 8.0]),
    (ModelConfig, "ngram_width", [1, 65_536], [0, 65_537, None]),
    (TrainConfig, "steps", [1, 2**62], [0, -1, 2**62 + 1, 1.5, True]),
    (TrainConfig, "batch_size", [1, 2**20], [0, 2**20 + 1, True]),
    (TrainConfig, "sequence_length", [1, 2**20], [0, 2**20 + 1]),
    (TrainConfig, "learning_rate", [TINY, 10], [0, -TINY, 10.1, *NOT_NUMBERS]),
    (TrainConfig, "matrix_learning_rate", [0, 10], [-TINY, 10.1, *NOT_NUMBERS]),
    (TrainConfig, "ngram_learning_rate", [0, 10], [-TINY, 10.1, *NOT_NUMBERS]),
    (TrainConfig, "ngram_dropout", [0, 0.999], [1, 1.0, -TINY, *NOT_NUMBERS]),
    (TrainConfig, "weight_decay", [0, 10], [-TINY, 10.1, *NOT_NUMBERS]),
    (TrainConfig, "clip", [TINY, 1e300], [0, -1, *NOT_NUMBERS]),
    (TrainConfig, "warmup", [0, 1], [-TINY, 1.1, *NOT_NUMBERS]),
    (TrainConfig, "decay", [0, 1], [-TINY, 1.1, *NOT_NUMBERS]),
    (TrainConfig, "dropout", [0, 0.999], [1, 1.0, -TINY, *NOT_NUMBERS]),
    (TrainConfig, "validate_every", [0, 2**62], [-1, 2**62 + 1, 0.5]),
    (TrainConfig, "seed", [0, 2**63 - 1], [-1, 2**63, "1", 1.0]),
    (TrainConfig, "precision", ["auto", "fp32", "bf16"], ["fp16", "", None]),
    (TrainConfig, "device", ["auto", "cpu", "cuda:0"], [0, None]),
    (TrainConfig, "threads", [1, 4096], [0, 4097, True]),
    (
        SamplingConfig,
        "samplers",
        [SAMPLERS, (), ("temperature", "top-k")],
        [3, None, "", "foo", ("top_k",), (["dry"],)],
    ),
    (SamplingConfig, "samplers", [], [("dry", "dry"), "dry,top-k,dry", {"dry": 1}]),
    (SamplingConfig, "temperature_end", [None, TINY, 1e300], [0, -1, *(it for it in NOT_NUMBERS if it is not None)]),
    (SamplingConfig, "temperature_over", [1, 10**9], [0, -1, 1.0, True, None]),
    (SamplingConfig, "temperature", [0, TINY, 1e-9, 1e9], [-1, -TINY, *NOT_NUMBERS]),
    (SamplingConfig, "top_k", [0, 1, 10**9], [-1, 1.0, True, None]),
    (SamplingConfig, "top_p", [TINY, 1], [0, 1.1, *NOT_NUMBERS]),
    (SamplingConfig, "min_p", [0, 1], [-TINY, 1.1, math.nan]),
    (SamplingConfig, "typical_p", [TINY, 1], [0, 1.1, math.nan]),
    (SamplingConfig, "repeat_penalty", [TINY, 1e300], [0, -1, *NOT_NUMBERS]),
    (SamplingConfig, "presence_penalty", [-1e300, 1e300], NOT_NUMBERS),
    (SamplingConfig, "frequency_penalty", [-1e300, 1e300], NOT_NUMBERS),
    (SamplingConfig, "repeat_last_n", [-1, 0, 10**9], [-2, 1.0, True]),
    (SamplingConfig, "dry_multiplier", [0, TINY, 1e300], [-TINY, *NOT_NUMBERS]),
    (SamplingConfig, "dry_base", [1, 1e300], [0.999, 0, *NOT_NUMBERS]),
    (SamplingConfig, "dry_allowed_length", [1, 10**9], [0, 1.0, True]),
    (SamplingConfig, "dry_penalty_last_n", [-1, 0, 10**9], [-2, 1.0, True]),
    (SamplingConfig, "dry_sequence_breakers", [(), (0, 7)], [3, None, "ab", (-1,), (0.0,), (True,), ("a",)]),
    (SamplingConfig, "logit_bias", [(), ((0, 1),), ((3, -math.inf),)], [3, ((1,),), ((1, 2, 3),), (4,)]),
    (
        ClassifierConfig,
        "labels",
        [("a", "b"), ("x", "y", "z")],
        [(), ("a",), ("a", "a"), ("a", ""), ("a", 1), "ab", None],
    ),
    (ClassifierConfig, "embedding", [None, 1, 65_536], [0, 65_537, 2.0, True, "8"]),
    (ClassifierConfig, "pooling", ["last", "mean", "max", "all"], ["sum", "", None, ["last"]]),
    (ClassifierConfig, "length", [1, 2**20], [0, 2**20 + 1, 9.0, None]),
    (ClassifierConfig, "keep", ["first", "last"], ["middle", None, 1]),
    (ClassifyConfig, "steps", [1, 2**62], [0, -1, 2**62 + 1, 1.5, True, None]),
    (ClassifyConfig, "batch_size", [1, 2**20], [0, 2**20 + 1, True]),
    (ClassifyConfig, "learning_rate", [TINY, 10], [0, -TINY, 10.1, *NOT_NUMBERS]),
    (ClassifyConfig, "encoder_rate", [0, 1], [-TINY, 1.1, *NOT_NUMBERS]),
    (ClassifyConfig, "freeze", [True, False], [1, 0, None, "yes"]),
    (ClassifyConfig, "weight_decay", [0, 10], [-TINY, 10.1, *NOT_NUMBERS]),
    (ClassifyConfig, "clip", [TINY, 1e300], [0, -1, *NOT_NUMBERS]),
    (ClassifyConfig, "warmup", [0, 1], [-TINY, 1.1, *NOT_NUMBERS]),
    (ClassifyConfig, "decay", [0, 1], [-TINY, 1.1, *NOT_NUMBERS]),
    (ClassifyConfig, "dropout", [0, 0.999], [1, 1.0, -TINY, *NOT_NUMBERS]),
    (ClassifyConfig, "recurrent_dropout", [0, 0.999], [1, 1.0, -TINY, *NOT_NUMBERS]),
    (ClassifyConfig, "validate_every", [0, 2**62], [-1, 2**62 + 1, 0.5]),
    (ClassifyConfig, "seed", [0, 2**63 - 1], [-1, 2**63, "1", 1.0]),
    (ClassifyConfig, "precision", ["auto", "fp32", "bf16"], ["fp16", "", None]),
    (ClassifyConfig, "device", ["auto", "cpu", "cuda:0"], [0, None]),
    (ClassifyConfig, "threads", [1, 4096], [0, 4097, True]),
    (SamplingConfig, "logit_bias", [], [((-1, 0),), ((0.0, 0),), ((0, math.inf),), ((0, math.nan),), ((0, HUGE),)]),
]


@pytest.mark.parametrize(("kind", "name", "accepted", "refused"), LIMITS, ids=[name for _, name, *_ in LIMITS])
def test_within_its_limits_a_setting_is_kept_and_beyond_them_refused_by_name(
    kind: type, name: str, accepted: list[Any], refused: list[Any]
) -> None:
    for value in accepted:
        assert getattr(kind(**(MINIMAL[kind] | {name: value})), name) == value
    for value in refused:
        try:
            made = kind(**(MINIMAL[kind] | {name: value}))
        except ConfigError as error:
            assert str(error).startswith(name)
        else:
            pytest.fail(f"{made} was accepted")


@pytest.mark.parametrize("minutes", [0, -1, *NOT_NUMBERS[:3], "1", True, HUGE])
def test_minutes_are_a_number_above_zero(minutes: Any) -> None:
    assert TrainConfig(minutes=TINY).minutes == TINY
    with pytest.raises(ConfigError, match=r"^minutes is "):
        TrainConfig(minutes=minutes)


def test_samplers_may_be_a_text_with_commas() -> None:
    assert SamplingConfig.from_dict({"samplers": "top-k, temperature"}).samplers == ("top-k", "temperature")
    with pytest.raises(
        ConfigError, match=r"^samplers is 'topk'; it must be names among penalties, dry, top-k, typical"
    ):
        SamplingConfig.from_dict({"samplers": "temperature,topk"})
    with pytest.raises(ConfigError, match=r"^samplers is 'dry,dry'; it must be without dry twice$"):
        SamplingConfig.from_dict({"samplers": "dry,dry"})


def test_a_temperature_that_changes_is_never_zero() -> None:
    with pytest.raises(ConfigError, match=r"^temperature is 0; it must be a number above 0 where temperature_end is"):
        SamplingConfig(temperature=0, temperature_end=1.0)


def test_a_long_value_is_shortened_in_the_message() -> None:
    for value in ("x" * 10_000, 1 << 20_000):  # Python refuses to print the second
        with pytest.raises(ConfigError) as caught:
            ModelConfig(vocabulary_size=1, hidden=value)  # type: ignore[arg-type]
        assert len(str(caught.value)) < 300


@pytest.mark.parametrize("kind", MINIMAL)
def test_an_unknown_setting_is_refused_with_the_known_ones(kind: type[Config]) -> None:
    with pytest.raises(ConfigError, match=r"setting is 'hiden'; it must be one of .*(hidden|seed|top_k|pooling)"):
        kind.from_dict(MINIMAL[kind] | {"hiden": 1})


def test_a_missing_setting_is_named() -> None:
    with pytest.raises(ConfigError, match=r"ModelConfig.*vocabulary_size"):
        ModelConfig.from_dict({"hidden": 3})
    with pytest.raises(ConfigError, match=r"steps is 1 and minutes is 1; give exactly one"):
        TrainConfig.from_dict({"steps": 1, "minutes": 1})


@pytest.mark.parametrize("epochs", [0, -1, 1_000_001, *NOT_NUMBERS])
def test_epochs_are_a_number_above_zero(epochs: Any) -> None:
    check_epochs(TINY)
    check_epochs(1_000_000)
    with pytest.raises(ConfigError, match=r"^epochs is .*; it must be a number above 0, at most 1,000,000$"):
        check_epochs(epochs)


@pytest.mark.parametrize("value", ["x" * 10**6, 10**5000, [[]] * 10**5], ids=["text", "number", "list"])
def test_a_message_stays_short_whatever_the_value(value: Any) -> None:
    with pytest.raises(ConfigError) as caught:
        ModelConfig(vocabulary_size=value)
    assert len(str(caught.value)) < 400
    with pytest.raises(ConfigError) as caught:
        SamplingConfig(logit_bias=value)
    assert len(str(caught.value)) < 400


# ── The shapes ───────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_shapes_of_a_small_model_by_hand() -> None:
    config = ModelConfig(vocabulary_size=5, cell="gru", layers=2, hidden=3)
    assert config.parameter_shapes() == {
        "embedding.weight": (5, 3),
        "encoder.layers.0.input_weight": (9, 3),
        "encoder.layers.0.recurrent_weight": (9, 3),
        "encoder.layers.0.bias": (9,),
        "encoder.layers.0.recurrent_bias": (3,),
        "encoder.layers.1.input_weight": (9, 3),
        "encoder.layers.1.recurrent_weight": (9, 3),
        "encoder.layers.1.bias": (9,),
        "encoder.layers.1.recurrent_bias": (3,),
        "output.weight": (5, 3),
        "output.bias": (5,),
    }
    assert config.parameters == 15 + 2 * (27 + 27 + 9 + 3) + 15 + 5


def test_ngrams_add_a_table_no_wider_than_the_network() -> None:
    config = ModelConfig(vocabulary_size=5, hidden=32, ngrams=2, ngram_rows=100)
    plain = replace(config, ngrams=1)
    added = config.parameter_shapes().items() - plain.parameter_shapes().items()
    assert added == {("ngram_embedding.weight", (100, 32))}
    assert replace(config, ngram_width=7).parameter_shapes()["ngram_embedding.weight"] == (100, 7)
    assert not [name for name in plain.to_dict() if name.startswith("ngram")]
    assert config.to_dict()["ngrams"] == 2


def test_tied_weights_have_one_matrix_of_the_vocabulary() -> None:
    config = ModelConfig(vocabulary_size=5, hidden=32, tied=True)
    plain = replace(config, tied=False)
    assert plain.parameter_shapes().items() - config.parameter_shapes().items() == {("output.weight", (5, 32))}
    assert list(config.parameter_shapes()) == [n for n in plain.parameter_shapes() if n != "output.weight"]
    assert config.parameters == plain.parameters - 5 * 32
    assert (config.output_weight, plain.output_weight) == ("embedding.weight", "output.weight")
    assert config.to_dict() == {**plain.to_dict(), "tied": True} and "tied" not in plain.to_dict()


@settings(derandomize=True, deadline=None)
@given(config=models)
def test_parameters_follow_the_formula_at_any_size(config: ModelConfig) -> None:
    V, H, L, G = config.vocabulary_size, config.hidden, config.layers, GATES[config.cell]
    extra = H if config.cell == "gru" else 0
    assert config.parameters == (1 if config.tied else 2) * V * H + V + L * (2 * G * H * H + G * H + extra)


def test_numpy_numbers_are_numbers() -> None:
    assert SamplingConfig(temperature=np.arange(1.0, 2.0)[0]).temperature == 1


# ── A classifier on its encoder ──────────────────────────────────────────────────────────────────────────────────────


def test_a_classifier_has_its_encoders_weights_and_a_head() -> None:
    model = ModelConfig(vocabulary_size=9, cell="gru", layers=2, hidden=6)
    shapes = ClassifierConfig(labels=("a", "b", "c"), embedding=4, pooling="all").parameter_shapes(model)
    assert shapes["embedding.weight"] == (9, 4) and shapes["encoder.layers.0.input_weight"] == (18, 4)
    assert shapes["encoder.layers.1.input_weight"] == (18, 6)
    assert shapes["head.weight"] == (3, 18) and shapes["head.bias"] == (3,)
    assert not any(name.startswith("output") for name in shapes)
    assert ClassifierConfig(labels=("a", "b")).parameter_shapes(model)["head.weight"] == (1, 6)


@pytest.mark.parametrize("shape", [{"ngrams": 3, "residual": True}, {"ngrams": 2}])
def test_an_embedding_must_be_as_wide_as_what_it_is_added_to(shape: dict[str, Any]) -> None:
    model = ModelConfig(vocabulary_size=9, hidden=6, **shape)
    ClassifierConfig(labels=("a", "b"), embedding=6).check(model)
    ClassifierConfig(labels=("a", "b"), embedding=4).check(ModelConfig(vocabulary_size=9, hidden=6, residual=True))
    with pytest.raises(ConfigError, match=r"^embedding is 4; it must be 6"):
        ClassifierConfig(labels=("a", "b"), embedding=4).check(model)
