import math
from dataclasses import replace

import pytest

from gen.metrics.units import bits, figures, perplexity
from gen.tokenizers.extent import Extent


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


TEXT = Extent(unit="character", tokens=250, units=1000, bytes=1024, words=200)


def test_bits_per_character_count_all_tokens_over_all_characters() -> None:
    found = figures(2.0, TEXT)
    assert found == {
        "nats_per_token": 2.0,
        "bits_per_character": pytest.approx(500 / math.log(2) / 1000),
        "bits_per_byte": pytest.approx(500 / math.log(2) / 1024),
        "perplexity_per_token": pytest.approx(math.exp(2)),
        "perplexity_per_word": pytest.approx(math.exp(500 / 200)),
    }


def test_one_token_a_character_is_the_plain_unit() -> None:
    found = figures(1.5, Extent(unit="character", tokens=77, units=77, bytes=77))
    assert found["bits_per_character"] == found["bits_per_byte"] == pytest.approx(bits(1.5))
    assert "perplexity_per_word" not in found


def test_music_is_measured_in_notes_and_seconds() -> None:
    music = figures(2.0, Extent(unit="note", tokens=400, units=100, seconds=50.0))
    assert music["nats_per_note"] == pytest.approx(8.0)
    assert music["bits_per_second"] == pytest.approx(16 / math.log(2))
    assert set(figures(2.0, Extent(unit="note", tokens=4, units=1, seconds=0.0))) == {
        "nats_per_token",
        "nats_per_note",
        "perplexity_per_token",
    }


def test_unknown_words_are_paid_for_letter_by_letter() -> None:
    lost = replace(TEXT, unknown=10, unknown_bytes=6.5)
    found, without = figures(2.0, lost), figures(2.0, TEXT)
    assert found["nats_per_token"] == 2.0
    assert found["bits_per_byte"] == pytest.approx(without["bits_per_byte"] + 10 * 7.5 * 8 / 1024)
    assert found["unknown_per_token"] == 0.04


def test_a_perplexity_past_float64_is_left_out() -> None:
    found = figures(3.0, replace(TEXT, words=1))
    assert "perplexity_per_word" not in found
    assert found["nats_per_token"] == 3.0
