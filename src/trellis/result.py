"""What a run is made of: messages, sampling settings, usage, attempts and the result.

Everything here is frozen data without behaviour that touches a model or a file.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, Literal, TypeVar, get_args

from trellis.errors import UsageError, shown

T = TypeVar("T")

LARGEST = sys.float_info.max
"""Of numbers that can be reckoned with: there are whole numbers beyond it."""

Role = Literal["system", "user", "assistant"]
Mode = Literal["mask", "native", "tools", "json", "prompt"]
"""How a shape is asked for: by a token mask, the server's own schema mode, a tool call, JSON mode, or words alone."""
Finish = Literal["stop", "length", "refusal", "timeout"]
"""Why an answer ended: it was done, ran into its token limit, was refused, or the time for it was over."""
FailureKind = Literal[
    "transport", "rate_limit", "budget", "rejected", "truncated", "refused", "empty", "syntax", "schema", "validator",
    "verifier",
]
"""What was wrong with an attempt: no reply came (the first four; ``budget``: not while there was time for it;
``rejected``: it will not come for this request), the reply has no whole answer (three), or it cannot be read, is not of
the type, or was refused by a validator or a verifier."""
Purpose = Literal["answer", "patch", "draft", "verdict"]
"""What an attempt was for: a whole answer, some fields of one, thoughts before one, or a judge's opinion of one."""


@dataclass(frozen=True, slots=True)
class Message:
    """One turn of a conversation.

    Raises:
        UsageError: the role is none, or the content is no text that can be sent (a lone surrogate has no UTF-8).
    """

    role: Role
    content: str

    def __post_init__(self) -> None:
        if self.role not in get_args(Role):
            raise UsageError(f"{shown(self.role)} is no role of a message", hint=", ".join(get_args(Role)))
        if not isinstance(self.content, str):
            raise UsageError(f"the content of a message is text, not {type(self.content).__name__}")
        _check_sendable("a message", self.content)


@dataclass(frozen=True, slots=True)
class Sampling:
    """How tokens are drawn. ``None`` leaves a setting to the model.

    Attributes:
        temperature: 0 is greedy.
        top_p, top_k, min_p: nucleus, count and relative-probability cuts.
        seed: makes a local model's draws reproducible; attempt ``n`` of a run draws from (seed, n).
        stop: strings that end the output; they are not part of it.
        max_tokens: at most so many tokens, the end-of-sequence token counted.
        logprobs: whether the reply should carry the log-probability of each token.

    Raises:
        UsageError: a setting is out of its range.
    """

    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    min_p: float | None = None
    seed: int | None = None
    stop: tuple[str, ...] = ()
    max_tokens: int | None = None
    logprobs: bool = False

    def __post_init__(self) -> None:
        _check("temperature", self.temperature, _is_number(self.temperature, 0.0), "0 (greedy) or more")
        _check("top_p", self.top_p, _is_number(self.top_p, 0.0, 1.0) and self.top_p != 0, "above 0 and at most 1")
        _check("min_p", self.min_p, _is_number(self.min_p, 0.0, 1.0), "between 0 and 1")
        _check("top_k", self.top_k, _is_whole(self.top_k, 1), "a whole number from 1 on")
        _check("max_tokens", self.max_tokens, _is_whole(self.max_tokens, 1), "a whole number from 1 on")
        _check("seed", self.seed, _is_whole(self.seed), "a whole number")
        _check("logprobs", self.logprobs, isinstance(self.logprobs, bool), "True or False")
        if not isinstance(self.stop, list | tuple) or not all(isinstance(one, str) and one for one in self.stop):
            raise UsageError(f"Sampling(stop={shown(self.stop)}) is no tuple of texts that are not empty",
                             hint='stop=("END",)')
        for text in self.stop:
            _check_sendable("a stop string", text)
        object.__setattr__(self, "stop", tuple(self.stop))


def _check(name: str, value: object, is_right: bool, wanted: str) -> None:
    if value is not None and not is_right:
        raise UsageError(f"{name} is {shown(value)}, but must be {wanted}")


def _check_sendable(whose: str, text: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise UsageError(f"character {error.start + 1} of {whose} is half of a surrogate pair "
                         f"({text[error.start]!r}), which cannot be sent",
                         hint='text.encode("utf-8", "replace").decode() replaces such characters') from None


def _is_number(value: object, least: float, most: float = LARGEST) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and least <= value <= most


def _is_whole(value: object, least: int | None = None) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and (least is None or value >= least)


@dataclass(frozen=True, slots=True)
class Usage:
    """What was spent. Times are in seconds; ``mask_seconds`` is the part of ``seconds`` spent in token masks; ``money``
    is in the currency of the session's prices, 0 where there are none."""

    calls: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    seconds: float = 0.0
    mask_seconds: float = 0.0
    money: float = 0.0

    @property
    def total_tokens(self) -> int:
        return self.prompt_tokens + self.completion_tokens

    def __add__(self, other: Usage) -> Usage:
        return Usage(
            self.calls + other.calls,
            self.prompt_tokens + other.prompt_tokens,
            self.completion_tokens + other.completion_tokens,
            self.seconds + other.seconds,
            self.mask_seconds + other.mask_seconds,
            self.money + other.money,
        )


@dataclass(frozen=True, slots=True)
class FieldError:
    """One thing that is wrong with a value.

    Attributes:
        pointer: JSON pointer to the field, ``""`` for the whole value.
        message: what is expected and what was found.
    """

    pointer: str
    message: str

    def __str__(self) -> str:
        return f"{self.pointer or '(whole value)'}: {self.message}"


def brief(error: FieldError) -> str:
    """An error without a place where it is the whole answer's, as people are told."""
    return str(error) if error.pointer else error.message


@dataclass(frozen=True, slots=True, repr=False)
class Attempt:
    """One request and what came of it.

    Attributes:
        index: 0 for the first.
        messages: the exact messages that were sent.
        mode: how the shape was asked for.
        enforced: how the model claims to have enforced the shape; never stronger than ``mode``.
        raw: the text of the reply, ``None`` when none came.
        finish: why the reply ended.
        repairs: the edits that repair made (``trellis.repair.Edit``).
        data: what was read, as JSON data (or text), before the type made a value of it.
        value: the value that was made of it; of a refused attempt, as far as it came.
        errors: what was wrong with it.
        failure: the class of the failure, ``None`` for an accepted attempt.
        usage: what this attempt cost.
        logprob: the sum of the tokens' log-probabilities where the model gives it.
        sampling: how it was drawn, with the seed that was derived for it.
        error: the ``TrellisError`` that stood in the place of a reply.
        warnings: what the caller should know if this attempt is accepted.
        purpose: what it was for; strategies also ask for drafts and verdicts.
        model: who was asked.
        cached: whether the reply was kept from an earlier run; it then cost nothing.
        probabilities: of each of the type's choices, where the model gives them.
    """

    index: int
    messages: tuple[Message, ...]
    mode: Mode
    enforced: Mode
    raw: str | None
    finish: Finish | None
    repairs: tuple[Any, ...] = ()
    value: Any = None
    errors: tuple[FieldError, ...] = ()
    failure: FailureKind | None = None
    usage: Usage = field(default_factory=Usage)
    logprob: float | None = None
    sampling: Sampling = field(default_factory=Sampling)
    error: Exception | None = None
    warnings: tuple[str, ...] = ()
    data: Any = None
    purpose: Purpose = "answer"
    model: str = ""
    cached: bool = False
    probabilities: tuple[float, ...] | None = None

    def __repr__(self) -> str:
        return (f"Attempt({self.index}, {self.failure or 'accepted'}, enforced={self.enforced!r}, "
                f"raw={shown(self.raw)}, errors={len(self.errors)}, repairs={len(self.repairs)})")

    def __str__(self) -> str:
        """One line: what came of it, what was mended, and the first errors."""
        mended = ", ".join(dict.fromkeys(edit.rule for edit in self.repairs))
        wrong = "; ".join(map(brief, self.errors[:3]))
        cost = ("from the cache" if self.cached else
                f"{self.usage.completion_tokens} tokens, {self.usage.seconds:.2f} s")
        return (f"attempt {self.index + 1} ({self.enforced}, {cost}): {self.failure or 'accepted'}"
                f"{f', repaired ({mended})' if mended else ''}{f': {wrong}' if wrong else ''}")


@dataclass(frozen=True, slots=True, repr=False)
class Result(Generic[T]):
    """A value of the type that was asked for, and everything that led to it; ``print(result)`` shows each attempt.

    Attributes:
        value: the value, validated.
        raw: the text that it was read from.
        attempts: every attempt, oldest first; the accepted one is among them.
        repairs: the edits of the accepted attempt.
        usage: the sum over all attempts.
        enforced: how the accepted attempt's shape was enforced.
        agreement: the share of samples that agree (per field: the mean over the fields), for strategies that vote, else
            ``None``.
        accepted: the index of the attempt that the value was read from, ``None`` where it has no single one.
        probabilities: for a ``Choice``, ``Literal``, ``Enum`` or ``bool`` on a model that lets its tokens be seen, the
            exact probability of each choice, given that the answer is one of them; else empty.
        abstained: JSON pointers of what the model did not know (``trellis.Unknown``); ``""`` is the whole value.
        field_agreement: for a vote per field, the share for each field, by JSON pointer.
        warnings: what the caller should know (a built-in model by default, a relaxed keyword).
    """

    value: T
    raw: str
    attempts: tuple[Attempt, ...]
    repairs: tuple[Any, ...]
    usage: Usage
    enforced: Mode
    agreement: float | None = None
    warnings: tuple[str, ...] = ()
    accepted: int | None = None
    abstained: tuple[str, ...] = ()
    probabilities: Mapping[Any, float] = field(default_factory=dict)
    field_agreement: Mapping[str, float] = field(default_factory=dict)

    def __repr__(self) -> str:
        return f"Result(value={shown(self.value, 200)}, enforced={self.enforced!r}, attempts={len(self.attempts)})"

    def __str__(self) -> str:
        warned = (f"  warning: {warning}" for warning in self.warnings)
        return "\n".join([repr(self), *(f"  {attempt}" for attempt in self.attempts), *warned])
