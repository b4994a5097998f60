from typing import Any

import pytest
import torch

from gen.errors import ConfigError
from gen.training import device
from gen.training.device import choose_device, choose_precision


def test_auto_takes_bf16_only_where_the_processor_has_it_and_computes_it_rightly(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for has in (False, True):
        for agrees in (False, True):
            monkeypatch.setattr(device, "_has_bf16", lambda _, has=has: has)
            monkeypatch.setattr(device, "_agrees", lambda _, agrees=agrees: agrees)
            assert choose_precision("auto", "cpu") == ("bf16" if has and agrees else "fp32")


def test_bf16_is_refused_in_words_where_it_cannot_be_computed(monkeypatch: pytest.MonkeyPatch) -> None:
    lstm = torch.lstm

    def refuse_bf16(*arguments: Any, **named: Any) -> Any:
        if torch.is_autocast_enabled("cpu"):
            raise RuntimeError("could not create a primitive descriptor for the LSTM forward propagation primitive")
        return lstm(*arguments, **named)

    monkeypatch.setattr(torch, "lstm", refuse_bf16)
    with pytest.raises(ConfigError, match=r"precision is 'bf16'.*'fp32' or 'auto'"):
        choose_precision("bf16", "cpu")
    assert choose_precision("fp32", "cpu") == "fp32"
    assert choose_precision("auto", "cpu") == "fp32"


def test_a_device_that_is_not_there_is_named() -> None:
    with pytest.raises(ConfigError, match="device 'nowhere'"):
        choose_device("nowhere")
    assert choose_device("cpu") == "cpu"
