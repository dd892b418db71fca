"""Every exception that Trellis raises.

::

    TrellisError
    ├── UsageError                    the call itself is wrong
    │   ├── TypeNotSupportedError     an output type that cannot be rendered
    │   ├── SchemaError               a JSON Schema that is none (JSON pointer)
    │   ├── TemplateError             a prompt template or example that does not fit
    │   ├── UnknownModelError         no such model, or no model given
    │   ├── MissingExtraError         an optional package is not installed
    │   └── CapabilityError           the model cannot do what the mode or strategy asks
    ├── GrammarError                  a grammar that cannot be loaded (line, column, caret)
    │   └── UnsupportedError          well-formed, but outside what masks can enforce
    ├── VocabularyError               a tokenizer that does not map to bytes
    ├── MaskError                     the masker refuses to go on (never unconstrained)
    │   └── LimitError                a limit on fuel, memory, depth or size was hit
    ├── RepairError                   text that no repair at this level can mend (line, column, caret)
    ├── ModelError                    a model or its server failed
    │   ├── TransportError            it could not be reached, or broke off
    │   │   └── RateLimitError        it asked to wait (``retry_after`` seconds)
    │   ├── AuthenticationError       it refused the key
    │   └── RequestRejectedError      it refused the request
    │       └── ContextLengthError    prompt and answer are longer than the model's context
    └── GenerationError               no attempt was accepted (attempts, last raw text, best effort)
        ├── BudgetError               a budget ended first
        └── one class for each way to fail: TruncatedError, RefusedError, EmptyReplyError,
            UnrepairableError, SchemaMismatchError, ValidatorError, VerifierError

Messages are short; what a program needs is in attributes. ``hint`` says what to do next. Errors can be pickled: they
travel between processes with all they carry. This module imports nothing of Trellis.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


def shown(value: object, most: int = 60) -> str:
    """A value as messages show it: cut short, and without an error of its own (``repr`` runs anybody's code)."""
    try:
        text = repr(value)
    except Exception:
        text = f"<{type(value).__name__}>"
    return text if len(text) <= most else f"{text[: most - 3]}..."


def message_of(error: BaseException) -> str:
    """What an exception of somebody else says; it may say it badly."""
    try:
        return str(error)
    except Exception:
        return type(error).__name__


class TrellisError(Exception):
    """Root of the tree.

    Attributes:
        message: what is wrong, one short paragraph.
        hint: what to do about it, or an empty string.
        usual_hint: of the class, where nothing better is known.
        attempts: of the run that it ended, every attempt, oldest first (``trellis.result.Attempt``); else empty.
        last_raw: the text of the last reply of that run, or ``None``.
        best_effort: the last value that could be read in it at all, valid or not, or ``None``.
        usage: tokens, calls and seconds of all its attempts (``trellis.result.Usage``), or ``None``.
    """

    usual_hint = ""
    attempts: tuple[Any, ...] = ()
    last_raw: str | None = None
    best_effort: Any = None
    usage: Any = None

    def __init__(self, message: str, *, hint: str = "") -> None:
        self.message = message.encode("utf-8", "backslashreplace").decode()  # it may quote half of a surrogate pair
        super().__init__(self.message)
        self.hint = hint or self.usual_hint

    def __str__(self) -> str:
        return f"{self.message}\nhint: {self.hint}" if self.hint else self.message

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild, (type(self), self.args), self.__dict__


def _rebuild(kind: type[TrellisError], arguments: tuple[Any, ...]) -> TrellisError:
    """A bare error of a class, for pickle; ``__init__`` takes keywords, which pickle would not give it again."""
    error = kind.__new__(kind, *arguments)
    error.args = arguments
    return error


class UsageError(TrellisError):
    """The call itself is wrong; no model was asked."""


@contextmanager
def looking_at_arguments() -> Iterator[None]:
    """Turns what objects of the caller's raise when they are looked at (their code is anybody's) into a UsageError."""
    try:
        yield
    except TrellisError:
        raise
    except Exception as error:
        raise UsageError(f"an argument of the call raised {type(error).__name__}: {message_of(error)[:300]}",
                         hint="error.__cause__ has the traceback of it") from error


class TypeNotSupportedError(UsageError):
    """An output type has no JSON Schema, so no prompt, repair or mask can be made of it."""


class SchemaError(UsageError):
    """A JSON Schema is malformed, contradictory, or refers to nothing.

    Attributes:
        pointer: JSON pointer of the culprit, ``""`` for the root.
    """

    usual_hint = "correct the schema there; `trellis schema explain FILE` goes through all of its keywords"

    def __init__(self, message: str, *, pointer: str = "", hint: str = "") -> None:
        super().__init__(f"{message} (at {pointer or 'the root'})", hint=hint)
        self.pointer = pointer


class TemplateError(UsageError):
    """A prompt template does not render, or an example is not of the output type."""


class UnknownModelError(UsageError):
    """A model name that nothing answers to."""


class MissingExtraError(UsageError):
    """An optional package is needed and not installed.

    Attributes:
        extra: the name in ``pip install "trellis-llm[extra]"``, or the package.
    """

    def __init__(self, message: str, *, extra: str, hint: str = "") -> None:
        super().__init__(message, hint=hint or f'pip install "trellis-llm[{extra}]"')
        self.extra = extra


class CapabilityError(UsageError):
    """The model lacks an ability that the mode or the strategy needs (masks need a ``TokenModel``)."""


def caret(text: str, line: int, column: int) -> str:
    """The source line with a caret below the column (both 1-based), cut to 80 characters around it; nothing for a line
    without anything to show."""
    lines = text.split("\n")
    if not 1 <= line <= len(lines) or not lines[line - 1].strip():
        return ""
    source = lines[line - 1].encode("utf-8", "replace").decode()  # sound text, and every character in its place
    start = max(0, column - 61)
    return f"{source[start : start + 80]}\n{' ' * (column - 1 - start)}^"


class _Located(TrellisError):
    """An error with a place in a text."""

    def __init__(
        self,
        message: str,
        *,
        line: int | None = None,
        column: int | None = None,
        source: str | None = None,
        hint: str = "",
    ) -> None:
        self.line, self.column = line, column
        place = f" at line {line}, column {column}" if line is not None and column is not None else ""
        self.context = caret(source, line, column) if source is not None and line and column else ""
        super().__init__(message + place + (f"\n{self.context}" if self.context else ""), hint=hint)


class GrammarError(_Located):
    """A grammar cannot be loaded.

    Attributes:
        line, column: 1-based place in the grammar text, or ``None``.
        context: the line with a caret, or an empty string.
        rule: the rule or terminal concerned, or ``None``.
        pointer: for a grammar made of a JSON Schema, the JSON pointer concerned, else ``None``.
    """

    def __init__(
        self,
        message: str,
        *,
        line: int | None = None,
        column: int | None = None,
        source: str | None = None,
        rule: str | None = None,
        pointer: str | None = None,
        hint: str = "",
    ) -> None:
        super().__init__(message, line=line, column=column, source=source, hint=hint)
        self.rule, self.pointer = rule, pointer


class UnsupportedError(GrammarError):
    """A well-formed grammar or schema uses something that masks cannot enforce; nothing is ignored in silence."""


class VocabularyError(TrellisError):
    """A tokenizer does not map to bytes as it should.

    Attributes:
        token_id: the first token concerned, or ``None``.
    """

    usual_hint = "is the tokenizer's file whole, and the model's own?"

    def __init__(self, message: str, *, token_id: int | None = None, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.token_id = token_id


class MaskError(TrellisError):
    """The masker refuses to go on. Output is never left unconstrained because something failed."""


class LimitError(MaskError):
    """A limit on fuel, memory, depth or size was hit.

    Attributes:
        limit: which limit.
    """

    def __init__(self, message: str, *, limit: str = "", hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.limit = limit


class RepairError(_Located):
    """No repair at this level reads the text.

    Attributes:
        line, column: 1-based place in the text, or ``None``.
        context: the line with a caret.
        limit: the name of the limit that was hit, or ``None``.
        against_schema: whether the text was read, and what was read does not satisfy the schema.
    """

    def __init__(
        self,
        message: str,
        *,
        line: int | None = None,
        column: int | None = None,
        source: str | None = None,
        limit: str | None = None,
        against_schema: bool = False,
        hint: str = "",
    ) -> None:
        super().__init__(message, line=line, column=column, source=source, hint=hint)
        self.limit = limit
        self.against_schema = against_schema


class ModelError(TrellisError):
    """A model or its server failed.

    Attributes:
        status: the HTTP status, or ``None``.
        retryable: whether the same request may go through later.
    """

    retryable = False

    def __init__(self, message: str, *, status: int | None = None, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.status = status


class TransportError(ModelError):
    """The server could not be reached, or the connection broke off."""

    retryable = True
    usual_hint = "it may work later; Retry(n) asks n more times"


class RateLimitError(TransportError):
    """The server asked to wait.

    Attributes:
        retry_after: seconds, or ``None`` when the server did not say.
    """

    usual_hint = "fewer requests at a time; generate_many(rate_limit=...) keeps below a limit"

    def __init__(
        self, message: str, *, retry_after: float | None = None, status: int | None = 429, hint: str = ""
    ) -> None:
        super().__init__(message, status=status, hint=hint)
        self.retry_after = _seconds(retry_after)


def _seconds(given: Any) -> float | None:
    """A waiting time that one can reckon with; ``None`` for what is none (a server says it, or anybody's model)."""
    if isinstance(given, bool) or not isinstance(given, int | float):
        return None
    try:
        seconds = float(given)
    except OverflowError:  # a whole number beyond all floats
        return math.inf
    return None if math.isnan(seconds) else max(0.0, seconds)


class AuthenticationError(ModelError):
    """The server refused the key."""


class RequestRejectedError(ModelError):
    """The server refused the request (an unknown model, a context too long, a parameter it does not take)."""


class ContextLengthError(RequestRejectedError):
    """Prompt and answer together are longer than the model's context; no other mode helps."""


class GenerationError(TrellisError):
    """No attempt was accepted. Nothing that was paid for is lost: see ``attempts`` and ``best_effort``."""


class BudgetError(GenerationError):
    """A budget (calls, tokens, seconds, money) does not allow the next call."""

    usual_hint = "a larger Budget(...), or fewer attempts"


class TruncatedError(GenerationError):
    """The last reply was cut off by its token limit."""

    usual_hint = "a larger Sampling(max_tokens=...), or ask for less"


class RefusedError(GenerationError):
    """The model refused to answer."""

    usual_hint = "the prompt, or another model, has to change"


class EmptyReplyError(GenerationError):
    """The last reply was empty."""

    usual_hint = "the model may need a larger max_tokens, or another mode"


class UnrepairableError(GenerationError):
    """The last reply could not be read as the format that was asked for."""

    usual_hint = 'error.last_raw is what the model said; a larger Retry(n), or a model with mode="native" or "mask"'


class SchemaMismatchError(GenerationError):
    """The last reply was read, but is not of the output type."""

    usual_hint = 'error.best_effort is what was read; a larger Retry(n), or a model with mode="native" or "mask"'


class ValidatorError(GenerationError):
    """The last value is of the output type, but one of the caller's validators refused it."""

    usual_hint = "error.best_effort is the value that was refused last"


class VerifierError(GenerationError):
    """The last value is of the output type, but a verifier or a judge refused it."""

    usual_hint = "error.best_effort is the value that was refused last"


__all__ = [
    name
    for name, value in list(globals().items())
    if isinstance(value, type) and issubclass(value, TrellisError) and not name.startswith("_")
]
