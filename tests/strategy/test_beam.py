"""Beams and exact probabilities, against exhaustive enumeration on a small model that remembers all it has seen."""

import enum
import hashlib
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, Literal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import trellis
from trellis import Beam, Choice, Grammar, Regex, Sampling, ScriptedModel, Session, Vocabulary
from trellis.masking.sampler import log_probabilities
from trellis.models.local import LocalModel

PIECES = [b"a", b"b", b"ab", b"ba", b"abb", b'"', b'"a', b'b"', b"1", b"2", b"12"]
END = len(PIECES)
VOCABULARY = Vocabulary([*PIECES, b"<end>"], special_ids=[END], eos_ids=[END])


class State:
    def __init__(self, seed: int, seen: tuple[int, ...] = ()) -> None:
        self.seed, self.seen = seed, seen

    def step(self, tokens: Sequence[int]) -> Any:
        self.seen += tuple(tokens)
        digest = hashlib.blake2b(f"{self.seed}{self.seen}".encode(), digest_size=len(PIECES) + 1).digest()
        return np.frombuffer(digest, dtype=np.uint8).astype(np.float32) / 40

    def fork(self) -> "State":
        return State(self.seed, self.seen)


@dataclass
class Small:
    seed: int = 0
    name: str = "small"
    context: int = 1_000
    vocabulary: Vocabulary = field(default_factory=lambda: VOCABULARY)

    def encode(self, messages: Any) -> list[int]:
        return [0]

    def start(self) -> State:
        return State(self.seed)


def ways(text: bytes) -> Iterator[list[int]]:
    """All ways to write a text in tokens."""
    if not text:
        yield []
    for token, piece in enumerate(PIECES):
        if text.startswith(piece):
            for rest in ways(text[len(piece):]):
                yield [token, *rest]


def log_probability(seed: int, tokens: list[int]) -> float:
    state, total = State(seed), 0.0
    for before, token in pairwise([0, *tokens, END]):
        total += float(log_probabilities(state.step([before]))[token])
    return total


def oracle(seed: int, texts: list[str]) -> list[float]:
    weights = [sum(math.exp(log_probability(seed, way)) for way in ways(text.encode())) for text in texts]
    return [weight / sum(weights) for weight in weights]


def ask(output_type: Any, seed: int = 0, **settings_: Any) -> trellis.Result[Any]:
    return trellis.generate_structured("x", output_type, model=LocalModel(Small(seed), engine="reference"),
                                       **settings_)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.text("ab", min_size=1, max_size=6), min_size=1, max_size=5, unique=True), st.integers(0, 99))
def test_the_probability_of_each_choice_is_that_of_all_ways_to_write_it(texts: list[str], seed: int) -> None:
    result = ask(Choice(texts), seed)
    expected = oracle(seed, texts)
    assert list(result.probabilities) == texts
    assert list(result.probabilities.values()) == pytest.approx(expected, abs=1e-5)
    assert result.value == texts[expected.index(max(expected))]


class Colour(enum.Enum):
    A = "a"
    B = "ab"


@pytest.mark.parametrize(("output_type", "values", "texts"), [
    (Literal["a", "ab", 1, 12], ["a", "ab", 1, 12], ['"a"', '"ab"', "1", "12"]),
    (Colour, [Colour.A, Colour.B], ['"a"', '"ab"']),
    ({"enum": ["a", 1]}, ["a", 1], ['"a"', "1"]),
])
def test_choices_of_other_kinds_come_as_the_program_sees_them(output_type: Any, values: Any, texts: list[str]) -> None:
    result = ask(output_type)
    assert list(result.probabilities) == values
    assert list(result.probabilities.values()) == pytest.approx(oracle(0, texts), abs=1e-5)
    assert result.enforced == "mask"


def test_draws_follow_the_probabilities() -> None:
    texts = ["a", "ab", "abb", "b"]
    counts = dict.fromkeys(texts, 0)
    for seed in range(400):
        counts[ask(Choice(texts), sampling=Sampling(temperature=1, seed=seed)).value] += 1
    assert [counts[text] / 400 for text in texts] == pytest.approx(oracle(0, texts), abs=0.08)


def test_types_that_are_no_choice_and_models_that_show_nothing_have_no_probabilities() -> None:
    assert ask(Regex("[ab]{1,3}")).probabilities == {}
    told = trellis.generate_structured("x", Choice(["a", "b"]), model=ScriptedModel(["a"]))
    assert told.probabilities == {}
    many = Choice(["a" * n for n in range(1, 70)])
    assert ask(many).probabilities == {}


def test_votes_and_the_cache_keep_them(tmp_path: Any) -> None:
    session = Session(model=LocalModel(Small(), engine="reference"), cache=tmp_path / "c.sqlite")
    once, again = (trellis.generate_structured("x", Choice(["a", "b"]), session=session) for _ in range(2))
    assert once.probabilities == again.probabilities != {}
    assert again.attempts[0].cached


# Beams


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 99))
def test_wide_beams_find_the_likeliest_answer_of_all(seed: int) -> None:
    texts = ["a", "b", "ab", "ba", "abb", "aab", "bab"]
    best = max((log_probability(seed, way), text) for text in texts for way in ways(text.encode()))
    result = ask(Regex("|".join(texts)), seed, strategy=Beam(40))
    assert result.value == best[1]
    assert result.attempts[0].logprob == pytest.approx(best[0], abs=1e-4)


def test_one_beam_is_greedy_and_more_are_never_worse() -> None:
    for seed in range(10):
        grammar = Regex("[ab]{1,6}")
        greedy = ask(grammar, seed, sampling=Sampling(logprobs=True))
        logprobs = [ask(grammar, seed, strategy=Beam(width), sampling=Sampling(logprobs=True)).attempts[0].logprob
                    for width in (1, 4)]
        assert logprobs[0] == pytest.approx(greedy.attempts[0].logprob, abs=1e-4)
        assert logprobs[1] >= logprobs[0] - 1e-4  # type: ignore[operator]


def test_beams_that_are_refused_give_way_to_the_next() -> None:
    def no_first(value: str) -> None:
        if value == first.value:
            raise ValueError("not that one")

    first = ask(Regex("[ab]{1,4}"), strategy=Beam(5))
    second = ask(Regex("[ab]{1,4}"), strategy=Beam(5), validators=[no_first])
    assert second.value != first.value
    assert [attempt.failure for attempt in second.attempts] == ["validator", None]
    assert second.usage.calls == 1
    with pytest.raises(trellis.ValidatorError) as caught:
        ask(Regex("a|b"), strategy=Beam(5), validators=[lambda value: (_ for _ in ()).throw(ValueError("none"))])
    assert len(caught.value.attempts) >= 2


def test_beams_need_tokens() -> None:
    model = ScriptedModel(["a"])
    with pytest.raises(trellis.CapabilityError, match="scripted"):
        trellis.generate_structured("x", Regex("a"), model=model, strategy=Beam(3))
    assert model.requests == []
    with pytest.raises(trellis.UsageError):
        Beam(0)


def test_beams_of_the_built_in_model() -> None:
    pytest.importorskip("trellis_kernel")
    schema = {"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]}
    result = trellis.generate_structured("Extract the name: Ann Lee is here.", schema, model="trellis/nano",
                                         strategy=Beam(3), sampling=Sampling(max_tokens=40))
    assert set(result.value) <= {"name"}
    assert result.enforced == "mask"
    grammar = Grammar.from_regex("yes|no")
    assert trellis.generate_structured("x", grammar, model="trellis/nano", strategy=Beam(2)).value in ("yes", "no")
