"""Grammars compiled for a vocabulary, and matchers: the public face of the engines."""

from __future__ import annotations

import threading
from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import takewhile
from typing import TYPE_CHECKING, Any, NoReturn

from trellis.errors import GrammarError, LimitError, MaskError, TrellisError, UsageError, VocabularyError
from trellis.masking.vocabulary import Vocabulary, integer

if TYPE_CHECKING:
    from trellis.masking.grammar import Grammar

MAX_BUDGET = 2**40  # no output is as long
STEP_SECONDS = 30.0
MAX_SECONDS = 1e9


class CompiledGrammar:
    """A grammar over the tokens of a vocabulary. Immutable; shared between threads and sequences."""

    def __init__(self, grammar: Grammar, vocabulary: Vocabulary, engine: str, raw: Any) -> None:
        self.grammar, self.vocabulary, self.engine = grammar, vocabulary, engine
        self._raw = raw
        self._sorted: list[bytes] | None = None
        self._lock = threading.Lock()

    def __repr__(self) -> str:
        return f"CompiledGrammar({self.grammar.description}, {self.vocabulary!r}, engine={self.engine!r})"

    def __reduce__(self) -> tuple[Any, ...]:
        return _unpickled, (self.grammar, self.vocabulary, self.engine)

    def __deepcopy__(self, memo: Any) -> CompiledGrammar:
        return self

    def matcher(self, max_tokens: int | None = None, *, step_seconds: float = STEP_SECONDS) -> Matcher:
        """A matcher before the first token.

        Args:
            max_tokens: a budget, EOS included: the masks then keep only tokens after which the output can still end in
                time.
            step_seconds: a mask, or a token that is accepted, that takes longer is a LimitError. Milliseconds are
                usual. The reference engine has no clock.

        Raises:
            LimitError: the budget is below what any output takes.
            UsageError: no time of that length.
        """
        if not isinstance(step_seconds, int | float) or not 0 < step_seconds < MAX_SECONDS:
            raise UsageError(f"step_seconds is {step_seconds!r}, which is no time that a step may take",
                             hint=f"seconds, more than 0; {STEP_SECONDS:g} by default")
        if max_tokens is not None:
            max_tokens = min(max(integer(max_tokens, "max_tokens"), 0), MAX_BUDGET)
        with engine_errors():
            return Matcher(self, self._raw.matcher(max_tokens, float(step_seconds)))

    def continues(self, data: bytes) -> bool:
        """Whether some token of the vocabulary begins with these bytes and goes on."""
        with self._lock:
            if self._sorted is None:
                special = self.vocabulary.special_ids
                self._sorted = sorted(token for token_id, token in enumerate(self.vocabulary.tokens)
                                      if token_id not in special)
        at = bisect_right(self._sorted, data)
        return at < len(self._sorted) and self._sorted[at].startswith(data)

    def min_tokens(self) -> int:
        """Tokens of a short output, EOS included: the smallest budget that works."""
        with engine_errors():
            return int(self._raw.min_tokens())

    def stats(self) -> dict[str, int]:
        """Counts of what the engine keeps: states, cached masks, ``bytes`` of the grammar's own tables, and of those
        that all grammars of the vocabulary share (``vocabulary_bytes``). Both are bounded: what no matcher holds is
        forgotten.
        """
        with engine_errors():
            counts = dict(self._raw.stats())
            if self.engine == "kernel":
                counts["vocabulary_bytes"] = self.vocabulary.kernel.memory_bytes()
            return counts


class Matcher:
    """One output in the making. Not for several threads at once."""

    __slots__ = ("_raw", "compiled")

    def __init__(self, compiled: CompiledGrammar, raw: Any) -> None:
        self.compiled = compiled
        self._raw = raw

    def __reduce__(self) -> NoReturn:
        raise UsageError("a matcher cannot be pickled: it lives in its process",
                         hint="pickle the compiled grammar and the tokens, and accept them there")

    def __deepcopy__(self, memo: Any) -> Matcher:
        return self.fork()

    def __copy__(self) -> Matcher:
        return self.fork()

    def fill_bitmask(self, bitmask: Any, row: int = 0) -> None:
        """Set the bits of the allowed tokens in one row, clear all others.

        Args:
            bitmask: C-contiguous int32 words, [words] or [rows, words] (``allocate_bitmask``).

        Raises:
            MaskError: no token is allowed (the vocabulary cannot spell what the grammar wants), or a wrong buffer.
        """
        try:
            self._raw.fill_bitmask(bitmask, row)
        except (TypeError, ValueError, OverflowError) as error:
            size = self.compiled.vocabulary.size
            raise MaskError(f"the bitmask has no row {row} of {-(-size // 32)} int32 words",
                            hint=f"bitmask = allocate_bitmask(rows, {size}); its first row is row 0") from error
        except Exception as error:
            _reraise(error)

    def accept(self, token_id: int) -> bool:
        """Take a token. False: refused, nothing has changed."""
        try:
            return self._raw.accept(token_id)  # type: ignore[no-any-return]
        except OverflowError:  # a negative id, or one beyond any vocabulary
            return False
        except Exception as error:
            _reraise(error)

    def accept_bytes(self, data: bytes) -> int:
        """Take text; how many bytes of it some completion follows (the rest is not taken). One step for rollback.

        Under a budget the text counts as the tokens of its longest-match tokenisation, and no more is taken than the
        output can still end after in time.
        """
        with engine_errors():
            return int(self._raw.accept_bytes(data))

    def rollback(self, n: int) -> None:
        """Undo the last ``n`` accepted tokens, EOS included."""
        n = integer(n, "a number of tokens")
        if n < 0:
            raise UsageError(f"cannot roll back {n} tokens")
        with engine_errors():
            self._raw.rollback(n)

    def fork(self) -> Matcher:
        """An independent copy in the same state."""
        with engine_errors():
            return Matcher(self.compiled, self._raw.fork())

    @property
    def can_end(self) -> bool:
        """Whether the text so far belongs to the language."""
        return bool(self._raw.can_end)

    @property
    def finished(self) -> bool:
        """Whether EOS was accepted."""
        return bool(self._raw.finished)

    @property
    def expected(self) -> list[str]:
        """Names of the terminals that are being read or may come next; none when the output has ended."""
        with engine_errors():
            return [] if self._raw.finished else list(self._raw.expected())

    def forced_bytes(self, limit: int = 4096) -> bytes:
        """The bytes that come next in every completion, ``limit`` at most.

        None where the output may end or a special token may come. A decoder can append them without asking the
        model; :meth:`forced_tokens` says as which tokens.
        """
        with engine_errors():
            return bytes(self._raw.forced_bytes(integer(limit, "limit")))

    def forced_tokens(self, encode: Callable[[str], Sequence[int]]) -> list[int]:
        """Tokens that come next in every completion, as the tokenizer itself would write them.

        A token of the vocabulary may begin in the forced text and end behind it. So the text is encoded up to each
        place where one can begin, and what all these have in common is certain (of tokenizers that merge pairs).

        Args:
            encode: text to token ids, without special tokens added.
        """
        forced = self.forced_bytes()
        cuts = [at for at in range(len(forced) + 1) if at == len(forced) or self.compiled.continues(forced[at:])]
        agreed: list[int] | None = None
        for cut in cuts:
            text = forced[:cut].decode("utf-8", "ignore")  # back to the start of the character
            tokens = list(encode(text))
            if b"".join(self.compiled.vocabulary.tokens[token] for token in tokens) != text.encode():
                raise VocabularyError("encode does not write the text in tokens of this vocabulary")
            agreed = tokens if agreed is None else [
                token for token, _ in takewhile(lambda pair: pair[0] == pair[1], zip(agreed, tokens, strict=False))]
        return agreed or []

    def witness(self) -> bytes:
        """The text of a short ending of the output; special tokens are left out."""
        with engine_errors():
            return bytes(self._raw.witness())

    def tokens_needed(self) -> int:
        """Tokens that are enough to end the output, EOS included."""
        with engine_errors():
            return int(self._raw.tokens_needed())

    def explain(self, token_id: int) -> str:
        """In words: is a token allowed now, and if not, why."""
        vocabulary = self.compiled.vocabulary
        token_id = integer(token_id, "a token id")
        if not 0 <= token_id < vocabulary.size:
            return f"token {token_id} is outside the vocabulary of {vocabulary.size} tokens"
        token = vocabulary.tokens[token_id]
        name = f"token {token_id} {shown(token)}"
        if self.fork().accept(token_id):
            return f"{name} is allowed"
        if self.finished:
            return f"{name} is refused: the output has ended"
        if token_id in vocabulary.eos_ids:
            return f"{name} is refused: the output is not complete; expected {self._expectation()}"
        if token_id in vocabulary.special_ids:
            return f"{name} is refused: a special token never matches text; expected {self._expectation()}"
        trial = Matcher(self.compiled, self._raw.unlimited())  # the budget is another reason
        taken = trial.accept_bytes(token)
        if taken == len(token):
            return f"{name} is refused: after it the output could not end within the token budget"
        after = f" after {shown(token[:taken])}" if taken else ""
        return f"{name} is refused at its byte {taken} ({shown(token[taken:taken + 1])}): expected{after} " \
               f"{trial._expectation()}"

    def _expectation(self) -> str:
        names = self.expected
        listed = ", ".join(names[:12]) + (f" and {len(names) - 12} more" if len(names) > 12 else "")
        return (f"{listed} or the end" if self.can_end else listed) if listed else "the end"


def _unpickled(grammar: Grammar, vocabulary: Vocabulary, engine: str) -> CompiledGrammar:
    return grammar.compile(vocabulary, engine=engine)


def shown(data: bytes) -> str:
    """Bytes as people read them."""
    return repr(data.decode("utf-8")) if _is_text(data) else repr(data)


def _is_text(data: bytes) -> bool:
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


@contextmanager
def engine_errors() -> Iterator[None]:
    """The engine's errors as Trellis's."""
    try:
        yield
    except Exception as error:
        _reraise(error)


def _reraise(error: Exception) -> NoReturn:
    if isinstance(error, TrellisError):
        raise error
    from_kernel = type(error).__module__ == "trellis_kernel"
    kind, message = error.args[:2] if from_kernel else ("state", str(error))
    if kind == "program":
        raise GrammarError(message) from error
    if kind == "time":
        raise LimitError(message, limit="step_seconds", hint="a larger step_seconds of matcher(); or a simpler "
                         "grammar: fewer readings of a text, terminals without large repetitions") from error
    if kind in ("limit", "budget"):
        hint = "a larger max_tokens" if kind == "budget" else ""
        raise LimitError(message, limit="max_tokens" if kind == "budget" else "fuel", hint=hint) from error
    raise (VocabularyError(message) if kind == "vocabulary" else MaskError(message)) from error
