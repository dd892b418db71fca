"""How much of a model's probability a mask leaves, against softmax written out; and endings under the longest walks."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trellis.errors import MaskError, UsageError
from trellis.masking import Grammar, allocate_bitmask, allowed_mass, allowed_tokens
from trellis.models.base import Request
from trellis.models.local import LocalModel
from trellis.models.nano.model import NanoModel
from trellis.result import Message, Sampling

ROOT = Path(__file__).parents[2]
NANO = NanoModel()


@settings(deadline=None)
@given(st.lists(st.tuples(st.floats(-50, 50), st.booleans()), min_size=1, max_size=70), st.floats(-1000, 1000),
       st.integers(0, 3))
def test_the_mass_is_the_share_of_softmax(tokens: list[tuple[float, bool]], shift: float, wider: int) -> None:
    bitmask = allocate_bitmask(2, len(tokens))
    for token_id, (_, is_allowed) in enumerate(tokens):
        bitmask.view(np.uint32)[0, token_id // 32] |= np.uint32(is_allowed << token_id % 32)
    logits = np.array([logit + shift for logit, _ in tokens] + [shift] * wider)
    weights = [math.exp(logit) for logit, _ in tokens]
    left = sum(weight for weight, (_, allowed) in zip(weights, tokens, strict=True) if allowed)
    share = left / (sum(weights) + wider)
    before = logits.copy()
    assert allowed_mass(logits, bitmask[0]) == pytest.approx(share, rel=1e-6, abs=1e-12)
    assert np.array_equal(logits, before)
    both = allowed_mass(np.stack([logits, logits]), bitmask)
    assert both == pytest.approx([share, 0.0], rel=1e-6, abs=1e-12)


def test_torch_says_the_same() -> None:
    torch = pytest.importorskip("torch")
    logits = np.random.default_rng(0).normal(size=(2, 40)).astype(np.float32)
    bitmask = allocate_bitmask(2, 40)
    bitmask[0, 0], bitmask[1, 1] = -5, 3
    found = allowed_mass(torch.from_numpy(logits.copy()), torch.from_numpy(bitmask))
    assert found.numpy() == pytest.approx(allowed_mass(logits, bitmask), rel=1e-6)


@pytest.mark.parametrize(("logits", "error"), [(np.full(40, -np.inf), MaskError), (np.full(40, np.nan), MaskError),
                                               (np.zeros(40, dtype=int), UsageError), (np.zeros((2, 40)), UsageError)])
def test_logits_without_probabilities_are_errors(logits: Any, error: type[Exception]) -> None:
    with pytest.raises(error):
        allowed_mass(logits, allocate_bitmask(1, 40)[0])


def ask(grammar: Grammar, logprobs: bool, choices: tuple[str, ...] = ()) -> Any:
    pytest.importorskip("trellis_kernel")
    request = Request((Message("user", "How many?"),), "mask", grammar=grammar, choices=choices,
                      sampling=Sampling(temperature=1.0, seed=4, logprobs=logprobs))
    (reply,) = LocalModel(NANO).complete([request])
    return reply


def test_a_model_under_a_mask_tells_what_the_mask_left_it() -> None:
    forced = ask(Grammar.from_regex("7"), True)  # one token is allowed, then the end
    assert forced.text == "7"
    assert len(forced.allowed_logmass) == 2
    assert forced.allowed_logmass == pytest.approx(forced.token_logprobs)
    free = ask(Grammar.from_json_schema({"type": "object"}), True)
    assert all(low <= high + 1e-9 for low, high in zip(free.token_logprobs, free.allowed_logmass, strict=True))
    assert max(free.allowed_logmass) <= 1e-9
    assert ask(Grammar.from_regex("7"), False).allowed_logmass is None


def test_choices_have_the_mass_of_all_of_them_together() -> None:
    words = ("yes", "no")
    reply = ask(Grammar.from_choices(words), True, words)
    total = reply.allowed_logmass[0]
    assert reply.token_logprobs[0] == pytest.approx(total + math.log(reply.probabilities[words.index(reply.text)]))


GRAMMARS = [("json", "earley"), ("json", "lalr"), ("arithmetic", "lalr"), ("markdown_table", "earley"),
            ("sql_select", "lalr"), ("yaml", "earley"), ("python_expression", "lalr")]


@pytest.mark.parametrize(("name", "parser"), GRAMMARS)
def test_walks_that_always_take_the_longest_way_end_inside_the_grammar(name: str, parser: str) -> None:
    pytest.importorskip("trellis_kernel")
    grammar = Grammar.from_lark(ROOT / "grammars" / f"{name}.lark", parser=parser)
    compiled = grammar.compile(NANO.vocabulary)
    row = allocate_bitmask(1, NANO.vocabulary.size)
    random = np.random.default_rng(3)
    for extra in (0, 1, 7, 30):
        budget = compiled.min_tokens() + extra
        matcher, text = compiled.matcher(budget), b""
        for _ in range(budget):
            matcher.fill_bitmask(row)
            allowed = [int(token) for token in allowed_tokens(row[0])]
            tried = random.choice(allowed, size=min(6, len(allowed)), replace=False)
            token = max((int(one) for one in tried), key=lambda one: needed_after(matcher, one))
            assert matcher.accept(token)
            if matcher.finished:
                break
            text += NANO.vocabulary.tokens[token]
        assert matcher.finished, (name, extra, text)
        assert grammar.accepts(text), (name, extra, text)


def needed_after(matcher: Any, token: int) -> int:
    """How long the way to the end is after a token; an end is no way at all."""
    fork = matcher.fork()
    fork.accept(token)
    return -1 if fork.finished else int(fork.tokens_needed())
