"""A model of llama-cpp-python, on a stand-in for its API: one context, whose memory is cut back and read again.

The stand-in keeps to what llama-cpp-python 0.3 does: ``eval`` appends behind ``n_tokens``, logits are of the last token
that was read, and a recurrent model's memory cannot be cut in the middle.
"""

import ctypes
import sys
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest

import trellis
from trellis import Message, Sampling, Vocabulary
from trellis.models.llama import LlamaModel

SCHEMA = {"type": "object", "properties": {"name": {"type": "string", "maxLength": 6}, "n": {"type": "integer"}},
          "required": ["name", "n"], "additionalProperties": False}
PIECES = [b"<unk>", b"<s>", b"</s>", *(bytes([byte]) for byte in range(256)),
          b'{"', b"name", b"<|end|>", b"", b"x" * 90]
UNKNOWN, UNUSED, NORMAL, CONTROL = 1, 2, 4, 8
ATTRIBUTES = {0: UNKNOWN, 1: CONTROL, 2: CONTROL, 261: CONTROL, 262: UNUSED}


class Llama:
    """What ``LlamaModel`` uses of ``llama_cpp.Llama``."""

    def __init__(self, path: str = "", *, recurrent: bool = False, **settings: Any) -> None:
        if path == "missing.gguf":
            raise ValueError("Model path does not exist: missing.gguf")
        self.ctx = self.model = self
        self.metadata = {"general.name": "tiny"}
        self.input_ids = np.zeros(512, dtype=np.intc)
        self.n_tokens = 0
        self.memory: list[int] = []
        self.row: Any = None
        self.recurrent, self.read, self.settings = recurrent, 0, settings

    def n_ctx(self) -> int:
        return 512

    def n_vocab(self) -> int:
        return len(PIECES)

    def tokenize(self, text: bytes, add_bos: bool = True, special: bool = False) -> list[int]:
        return [1] * add_bos + [3 + byte for byte in text]

    def reset(self) -> None:
        self.n_tokens = 0

    def eval(self, tokens: list[int]) -> None:
        if 259 in tokens and "fail" in self.settings:
            raise RuntimeError("llama_decode returned 1")
        assert len(self.memory) == self.n_tokens  # else positions would be off
        self.memory += tokens
        self.input_ids[self.n_tokens : self.n_tokens + len(tokens)] = tokens
        self.n_tokens += len(tokens)
        self.read += len(tokens)


def _logits(llama: Llama, place: int) -> Any:
    assert place == -1
    seed = sum((i + 1) * token for i, token in enumerate(llama.memory))
    llama.row = np.random.default_rng(seed).standard_normal(len(PIECES)).astype(np.float32)
    return llama.row.ctypes.data_as(ctypes.POINTER(ctypes.c_float))


def _cut(llama: Llama, sequence: int, start: int, end: int) -> bool:
    if llama.recurrent and 0 < start < len(llama.memory):
        return False
    del llama.memory[start:]
    return True


def _piece(_: Any, token: int, buffer: Any, size: int, lstrip: int, special: bool) -> int:
    piece = PIECES[token]
    if len(piece) > size:
        return -len(piece)
    buffer[: len(piece)] = piece
    return len(piece)


@pytest.fixture(autouse=True)
def _installed(monkeypatch: pytest.MonkeyPatch) -> None:
    module = ModuleType("llama_cpp")
    functions = {
        "llama_get_logits_ith": _logits, "llama_get_memory": lambda llama: llama, "llama_memory_seq_rm": _cut,
        "llama_memory_clear": lambda llama, data: llama.memory.clear(), "llama_model_get_vocab": lambda model: model,
        "llama_vocab_n_tokens": lambda model: len(PIECES), "llama_token_to_piece": _piece,
        "llama_vocab_get_attr": lambda model, token: ATTRIBUTES.get(token, NORMAL),
        "llama_vocab_is_eog": lambda model, token: token in (2, 261), "LLAMA_TOKEN_ATTR_CONTROL": CONTROL,
        "LLAMA_TOKEN_ATTR_UNKNOWN": UNKNOWN, "LLAMA_TOKEN_ATTR_UNUSED": UNUSED, "Llama": Llama}
    for name, function in functions.items():
        setattr(module, name, function)
    monkeypatch.setitem(sys.modules, "llama_cpp", module)
    monkeypatch.setattr(Llama, "__module__", "llama_cpp.llama")


@pytest.mark.parametrize("recurrent", [False, True])
def test_states_share_one_context_and_answer_as_if_they_had_their_own(recurrent: bool) -> None:
    llama = Llama(recurrent=recurrent)
    model = LlamaModel(llama)
    prompt = model.encode([Message("user", "Who?")])
    assert prompt == [1, *(3 + byte for byte in b"Who?\n")]
    left = model.start()
    first = left.step(prompt)
    right = left.fork()
    for token, state in ((70, left), (71, right), (72, left), (73, right)):  # in turns
        state.step([token])
    again = LlamaModel(Llama())
    assert np.array_equal(first, again.start().step(prompt))
    assert np.array_equal(left.step([74]), again.start().step([*prompt, 70, 72, 74]))
    assert np.array_equal(right.step([75]), again.start().step([*prompt, 71, 73, 75]))
    assert first.dtype == np.float32
    assert np.array_equal(model.start().step(prompt), first)  # all of it is there: its logits are reckoned again


def test_samples_of_one_prompt_read_it_once() -> None:
    pytest.importorskip("trellis_kernel")
    llama = Llama()
    wanted = Sampling(temperature=1, seed=3, max_tokens=40)
    result = trellis.generate_structured("Who?", SCHEMA, model=LlamaModel(llama), strategy=trellis.Vote(
        4, early_stop=False), sampling=wanted)
    assert result.enforced == "mask"
    assert {attempt.failure for attempt in result.attempts} == {None}
    prompt = result.attempts[0].usage.prompt_tokens
    assert llama.read <= prompt + result.usage.completion_tokens
    alone = trellis.generate_structured("Who?", SCHEMA, model=LlamaModel(Llama()), strategy=trellis.Vote(
        4, early_stop=False), sampling=wanted)
    assert [one.raw for one in alone.attempts] == [one.raw for one in result.attempts]


def test_the_vocabulary_is_the_files() -> None:
    vocabulary = Vocabulary.from_tokenizer(Llama())
    assert vocabulary.eos_ids == (2, 261)
    assert vocabulary.special_ids == {0, 1, 2, 261, 262}
    assert (vocabulary.tokens[260], vocabulary.tokens[263]) == (b"name", b"x" * 90)


def test_a_chat_template_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    module = ModuleType("llama_cpp.llama_chat_format")

    def formatter(template: str, eos: str, bos: str) -> Any:
        return lambda messages: SimpleNamespace(prompt=f"{bos}{messages[0]['content']}{template}", added_special=True)

    module.Jinja2ChatFormatter = formatter  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "llama_cpp.llama_chat_format", module)
    llama = Llama()
    llama.token_eos, llama.token_bos = lambda: 2, lambda: 1  # type: ignore[attr-defined]
    llama.metadata["tokenizer.chat_template"] = "!"
    assert LlamaModel(llama).encode([Message("user", "Who?")]) == [3 + byte for byte in b"<s>Who?!"]


def test_a_loaded_model_is_a_model_as_it_stands() -> None:
    pytest.importorskip("trellis_kernel")
    result = trellis.generate_structured("Yes?", trellis.Choice(["yes", "no"]), model=Llama())
    assert result.enforced == "mask"
    assert sum(result.probabilities.values()) == pytest.approx(1)


def test_what_goes_wrong_is_told() -> None:
    model = LlamaModel.from_file("tiny.gguf", n_ctx=64, fail=True)
    assert (model.name, model.llama.settings) == ("llama-cpp/tiny.gguf", {"n_ctx": 64, "verbose": False, "fail": True})
    state = model.start()
    state.step([5, 6])
    with pytest.raises(trellis.ModelError, match="llama_decode returned 1"):
        state.step([259])
    assert np.array_equal(state.step([7]), LlamaModel(Llama()).start().step([5, 6, 7]))  # as if it had not been asked
    with pytest.raises(trellis.ModelError, match="do not go into a context of 512"):
        state.step([9] * 511)
    with pytest.raises(trellis.ModelError, match="cannot be loaded"):
        trellis.generate_structured("x", int, model="llama-cpp/missing.gguf")
    with pytest.raises(trellis.UsageError, match="takes a llama_cpp"):
        LlamaModel(3)
