"""The open collections of a YAML text that is read line by line, and how well a line fits into each."""

from __future__ import annotations

from dataclasses import dataclass, field

from .schema_view import SchemaView
from .words import bare, normal, one_letter
from .yaml_lines import IDENTIFIER, Entry

COLUMN = 0.8  # what speaks against an entry that is not at the column of its collection
DRIFT = 0.2  # the same, where the entry before it stands there, too
STRANGE = 1.0  # what speaks against a key that the schema does not have here
TWICE = 0.6  # what speaks against a key that the collection has already
_MANY = 100  # keys of an elder sibling, more than which are no names
UNLIKELY = 1.5  # an entry that costs this much is more likely text


@dataclass(eq=False, slots=True)
class Frame:
    """An open collection.

    Attributes:
        kind: ``map`` or ``seq``.
        column: where its entries stand in the text.
        out: where they stand in the repaired text.
        view: what the schema says about it.
        tight: the last bullet of a sequence has no space behind it.
        dashless: an item of a list whose items have no marks: a key that comes again begins the next one.
        joined: members of an item that have a bullet each, but for the first.
        repeated: the key of a list that is said again before each item.
        last: the column of the entry that was read last.
        keys: where each key was read.
        shape: for a sequence, the keys of its first item.
        entries: offsets of the entries, to know where one ends.
    """

    kind: str
    column: int
    out: int
    view: SchemaView
    parent: Frame | None = None
    tight: bool = False
    dashless: bool = False
    joined: int = 0
    repeated: str | None = None
    last: int = -1
    keys: dict[str, int] = field(default_factory=dict)
    entries: list[int] = field(default_factory=list)

    @property
    def names(self) -> set[str]:
        """The keys that it should have; those of its elder sibling where the schema does not say."""
        known = self.view.names()
        elder = self.parent
        if not known and elder is not None and elder.kind == "seq" and len(elder.entries) > 1:
            return set(elder.keys) if len(elder.keys) <= _MANY else set()
        return known

    def away(self, column: int) -> float:
        """What speaks against an entry at a column."""
        if column == self.column:
            return 0.0
        return DRIFT if column == self.last else COLUMN + 0.02 * min(abs(column - self.column), 10)

    def said(self, name: str) -> bool:
        """Whether a key is another spelling of one that was read already."""
        names = self.view.names()
        return name not in names and any(other in self.keys for other in names if known({other}, name))


@dataclass(slots=True)
class Pending:
    """A key or bullet whose value has not come yet.

    Attributes:
        frame: the collection of the key or bullet.
        at: the offset behind its mark.
        view: what the schema says about the value.
        dashless: the value is a list, and the next entry a member of its first item.
    """

    frame: Frame
    at: int
    view: SchemaView
    dashless: bool = False


def wants_text(view: SchemaView) -> bool:
    """A string may stand here, and no collection."""
    types = view.types()
    return "string" in types and not types & {"object", "array"}


def wants_scalar(view: SchemaView) -> bool:
    """No collection may stand here."""
    types = view.types()
    return bool(types) and not types & {"object", "array"}


def has_text(view: SchemaView) -> bool:
    """A string may stand here, as far as is known."""
    types = view.types()
    return not types or "string" in types


def free_text(view: SchemaView) -> bool:
    """A string of any words may stand here, as far as is known: not only choices, or what has a format."""
    if not view.types():
        return True
    return any(
        part.get("type") == "string" or (isinstance(kind := part.get("type"), list) and "string" in kind)
        for part in view.parts
        if not {"enum", "const", "format"} & part.keys()
    )


def wants(view: SchemaView, kind: str) -> bool:
    """A collection of this kind may stand here, as far as is known."""
    types = view.types()
    return not types or ("object" if kind == "map" else "array") in types


def known(names: set[str], name: str) -> bool:
    """Whether a key is one of the names, but for its case, spacing and punctuation, or one letter."""
    if name in names:
        return True
    plain = normal(bare(name))
    return any(normal(other) == plain or one_letter(normal(other), plain) for other in names)


def likeness(names: set[str], name: str) -> float:
    """What speaks against a key in an object that should have some names."""
    if name in names:
        return 0.0
    if names:
        return 0.1 if known(names, name) else STRANGE
    if IDENTIFIER.fullmatch(name):
        return 0.0
    if " '" in name or ' "' in name:
        return STRANGE
    words = len(name.split())
    return 0.1 * words if words <= 4 and len(name) <= 40 else STRANGE


def fit(frame: Frame, entry: Entry, column: int) -> float | None:
    """What speaks against an entry in a collection; ``None`` when it cannot stand there."""
    if (entry.name is None) != (frame.kind == "seq"):
        return None
    cost = entry.cost
    cost += frame.away(column)
    if entry.name is not None:
        cost += likeness(frame.names, entry.name)
        twice = 0.0 if frame.dashless else TWICE
        cost += twice if entry.name in frame.keys else STRANGE if frame.said(entry.name) else 0.0
    return cost


def fit_child(pending: Pending, entry: Entry, column: int) -> float | None:
    """What speaks against an entry as the first of the collection that a key waits for."""
    kind = "seq" if entry.name is None else "map"
    if not wants(pending.view, kind):
        return None
    cost = entry.cost
    least = pending.frame.column + (0 if kind == "seq" and pending.frame.kind == "map" else 1)
    if column < least:
        cost += COLUMN
    if entry.name is not None:
        cost += likeness(pending.view.names(), entry.name)
    return cost
