"""The two protocols of models.

A ``Model`` answers requests in text; anything that can do that will serve. A ``TokenModel`` lets one see and choose its
tokens, which masks, beams and exact probabilities need; ``trellis.models.local.LocalModel`` makes a ``Model`` of it.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Generator, Sequence
from dataclasses import dataclass, field, fields
from numbers import Real
from typing import TYPE_CHECKING, Any, Protocol, get_args, runtime_checkable

from trellis.errors import UsageError, shown
from trellis.result import FieldError, Finish, Message, Mode, Sampling, Usage

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from trellis.masking.grammar import Grammar
    from trellis.masking.vocabulary import Vocabulary


@dataclass(frozen=True, slots=True)
class Request:
    """One thing to ask of a model.

    Attributes:
        messages: the conversation.
        mode: how the shape is to be enforced; ``"prompt"`` leaves it to the words.
        name: the output type's name, for servers that want one.
        schema: the JSON Schema of the answer, where it has one.
        grammar: the grammar of the answer, for ``mode="mask"``.
        sampling: how to draw; its seed is already the one of this sample.
        sample: which of several samples of the same request this is; caches tell samples apart by it.
        delay: seconds to wait before it is sent; whoever drives a strategy waits, not the model.
        timeout: seconds that the model may take, where a budget bounds them.
        fresh: whether a reply that was kept from earlier will not do: it is one of several samples without a seed.
        beams: how many beams to search with; more than one only for a model that lets its tokens be seen.
        choices: the texts that the answer is one of, where there are few: such a model then gives their probabilities.
        model: who is asked, where it is not the run's own model; whoever drives a strategy sees to it.
    """

    messages: tuple[Message, ...]
    mode: Mode = "prompt"
    name: str = "Answer"
    schema: dict[str, Any] | None = None
    grammar: Grammar | None = None
    sampling: Sampling = field(default_factory=Sampling)
    sample: int = 0
    delay: float = 0.0
    timeout: float | None = None
    fresh: bool = False
    beams: int = 1
    choices: tuple[str, ...] = ()
    model: Model | None = None


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back.

    Attributes:
        text: the answer; empty when the model refused.
        finish: why it ended.
        enforced: what the model says it enforced, never more than was asked.
        usage: what it cost.
        model: the name that the server gives itself.
        refusal: the words of a refusal.
        token_logprobs: log-probability of each token, when asked for.
        allowed_logmass: at each token under a mask, the logarithm of the probability that the model itself gave to what
            the mask allowed, when log-probabilities are asked for; their sum is the logarithm of a sample's weight.
        warnings: what was asked for and is not enforced (a keyword that the server's schema mode does not know).
        cached: whether it was kept from an earlier run; it then cost nothing.
        probabilities: of the request's choices, in their order.
        alternatives: what the other beams say, the likeliest first.
        hopeless: why the rest of it was not waited for: it could not become valid.

    Raises:
        UsageError: a field is of the wrong kind.
    """

    text: str
    finish: Finish = "stop"
    enforced: Mode = "prompt"
    usage: Usage = field(default_factory=lambda: Usage(calls=1))
    model: str = ""
    refusal: str = ""
    token_logprobs: tuple[float, ...] | None = None
    warnings: tuple[str, ...] = ()
    cached: bool = False
    hopeless: FieldError | None = None
    probabilities: tuple[float, ...] | None = None
    alternatives: tuple[Reply, ...] = ()
    allowed_logmass: tuple[float, ...] | None = None

    def __post_init__(self) -> None:
        right = {
            "text": isinstance(self.text, str),
            "finish": self.finish in get_args(Finish),
            "enforced": self.enforced in get_args(Mode),
            "usage": isinstance(self.usage, Usage) and all(
                isinstance(getattr(self.usage, one.name), Real) for one in fields(Usage)),
            "model": isinstance(self.model, str),
            "refusal": isinstance(self.refusal, str),
            "token_logprobs": self.token_logprobs is None or (
                isinstance(self.token_logprobs, tuple) and all(isinstance(one, Real) for one in self.token_logprobs)),
            "warnings": isinstance(self.warnings, tuple) and all(isinstance(one, str) for one in self.warnings),
        }
        for name in (name for name, is_right in right.items() if not is_right):
            raise UsageError(f"Reply({name}={shown(getattr(self, name))}) is no {name} of a reply",
                             hint="trellis.Reply says what each field is")


def checked_modes(modes: Sequence[Mode]) -> tuple[Mode, ...]:
    """The modes, if they are some.

    Raises:
        UsageError: they are none.
    """
    if not isinstance(modes, list | tuple) or not all(mode in get_args(Mode) for mode in modes):
        raise UsageError(f"modes={shown(modes)} is no tuple of modes", hint=f"some of {', '.join(get_args(Mode))}")
    return tuple(modes)


@runtime_checkable
class Model(Protocol):
    """Anything that answers in text.

    A request that fails is answered with the ``ModelError`` in its place, so that the others are not lost.
    """

    @property
    def name(self) -> str: ...

    @property
    def modes(self) -> tuple[Mode, ...]:
        """What it can enforce, strongest first; ``"prompt"`` is always among them."""
        ...

    def complete(self, requests: Sequence[Request]) -> list[Reply | Exception]: ...

    async def acomplete(self, requests: Sequence[Request]) -> list[Reply | Exception]: ...


@runtime_checkable
class LearningModel(Model, Protocol):
    """A model that remembers what its server refused."""

    def modes_of(self, schema: dict[str, Any] | None) -> tuple[Mode, ...]:
        """``modes`` without those that were refused for a type with this JSON Schema."""
        ...

    def ignores(self, mode: Mode) -> None:
        """Notes that the server takes a mode and does not keep to it."""
        ...


@runtime_checkable
class StreamingModel(Model, Protocol):
    """A model whose answers can be read while they are written."""

    def stream(self, request: Request) -> Generator[str | Reply, None, None]:
        """Pieces of the answer's text as they come, then the reply with the whole of it; raises its ``ModelError``."""
        ...

    def astream(self, request: Request) -> AsyncGenerator[str | Reply, None]: ...


def identity_of(model: Model) -> str:
    """What tells a model from others of its name (its ``identity``: a server, the one object), for a cache."""
    return str(getattr(model, "identity", model.name))


class WrappedModel:
    """What a model with something before it (a cache, a gate) has in common with the model."""

    inner: Model

    @property
    def name(self) -> str:
        return self.inner.name

    @property
    def identity(self) -> str:
        return identity_of(self.inner)

    @property
    def modes(self) -> tuple[Mode, ...]:
        return self.inner.modes

    def modes_of(self, schema: dict[str, Any] | None) -> tuple[Mode, ...]:
        learned = getattr(self.inner, "modes_of", None)
        return learned(schema) if learned is not None else self.inner.modes

    def ignores(self, mode: Mode) -> None:
        if isinstance(self.inner, LearningModel):
            self.inner.ignores(mode)


class TokenState(Protocol):
    """A sequence in progress (for a transformer: its key-value cache)."""

    def step(self, tokens: Sequence[int]) -> npt.NDArray[np.float32]:
        """Appends tokens and returns the logits of the next one, float32 of shape (V,); V may exceed the vocabulary."""
        ...

    def fork(self) -> TokenState:
        """An independent copy."""
        ...


@runtime_checkable
class TokenModel(Protocol):
    """A model whose tokens can be seen and chosen."""

    @property
    def name(self) -> str: ...

    @property
    def vocabulary(self) -> Vocabulary: ...

    @property
    def context(self) -> int:
        """Most tokens in one sequence, prompt and answer."""
        ...

    def encode(self, messages: Sequence[Message]) -> list[int]:
        """The token ids of a conversation, up to where the answer begins."""
        ...

    def start(self) -> TokenState: ...


def token_model_of(model: Any) -> TokenModel | None:
    """The token model that a model decodes in this process, if it does."""
    while isinstance(model, WrappedModel):
        model = model.inner
    inner = getattr(model, "model", None)
    return inner if isinstance(inner, TokenModel) else None
