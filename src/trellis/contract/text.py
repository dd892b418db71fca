"""Answers that are plain text: a regular expression, one of some choices, a grammar."""

from __future__ import annotations

import json
import re
from abc import abstractmethod
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, ClassVar, NoReturn

from trellis.contract.base import MAX_CHOICES, Contract, OnUnsupported, RepairLevel, Verdict
from trellis.contract.values import clip
from trellis.errors import (
    GrammarError,
    TypeNotSupportedError,
    UnsupportedError,
    UsageError,
    looking_at_arguments,
    shown,
)
from trellis.result import FieldError

if TYPE_CHECKING:
    from trellis.masking.grammar import Grammar
    from trellis.repair import Repaired


class NoMember:
    """Text without quotes cannot be told from the other members of a union."""

    _instead: ClassVar[str]

    def __or__(self, other: object) -> NoReturn:
        raise TypeNotSupportedError(f"{type(self).__name__}(...) cannot be a member of a union", hint=self._instead)

    __ror__ = __or__


_PATTERNS = "patterns are Python's re; re.escape(...) writes signs that stand for themselves"


@dataclass(frozen=True)
class Regex(NoMember):
    """An output type: text that a regular expression (Python's ``re``) matches as a whole."""

    pattern: str
    _instead: ClassVar[str] = "Annotated[str, pydantic.Field(pattern=...)] can be one"

    def __post_init__(self) -> None:
        if not isinstance(self.pattern, str):
            raise TypeNotSupportedError(f"Regex takes a pattern as text, not {type(self.pattern).__name__}",
                                        hint='Regex(r"[0-9]+"); flags stand inside: Regex("(?i)yes|no")')
        try:
            re.compile(self.pattern)
        except re.error as error:
            raise GrammarError(f"regular expression {shown(self.pattern)}: {error.msg}", line=error.lineno or 1,
                               column=error.colno or 1, source=self.pattern, hint=_PATTERNS) from error
        except (OverflowError, RecursionError) as error:
            raise TypeNotSupportedError(f"a regular expression that Python does not take: {error}",
                                        hint=_PATTERNS) from error


@dataclass(frozen=True, init=False)
class Choice(NoMember):
    """An output type: one of some texts, written without quotes."""

    values: tuple[str, ...]
    _instead: ClassVar[str] = 'Literal["yes", "no"] can be one: Literal["yes", "no"] | trellis.Unknown'

    def __init__(self, values: Iterable[str], *others: str) -> None:
        if others:
            raise TypeNotSupportedError("Choice takes its texts in one list", hint='Choice(["yes", "no"])')
        with looking_at_arguments():
            found = (values,) if isinstance(values, str) else tuple(values) if isinstance(values, Iterable) else ()
            right = found and all(isinstance(value, str) and value for value in found) and len(set(found)) == len(found)
        if not right:
            raise TypeNotSupportedError("Choice takes different texts that are not empty",
                                        hint='Choice(["yes", "no"]); Literal[...] takes other values as well')
        object.__setattr__(self, "values", found)


class TextContract(Contract[str]):
    """Text as it stands. Around it, repair may take away white space, fences, reasoning and quotes."""

    format = "text"
    name = "Answer"

    @abstractmethod
    def fault(self, text: str) -> str:
        """What is wrong with a text, or an empty string."""

    def written_differently(self, text: str) -> str | None:
        """The one text of the language that differs in case or punctuation only, if there is one."""
        return None

    def write(self, value: Any) -> str:
        fault = "it is no text" if not isinstance(value, str) else self.fault(value)
        if fault:
            raise UsageError(f"{shown(value)} is not {clip(self.type_text())}: {clip(fault)}")
        return str(value)

    def read(self, text: str, level: RepairLevel = "normal") -> Repaired[str]:
        from trellis.repair import Repaired
        from trellis.repair.edits import Change, locate
        from trellis.repair.rules import cost_of

        if level == "off" or not self.fault(text):
            return Repaired(text, text)
        spans = list(_inner(text))
        found = next(((*span, "") for span in spans if not self.fault(text[span[0] : span[1]])), None)
        if found is None and level != "safe":
            forms = ((*span, self.written_differently(text[span[0] : span[1]])) for span in spans)
            found = next(((start, end, rule, form) for start, end, rule, form in forms if form), None)
        if found is None:
            return Repaired(text.strip(), text.strip())  # validation tells what is wrong
        start, end, rule, form = found
        changes = [Change(rule, a, b, "", cost_of(rule)) for a, b in ((0, start), (end, len(text))) if a < b]
        if form:
            changes.insert(1 if start else 0, Change("enum_form", start, end, form, cost_of("enum_form")))
        value = form or text[start:end]
        return Repaired(value, value, locate(text, changes))

    def validate(self, value: Any) -> Verdict[str]:
        fault = self.fault(value) if isinstance(value, str) else "it is no text"
        return Verdict(None, (FieldError("", clip(fault)),)) if fault else Verdict(value)


class FreeText(TextContract):
    """Any text: for thoughts, not for answers."""

    def type_text(self) -> str:
        return "plain text"

    def fault(self, text: str) -> str:
        return ""

    def grammar(self, on_unsupported: OnUnsupported = "error") -> Grammar:
        raise UnsupportedError("free text has no grammar")


class RegexContract(TextContract):
    def __init__(self, regex: Regex) -> None:
        self.regex = regex

    def type_text(self) -> str:
        return f"text that matches the regular expression /{self.regex.pattern}/"

    def fault(self, text: str) -> str:
        from trellis.repair.patterns import TooSlow, fullmatch

        try:
            return "" if fullmatch(self.regex.pattern, text) else f"does not match /{self.regex.pattern}/"
        except TooSlow as error:
            return f"/{self.regex.pattern}/: {error}"

    @cached_property
    def _grammar(self) -> Grammar:
        from trellis.masking.grammar import Grammar

        return Grammar.from_regex(self.regex.pattern)

    def grammar(self, on_unsupported: OnUnsupported = "error") -> Grammar:
        return self._grammar


class ChoiceContract(TextContract):
    def __init__(self, choice: Choice) -> None:
        self.choice = choice

    @property
    def choices(self) -> tuple[str, ...]:
        return self.choice.values if len(self.choice.values) <= MAX_CHOICES else ()

    def type_text(self) -> str:
        return f"one of {self._listed}"

    def fault(self, text: str) -> str:
        return "" if text in self.choice.values else f"is none of {self._listed}"

    @cached_property
    def _listed(self) -> str:
        """The values, in quotes where they could not be told apart without."""
        values = self.choice.values
        if all(re.fullmatch(r"\S(?:[^,\n]*\S)?", value) for value in values):
            return ", ".join(values)
        return ", ".join(json.dumps(value, ensure_ascii=False) for value in values) + ", without the quotes,"

    def written_differently(self, text: str) -> str | None:
        alike = [value for value in self.choice.values if _letters(value) == _letters(text)]
        return alike[0] if len(alike) == 1 and _letters(text) else None

    @cached_property
    def _grammar(self) -> Grammar:
        from trellis.masking.grammar import Grammar

        return Grammar.from_choices(self.choice.values)

    def grammar(self, on_unsupported: OnUnsupported = "error") -> Grammar:
        return self._grammar


class GrammarContract(TextContract):
    """A grammar of ``trellis.masking``; the value is the text, ``grammar.parse(text)`` gives its tree."""

    def __init__(self, grammar: Grammar) -> None:
        self._grammar = grammar
        self._shown = grammar.description if grammar.text is None else grammar.text.strip()

    def type_text(self) -> str:
        return f"text in the language of this grammar:\n{self._shown}"

    def fault(self, text: str) -> str:
        # An answer is judged here, not made: both engines say the same, and a judge need not be fast.
        engine = "kernel" if find_spec("trellis_kernel") else "reference"
        if self._grammar.accepts(text, engine=engine):
            return ""
        good = bisect_left(range(1, len(text) + 1), True,
                           key=lambda end: not self._grammar.accepts_prefix(text[:end], engine=engine))
        return ("it stops too early" if good >= len(text) else
                f"character {good + 1} ({text[good]!r} after {text[max(0, good - 20) : good]!r}) is not in the grammar")

    def grammar(self, on_unsupported: OnUnsupported = "error") -> Grammar:
        return self._grammar


def _inner(text: str) -> Iterator[tuple[int, int, str]]:
    """Parts of a reply that may be the answer, the likeliest first: start, end, the rule that leaves the rest out."""
    from trellis.repair.extract import regions

    for region in [*regions(text), None]:
        start, end = _strip(text, *((region.start, region.end) if region else (0, len(text))))
        if start == end:
            continue
        whole = not text[:start].strip() and not text[end:].strip()
        around = region.source if region and region.source in ("fence", "reasoning") else "prose"
        rule = "whitespace" if whole else around
        yield start, end, rule
        for mark in ("**", "`", '"', "'", "“”", "‘’"):
            left, right = (mark[0], mark[-1]) if mark in ("“”", "‘’") else (mark, mark)
            part = text[start:end]
            if len(part) > 2 * len(left) and part.startswith(left) and part.endswith(right):
                yield start + len(left), end - len(right), "quote_style" if whole else rule


def _strip(text: str, start: int, end: int) -> tuple[int, int]:
    part = text[start:end]
    return start + len(part) - len(part.lstrip()), end - (len(part) - len(part.rstrip()))


def _letters(text: str) -> str:
    return "".join(character for character in text.casefold() if character.isalnum())
