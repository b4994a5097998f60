"""Classifiers on labelled sets that are real: rnn, lstm and gru beside a logistic regression on character n-grams.

    python benchmarks/classify.py python                                   # blocks of lines, by their package
    python benchmarks/classify.py verse tinyshakespeare.txt                # speeches: verse or prose
    python benchmarks/classify.py music pop909 js-fakes                    # folders of MIDI files, one a class
    python benchmarks/classify.py python --labelled 200 --minutes 5        # with and without a language model

python: the standard library of the Python that runs this: its largest packages with three modules or more (tests and
tables of data left out), cut into blocks of four lines that are not blank. verse: speeches of two lines or more; it
is prose if a line within it begins with a small letter, for editors break prose anywhere; the lines are then joined, so
that only what is said can tell. Every set is split by document, never within one, so that neighbours do not leak: of
each package a sixth of the lines is for the test and a twelfth for validation (a hundred speeches count as a document).

The settings are a textbook's: 20,000 words, the first 100 tokens, embedding 128, 128 units, dropout 0.2, recurrent
dropout 0.2, batch 32, 5 epochs, Adam at 1e-3; of music 400 events. Of each run, the epoch of the lowest validation loss
is measured on the test part. The regression (scikit-learn, which is not among the dependencies: pip install
scikit-learn) has tf-idf of 1- to 5-grams, of music of 1- to 3-grams of events, and its C, of 1, 10 and 100, chosen by
the same validation part.

With --labelled, the first so many rows, in the order of their hashes, are all that is labelled, as many validate, and
the first thousand test. A language model is trained on the training part without its labels, and its encoder, trained
on and frozen, stands beside classifiers from scratch and the regression on the same rows.
"""

import argparse
import hashlib
import json
import shutil
import statistics
import sysconfig
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gen.checkpoint import Checkpoint
from gen.classifier import Classifier
from gen.config import available_threads
from gen.corpus.documents import ReadingOptions
from gen.corpus.labelled_corpus import LabelledCorpus, LabelledPart, reading_part
from gen.corpus.token_corpus import TokenCorpus
from gen.metrics.classification import measure_classes
from gen.progress import result_of
from gen.training.classifier_trainer import ClassifierTrainer
from gen.training.device import use_threads
from gen.training.trainer import Trainer

CELLS = ("rnn", "lstm", "gru")
TEXTBOOK = {
    "hidden": 128, "embedding": 128, "dropout": 0.2, "recurrent_dropout": 0.2, "batch_size": 32,
    "learning_rate": 1e-3, "pooling": "last",
}  # fmt: skip
MODULES, LINES, SPEECHES = 3, 4, 100
NOT_CODE = {"test", "pydoc_data", "encodings", "site-packages", "dist-packages", "__pycache__"}
PARTS = ("train", "validation", "test")

FEW_TEST = 1_000
SHARES = {"train": 0.75, "test": 1 / 6, "validation": 1.0}

Document = tuple[str, str, list[tuple[str, str]]]
"""A document's name, what it is a part of, and its rows: text and label."""


def hashed(text: str) -> float:
    """A number in [0, 1) that follows from a text."""
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") / 2**64


def parted(documents: Iterable[Document]) -> Iterator[tuple[str, Document]]:
    """Each document, with its part: in the order of their hashes, until each part of a group has its share of rows."""
    groups: dict[str, list[Document]] = {}
    for document in documents:
        groups.setdefault(document[1], []).append(document)
    for group in groups.values():
        total = sum(len(rows) for *_, rows in group)
        parts, taken = iter(SHARES.items()), 0.0
        part, share = next(parts)
        for document in sorted(group, key=lambda it: hashed(it[0])):
            if taken >= share * total:
                (part, share), taken = next(parts), 0.0
            taken += len(document[2])
            yield part, document


def python_documents(packages: int) -> Iterator[Document]:
    """The modules of the largest packages of the standard library."""
    root = Path(sysconfig.get_paths()["stdlib"])
    found: dict[str, list[Path]] = {}
    for path in sorted(root.rglob("*.py")):
        package, *rest = path.relative_to(root).parts
        if rest and not NOT_CODE & {package, *rest} and "tests" not in rest:
            found.setdefault(package, []).append(path)
    sizes = {name: sum(path.stat().st_size for path in paths) for name, paths in found.items() if len(paths) >= MODULES}
    for package in sorted(sorted(sizes, key=lambda name: -sizes[name])[:packages]):
        for path in found[package]:
            lines = [line for line in path.read_text("utf-8", errors="replace").splitlines() if line.strip()]
            blocks = ["\n".join(lines[i : i + LINES]) for i in range(0, len(lines) - LINES + 1, LINES)]
            yield str(path.relative_to(root)), package, [(block, package) for block in blocks]


def verse_documents(path: Path) -> Iterator[Document]:
    """Blocks of a hundred speeches."""
    speeches = path.read_text("utf-8").split("\n\n")
    for begin in range(0, len(speeches), SPEECHES):
        rows = []
        for speech in speeches[begin : begin + SPEECHES]:
            lines = speech.split("\n")[1:]  # without the speaker
            if len(lines) > 1:
                prose = any(line[:1].islower() for line in lines[1:])
                rows.append((" ".join(lines), "prose" if prose else "verse"))
        yield f"speeches {begin}", "", rows


def write_texts(documents: Iterable[Document], folder: Path, rows: int) -> None:
    """The parts as JSON Lines, the training part cut to `rows`, and its texts as a corpus without labels."""
    parts: dict[str, list[tuple[str, str]]] = {part: [] for part in PARTS}
    unlabelled = folder / "unlabelled"
    unlabelled.mkdir()
    for part, (name, _, of_document) in parted(documents):
        parts[part] += of_document
        if part == "train":
            (unlabelled / f"{hashed(name):.12f}.txt").write_text(
                "\n".join(text for text, _ in of_document) + "\n", "utf-8"
            )
    parts["train"] = sorted(parts["train"], key=lambda row: hashed(row[0]))[:rows]
    for part, found in parts.items():
        lines = [json.dumps({"text": text, "label": label}) + "\n" for text, label in found]
        (folder / f"{part}.jsonl").write_text("".join(lines), "utf-8")
        counts = Counter(label for _, label in found)
        print(f"{part}: {len(found):,} rows; " + ", ".join(f"{name} {n:,}" for name, n in counts.most_common()))


def write_music(folders: Sequence[Path], folder: Path) -> None:
    """The parts as folders of classes."""
    for source in folders:
        pieces: list[Document] = [(str(path), source.name, [("", "")]) for path in sorted(source.rglob("*.mid"))]
        for part, (path, name, _) in parted(pieces):
            target = folder / part / name / Path(path).name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, target)


def opened(train: Path, folder: Path, **settings: Any) -> LabelledCorpus:
    """What trains and what validates."""
    suffix = "" if train.is_dir() else ".jsonl"
    return LabelledCorpus.open([str(train)], validation=[str(folder / f"validation{suffix}")], **settings)


def test_part(corpus: LabelledCorpus, folder: Path) -> LabelledPart:
    """What tests, read as `corpus` is."""
    path = folder / "test" if (folder / "test").is_dir() else folder / "test.jsonl"
    reading = reading_part(
        [str(path)], tokenizer=corpus.tokenizer, labels=corpus.labels, length=corpus.length, keep=corpus.keep
    )
    return result_of(reading)


def trained(corpus: LabelledCorpus, test: LabelledPart, **settings: Any) -> dict[str, float]:
    """Figures on the test part, and the seconds that training took."""
    trainer = ClassifierTrainer.start(corpus, **settings)
    began = time.perf_counter()
    for _ in trainer.run():
        pass
    seconds = time.perf_counter() - began
    assert trainer.best is not None
    classifier = Classifier(trainer.best)
    found = measure_classes(classifier.probabilities(test.sequences), test.targets, corpus.labels)
    return {**found.figures(), "seconds": seconds}


def texts_of(path: Path) -> tuple[list[str], list[str]]:
    """Texts and labels of a file of rows."""
    rows = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    return [row["text"] for row in rows], [row["label"] for row in rows]


def as_texts(part: LabelledPart) -> list[str]:
    """Sequences of ids as texts: one character an id."""
    ends = part.sequences.ends.tolist()
    ids = part.sequences.ids.tolist()
    return ["".join(chr(0x4E00 + id) for id in ids[a:b]) for a, b in zip([0, *ends[:-1]], ends, strict=True)]


def regression(parts: Mapping[str, tuple[list[str], Any]], longest: int) -> dict[str, float]:
    """The logistic regression on tf-idf of n-grams."""
    try:
        TfidfVectorizer: Any = import_module("sklearn.feature_extraction.text").TfidfVectorizer
        LogisticRegression: Any = import_module("sklearn.linear_model").LogisticRegression
    except ImportError:
        print("logistic regression: scikit-learn is not installed: pip install scikit-learn")
        return {}
    began = time.perf_counter()
    vectors = TfidfVectorizer(
        analyzer="char", ngram_range=(1, longest), lowercase=False, sublinear_tf=True, max_features=2**16
    )
    train = vectors.fit_transform(parts["train"][0])
    validation, test = (vectors.transform(parts[part][0]) for part in ("validation", "test"))
    models = [LogisticRegression(C=c, max_iter=100).fit(train, parts["train"][1]) for c in (1, 10, 100)]
    best = max(models, key=lambda model: model.score(validation, parts["validation"][1]))
    seconds = time.perf_counter() - began
    labels = [str(label) for label in best.classes_]
    targets: NDArray[np.int64] = np.array([labels.index(str(label)) for label in parts["test"][1]], np.int64)
    found = measure_classes(best.predict_proba(test), targets, labels)
    return {**found.figures(), "seconds": seconds}


def row(name: str, found: Sequence[Mapping[str, float]]) -> None:
    """A line of the table: mean and spread over the seeds."""
    if not found or not found[0]:
        return
    cells = []
    for figure in ("accuracy", "macro_f1", "loss", "calibration_error", "seconds"):
        values = [it[figure] for it in found]
        spread = f" ± {statistics.stdev(values):.4f}" if len(values) > 1 and figure != "seconds" else ""
        cells.append(f"{statistics.mean(values):.{0 if figure == 'seconds' else 4}f}{spread}")
    print(f"| {name} | " + " | ".join(cells) + " |", flush=True)


def header(majority: float) -> None:
    """The head of the table."""
    print("\n| model | accuracy | macro F1 | nats | calibration error | seconds |\n|---|---|---|---|---|---|")
    print(f"| commonest class | {majority:.4f} | | | | |", flush=True)


def side_by_side(folder: Path, cells: Sequence[str], seeds: int, epochs: float, **reading: Any) -> None:
    """The cells and the regression on all rows."""
    train = folder / "train" if (folder / "train").is_dir() else folder / "train.jsonl"
    corpus = opened(train, folder, **reading)
    test = test_part(corpus, folder)
    header(float(np.bincount(test.targets).max() / len(test)))
    if train.is_dir():
        parts = {"train": corpus.train, "validation": corpus.validation, "test": test}
        row("logistic regression", [regression({n: (as_texts(p), p.targets) for n, p in parts.items()}, 3)])
    else:
        row("logistic regression", [regression({part: texts_of(folder / f"{part}.jsonl") for part in PARTS}, 5)])
    for cell in cells:
        row(cell, [trained(corpus, test, cell=cell, epochs=epochs, seed=seed, **TEXTBOOK) for seed in range(seeds)])


def with_few(folder: Path, labelled: int, minutes: float, seeds: int, model: Path | None) -> None:
    """With and without a language model, on few labelled rows."""
    for part, rows in (("train", labelled), ("validation", labelled), ("test", FEW_TEST)):
        path = folder / f"{part}.jsonl"
        lines = sorted(path.read_text("utf-8").splitlines(keepends=True), key=hashed)[:rows]
        path.write_text("".join(lines), "utf-8")
    few = folder / "train.jsonl"
    if model is None:
        trainer = Trainer.start(TokenCorpus.open([str(folder / "unlabelled")]), minutes=minutes)
        for _ in trainer.run():
            pass
        assert trainer.best is not None
        model = folder / "language.safetensors"
        trainer.best.save(model)
    source = Checkpoint.load(model)
    figures = source.provenance["validation"]
    print(f"language model: {source.model.cell} {source.model.layers} x {source.model.hidden}, {figures}")
    words, tokens = opened(few, folder), opened(few, folder, tokenizer=source.tokenizer)
    kinds: list[tuple[str, LabelledCorpus, dict[str, Any]]] = [
        ("from scratch, words, last state", words, {}),
        ("from scratch, words, mean of the states", words, {"pooling": "mean"}),
        ("--from, frozen", tokens, {"source": source, "freeze": True}),
        ("--from, trained on", tokens, {"source": source}),
        ("from scratch, the model's tokens, mean", tokens, {"pooling": "mean"}),
    ]
    test = test_part(words, folder)
    header(float(np.bincount(test.targets).max() / len(test)))
    row("logistic regression", [regression({part: texts_of(folder / f"{part}.jsonl") for part in PARTS}, 5)])
    for name, corpus, settings in kinds:
        test = test_part(corpus, folder)
        row(name, [trained(corpus, test, seed=seed, **settings) for seed in range(seeds)])


def main() -> None:
    """Prepare a set and measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("set", nargs="?", choices=("python", "verse", "music"), default="python")
    parser.add_argument("paths", nargs="*", type=Path)
    parser.add_argument("--rows", type=int, default=20_000, help="to train on")
    parser.add_argument("--packages", type=int, default=20, help="the largest of the standard library")
    parser.add_argument("--epochs", type=float, default=5)
    parser.add_argument("--cells", nargs="*", choices=CELLS, default=CELLS)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--labelled", type=int, help="rows that are labelled, beside a language model")
    parser.add_argument("--minutes", type=float, default=5.0, help="that the language model is trained for")
    parser.add_argument("--model", type=Path, help="a language model that there is")
    parser.add_argument("--threads", type=int, default=available_threads())
    given = parser.parse_args()
    use_threads(given.threads)
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        reading: dict[str, Any] = {"length": 100, "options": ReadingOptions(tokens="word:20000")}
        if given.set == "music":
            write_music(given.paths, folder)
            reading = {"length": 400}
        else:
            documents = python_documents(given.packages) if given.set == "python" else verse_documents(given.paths[0])
            write_texts(documents, folder, given.rows)
        if given.labelled:
            with_few(folder, given.labelled, given.minutes, given.seeds, given.model)
        else:
            side_by_side(folder, given.cells, given.seeds, given.epochs, **reading)


if __name__ == "__main__":
    main()
