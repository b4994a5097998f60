"""Classifiers in files: the laws of every model file, and that the two kinds are never taken for each other."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.numpy

from gen.checkpoint import Checkpoint, ClassifierCheckpoint, ClassifyingState, load_any, task_of
from gen.config import ClassifyConfig, ModelConfig
from gen.errors import CheckpointError, ConfigError
from gen.model_file import canonical, tensor_checksum
from gen.models.initialization import initial_weights
from gen.runs import Run, find_run
from gen.tokenizers import CharTokenizer
from tests.test_classifier import make


def training(checkpoint: ClassifierCheckpoint) -> ClassifierCheckpoint:
    moments = {
        "optimizer.exp_avg.head.bias": np.ones(3, np.float32),
        "optimizer.step.head.bias": np.asarray(7, np.float32),
    }
    state = ClassifyingState(ClassifyConfig(steps=9, freeze=True), step=7, best_loss=0.5, tensors=moments)
    return replace(checkpoint, training=state)


def language_model() -> Checkpoint:
    model = ModelConfig(vocabulary_size=4, layers=1, hidden=5)
    return Checkpoint(model, CharTokenizer("abc\n"), initial_weights(model, 0), {"seed": 3})


@pytest.mark.parametrize("checkpoint", [make(), training(make()), make(("no", "yes"))], ids=["model", "state", "two"])
def test_saved_loaded_and_saved_it_is_the_same_bytes(tmp_path: Path, checkpoint: ClassifierCheckpoint) -> None:
    path = tmp_path / "model.safetensors"
    checkpoint.save(path)
    loaded = ClassifierCheckpoint.load(path)
    assert loaded.to_bytes() == path.read_bytes() == checkpoint.to_bytes()
    assert (loaded.classifier, loaded.model) == (checkpoint.classifier, checkpoint.model)
    assert (loaded.training is None) == (checkpoint.training is None)
    if loaded.training is not None and checkpoint.training is not None:
        assert loaded.training.config == checkpoint.training.config
        assert loaded.training.tensors.keys() == checkpoint.training.tensors.keys()
    assert Checkpoint.describe(path) == loaded.summary()
    parameters = sum(array.size for array in checkpoint.weights.values())
    assert loaded.summary()["parameters"] == parameters
    assert loaded.summary()["classifier"]["labels"] == list(checkpoint.classifier.labels)


def test_neither_kind_is_taken_for_the_other(tmp_path: Path) -> None:
    make().save(tmp_path / "c")
    language_model().save(tmp_path / "m")
    with pytest.raises(ConfigError, match=r"c: a classifier, .*'gen classify predict RUN FILE'$"):
        Checkpoint.load(tmp_path / "c")
    with pytest.raises(ConfigError, match=r"m: a language model, .*'gen classify train FILE --from RUN'$"):
        ClassifierCheckpoint.load(tmp_path / "m")
    assert isinstance(load_any(tmp_path / "c"), ClassifierCheckpoint)
    assert isinstance(load_any(tmp_path / "m"), Checkpoint)
    assert [task_of(tmp_path / name) for name in "cm"] == ["classifier", "language model"]
    assert b"classifier" not in (tmp_path / "m").read_bytes()


def forged(change: Callable[[dict[str, Any], dict[str, Any]], None]) -> bytes:
    """A file whose checksum is right and whose content is not."""
    data = make().to_bytes()
    length = int.from_bytes(data[:8], "little")
    fields = json.loads(json.loads(data[8 : 8 + length])["__metadata__"]["gen"])
    tensors = safetensors.numpy.load(data)
    change(fields, tensors)
    fields["checksum"] = tensor_checksum(fields, tensors)
    return safetensors.numpy.save(tensors, metadata={"gen": canonical(fields)})


def set_to(name: str, value: Any) -> Callable[[dict[str, Any], dict[str, Any]], None]:
    return lambda fields, _: fields["classifier"].update({name: value})


@pytest.mark.parametrize(
    ("change", "needle"),
    [
        (set_to("labels", ["a", "b"]), "its settings call for float32 (1,"),
        (set_to("labels", ["a", "a", "b"]), "labels is"),
        (set_to("pooling", "last"), "its settings call for float32 (3, 5)"),
        (set_to("embedding", 4), "its settings call for float32 (4, 4)"),
        (set_to("length", 0), "length is 0"),
        (set_to("colour", 0), "setting is 'colour'"),
        (lambda fields, _: fields.update(classifier=3), "cannot be understood"),
        (lambda fields, _: fields.pop("classifier"), "a language model"),
        (lambda _, tensors: tensors.pop("head.bias"), "lacks head.bias of its 2-layer lstm"),
        (lambda _, tensors: tensors.update(more=np.ones(2, np.float32)), "does not belong to a 2-layer lstm"),
        (lambda fields, _: fields["model"].update(vocabulary_size=5), "its settings call for float32 (5, 5)"),
        (lambda fields, _: fields["training"] or fields.update(training={}), "cannot be understood"),
        (lambda _, tensors: tensors.update({"head.bias": np.full(3, np.nan, np.float32)}), "NaN"),
    ],
)
def test_a_forged_file_gets_one_line(tmp_path: Path, change: Any, needle: str) -> None:
    path = tmp_path / "forged.safetensors"
    path.write_bytes(forged(change))
    with pytest.raises((CheckpointError, ConfigError)) as caught:
        ClassifierCheckpoint.load(path)
    assert needle in str(caught.value) and str(path) in str(caught.value)


def test_a_damaged_byte_is_found(tmp_path: Path) -> None:
    data = bytearray(make().to_bytes())
    data[-5] ^= 1
    (tmp_path / "model").write_bytes(data)
    with pytest.raises(CheckpointError, match="checksum"):
        ClassifierCheckpoint.load(tmp_path / "model")


def test_the_newest_run_is_looked_for_among_its_kind(tmp_path: Path) -> None:
    for name, checkpoint in (("language", language_model()), ("classes", training(make()))):
        (tmp_path / name).mkdir()
        checkpoint.save(tmp_path / name / "model.safetensors")
        checkpoint.save(tmp_path / name / "resume.safetensors")
    assert find_run(None, tmp_path).name == "language"
    assert find_run(None, tmp_path, task="classifier").name == "classes"
    assert find_run(None, tmp_path, task=None).name == "classes"
    assert find_run("classes", tmp_path).name == "classes"
    run = Run(tmp_path / "classes")
    assert run.task == "classifier" and run.resume_classifier().training is not None
    with pytest.raises(ConfigError, match="a classifier: go on with it by 'gen classify train --resume classes'"):
        run.resume()
    with pytest.raises(ConfigError, match="no classifier in"):
        find_run(None, tmp_path / "nowhere", task="classifier")
