"""A model of llama.cpp, through llama-cpp-python, as a ``TokenModel`` (extra ``llama-cpp``)."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from trellis.errors import MissingExtraError, ModelError, UsageError, message_of, shown
from trellis.masking.vocabulary import Vocabulary
from trellis.result import Message

if TYPE_CHECKING:
    import numpy.typing as npt


class LlamaModel:
    """A loaded GGUF model; ``generate_structured(..., model=LlamaModel(llama_cpp.Llama("model.gguf", n_ctx=8192)))``.

    A conversation is written by the chat template in the file; a model without one gets the texts, one after the other.
    The context of llama.cpp holds one sequence: states share it, and it is read again from where they part. So samples
    of one prompt cost their own tokens only, while beams, which take turns, cost more than with other models.

    Args:
        llama: a ``llama_cpp.Llama``; no other thread may use it meanwhile.
        name: how it calls itself; default: as the file says.

    Raises:
        MissingExtraError: llama-cpp-python is not installed.
        UsageError: it is none.
    """

    def __init__(self, llama: Any, *, name: str = "") -> None:
        self._lib = _import()
        if not all(hasattr(llama, method) for method in ("eval", "tokenize", "n_ctx", "ctx")):
            raise UsageError(f"LlamaModel takes a llama_cpp.Llama, not {shown(llama)}",
                             hint='LlamaModel.from_file("model.gguf") loads one')
        self.llama = llama
        facts = getattr(llama, "metadata", None) or {}
        self.name = name or f"llama-cpp/{facts.get('general.name') or 'model'}"
        self._template: str = facts.get("tokenizer.chat_template") or ""

    @classmethod
    def from_file(cls, path: str, **settings: Any) -> LlamaModel:
        """A GGUF file; settings go to ``llama_cpp.Llama``, whose context is the model's own where none is said.

        Raises:
            MissingExtraError: llama-cpp-python is not installed.
            ModelError: it cannot be loaded.
        """
        try:
            llama = _import().Llama(path, **{"n_ctx": 0, "verbose": False, **settings})
        except (ValueError, RuntimeError, OSError, AssertionError, TypeError) as error:
            raise ModelError(f"{path} cannot be loaded: {message_of(error)[:300]}",
                             hint="is it a GGUF file that this llama.cpp knows?") from error
        return cls(llama, name=f"llama-cpp/{path}")

    @cached_property
    def vocabulary(self) -> Vocabulary:
        """The file's; every token that ends a generation for llama.cpp ends an answer."""
        return Vocabulary.from_tokenizer(self.llama)

    @property
    def context(self) -> int:
        """Most tokens in one sequence, prompt and answer."""
        return int(self.llama.n_ctx())

    def encode(self, messages: Sequence[Message]) -> list[int]:
        """The ids of a conversation, up to where the answer begins."""
        turns = [{"role": message.role, "content": message.content} for message in messages]
        if not self._template:
            text = "\n\n".join(turn["content"] for turn in turns) + "\n"
            return list(self.llama.tokenize(text.encode(), add_bos=True, special=False))
        written = self._formatter(messages=turns)
        return list(self.llama.tokenize(written.prompt.encode(), add_bos=not written.added_special, special=True))

    @cached_property
    def _formatter(self) -> Any:
        from llama_cpp.llama_chat_format import Jinja2ChatFormatter

        eos, bos = (self.vocabulary.tokens[one].decode("utf-8", "replace") if one >= 0 else ""
                    for one in (self.llama.token_eos(), self.llama.token_bos()))
        return Jinja2ChatFormatter(self._template, eos, bos)

    def start(self) -> LlamaState:
        return LlamaState(self.llama, self._lib)


class LlamaState:
    """A sequence in progress: its tokens. The context is made to hold them before each step."""

    def __init__(self, llama: Any, lib: Any, tokens: tuple[int, ...] = ()) -> None:
        self._llama, self._lib, self._tokens = llama, lib, tokens

    def step(self, tokens: Sequence[int]) -> npt.NDArray[np.float32]:
        """Appends tokens and returns the logits of the next one, float32 of shape (V,).

        Raises:
            ModelError: llama.cpp fails, or the context is full.
        """
        whole = (*self._tokens, *tokens)
        if not whole or len(whole) > self._llama.n_ctx():
            raise ModelError(f"{len(whole)} tokens do not go into a context of {self._llama.n_ctx()}",
                             hint="a larger n_ctx, or a shorter prompt")
        known = self._shared(whole)
        try:
            self._cut(known)
            self._llama.eval(list(whole[self._llama.n_tokens :]))
        except (RuntimeError, ValueError) as error:
            self._cut(0)
            raise ModelError(f"llama.cpp failed: {message_of(error)[:300]}") from error
        self._tokens = whole
        row = self._lib.llama_get_logits_ith(self._llama.ctx, -1)
        return np.ctypeslib.as_array(row, shape=(self._llama.n_vocab(),)).astype(np.float32)

    def fork(self) -> LlamaState:
        """An independent sequence; costs nothing until the two part."""
        return LlamaState(self._llama, self._lib, self._tokens)

    def _shared(self, whole: tuple[int, ...]) -> int:
        """How many tokens the context holds already; the last is read again at least, for its logits."""
        held = self._llama.input_ids[: self._llama.n_tokens]
        least = min(len(held), len(whole) - 1)
        apart = np.flatnonzero(np.asarray(held[:least]) != np.asarray(whole[:least]))
        return int(apart[0]) if len(apart) else least

    def _cut(self, known: int) -> None:
        """Takes from the context what is not shared; recurrent models and sliding windows give back all or nothing."""
        if known == self._llama.n_tokens:
            return
        memory = self._lib.llama_get_memory(self._llama.ctx)
        if known and self._lib.llama_memory_seq_rm(memory, -1, known, -1):
            self._llama.n_tokens = known
            return
        self._lib.llama_memory_clear(memory, True)
        self._llama.reset()


def _import() -> Any:
    try:
        import llama_cpp
    except ImportError as error:
        raise MissingExtraError("this model needs llama-cpp-python", extra="llama-cpp") from error
    return llama_cpp
