"""What a contract is: an output type seen from the four sides that need it.

The prompt asks how the type reads (``type_text``) and how a value is written (``write``); repair is given the schema
(``read``); the last word is ``validate``; and masks need a ``grammar``.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, Literal, TypeVar

from trellis.errors import RepairError, UsageError, shown
from trellis.result import FieldError

if TYPE_CHECKING:
    from trellis.contract.renderings import Rendering
    from trellis.masking.grammar import Grammar
    from trellis.repair import Repaired

T = TypeVar("T")

Schema = dict[str, Any]
Format = Literal["json", "yaml", "csv", "text"]
RepairLevel = Literal["off", "safe", "normal", "salvage"]
"""How far an answer may be mended; ``"off"`` takes only what the standard reader reads as it is."""
MAX_CHOICES = 64
"""More answers than this are not told one by one."""
OnUnsupported = Literal["error", "relax"]
REPAIR_LEVELS: tuple[RepairLevel, ...] = ("off", "safe", "normal", "salvage")


@dataclass(frozen=True, slots=True)
class Verdict(Generic[T]):
    """What validation says: a value, or what is wrong with it."""

    value: T | None
    errors: tuple[FieldError, ...] = ()

    @property
    def ok(self) -> bool:
        return not self.errors


class Contract(ABC, Generic[T]):
    """One output type. Immutable; may be shared between threads.

    Attributes:
        name: how prompts and servers call it.
        format: how an answer is written.
        schema: the JSON Schema of the value, ``None`` for plain text.
    """

    name: str
    format: Format
    schema: Schema | None = None

    @property
    def is_object(self) -> bool:
        """Whether the answer is a JSON object at its root, as JSON mode and tool calls want it."""
        return False

    @abstractmethod
    def type_text(self) -> str:
        """The type as a prompt shows it."""

    def rendered(self, rendering: Rendering) -> str:
        """The type as a prompt shows it, in one of several ways; text has only one.

        Raises:
            UsageError: there is no such rendering.
        """
        return self.type_text()

    @property
    def choices(self) -> tuple[str, ...]:
        """Every answer that there is, as it should be written, where those are few; else empty."""
        return ()

    @property
    def allows_unknown(self) -> bool:
        """Whether ``trellis.Unknown`` is among the values, or somewhere in them."""
        return False

    @abstractmethod
    def write(self, value: Any) -> str:
        """How an answer with this value should look.

        Raises:
            UsageError: the value is not of the type.
        """

    def write_after(self, value: Any, data: Any) -> str:
        """``write``, behind what stands before the value in ``data`` (an answer as it was read): the reasoning, where
        the contract has a place for it.

        Raises:
            UsageError: the value is not of the type, or ``data`` has no reasoning.
        """
        return self.write(value)

    def plain(self, value: Any) -> Any:
        """A value as JSON data; text is its own.

        Raises:
            UsageError: the value is not of the type.
        """
        return value

    @abstractmethod
    def read(self, text: str, level: RepairLevel = "normal") -> Repaired[Any]:
        """Reads an answer, mending it as far as the level allows.

        Raises:
            RepairError: no repair at this level reads it.
        """

    @abstractmethod
    def validate(self, value: Any) -> Verdict[T]:
        """Judges what was read: JSON data, or the text itself for plain text."""

    def examine(self, text: str, level: RepairLevel = "normal") -> tuple[Repaired[Any], Verdict[T]]:
        """``read``, then ``validate``.

        Raises:
            RepairError: no repair at this level reads it.
        """
        repaired = self.read(text, level)
        return repaired, self.validate(repaired.value)

    def doubts(self, repaired: Repaired[Any]) -> tuple[str, ...]:
        """What the caller should know of a reading that was taken."""
        from trellis.repair.standard import repeated_name

        said = []
        if repaired.format not in (None, self.format):
            said.append(f"the answer is written as {str(repaired.format).upper()}, not as {self.format.upper()}")
        if repaired.ambiguous:
            rules = ", ".join(dict.fromkeys(edit.rule for edit in repaired.edits)) or "nothing was changed"
            said.append(f"the answer can be read in more than one way ({rules})")
        if not repaired.complete:
            said.append("the answer stops before its end: look at its last values")
        if self.format == "json" and repaired.format is None and (name := repeated_name(repaired.text)) is not None:
            said.append(f"the name {shown(name)} comes twice in one object of the answer; the last one counts")
        return tuple(said)

    @abstractmethod
    def grammar(self, on_unsupported: OnUnsupported = "error") -> Grammar:
        """The language of the answers, for masks.

        Args:
            on_unsupported: ``"relax"`` lets masks allow more than the type where they cannot enforce a keyword, and
                lists that in ``grammar.relaxations``.

        Raises:
            UnsupportedError: masks cannot enforce the type.
        """


def checked_level(level: str) -> RepairLevel:
    """The level, if it is one.

    Raises:
        UsageError: it is none.
    """
    for known in REPAIR_LEVELS:
        if isinstance(level, str) and level == known:
            return known
    raise UsageError(f"repair={shown(level)} is no level of repair", hint=f"one of {', '.join(REPAIR_LEVELS)}")


def untouched(repaired: Repaired[Any]) -> Repaired[Any]:
    """The reading, if it needed no repair.

    Raises:
        RepairError: it did; names the first rule.
    """
    if repaired.edits:
        first = repaired.edits[0]
        raise RepairError(f"the answer needs a repair ({first.rule})", line=first.line, column=first.column,
                          hint='repair is "off"; repair="safe" takes away only what stands around the data')
    return repaired
