"""What a model learned from, as text: of each document, the part to learn from and the part to validate with."""

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import NamedTuple

from gen.corpus.documents import ReadingOptions, find_documents
from gen.corpus.token_corpus import TokenCorpus
from gen.errors import CorpusError
from gen.protocols import Ids
from gen.tokenizers import TextTokenizer


class Halves(NamedTuple):
    """A document as a corpus was split, in UTF-8.

    Attributes:
        name: of the document.
        training: what is learned from; may be empty.
        validation: what follows it.
    """

    name: str
    training: bytes
    validation: bytes


def halves(corpus: TokenCorpus, tokenizer: TextTokenizer) -> Iterator[Halves]:
    """The documents of a corpus of text, read again: what their ids say, and unknown words as they are.

    Raises:
        CorpusError: they cannot be read, or are not what they were.
    """
    provenance, stretches = corpus.provenance, _stretches(corpus)
    for document in find_documents(provenance["sources"], ReadingOptions.recorded(provenance)):
        blocks = [(len(block), block.encode()) for block in document.blocks() if block]  # a text may take four times
        length = sum(size for size, _ in blocks)
        if not length:
            continue  # it has no ids, either
        words = map(len, tokenizer.cut(_joined(blocks).decode())) if tokenizer.unknown_ids else None
        learned = done = 0
        for ids, to_learn in stretches:
            known = ids if tokenizer.boundary is None else ids[ids != tokenizer.boundary]
            size = int(tokenizer.units[known].sum()) if words is None else sum(islice(words, len(known)))
            done += size
            learned += size if to_learn else 0
            if done >= length:
                break
        if done != length:
            raise CorpusError(f"{document.name} has changed while it was read: leave the corpus alone meanwhile")
        cut = _byte(blocks, learned)
        data = _joined(blocks)
        del blocks
        yield Halves(document.name, data[:cut], data[cut:])


_Blocks = Sequence[tuple[int, bytes]]


def _joined(blocks: _Blocks) -> bytes:
    return b"".join(data for _, data in blocks)


def _byte(blocks: _Blocks, characters: int) -> int:
    """How many bytes the first characters take."""
    passed = 0
    for size, data in blocks:
        if characters <= size:
            return passed + len(data.decode()[:characters].encode())
        characters -= size
        passed += len(data)
    return passed


def _stretches(corpus: TokenCorpus) -> Iterator[tuple[Ids, bool]]:
    """The ids of the corpus in their order, and whether they are to be learned from."""
    parts = ((extent, part is corpus.train) for part in (corpus.train, corpus.validation) for extent in part.extents)
    for (begin, end), to_learn in sorted(parts, key=lambda it: int(it[0][0])):
        yield corpus.train.ids[begin:end], to_learn
