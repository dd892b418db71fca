"""The sampler: its cuts, its order, its frequencies."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trellis.errors import MaskError, UsageError
from trellis.masking.sampler import Sampler, generator_of, log_probabilities

logits_lists = st.lists(st.floats(-30, 30, width=32), min_size=1, max_size=40)
samplers = st.builds(
    Sampler, temperature=st.sampled_from([0.0, 0.1, 0.7, 1.0, 2.0]), top_k=st.none() | st.integers(1, 50),
    top_p=st.none() | st.floats(0.01, 1.0), min_p=st.none() | st.floats(0.0, 1.0))


def softmax(logits: np.ndarray) -> np.ndarray:
    weights = np.exp(logits.astype(np.float64) - logits.max())
    return weights / weights.sum()


@given(logits_lists, samplers, st.data())
@settings(max_examples=300, deadline=None)
def test_nothing_outside_the_mask_is_drawn(values: list[float], sampler: Sampler, data: st.DataObject) -> None:
    logits = np.array(values, np.float32)
    allowed = data.draw(st.sets(st.integers(0, len(values) - 1), min_size=1))
    logits[[i for i in range(len(values)) if i not in allowed]] = -np.inf
    before = logits.copy()
    p = sampler.probabilities(logits)
    assert p.sum() == pytest.approx(1.0)
    assert set(np.flatnonzero(p)) <= allowed
    for seed in range(5):
        assert sampler.draw(logits, np.random.default_rng(seed)) in set(np.flatnonzero(p))
    assert np.array_equal(logits, before)


@given(logits_lists, st.floats(0.1, 3.0))
@settings(max_examples=200, deadline=None)
def test_one_candidate_and_no_temperature_are_both_greedy(values: list[float], temperature: float) -> None:
    logits = np.array(values, np.float32)
    best = int(np.argmax(logits))
    generator = np.random.default_rng(0)
    assert Sampler(temperature=temperature, top_k=1).draw(logits, generator) == best
    assert Sampler(temperature=0).draw(logits, generator) == best
    assert Sampler(temperature=0).probabilities(logits)[best] == 1


def test_frequencies_are_those_of_the_softmax() -> None:
    logits = np.array([2.0, 1.0, 0.0, -1.0, -np.inf, 0.5], np.float32)
    generator = np.random.default_rng(3)
    draws = 20_000
    for temperature in (0.5, 1.0, 2.0):
        sampler = Sampler(temperature=temperature)
        counts = np.bincount([sampler.draw(logits, generator) for _ in range(draws)], minlength=6) / draws
        expected = softmax(logits / temperature)
        assert np.abs(counts - expected).max() < 4 * (0.25 / draws) ** 0.5
        assert counts[4] == 0


def test_each_cut_keeps_what_it_says() -> None:
    logits = np.log(np.array([0.1, 0.4, 0.2, 0.25, 0.05]))

    def kept(**settings: float) -> list[int]:
        return np.flatnonzero(Sampler(**settings).probabilities(logits)).tolist()

    assert kept(top_k=2) == [1, 3]
    assert kept(top_p=0.4) == [1]  # the set that just reaches p
    assert kept(top_p=0.5) == [1, 3]
    assert kept(top_p=0.66) == [1, 2, 3]
    assert kept(min_p=0.5) == [1, 2, 3]
    assert kept(min_p=0.3) == [1, 2, 3]
    assert kept(min_p=1.0) == [1]
    assert kept(top_p=1e-9) == [1]


def test_cuts_come_after_the_temperature_and_in_order() -> None:
    logits = np.log(np.array([0.5, 0.3, 0.15, 0.05]))
    # At temperature 2 the best two have 0.36 and 0.28: top-p counts those, not 0.5 and 0.3.
    assert np.count_nonzero(Sampler(temperature=2, top_p=0.5).probabilities(logits)) == 2
    assert np.count_nonzero(Sampler(temperature=1, top_p=0.5).probabilities(logits)) == 1
    # Of the two that top-k keeps the best has 0.625: top-p of 0.6 then needs no other.
    assert np.count_nonzero(Sampler(top_k=2, top_p=0.6).probabilities(logits)) == 1
    assert np.count_nonzero(Sampler(top_p=0.6).probabilities(logits)) == 2


def test_ties_go_to_the_lower_id() -> None:
    logits = np.zeros(8, np.float32)
    assert Sampler(temperature=0).draw(logits, np.random.default_rng()) == 0
    assert np.flatnonzero(Sampler(top_k=3).probabilities(logits)).tolist() == [0, 1, 2]


def test_seeds_repeat_and_samples_differ() -> None:
    logits = np.zeros(1000, np.float32)

    def draws(seed: int | None, sample: int) -> list[int]:
        generator = generator_of(seed, sample)
        return [Sampler().draw(logits, generator) for _ in range(4)]

    assert draws(5, 0) == draws(5, 0)
    assert draws(5, 0) != draws(5, 1) != draws(6, 0)
    assert draws(-1, 0) == draws(-1, 0)
    assert draws(None, 0) != draws(None, 0)


def test_log_probabilities_are_the_models_own() -> None:
    logits = np.array([1.0, 3.0, -np.inf, 2.0], np.float32)
    found = log_probabilities(logits)
    assert found[2] == -np.inf
    assert np.exp(found[[0, 1, 3]]) == pytest.approx(softmax(logits)[[0, 1, 3]])


@pytest.mark.parametrize("settings_", [{"temperature": -1.0}, {"temperature": float("nan")}, {"top_k": 0},
                                       {"top_p": 0.0},
                                       {"top_p": 1.5}, {"min_p": -0.1}, {"min_p": 2.0}])
def test_settings_out_of_range_are_refused(settings_: dict[str, float]) -> None:
    with pytest.raises(UsageError):
        Sampler(**settings_)


@pytest.mark.parametrize("temperature", [0.0, 1.0])
@pytest.mark.parametrize("value", [-np.inf, np.nan])
def test_nothing_is_drawn_from_nothing(value: float, temperature: float) -> None:
    with pytest.raises(MaskError):
        Sampler(temperature=temperature).draw(np.full(4, value, np.float32), np.random.default_rng(0))


@pytest.mark.parametrize(("value", "words"), [(np.inf, "inf"), (np.nan, "nan"), (-np.inf, "masked")])
@pytest.mark.parametrize("temperature", [0.0, 1.0])
def test_logits_that_no_token_can_be_drawn_from(value: float, words: str, temperature: float) -> None:
    logits = np.full(4, -np.inf, np.float32)
    logits[2] = value
    with pytest.raises(MaskError, match=words):
        Sampler(temperature=temperature).draw(logits, np.random.default_rng(0))
