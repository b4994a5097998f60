"""Beams against enumeration, theory, greedy decoding and themselves."""

import itertools
import math
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from gen.config import Cell, SamplingConfig
from gen.decoding.beam import BeamStream, Hypothesis, beam_search
from gen.decoding.beam_config import BEAM_KINDS, BeamConfig
from gen.decoding.chain import history_for, processors_for
from gen.errors import ConfigError, SamplingError, TokenizerError
from gen.protocols import Ids, RecurrentState
from tests.decoding.reference import Model, Poisoned, State, small_engine
from tests.decoding.strategies import simple_configs

PLAIN = SamplingConfig(temperature=1.0)
ENDS = frozenset({0})
CELLS: tuple[Cell, ...] = ("rnn", "lstm", "gru")


def log_softmax(logits: NDArray[np.floating]) -> NDArray[np.float64]:
    top = float(logits.max())
    if top == -math.inf:
        return np.full(len(logits), -math.inf)
    relative = logits.astype(np.float64) - top
    return np.asarray(relative - math.log(math.fsum(np.exp(relative))))


def step_by_step(
    model: Model, prompt: Sequence[int], config: SamplingConfig = PLAIN, constraint: Any = None
) -> Callable[[tuple[int, ...]], NDArray[np.float64]]:
    """The oracle: log-probabilities of the next id after some that follow a prompt, read from the start."""
    size = model.vocabulary_size
    chain = processors_for(config, size)

    def after(ids: tuple[int, ...]) -> NDArray[np.float64]:
        logits: NDArray[Any] = model.prefill(np.array([[*prompt, *ids]]), model.initial_state(1))[0][0]
        history, here = history_for(chain, config, size, prompt), constraint
        for id in ids:
            here = here and here.after(id)
            if history is not None:
                history.append(id)
        if here is not None:
            logits = np.where(here.allowed, logits, -math.inf)
        for processor in chain:
            logits = processor(logits, history)  # type: ignore[arg-type]
        return log_softmax(logits)

    return after


def everything(
    after: Callable[[tuple[int, ...]], NDArray[np.float64]],
    length: int,
    is_whole: Callable[[tuple[int, ...]], bool] = lambda ids: False,
) -> dict[tuple[int, ...], float]:
    """All that can be written, and its log-probability."""
    found: dict[tuple[int, ...], float] = {}
    still: list[tuple[tuple[int, ...], float]] = [((), 0.0)]
    while still:
        ids, total = still.pop()
        if len(ids) == length or is_whole(ids):
            found[ids] = total
            continue
        still += [((*ids, id), total + nats) for id, nats in enumerate(after(ids).tolist()) if nats > -math.inf]
    return found


def ends_in(ends: frozenset[int]) -> Callable[[tuple[int, ...]], bool]:
    return lambda ids: bool(ids) and ids[-1] in ends


def greedy(after: Callable[[tuple[int, ...]], NDArray[np.float64]], length: int) -> float:
    ids: tuple[int, ...] = ()
    total = 0.0
    for _ in range(length):
        nats = after(ids)
        ids, total = (*ids, int(nats.argmax())), total + float(nats.max())
    return total


def run(stream: BeamStream) -> tuple[list[int], tuple[Hypothesis, ...]]:
    ids = list(stream)
    assert stream.hypotheses is not None
    return ids, stream.hypotheses


# ── Against enumeration ──────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("alpha", [None, 0.0, 0.6])
@pytest.mark.parametrize("ends", [frozenset[int](), ENDS])
@pytest.mark.parametrize("cell", CELLS)
def test_a_beam_that_keeps_everything_finds_everything_in_its_order(
    cell: Cell, ends: frozenset[int], alpha: float | None
) -> None:
    length, size = 4, 4
    for seed in range(3):
        model = small_engine(cell, seed=seed, vocabulary_size=size)
        expected = everything(step_by_step(model, [1, 2]), length, ends_in(ends))
        beam = BeamConfig(width=size**length, length_penalty=alpha)
        ids, found = run(beam_search(model, [1, 2], length=length, beam=beam, ends=ends))
        power = 1.0 if alpha is None else alpha
        order = sorted(expected, key=lambda it: -expected[it] / len(it) ** power)
        assert [one.ids for one in found] == order
        assert tuple(ids) == order[0]
        for one in found:
            assert one.log_probability == pytest.approx(expected[one.ids], abs=1e-6)
            assert one.score == pytest.approx(expected[one.ids] / len(one.ids) ** power, abs=1e-6)
            assert one.ended == (one.ids[-1] in ends)


@dataclass(frozen=True)
class Sums:
    """Ids that add up to no more than `left`; at 0 it is over."""

    left: int
    size: int

    @property
    def allowed(self) -> NDArray[np.bool_]:
        return np.arange(self.size) <= self.left

    @property
    def over(self) -> bool:
        return self.left == 0

    def after(self, id: int) -> "Sums":
        return Sums(self.left - id, self.size)


@settings(derandomize=True, deadline=None, max_examples=60)
@given(st.sampled_from(CELLS), st.integers(0, 99), simple_configs(4), st.booleans())
def test_processors_and_constraints_are_each_hypothesis_own(
    cell: Cell, seed: int, config: SamplingConfig, constrained: bool
) -> None:
    model = small_engine(cell, seed=seed, vocabulary_size=4)
    constraint = Sums(5, 4) if constrained else None
    try:
        after = step_by_step(model, [3, 1, 3], config, constraint)
        stream = beam_search(
            model, [3, 1, 3], length=3, beam=BeamConfig(width=64), config=config, constraint=constraint
        )
    except ConfigError as error:
        assert "temperature is 0" in str(error) or "logit_bias bans all" in str(error)
        return
    expected = everything(after, 3, (lambda ids: sum(ids) == 5) if constrained else lambda ids: False)
    if not expected:
        with pytest.raises(ConfigError, match="ruled out"):
            run(stream)
        return
    _, found = run(stream)
    assert {one.ids for one in found} == set(expected)
    for one in found:
        assert one.log_probability == pytest.approx(expected[one.ids], abs=1e-4, rel=1e-6)
        assert one.ended == (constrained and sum(one.ids) == 5)


# ── Never below greedy ───────────────────────────────────────────────────────────────────────────────────────────────


@settings(derandomize=True, deadline=None, max_examples=150)
@given(
    st.sampled_from(CELLS),
    st.integers(0, 10_000),
    st.integers(1, 4),
    st.integers(1, 12),
    st.sampled_from(["deterministic", "diverse"]),
)
def test_the_best_is_never_below_greedy_at_equal_length(
    cell: Cell, seed: int, width: int, length: int, kind: Any
) -> None:
    model = small_engine(cell, seed=seed)
    _, found = run(beam_search(model, [seed % 11], length=length, beam=BeamConfig(width=width, kind=kind)))
    assert found[0].log_probability >= greedy(step_by_step(model, [seed % 11]), length) - 1e-4


def test_greedy_stands_beside_the_beam_where_it_is_not_in_it() -> None:
    beside = 0
    for seed in range(60):
        model = small_engine("lstm", seed=seed)
        _, found = run(beam_search(model, [1], length=12, beam=BeamConfig(width=2)))
        assert any(
            one.log_probability == pytest.approx(greedy(step_by_step(model, [1]), 12), abs=1e-4) for one in found
        )
        beside += len(found) > 2
    assert beside > 10


def test_a_beam_of_one_is_greedy() -> None:
    for cell in CELLS:
        model = small_engine(cell, seed=4)
        after = step_by_step(model, [2])
        ids: tuple[int, ...] = ()
        for _ in range(20):
            ids = (*ids, int(after(ids).argmax()))
        assert tuple(run(beam_search(model, [2], length=20, beam=BeamConfig(width=1)))[0]) == ids


# ── Stochastic beams ─────────────────────────────────────────────────────────────────────────────────────────────────


def chi_square_quantile(freedom: int, normal: float = 2.3263) -> float:
    """Of probability 0.99, after Wilson & Hilferty 1931."""
    return float(freedom * (1 - 2 / (9 * freedom) + normal * math.sqrt(2 / (9 * freedom))) ** 3)


def statistic(counts: Counter[Any], expected: dict[Any, float], runs: int) -> tuple[float, int]:
    """Pearson's, with what is expected fewer than 5 times put together, and its degrees of freedom."""
    rare = {it for it, probability in expected.items() if probability * runs < 5}
    cells = [(counts[it], expected[it] * runs) for it in expected if it not in rare]
    if rare:
        cells.append((sum(counts[it] for it in rare), sum(expected[it] for it in rare) * runs))
    return sum((seen - due) ** 2 / due for seen, due in cells), len(cells) - 1


@pytest.mark.parametrize(("config", "ends"), [(PLAIN, frozenset()), (SamplingConfig(temperature=0.7), ENDS)])
def test_stochastic_beams_draw_without_replacement(config: SamplingConfig, ends: frozenset[int]) -> None:
    model, runs, width = small_engine("gru", seed=1, vocabulary_size=3), 3000, 3
    probability = {
        ids: math.exp(total) for ids, total in everything(step_by_step(model, [2], config), 2, ends_in(ends)).items()
    }
    sets: dict[frozenset[tuple[int, ...]], float] = defaultdict(float)
    for order in itertools.permutations(probability, width):  # draws in proportion to what is left
        left, chance = 1.0, 1.0
        for ids in order:
            chance, left = chance * probability[ids] / left, left - probability[ids]
        sets[frozenset(order)] += chance
    assert sum(sets.values()) == pytest.approx(1)
    beam = BeamConfig(width=width, kind="stochastic")
    drawn: Counter[frozenset[tuple[int, ...]]] = Counter()
    firsts: Counter[tuple[int, ...]] = Counter()
    included: Counter[tuple[int, ...]] = Counter()
    for seed in range(runs):
        _, found = run(beam_search(model, [2], length=2, beam=beam, config=config, ends=ends, seed=seed))
        drawn[frozenset(one.ids for one in found)] += 1
        firsts[found[0].ids] += 1
        included.update(one.ids for one in found)
        assert len({one.ids for one in found}) == width and found[0].score == 0
    for counts, expected in ((drawn, sets), (firsts, probability)):
        value, freedom = statistic(counts, expected, runs)
        assert freedom > 3 and value < chi_square_quantile(freedom)
    for ids in probability:
        inclusion = sum(chance for those, chance in sets.items() if ids in those)
        assert abs(included[ids] / runs - inclusion) < 4 * math.sqrt(inclusion * (1 - inclusion) / runs) + 1e-9


# ── Diverse beams ────────────────────────────────────────────────────────────────────────────────────────────────────


def test_groups_of_a_diverse_beam_avoid_each_other() -> None:
    for seed in range(5):
        model = small_engine("lstm", seed=seed)
        strong = BeamConfig(width=4, kind="diverse", diversity=1000)
        _, found = run(beam_search(model, [3], length=15, beam=strong))
        best = [one.ids for one in found[:4]]
        for place in range(15):
            assert len({ids[place] for ids in best}) == 4
        after = step_by_step(model, [3])
        for one in found:  # the penalty chooses, and is no part of what is told
            total = sum(float(after(one.ids[:k])[id]) for k, id in enumerate(one.ids))
            assert one.log_probability == pytest.approx(total, abs=1e-4)
        none = BeamConfig(width=4, kind="diverse", diversity=0)
        assert len({one.ids for one in run(beam_search(model, [3], length=15, beam=none))[1]}) == 1


def test_the_first_group_is_a_beam_and_the_others_follow_by_the_rule() -> None:
    model = small_engine("gru", seed=3)
    after = step_by_step(model, [5])
    plain = run(beam_search(model, [5], length=8, beam=BeamConfig(width=2)))[1]
    found = run(beam_search(model, [5], length=8, beam=BeamConfig(width=4, kind="diverse", groups=2)))[1]
    assert {one.ids for one in plain} <= {one.ids for one in found}
    # by hand: two groups of one, penalty 0.5 on what the first chose at the same place
    one: tuple[int, ...] = ()
    other: tuple[int, ...] = ()
    for _ in range(8):
        chosen = int(after(one).argmax())
        penalised = after(other)
        penalised[chosen] -= 0.5
        one, other = (*one, chosen), (*other, int(penalised.argmax()))
    pair = run(beam_search(model, [5], length=8, beam=BeamConfig(width=2, kind="diverse")))[1]
    assert {it.ids for it in pair} == {one, other}


# ── What streams ─────────────────────────────────────────────────────────────────────────────────────────────────────


configs = st.sampled_from([BeamConfig(width=4, kind=kind, no_repeat_ngram=n) for kind in BEAM_KINDS for n in (0, 3)])


@settings(derandomize=True, deadline=None, max_examples=60)
@given(configs, st.integers(0, 99), st.integers(1, 60), st.none() | st.integers(1, 20), st.data())
def test_streamed_is_whole_and_the_same_for_a_seed(
    beam: BeamConfig, seed: int, length: int, lag: int | None, data: st.DataObject
) -> None:
    model = small_engine("lstm", seed=seed)
    lag = None if beam.kind == "diverse" else lag
    beam = BeamConfig(width=beam.width, kind=beam.kind, no_repeat_ngram=beam.no_repeat_ngram, lag=lag)

    def search() -> BeamStream:
        return beam_search(model, [1, 2], length=length, beam=beam, ends=ENDS, seed=seed)

    stream, pieces = search(), []
    while ids := stream.take(data.draw(st.integers(1, 9))):
        pieces += ids
    assert stream.hypotheses is not None and tuple(pieces) == stream.hypotheses[0].ids
    again = search()
    assert again.finish() == stream.hypotheses
    assert list(again) == pieces and again.settled == stream.settled
    assert len({one.ids for one in stream.hypotheses}) == len(stream.hypotheses) or beam.kind == "diverse"
    for one in stream.hypotheses:
        assert one.ended == (one.ids[-1] == 0) and (one.ended or len(one.ids) == length)


def came(stream: BeamStream) -> Iterator[tuple[int, int]]:
    """After each step, how many ids had come."""
    model = stream._search
    assert model is not None
    ids = 0
    while stream._search is not None:
        ids += len(stream._search.advance())
        yield model._depth, ids
        if model.over:
            return


def test_what_all_hypotheses_share_comes_at_once() -> None:
    model = small_engine("gru", seed=8)
    stream = beam_search(model, [1], length=60, beam=BeamConfig(width=3))
    search = stream._search
    assert search is not None
    for depth, ids in came(stream):
        leaves = [search.tree.ids(leaf) for leaf in [*search._live, *search._ended[0]]]
        assert {len(it) for it in leaves} == {depth}
        shared = next((k for k in range(depth) if len({it[k] for it in leaves}) > 1), depth)
        assert ids == shared
    assert stream.settled == 0


@pytest.mark.parametrize("kind", ["deterministic", "stochastic"])
@pytest.mark.parametrize("lag", [1, 7])
def test_no_symbol_is_open_for_longer_than_the_lag(lag: int, kind: Any) -> None:
    model = small_engine("gru", seed=8)
    stream = beam_search(model, [1], length=80, beam=BeamConfig(width=4, lag=lag, kind=kind))
    for depth, ids in came(stream):
        assert depth - ids <= lag
    search = stream._search
    assert search is not None and search.settled > 0
    whole = beam_search(model, [1], length=80, beam=BeamConfig(width=4, lag=1000, kind=kind))
    assert whole.finish() == beam_search(model, [1], length=80, beam=BeamConfig(width=4, kind=kind)).finish()
    assert whole.settled == 0


def by_lists(
    after: Callable[[tuple[int, ...]], NDArray[np.float64]], width: int, length: int, lag: int
) -> tuple[list[tuple[int, ...]], list[int]]:
    """The oracle: the same search over whole sequences; and how many ids were certain after each step."""
    kept: list[tuple[float, tuple[int, ...]]] = [(0.0, ())]
    greedy: tuple[int, ...] = ()
    certain = [0]
    for depth in range(1, length + 1):
        longer = [(total + nats, (*ids, id)) for total, ids in kept for id, nats in enumerate(after(ids).tolist())]
        greedy = (*greedy, int(after(greedy).argmax()))
        kept = sorted(longer, reverse=True)[:width]
        kept += [it for it in longer if it[1] == greedy and it not in kept]
        shared = certain[-1]
        while True:
            while shared < depth and len({ids[shared] for _, ids in kept}) == 1:
                shared += 1
            if depth - shared <= lag:
                break
            best = max(kept)[1]
            kept = [it for it in kept if it[1][shared] == best[shared]]
            greedy = greedy if greedy[shared] == best[shared] else best
        certain.append(shared)
    return [ids for _, ids in sorted(kept, reverse=True)], certain[1:]


@pytest.mark.parametrize("lag", [1, 3, 8, 1000])
@pytest.mark.parametrize("width", [1, 2, 5])
def test_a_beam_is_that_of_a_loop_over_lists(width: int, lag: int) -> None:
    for seed in range(4):
        model = small_engine(CELLS[seed % 3], seed=seed, vocabulary_size=5)
        found, certain = by_lists(step_by_step(model, [1]), width, 16, lag)
        beam = BeamConfig(width=width, lag=lag)
        assert [ids for _, ids in came(beam_search(model, [1], length=16, beam=beam))] == certain
        assert [one.ids for one in run(beam_search(model, [1], length=16, beam=beam))[1]] == found


# ── Repetition ───────────────────────────────────────────────────────────────────────────────────────────────────────


@settings(derandomize=True, deadline=None, max_examples=60)
@given(st.sampled_from(BEAM_KINDS), st.integers(0, 99), st.integers(1, 4), st.booleans())
def test_no_hypothesis_writes_an_n_gram_twice(kind: Any, seed: int, n: int, lagging: bool) -> None:
    model = small_engine("rnn", seed=seed)
    lag = 5 if lagging and kind != "diverse" else None
    length = 10 if n == 1 else 60
    beam = BeamConfig(width=4, kind=kind, no_repeat_ngram=n, lag=lag)
    for one in run(beam_search(model, [1, 2], length=length, beam=beam, seed=seed))[1]:
        grams = [one.ids[k : k + n] for k in range(len(one.ids) - n + 1)]
        assert len(set(grams)) == len(grams)


def test_the_guard_leaves_the_likeliest_that_does_not_repeat() -> None:
    model = small_engine("gru", seed=2)
    after = step_by_step(model, [4])
    ids: tuple[int, ...] = ()
    for _ in range(40):
        written = {ids[k : k + 3] for k in range(len(ids) - 2)}
        nats = after(ids)
        for id in range(11):
            if (*ids[-2:], id) in written:
                nats[id] = -math.inf
        ids = (*ids, int(nats.argmax()))
    beam = BeamConfig(width=1, no_repeat_ngram=3)
    (one,) = run(beam_search(model, [4], length=40, beam=beam))[1]
    assert one.ids == ids
    total = sum(float(after(ids[:k])[id]) for k, id in enumerate(ids))
    assert one.log_probability == pytest.approx(total, abs=1e-4), "what is left out gives nothing to the rest"


class Only:
    """A constraint that leaves one id."""

    allowed = np.arange(11) == 7

    def after(self, id: int) -> "Only":
        return self


def test_what_alone_may_come_may_repeat() -> None:
    beam = BeamConfig(width=2, no_repeat_ngram=2)
    ids, _ = run(beam_search(small_engine(), [1], length=9, beam=beam, constraint=Only()))
    assert ids == [7] * 9


# ── Ends ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_nothing_ends_before_it_may() -> None:
    for seed in range(10):
        model = small_engine("rnn", seed=seed, vocabulary_size=4)
        for least in (3, 6):
            _, found = run(beam_search(model, [1], length=6, beam=BeamConfig(width=9), ends=ENDS, least=least - 1))
            assert all(len(one.ids) >= least for one in found)


def test_memory_is_that_of_what_is_open() -> None:
    stream = beam_search(small_engine("gru"), [1], length=3000, beam=BeamConfig(width=4, lag=10, no_repeat_ngram=9))
    search = stream._search
    assert search is not None
    nodes, still = 0, [search.tree.tip]
    for _ in range(500):
        search.advance()
    still = [search.tree.tip]
    while still:
        node = still.pop()
        nodes += 1
        still += node.children
    assert nodes <= 5 * 11
    assert sum(map(len, search.tree._followers.values())) <= 500 + nodes


# ── The state ────────────────────────────────────────────────────────────────────────────────────────────────────────


class Remembering:
    """A model whose state is all that it read; it says which rows were read together."""

    vocabulary_size = 5

    def __init__(self) -> None:
        self.batches: list[int] = []

    def initial_state(self, batch: int) -> State:
        return RecurrentState((np.zeros((1, batch, 40), np.int64),))

    def step(self, ids: Ids, state: State) -> tuple[NDArray[Any], State]:
        self.batches.append(len(ids))
        (read,) = state.arrays
        read = np.concatenate([read[:, :, 1:], ids[None, :, None] + 1], 2)
        logits = [np.random.default_rng(row.tolist()).normal(0, 2, 5) for row in read[0]]
        return np.array(logits, np.float32), RecurrentState((read,))

    def prefill(self, ids: Ids, state: State) -> tuple[NDArray[Any], State]:
        for column in ids.T:
            logits, state = self.step(column, state)
        return logits, state


@settings(derandomize=True, deadline=None, max_examples=40)
@given(st.sampled_from(BEAM_KINDS), st.integers(1, 6), st.lists(st.integers(0, 4), min_size=1, max_size=4))
def test_every_hypothesis_goes_on_from_its_own_state(kind: Any, width: int, prompt: list[int]) -> None:
    model = Remembering()
    _, found = run(beam_search(model, prompt, length=12, beam=BeamConfig(width=width, kind=kind), seed=3))
    assert len(model.batches) == len(prompt) - 1 + 12, "one step for all of them"
    assert max(model.batches) <= width + 1
    after = step_by_step(Remembering(), prompt)
    for one in found:
        total = sum(float(after(one.ids[:k])[id]) for k, id in enumerate(one.ids))
        assert one.log_probability == pytest.approx(total, abs=1e-6)


# ── Mistakes ─────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("settings", "needle"),
    [
        ({"width": 0}, r"width is 0; it must be a whole number in 1 … 1024"),
        ({"width": 2.0}, "width is 2.0"),
        ({"width": True}, "width is True"),
        ({"kind": "wide"}, "kind is 'wide'; it must be one of deterministic, stochastic, diverse"),
        ({"length_penalty": -1}, r"length_penalty is -1; it must be a number in 0 … 10"),
        ({"length_penalty": math.nan}, "length_penalty is nan"),
        ({"no_repeat_ngram": -1}, "no_repeat_ngram is -1"),
        ({"lag": 0}, "lag is 0"),
        ({"groups": 2}, "groups is 2; deterministic beams have none"),
        ({"diversity": 1.0}, "diversity is 1.0; deterministic beams have none"),
        ({"kind": "diverse", "groups": 3}, "groups is 3; it must be a divisor of the width, 8"),
        ({"kind": "diverse", "groups": 9}, r"groups is 9; it must be a whole number in 1 … 8"),
        ({"kind": "diverse", "diversity": -0.5}, "diversity is -0.5"),
        ({"kind": "diverse", "lag": 5}, "lag is 5; diverse beams differ from the first symbol on"),
        ({"kind": "stochastic", "length_penalty": 1.0}, "length_penalty is 1.0; stochastic beams are drawn"),
    ],
)
def test_settings_are_checked(settings: dict[str, Any], needle: str) -> None:
    with pytest.raises(ConfigError, match=needle):
        BeamConfig(**settings)


def test_what_cannot_be_searched_is_refused_at_once() -> None:
    model = small_engine()
    with pytest.raises(ConfigError, match="the prompt is empty"):
        beam_search(model, [], length=3)
    with pytest.raises(TokenizerError, match="id 11 in the prompt"):
        beam_search(model, [11], length=3)
    with pytest.raises(ConfigError, match="length is 0"):
        beam_search(model, [1], length=0)
    with pytest.raises(ConfigError, match="seed is -1"):
        beam_search(model, [1], length=3, seed=-1)
    with pytest.raises(ConfigError, match="temperature is 0; a beam weighs"):
        beam_search(model, [1], length=3, config=SamplingConfig(temperature=0.0))
    with pytest.raises(ConfigError, match=r"must have shape \(11,\)"):
        beam_search(model, [1], length=3, constraint=Sums(2, 4))


@pytest.mark.parametrize("config", [PLAIN, SamplingConfig(top_k=1)])
def test_a_model_that_overflows_is_named(config: SamplingConfig) -> None:
    stream = beam_search(Poisoned(small_engine(), 1), [1], length=3, config=config)
    with pytest.raises(SamplingError, match="id 2 is nan"):
        next(stream)


def test_a_closed_search_has_ended() -> None:
    stream = beam_search(small_engine(), [1], length=50)
    stream.close()
    assert list(stream) == [] == stream.take()
    with pytest.raises(ConfigError, match="most is 0"):
        stream.take(0)
