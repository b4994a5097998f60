import math
from collections.abc import Iterable
from dataclasses import asdict, replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gen.config import SAMPLERS, SamplingConfig
from gen.decoding.chain import choice_for, history_for, processors_for
from gen.decoding.dry import Dry
from gen.decoding.picking import sample_token
from gen.decoding.processors import (
    History,
    LogitBias,
    LogitsProcessor,
    MinP,
    Penalties,
    Temperature,
    TemperatureRamp,
    TopK,
    TopP,
    Typical,
)
from gen.errors import ConfigError
from gen.protocols import Choice, Logits
from tests.decoding.reference import chain_of
from tests.decoding.strategies import kept, law, orders, settings_for, some_logits

INF = math.inf
NOTHING = History(4, 0)
FOUR = np.log([0.1, 0.4, 0.2, 0.3])  # ids in order of probability: 1, 3, 2, 0


def types(chain: Iterable[LogitsProcessor]) -> list[type]:
    return [type(processor) for processor in chain]


ALL = SamplingConfig(
    temperature=0.7,
    top_k=3,
    top_p=0.9,
    min_p=0.1,
    typical_p=0.9,
    repeat_penalty=1.1,
    dry_multiplier=0.8,
    logit_bias=((0, 1.0),),
)
TYPES = dict(zip(SAMPLERS, [Penalties, Dry, TopK, Typical, TopP, MinP, Temperature], strict=True))


def test_the_order_is_llama_cpps() -> None:
    assert types(processors_for(ALL, 4)) == [LogitBias, Penalties, Dry, TopK, Typical, TopP, MinP, Temperature]


@law
@given(orders)
def test_the_order_is_the_one_that_is_asked_for_and_what_is_not_named_does_not_run(samplers: tuple[str, ...]) -> None:
    config = replace(ALL, samplers=samplers)
    assert types(processors_for(config, 4)) == [LogitBias, *(TYPES[name] for name in samplers)]
    cold = types(processors_for(replace(config, temperature=0.0), 4))
    assert cold == [LogitBias, *(TYPES[name] for name in samplers if name in ("penalties", "dry"))]


def test_the_order_matters() -> None:
    def cut(samplers: str) -> set[int]:
        scores = FOUR
        for processor in processors_for(SamplingConfig.from_dict({**flat, "samplers": samplers}), 4):
            scores = processor(scores, NOTHING)
        return kept(scores)

    flat = {"temperature": 100.0, "top_p": 0.6}
    assert cut("top-p, temperature") == {1, 3}
    assert cut("temperature, top-p") == {1, 2, 3}  # of a quarter each, nearly
    assert cut("temperature") == {0, 1, 2, 3}


def test_the_temperature_goes_along_a_line() -> None:
    config = SamplingConfig(temperature=0.5, temperature_end=2.0, temperature_over=9)
    assert processors_for(config, 4) == (TemperatureRamp(0.5, 2.0, 9),)
    assert processors_for(replace(config, samplers=("top-k",)), 4) == ()


def test_history_is_kept_where_it_is_heeded() -> None:
    for config, heeded, tail in (
        (SamplingConfig(), False, 0),
        (SamplingConfig(repeat_penalty=1.2), True, 0),
        (SamplingConfig(temperature_end=1.0), True, 0),
        (SamplingConfig(dry_multiplier=1.0, dry_penalty_last_n=2), True, 2),
        (SamplingConfig(dry_multiplier=1.0, dry_penalty_last_n=0), False, 0),
        (SamplingConfig(dry_multiplier=1.0, samplers=("temperature",)), False, 0),
    ):
        history = history_for(processors_for(config, 4), config, 4, [1, 2, 3])
        assert (history is not None) == heeded
        assert history is None or history.tail.tolist() == [1, 2, 3][3 - tail :]


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"top_k": 4},
        {"top_k": 99},
        {"repeat_penalty": 1.5, "presence_penalty": 1.0, "repeat_last_n": 0},
        {"logit_bias": ((2, 0.0),)},
        {"logit_bias": ((2, 1.5), (2, -1.5))},
    ],
    ids=str,
)
def test_what_changes_nothing_is_left_out(changes: dict[str, object]) -> None:
    assert processors_for(SamplingConfig.from_dict({"temperature": 1.0, **changes}), 4) == ()


@pytest.mark.parametrize(
    ("setting", "expected"),
    [
        ({"top_k": 3}, TopK(3)),
        ({"typical_p": 0.5}, Typical(0.5)),
        ({"top_p": 0.5}, TopP(0.5)),
        ({"min_p": 0.5}, MinP(0.5)),
        ({"repeat_penalty": 1.5}, Penalties(repeat=1.5)),
        ({"presence_penalty": -1.5}, Penalties(presence=-1.5)),
        ({"frequency_penalty": 0.5, "repeat_last_n": -1}, Penalties(frequency=0.5)),
        ({"temperature": 2.0}, Temperature(2.0)),
        ({"temperature": 0.5, "temperature_end": 1, "temperature_over": 7}, TemperatureRamp(0.5, 1, 7)),
        (
            {
                "dry_multiplier": 0.8,
                "dry_base": 1.5,
                "dry_allowed_length": 3,
                "dry_sequence_breakers": [1],
                "dry_penalty_last_n": 9,
            },
            Dry(0.8, 1.5, 3, frozenset([1])),
        ),
    ],
    ids=str,
)
def test_each_setting_reaches_its_processor(setting: dict[str, object], expected: LogitsProcessor) -> None:
    assert processors_for(SamplingConfig.from_dict({"temperature": 1.0, **setting}), 4) == (expected,)


def test_temperature_does_not_change_what_is_cut_off() -> None:
    def cut(temperature: float) -> set[int]:
        scores = FOUR
        for processor in processors_for(SamplingConfig(temperature=temperature, top_p=0.6, min_p=0.2), 4):
            scores = processor(scores, NOTHING)
        return kept(scores)

    assert cut(0.01) == cut(100.0) == {1, 3}


def test_at_temperature_zero_only_what_moves_the_likeliest_token_is_left() -> None:
    config = SamplingConfig.from_dict({**ALL.to_dict(), "temperature": 0.0})
    assert types(processors_for(config, 4)) == [LogitBias, Penalties, Dry]


def test_biases_of_one_id_add_up() -> None:
    (processor,) = processors_for(SamplingConfig(temperature=1.0, logit_bias=((1, 0.5), (1, 1.0), (3, -INF))), 4)
    assert processor(np.zeros(4), NOTHING).tolist() == [0.0, 1.5, 0.0, -INF]


def test_a_bias_outside_the_vocabulary_is_refused() -> None:
    with pytest.raises(ConfigError, match="logit_bias id is 4; it must be below 4"):
        processors_for(SamplingConfig(logit_bias=((4, 0.0),)), 4)


def test_a_breaker_outside_the_vocabulary_is_refused() -> None:
    with pytest.raises(ConfigError, match="dry_sequence_breakers id is 4; it must be below 4"):
        processors_for(SamplingConfig(dry_multiplier=1.0, dry_sequence_breakers=(4,)), 4)


def test_banning_every_id_is_refused() -> None:
    with pytest.raises(ConfigError, match="logit_bias bans all 4 ids"):
        processors_for(SamplingConfig(logit_bias=tuple((id, -INF) for id in range(4))), 4)


# ── The chain as plain numbers ───────────────────────────────────────────────────────────────────────────────────────


def test_plain_numbers_are_those_of_the_settings() -> None:
    config = replace(ALL, typical_p=1.0, presence_penalty=0.5, dry_multiplier=0.0)
    choice = choice_for(config, 4)
    assert choice is not None and choice.bias is not None
    assert choice.bias.tolist() == [1.0, 0.0, 0.0, 0.0]
    assert (choice.repeat, choice.presence, choice.frequency) == (1.1, 0.5, 0.0)
    assert (choice.top_k, choice.top_p, choice.min_p, choice.temperature) == (3, 0.9, 0.1, 0.7)


NOT_DRY = replace(ALL, dry_multiplier=0.0)
NUMBERS = replace(NOT_DRY, typical_p=1.0)


def test_typical_has_no_plain_numbers_unless_nothing_is_narrowed() -> None:
    assert choice_for(NOT_DRY, 4) is None
    choice = choice_for(replace(NOT_DRY, temperature=0.0), 4)
    assert choice is not None and choice.bias is not None and choice.repeat == 1.1
    assert (choice.top_k, choice.top_p, choice.min_p, choice.temperature) == (0, 1.0, 0.0, 0.0)


def test_dry_a_ramp_and_another_order_have_no_plain_numbers() -> None:
    assert choice_for(NUMBERS, 4) is not None
    assert choice_for(replace(NUMBERS, dry_multiplier=1.0), 4) is None
    assert choice_for(replace(NUMBERS, dry_multiplier=1.0, temperature=0.0), 4) is None
    assert choice_for(replace(NUMBERS, temperature_end=2.0), 4) is None
    assert choice_for(replace(NUMBERS, samplers=("top-p", "top-k")), 4) is None
    assert choice_for(replace(NUMBERS, samplers=("top-p", "top-k"), top_k=0), 4) is not None, "one of them is off"


@law
@given(orders)
def test_plain_numbers_leave_out_what_is_not_named(samplers: tuple[str, ...]) -> None:
    choice = choice_for(replace(NUMBERS, samplers=samplers), 4)
    named = [name for name in SAMPLERS if name in samplers and name not in ("typical", "dry")]
    assert (choice is not None) == (named == [name for name in samplers if name in named])
    if choice is not None:
        plain = Choice()
        assert choice.repeat == (1.1 if "penalties" in named else plain.repeat)
        assert choice.top_k == (3 if "top-k" in named else plain.top_k)
        assert choice.top_p == (0.9 if "top-p" in named else plain.top_p)
        assert choice.min_p == (0.1 if "min-p" in named else plain.min_p)
        assert choice.temperature == (0.7 if "temperature" in named else plain.temperature)


def test_plain_numbers_of_settings_that_change_nothing_are_the_defaults() -> None:
    neutral = {
        "top_k": 9,
        "repeat_penalty": 1.5,
        "presence_penalty": 1.0,
        "repeat_last_n": 0,
        "logit_bias": ((2, 0.0),),
    }
    choice = choice_for(SamplingConfig.from_dict({"temperature": 1.0, **neutral}), 4)
    assert choice is not None
    assert asdict(choice) == asdict(Choice())


def test_banning_every_id_is_refused_of_plain_numbers_too() -> None:
    with pytest.raises(ConfigError, match="logit_bias bans all 4 ids"):
        choice_for(SamplingConfig(logit_bias=tuple((id, -INF) for id in range(4))), 4)


@law
@given(st.data())
def test_plain_numbers_stand_for_the_chain(data: st.DataObject) -> None:
    logits = data.draw(some_logits())
    config = replace(data.draw(settings_for(len(logits))), typical_p=1.0, dry_multiplier=0.0, temperature_end=None)
    try:
        chain, choice = processors_for(config, len(logits)), choice_for(config, len(logits))
    except ConfigError as error:
        assert "logit_bias bans all" in str(error)
        return
    if choice is None:
        asked = types(chain)
        assert asked != sorted(asked, key=[LogitBias, *TYPES.values()].index)
        return
    history = History(len(logits), config.repeat_last_n, data.draw(st.lists(st.integers(0, len(logits) - 1))))
    assert after(chain, logits, history).tolist() == after(chain_of(choice), logits, history).tolist()


def after(chain: Iterable[LogitsProcessor], logits: Logits, history: History) -> Logits:
    for processor in chain:
        logits = processor(logits, history)
    return logits


# ── Laws ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


@settings(law, max_examples=500)
@given(st.data())
def test_no_setting_makes_nan_or_revives_a_token(data: st.DataObject) -> None:
    logits = data.draw(some_logits())
    config = data.draw(settings_for(len(logits)))
    try:
        chain = processors_for(config, len(logits))
    except ConfigError as error:
        assert "logit_bias bans all" in str(error)
        return
    ids = data.draw(st.lists(st.integers(0, len(logits) - 1)))
    history = history_for(chain, config, len(logits), ids) or History(len(logits), 0)
    history.counts.setflags(write=False)
    banned = {id for id, nats in config.logit_bias if nats == -INF}
    left = kept(logits) - banned
    scores = logits
    for processor in chain:
        scores = processor(scores, history)
        assert kept(scores) <= left
        left = kept(scores)
        assert max(scores.tolist()) < INF
        assert not np.isnan(scores).any()
    if not left:
        assert kept(logits) <= banned
        return
    for draw in (0.0, 0.5, 1 - 2**-53):
        assert sample_token(scores, draw) in left
