"""LocalModel: the decoding loop, on a token model that has a text in mind."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from typing import ClassVar

import numpy as np
import numpy.typing as npt
import pytest

from trellis.errors import LimitError, RequestRejectedError, UsageError
from trellis.masking.grammar import Grammar
from trellis.masking.vocabulary import Vocabulary
from trellis.models.base import Model, Reply, Request, TokenModel
from trellis.models.local import LocalModel
from trellis.result import Message, Sampling

EOS, SPECIAL = 256, 257
TOKENS = [*(bytes([byte]) for byte in range(256)), b"<|end|>", b"<|other|>", b'{"', b'":', b"ab", b"the"]
DEFAULT = Sampling()


class WantsToSay:
    """Prefers the next byte of a text, whatever stands before it; logits are wider than the vocabulary."""

    name = "wants-to-say"
    context = 200

    def __init__(self, text: bytes, noise: float = 0.0) -> None:
        self.text = text
        self.noise = noise
        self.vocabulary = Vocabulary(TOKENS, special_ids=[SPECIAL], eos_ids=[EOS])
        self.read: list[int] = []

    def encode(self, messages: Sequence[Message]) -> list[int]:
        ids = [byte for message in messages for byte in message.content.encode()]
        self.read.append(len(ids))
        return ids

    def start(self) -> _State:
        return _State(self)


class _State:
    def __init__(self, model: WantsToSay, said: int = -1) -> None:
        self.model, self.said = model, said

    def step(self, tokens: Sequence[int]) -> npt.NDArray[np.float32]:
        self.said = 0 if self.said < 0 else self.said + len(tokens)  # the first step is the prompt
        logits = np.full(len(TOKENS) + 10, -10, np.float32)
        logits[len(TOKENS):] = 100  # padding, which must not be drawn
        logits[SPECIAL] = 90
        wanted = self.model.text[self.said] if self.said < len(self.model.text) else EOS
        logits[wanted] = 10
        if self.model.noise:
            logits[:EOS + 1] += np.random.default_rng(self.said).normal(0, self.model.noise, EOS + 1)
        return logits

    def fork(self) -> _State:
        return _State(self.model, self.said)


def ask(text: bytes, sampling: Sampling = DEFAULT, prompt: str = "Hello", noise: float = 0.0,
        **request: object) -> Reply | Exception:
    model = LocalModel(WantsToSay(text, noise))
    [reply] = model.complete([Request((Message("user", prompt),), sampling=sampling,
                                      **request)])  # type: ignore[arg-type]
    return reply


def said(text: bytes, sampling: Sampling = DEFAULT, **rest: object) -> Reply:
    reply = ask(text, sampling, **rest)  # type: ignore[arg-type]
    assert isinstance(reply, Reply), reply
    return reply


def test_it_is_a_model_of_a_token_model() -> None:
    assert isinstance(WantsToSay(b""), TokenModel)
    model = LocalModel(WantsToSay(b""))
    assert isinstance(model, Model)
    assert model.modes == ("mask", "prompt")
    assert model.name == "wants-to-say"


def test_it_says_what_the_model_wants_and_stops() -> None:
    reply = said("Grüße".encode())
    assert (reply.text, reply.finish, reply.enforced) == ("Grüße", "stop", "prompt")
    assert (reply.usage.calls, reply.usage.prompt_tokens, reply.usage.completion_tokens) == (1, 5, 8)
    assert reply.usage.mask_seconds == 0 < reply.usage.seconds


def test_budgets() -> None:
    reply = said(b"abcdef", Sampling(max_tokens=3))
    assert (reply.text, reply.finish, reply.usage.completion_tokens) == ("abc", "length", 3)
    reply = said(b"abc", Sampling(max_tokens=4))  # the end counts
    assert (reply.text, reply.finish) == ("abc", "stop")
    reply = said(b"abc", Sampling(max_tokens=3))
    assert (reply.text, reply.finish) == ("abc", "length")
    reply = said(b"x" * 300, prompt="p" * 150)  # 50 tokens are left of the context
    assert (len(reply.text), reply.finish) == (50, "length")
    with pytest.raises(UsageError):
        ask(b"abc", Sampling(max_tokens=0))


@pytest.mark.parametrize("engine", ["kernel", "reference"])
def test_a_masked_answer_that_its_budget_ends_says_so(engine: str) -> None:
    grammar = Grammar.from_regex('"[a-z]*"')

    def reply(budget: int) -> Reply:
        model = LocalModel(WantsToSay(b'"abcdefgh"'), engine=engine)
        [made] = model.complete([Request((Message("user", "Hello"),), mode="mask", grammar=grammar,
                                         sampling=Sampling(max_tokens=budget))])
        assert isinstance(made, Reply), made
        return made

    assert (reply(11).text, reply(11).warnings) == ('"abcdefgh"', ())
    assert reply(7).text == '"abcd"'
    [warning] = reply(7).warnings
    assert "7 tokens" in warning
    assert "max_tokens" in warning


def test_a_prompt_that_fills_the_context_is_rejected_in_its_place() -> None:
    model = LocalModel(WantsToSay(b"ok"))
    first, second, third = model.complete([Request((Message("user", text),)) for text in ("a", "b" * 200, "c")])
    assert isinstance(first, Reply)
    assert first.text == "ok"
    assert isinstance(second, RequestRejectedError)
    assert "200" in str(second)
    assert second.hint
    assert isinstance(third, Reply)
    assert third.text == "ok"


def test_stop_strings_are_cut_at_their_first_place() -> None:
    reply = said(b"one END two", Sampling(stop=("two", "END")))
    assert (reply.text, reply.finish) == ("one ", "stop")
    assert reply.usage.completion_tokens == len("one END")
    assert said(b"one END two", Sampling(stop=("three",))).text == "one END two"
    assert said("a→b".encode(), Sampling(stop=("→",))).text == "a"
    assert said(b"STOP", Sampling(stop=("STOP", "TO"))).text == "S"  # the one that comes first ends it


def test_same_seed_and_sample_give_the_same_answer() -> None:
    messages = (Message("user", "Hello"),)
    model = LocalModel(WantsToSay(b"twelve bytes", noise=8.0))

    def texts(*pairs: tuple[int, int]) -> list[str]:
        requests = [Request(messages, sampling=Sampling(temperature=3.0, seed=seed), sample=sample) for seed,
                    sample in pairs]
        return [reply.text for reply in model.complete(requests) if isinstance(reply, Reply)]

    a, b, c, d = texts((1, 0), (1, 0), (1, 1), (2, 0))
    assert a == b
    assert len({a, c, d}) == 3
    assert texts((1, 1)) == [c]  # alone or beside others


def test_samples_of_one_prompt_share_its_reading() -> None:
    inner = WantsToSay(b"hello")
    requests = [Request((Message("user", text),), sample=i) for i, text in enumerate(("a", "a", "bb", "a"))]
    replies = LocalModel(inner).complete(requests)
    assert [reply.text for reply in replies if isinstance(reply, Reply)] == ["hello"] * 4
    assert sorted(inner.read) == [1, 2]


def test_logprobs_are_the_models_own_and_one_for_each_token() -> None:
    plain = said(b"abc", Sampling(logprobs=True))
    assert plain.token_logprobs is not None
    assert len(plain.token_logprobs) == plain.usage.completion_tokens == 4
    assert all(value < -80 for value in plain.token_logprobs)  # the model itself wants its padding, with logit 100
    filtered = said(b"abc", Sampling(logprobs=True, temperature=0.5, top_k=1))
    assert filtered.token_logprobs == plain.token_logprobs
    assert said(b"abc").token_logprobs is None


def test_bytes_that_are_no_text_are_replaced() -> None:
    assert said(b"a\xffb").text == "a\N{REPLACEMENT CHARACTER}b"


def test_async() -> None:
    model = LocalModel(WantsToSay(b"ok"))
    [reply] = asyncio.run(model.acomplete([Request((Message("user", "a"),))]))
    assert isinstance(reply, Reply)
    assert reply.text == "ok"


class TestMasks:
    """Every masked answer ends inside its grammar, whatever the model wants."""

    engine = "kernel"
    schema: ClassVar[dict[str, object]] = {
        "type": "object", "properties": {"name": {"type": "string"}, "n": {"type": "integer"}},
        "required": ["name", "n"], "additionalProperties": False}

    @pytest.fixture(autouse=True)
    def _needs_the_kernel(self) -> None:
        pytest.importorskip("trellis_kernel")

    def ask(self, text: bytes, grammar: Grammar | None, sampling: Sampling = DEFAULT,
            noise: float = 0.0) -> Reply | Exception:
        model = LocalModel(WantsToSay(text, noise), engine=self.engine)
        [reply] = model.complete([Request((Message("user", "Hello"),), mode="mask", grammar=grammar,
                                          sampling=sampling)])
        return reply

    def test_the_mask_decides(self) -> None:
        reply = self.ask(b"maybe", Grammar.from_choices(["yes", "no"]))
        assert isinstance(reply, Reply)
        assert reply.text in ("yes", "no")
        assert (reply.finish, reply.enforced) == ("stop", "mask")
        assert 0 < reply.usage.mask_seconds < reply.usage.seconds

    def test_what_the_model_wants_is_kept_where_it_may_be(self) -> None:
        reply = self.ask(b'{"name":"Ada","n":7}', Grammar.from_json_schema(self.schema))
        assert isinstance(reply, Reply)
        assert json.loads(reply.text) == {"name": "Ada", "n": 7}

    @pytest.mark.parametrize("seed", range(4))
    def test_warm_noise_ends_inside_the_grammar(self, seed: int) -> None:
        reply = self.ask(b"nothing of the kind, just words", Grammar.from_json_schema(self.schema),
                         Sampling(temperature=2.0, seed=seed, max_tokens=60), noise=3.0)
        assert isinstance(reply, Reply), reply
        value = json.loads(reply.text)
        assert (type(value["name"]), type(value["n"])) == (str, int)
        assert reply.finish == "stop"
        assert reply.usage.completion_tokens <= 60

    def test_a_budget_below_the_grammars_least_is_an_error(self) -> None:
        reply = self.ask(b"x", Grammar.from_choices(["a long answer"]), Sampling(max_tokens=2))
        assert isinstance(reply, LimitError)

    def test_a_mask_needs_a_grammar_and_no_stop_strings(self) -> None:
        assert isinstance(self.ask(b"x", None), RequestRejectedError)
        assert isinstance(self.ask(b"x", Grammar.from_choices(["a"]), Sampling(stop=("a",))), RequestRejectedError)

    def test_other_modes_are_refused(self) -> None:
        assert isinstance(ask(b"x", mode="tools"), RequestRejectedError)


def test_the_reference_engine_masks_too() -> None:
    model = LocalModel(WantsToSay(b"maybe"), engine="reference")
    request = Request((Message("user", "Hello"),), mode="mask", grammar=Grammar.from_choices(["yes", "no"]))
    [reply] = model.complete([request])
    assert isinstance(reply, Reply)
    assert (reply.text in ("yes", "no"), reply.finish, reply.enforced) == (True, "stop", "mask")


def beyond_limits(monkeypatch: pytest.MonkeyPatch, steps: set[int]) -> None:
    """Masks of these steps of an answer (by the tokens before them) are beyond a limit."""
    from trellis.masking.compiled import Matcher

    fill, accept, taken = Matcher.fill_bitmask, Matcher.accept, dict[int, int]()

    def filled(matcher: Matcher, bitmask: object, row: int = 0) -> None:
        if taken.get(id(matcher), 0) in steps:
            raise LimitError("no ending found", limit="fuel")
        fill(matcher, bitmask, row)

    def accepted(matcher: Matcher, token: int) -> bool:
        done = accept(matcher, token)
        taken[id(matcher)] = taken.get(id(matcher), 0) + done
        return done

    monkeypatch.setattr(Matcher, "fill_bitmask", filled)
    monkeypatch.setattr(Matcher, "accept", accepted)


@pytest.mark.parametrize("temperature", [0.0, 1.0])
def test_a_step_beyond_a_limit_is_drawn_and_then_checked(monkeypatch: pytest.MonkeyPatch, temperature: float) -> None:
    beyond_limits(monkeypatch, {1, 2})
    grammar = Grammar.from_lark('start: "a" ("b" | "c") "d"+')
    reply = said(b"axdd", Sampling(temperature=temperature, seed=1, logprobs=True, max_tokens=9), noise=1.0,
                 mode="mask", grammar=grammar)
    assert grammar.accepts(reply.text, engine="reference")
    assert [warning for warning in reply.warnings if "2 of its tokens were drawn without a mask" in warning]
    assert reply.allowed_logmass is None


def test_where_nothing_that_is_drawn_is_allowed_the_limit_is_the_error(monkeypatch: pytest.MonkeyPatch) -> None:
    beyond_limits(monkeypatch, {0})
    monkeypatch.setattr("trellis.models.local_mask.ASKED", 3)
    reply = ask(b"x", mode="mask", grammar=Grammar.from_choices(["zz"]))
    assert isinstance(reply, LimitError)
    assert "none of the 3 tokens" in str(reply)
