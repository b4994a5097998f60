"""What tokens a corpus is best read in: `python benchmarks/tokens.py CORPUS --tokens char byte subword:1000`.

One run for each, of the same length, with the settings that gen chooses for it; then what compares, side by side. Runs
follow one another, so nothing else should keep the machine busy. With several rounds, medians.
"""

import argparse
import statistics
import sys
from collections.abc import Sequence

from gen.corpus.documents import ReadingOptions
from gen.corpus.token_corpus import TokenCorpus
from gen.progress import Finished
from gen.training import Trainer

_COLUMNS = ("bits_per_byte", "bits_per_character", "perplexity_per_word", "perplexity_per_token")


def main(arguments: Sequence[str]) -> int:
    """Print a line for each run, and a table in the end."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("corpus", nargs="?", default="@python")
    parser.add_argument(
        "--tokens", nargs="+", default=["char", "byte", "subword:1000", "bpe:1000"], help="as of gen train"
    )
    parser.add_argument("--minutes", type=float, default=1.0)
    parser.add_argument("--rounds", type=int, default=1)
    given = parser.parse_args(arguments)
    found: dict[str, list[Finished]] = {kind: [] for kind in given.tokens}
    for number in range(given.rounds):
        for kind in given.tokens[:: -1 if number % 2 else 1]:
            found[kind].append(_trained(given.corpus, kind, given.minutes, number))
    print(
        f"\n| tokens | {' | '.join(name.replace('_per_', ' a ').replace('_', ' ') for name in _COLUMNS)} | tokens/s |"
    )
    print("|---|" + "---|" * (len(_COLUMNS) + 1))
    for kind, runs in found.items():
        figures = [statistics.median(run.figures.get(name, float("nan")) for run in runs) for name in _COLUMNS]
        speed = statistics.median(run.tokens_per_second for run in runs)
        print(f"| {kind} | {' | '.join(f'{value:,.3f}' for value in figures)} | {speed:,.0f} |")
    return 0


def _trained(source: str, kind: str, minutes: float, seed: int) -> Finished:
    """The end of a run."""
    corpus = TokenCorpus.open(source, options=ReadingOptions(tokens=kind))
    trainer = Trainer.start(corpus, minutes=minutes, seed=seed)
    model = trainer.checkpoint().model
    *_, last = trainer.run()
    assert isinstance(last, Finished)
    shape = f"V {model.vocabulary_size:,}, {model.cell} {model.layers} x {model.hidden}"
    print(f"{kind}: {last.figures['bits_per_byte']:.4f} bits a byte, {shape}, {last.step} steps", flush=True)
    return last


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
