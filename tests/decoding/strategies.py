"""Logits and settings for the laws of decoding, and what is asked of them."""

import math

import numpy as np
from hypothesis import settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from gen.config import SAMPLERS, SamplingConfig

INF = math.inf

law = settings(derandomize=True, deadline=None, max_examples=200)


def kept(logits: NDArray[np.floating]) -> set[int]:
    return set(np.flatnonzero(logits > -INF).tolist())


def softmax(logits: NDArray[np.floating]) -> NDArray[np.float64]:
    weights = np.exp(logits.astype(np.float64) - float(logits.max()))
    return np.asarray(weights / weights.sum())


_logit = st.one_of(
    st.floats(width=32, allow_nan=False, allow_infinity=False), st.sampled_from([-1.0, 0.0, 1.0]), st.just(-INF)
)


@st.composite
def some_logits(draw: st.DrawFn) -> NDArray[np.floating]:
    """Read-only, so that what changes its input fails; at least one is finite."""
    values = draw(st.lists(_logit, min_size=1, max_size=12).filter(lambda values: max(values) > -INF))
    logits = np.array(values, draw(st.sampled_from([np.float32, np.float64])))
    logits.setflags(write=False)
    return logits


shares = st.floats(0, 1, exclude_min=True)
finite = st.floats(allow_nan=False, allow_infinity=False)
positive = st.floats(0, exclude_min=True, allow_infinity=False)


orders = st.lists(st.sampled_from(SAMPLERS), unique=True).map(tuple)


@st.composite
def settings_for(draw: st.DrawFn, size: int) -> SamplingConfig:
    bias = st.tuples(st.integers(0, size - 1), st.one_of(finite, st.just(-INF)))
    temperature = draw(st.one_of(positive, st.sampled_from([0.0, 5e-324, 1e-9, 0.8, 1.0, 1e9])))
    return SamplingConfig(
        samplers=draw(st.one_of(st.just(SAMPLERS), orders)),
        temperature=temperature,
        temperature_end=draw(st.none() | positive) if temperature else None,
        temperature_over=draw(st.integers(1, 5)),
        top_k=draw(st.integers(0, size + 2)),
        top_p=draw(shares),
        min_p=draw(st.floats(0, 1)),
        typical_p=draw(shares),
        repeat_penalty=draw(positive),
        presence_penalty=draw(finite),
        frequency_penalty=draw(finite),
        repeat_last_n=draw(st.integers(-1, 20)),
        dry_multiplier=draw(st.one_of(st.just(0.0), positive)),
        dry_base=draw(st.floats(1, allow_infinity=False)),
        dry_allowed_length=draw(st.integers(1, 3)),
        dry_penalty_last_n=draw(st.integers(-1, 20)),
        dry_sequence_breakers=draw(st.just(()) | st.tuples(st.integers(0, size - 1))),
        logit_bias=tuple(draw(st.lists(bias, max_size=3))),
    )


@st.composite
def simple_configs(draw: st.DrawFn, size: int) -> SamplingConfig:
    """Settings that a `BlockModel` takes, most of them as people have them."""
    bias = st.tuples(st.integers(0, size - 1), st.sampled_from([-INF, -1.5, 0.0, 2.0]))
    named = draw(st.just(set(SAMPLERS)) | st.sets(st.sampled_from(SAMPLERS)))
    return SamplingConfig(
        samplers=tuple(name for name in SAMPLERS if name in named),
        temperature=draw(st.sampled_from([0.8, 0.0, 1.0, 1e9])),
        top_k=draw(st.sampled_from([0, 1, 3, size, size + 2])),
        top_p=draw(st.one_of(st.sampled_from([1.0, 0.9, 0.5]), shares)),
        min_p=draw(st.one_of(st.sampled_from([0.0, 0.05, 1.0]), st.floats(0, 1))),
        repeat_penalty=draw(st.sampled_from([1.0, 1.3, 0.5, 1e308])),
        presence_penalty=draw(st.sampled_from([0.0, 0.7, -0.4, 1e308])),
        frequency_penalty=draw(st.sampled_from([0.0, 0.2, -0.1])),
        repeat_last_n=draw(st.sampled_from([64, -1, 0, 1, 3, 10**30])),
        logit_bias=tuple(draw(st.lists(bias, max_size=3, unique_by=lambda pair: pair[0]))),
    )
