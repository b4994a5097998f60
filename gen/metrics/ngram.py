"""The baseline that a trained model is shown beside: an n-gram model, counted in NumPy within a second or two.

Interpolated Witten-Bell (Witten & Bell 1991; Chen & Goodman 1998): a context h that was followed by T(h)
different ids, c(h) times in all, trusts its shorter context h' as much as T(h) occurrences would,

    P(w | h) = (c(h, w) + T(h) P(w | h')) / (c(h) + T(h)),

down to the empty context, which is interpolated with the uniform 1/V. An unseen context is its shorter one.
"""

import numpy as np
from numpy.typing import NDArray

from gen.config import require
from gen.errors import CorpusError, TokenizerError
from gen.protocols import Ids

_TABLE = 4  # entries of a look-up table for each key, up to which it is chosen over a sort

BOUNDED_TRAIN = 2_000_000
"""Ids at the end of a large training part to count, BOUNDED_VALIDATION at the beginning of the validation part to
predict: together they take 200 MB and two seconds. A figure from such parts belongs beside a model's with that said."""
BOUNDED_VALIDATION = 500_000


def witten_bell(train: Ids, validation: Ids, vocabulary_size: int, order: int = 5) -> float:
    """The loss on `validation` of an n-gram model counted on `train`, in nats per token.

    Contexts reach back to the beginning of the part, so the first ids are predicted from shorter ones. Time and
    memory are linear in the ids of both parts: below 100 bytes an id.

    Args:
        train: ids to count, maybe none.
        validation: ids to predict, at least one.
        vocabulary_size: V, above every id.
        order: ids in the longest n-gram; 1 is the unigram, which looks at no context.

    Raises:
        ConfigError: `order` is below 1.
        CorpusError: there is nothing to predict.
        TokenizerError: an id is outside the vocabulary.
    """
    require(order >= 1, "order", order, "1 or more")
    if not len(validation):
        raise CorpusError("the validation part holds 0 tokens; a loss needs at least 1: give a longer corpus")
    split = len(train)
    ids = np.concatenate([train, validation], dtype=np.int64)
    outside = ids[(ids < 0) | (ids >= vocabulary_size)]
    if outside.size:
        raise TokenizerError(f"id {outside[0]} is outside the vocabulary of {vocabulary_size} symbols")

    contexts, context_count = np.zeros(len(ids), np.int64), 1
    probability = np.full(len(validation), 1 / vocabulary_size)
    for _ in range(order):
        probability, grams, gram_count = _interpolate(probability, ids, contexts, context_count, vocabulary_size)
        # the next order's context is the n-gram that ends before; each part begins in a context met nowhere else
        contexts[1:] = grams[:-1]
        contexts[[0, split]] = gram_count, gram_count + 1
        context_count = gram_count + 2
    return float(-np.log(probability).mean())


def _interpolate(
    lower: NDArray[np.float64],
    ids: NDArray[np.int64],
    contexts: NDArray[np.int64],
    context_count: int,
    vocabulary_size: int,
) -> tuple[NDArray[np.float64], NDArray[np.intp], int]:
    """One order of the equation, over the ids of the training part and then those to predict.

    An n-gram's number is the rank of (its context's number, its last id), and serves as a context's number in the next
    order. So numbers stay as few as the ids, and such a pair fits int64 at every order.

    Args:
        lower: P(w | h') of each id to predict.
        ids: both parts.
        contexts: the number of the context h before each of `ids`.
        context_count: above every such number.
        vocabulary_size: V.

    Returns:
        P(w | h) of each id to predict; the number of the n-gram that ends at each of `ids`; how many there are.
    """
    split = len(ids) - len(lower)
    distinct, grams = _rank(contexts * vocabulary_size + ids, context_count * vocabulary_size)
    counts = np.bincount(grams[:split], minlength=len(distinct))
    parents = distinct // vocabulary_size
    totals = np.bincount(parents, weights=counts, minlength=context_count)
    followers = np.bincount(parents[counts > 0], minlength=context_count)
    total, following = totals[contexts[split:]], followers[contexts[split:]]
    probability = lower.copy()
    np.divide(counts[grams[split:]] + following * lower, total + following, out=probability, where=total > 0)
    return probability, grams, len(distinct)


def _rank(keys: NDArray[np.int64], bound: int) -> tuple[NDArray[np.int64], NDArray[np.intp]]:
    """The distinct keys in order, and for each key its index among them; keys lie in 0 … bound - 1."""
    if bound > _TABLE * len(keys):
        return np.unique(keys, return_inverse=True)
    seen = np.zeros(bound, np.bool_)  # ten times as fast as sorting, while it fits
    seen[keys] = True
    distinct = np.flatnonzero(seen)
    index = np.empty(bound, np.int64)
    index[distinct] = np.arange(len(distinct))
    return distinct, index[keys]
