import math

import pytest

from gen.errors import ConfigError
from gen.metrics.units import bits, bits_per_unit, figures, perplexity


def test_a_fair_coin_is_one_bit() -> None:
    assert bits(math.log(2)) == 1.0
    assert bits(0.0) == 0.0


def test_a_fair_choice_among_eight_has_perplexity_eight() -> None:
    assert perplexity(math.log(8)) == pytest.approx(8)
    assert perplexity(0.0) == 1.0


@pytest.mark.parametrize("nats", [710.0, 1e308, math.inf])
def test_perplexity_past_float64_is_infinite(nats: float) -> None:
    assert perplexity(nats) == math.inf


def test_perplexity_of_a_loss_that_is_not_a_number_is_not_one() -> None:
    assert math.isnan(perplexity(math.nan))


def test_bits_per_character_count_all_tokens_over_all_characters() -> None:
    # 250 tokens of 2 nats each stand for 1000 characters in 1024 bytes
    assert bits_per_unit(2.0, tokens=250, units=1000) == pytest.approx(500 / math.log(2) / 1000)
    assert bits_per_unit(2.0, tokens=250, units=1024) == pytest.approx(500 / math.log(2) / 1024)


def test_one_token_a_character_is_the_plain_unit() -> None:
    assert bits_per_unit(1.5, tokens=77, units=77) == pytest.approx(bits(1.5))


@pytest.mark.parametrize(("tokens", "units", "named"), [(-1, 5, "tokens is -1"), (5, 0, "units is 0")])
def test_impossible_counts_are_named(tokens: int, units: int, named: str) -> None:
    with pytest.raises(ConfigError, match=named):
        bits_per_unit(1.0, tokens=tokens, units=units)


def test_figures_are_in_what_a_medium_is_measured_in() -> None:
    text = figures(1.4, unit="character", tokens=100, units=90, bytes=120, seconds=None)
    assert text == {
        "nats_per_token": 1.4,
        "bits_per_character": bits_per_unit(1.4, tokens=100, units=90),
        "bits_per_byte": bits_per_unit(1.4, tokens=100, units=120),
    }
    music = figures(2.0, unit="note", tokens=400, units=100, bytes=None, seconds=50.0)
    assert music["nats_per_note"] == pytest.approx(8.0) and music["bits_per_second"] == pytest.approx(16 / math.log(2))
    assert set(figures(2.0, unit="note", tokens=4, units=1, bytes=None, seconds=0.0)) == {
        "nats_per_token",
        "nats_per_note",
    }
