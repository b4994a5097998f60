"""Learning subwords from a sample, in a process of its own: `python -m gen.tokenizers.subword_training`.

There its memory goes with it, Ctrl-C ends it, and what the library prints is not seen.

Source: unigram language model, Kudo 2018; byte pair encoding, Sennrich et al. 2016; the library, Kudo & Richardson
2018.
"""

import io
import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import chain

import sentencepiece

from gen.errors import TokenizerError
from gen.tokenizers.subword import BLANK, SPECIAL, Algorithm

_LONGEST = 1 << 12  # characters of a line that is learned from; the rest of it is another
_COVERED = 0.9999  # share of a sample's characters that have pieces; the rest is spelled in bytes
_ALPHABET = 256  # characters that all have pieces


def learn_apart(sample: Sequence[str], size: int, algorithm: Algorithm) -> tuple[list[str], list[float]]:
    """What `learn` returns, from another process."""
    asked = {"sample": list(sample), "size": size, "algorithm": algorithm}
    worker = subprocess.run(
        [sys.executable, "-m", "gen.tokenizers.subword_training"],
        input=json.dumps(asked).encode("ascii"),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        check=False,
    )
    try:
        found = json.loads(worker.stdout)
    except ValueError:
        raise TokenizerError(f"learning subwords ended with status {worker.returncode}: take --tokens char") from None
    if "error" in found:
        raise TokenizerError(found["error"])
    return found["pieces"], found["scores"]


def learn(sample: Iterable[str], size: int, algorithm: Algorithm) -> tuple[list[str], list[float]]:
    """Pieces and their scores, for a vocabulary of `size` symbols; fewer where the sample has no more.

    Args:
        sample: pieces of text.
        size: V, the symbols ahead of what is learned (`SPECIAL`) included.
        algorithm: unigram takes some three seconds a megabyte, bpe half of one.

    Raises:
        TokenizerError: the sample has nothing to learn from.
    """
    lines = list(chain.from_iterable(map(_lines, _without_rare(sample, size))))
    model = io.BytesIO()
    try:
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=iter(lines),
            model_writer=model,
            model_type=algorithm,
            vocab_size=size - 1,  # the line end is not learned
            character_coverage=1.0,
            hard_vocab_limit=False,
            byte_fallback=True,
            normalization_rule_name="identity",
            remove_extra_whitespaces=False,
            add_dummy_prefix=False,
            allow_whitespace_only_pieces=True,
            bos_id=-1,
            eos_id=-1,
            max_sentence_length=8 * _LONGEST,
            num_threads=1,  # sums depend on how many there are
            minloglevel=3,
        )
    except (RuntimeError, OSError) as error:
        raise TokenizerError(f"no subwords can be learned from this corpus ({error}): take --tokens char") from error
    learned = sentencepiece.SentencePieceProcessor(model_proto=model.getvalue())
    first = 1 + 256  # "unknown", then bytes
    names = [learned.id_to_piece(id).replace(BLANK, " ") for id in range(first, len(learned))]
    scores = [learned.get_score(id) for id in range(first, len(learned))]
    return names, scores


def _lines(text: str) -> Iterable[str]:
    for line in text.split("\n"):
        yield from (line[begin : begin + _LONGEST] for begin in range(0, len(line), _LONGEST))


def _without_rare(sample: Iterable[str], size: int) -> list[str]:
    """The sample, cut where a character is that gets no piece: nearly all do, but half of the pieces at most."""
    texts = [text.replace(BLANK, "\n") for text in sample]
    counts = Counter(chain.from_iterable(texts))
    del counts["\n"]
    total, most = counts.total(), (size - SPECIAL) // 2
    if not total:
        raise TokenizerError("there is nothing but line ends in this corpus: take --tokens char")
    covered, rare = 0, {}
    for number, (character, count) in enumerate(counts.most_common()):
        if number >= most or (number >= _ALPHABET and covered >= _COVERED * total):
            rare[ord(character)] = "\n"
        covered += count
    return [text.translate(rare) for text in texts] if rare else texts


def main() -> None:
    """Answer one question: JSON in, JSON out."""
    asked = json.load(sys.stdin.buffer)
    try:
        pieces, scores = learn(**asked)
        answer: dict[str, object] = {"pieces": pieces, "scores": scores}
    except TokenizerError as error:
        answer = {"error": str(error)}
    sys.stdout.write(json.dumps(answer))


if __name__ == "__main__":
    main()
