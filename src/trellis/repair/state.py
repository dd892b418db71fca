"""What the search carries along: open brackets, partial readings, and the pieces a reading is made of."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice

from .edits import Change
from .schema_view import SchemaView
from .strings import StringReading

VALUE, KEY, COLON, AFTER = range(4)
CLOSER = {"{": "}", "[": "]"}
_MARK = re.compile(r'"(?:[^"\\\n]|\\.)*"(?=\s*(?:[,:}\]"{\[\d-]|true|false|null))|[{}\[\]]')
"""A string or a bracket; behind a quote that is none, another string may begin."""
_SHORT = 5_000  # characters of an object that is looked at again


class Frame:
    """An open bracket. Frames form a persistent stack that readings share.

    Attributes:
        kind: ``{`` or ``[``, as it will stand in the repaired text.
        mark: the opening bracket as it stands in the text, or an empty string where a repair puts it in.
        open: offset of the opening bracket.
        seq: how many pieces a reading had before this bracket.
        indent: column of the line on which it was opened.
        member_indent: column of its members if they start lines, else ``None``.
        keys: where each key was first read in this object.
        several: made for values one after another, not for a bracket in the text.
        view: what the schema says about this value, or ``None``.
        names: the keys (as JSON strings) that an object here should have, from the schema or from the first of its
            siblings in an array; ``None`` when nothing is known.
        watched: this bracket or one around it has ``names``.
        shape: for an array, the keys of its first object once that is closed.
    """

    __slots__ = (
        "depth",
        "indent",
        "keys",
        "kind",
        "mark",
        "member_indent",
        "names",
        "open",
        "parent",
        "seq",
        "several",
        "shape",
        "view",
        "watched",
    )

    def __init__(
        self,
        kind: str,
        open: int,
        seq: int,
        parent: Frame | None,
        indent: int,
        several: bool = False,
        view: SchemaView | None = None,
        mark: str = "",
    ) -> None:
        self.kind, self.open, self.seq, self.parent, self.indent = kind, open, seq, parent, indent
        self.depth: int = parent.depth + 1 if parent else 1
        self.member_indent: int | None = None
        self.keys: dict[str, int] = {}
        self.several = several
        self.mark = mark
        self.view = view
        self.shape: Mapping[str, int] | None = None
        self.names: Collection[str] | None = None
        if kind == "{":
            known = view.names() if view is not None else None
            if known:
                assert view is not None
                self.names = {json.dumps(name, ensure_ascii=False) for name in {*known, *view.aliases()}}
            elif parent is not None and parent.kind == "[":
                self.names = parent.shape
        self.watched: bool = self.names is not None or (parent is not None and parent.watched)

    def left(self, text: str, end: int) -> None:
        """Note, on closing before ``end``, what the siblings of this object may look like."""
        if self.kind == "{" and self.keys and self.parent is not None and self.parent.shape is None:
            self.parent.shape = self._own(text, end)

    def _own(self, text: str, end: int) -> Mapping[str, int]:
        """The keys without those that other readings took for keys of this object, when they can be told apart."""
        if end - self.open > _SHORT:
            return self.keys
        depth, inside = 0, set()
        for match in _MARK.finditer(text, self.open, end):
            head = text[match.start()]
            if head in "{[":
                depth += 1
            elif head in "}]":
                depth -= 1
            elif depth == 1:
                inside.add(match.start())
        own = {key: at for key, at in self.keys.items() if at in inside or text[at] != '"'}
        return own if own and not depth else self.keys

    def strange(self, key: str) -> bool:
        """Whether a key is not known here: it belongs to a bracket around this one, or to none."""
        if self.names is not None:
            return key not in self.names
        return self.owner(key) is not None

    def foreign(self) -> bool:
        """Whether the keys that were read here are none that an object here should have: it is around the data."""
        return bool(self.keys) and self.names is not None and all(key not in self.names for key in islice(self.keys, 4))

    def owner(self, key: str) -> Frame | None:
        """The nearest object around this one that should have a key and has it not yet."""
        frame, steps = self.parent, 0
        while frame is not None and steps < 16:
            if frame.names is not None and key in frame.names and not frame.foreign():
                return frame if key not in frame.keys else None
            frame, steps = frame.parent, steps + 1
        return None


class Batch:
    """Changes that were made one after another, with nothing between them that another piece could come before."""

    __slots__ = ("changes", "end", "start")
    rule: None = None

    def __init__(self, changes: list[Change]) -> None:
        self.changes = changes
        self.start, self.end = changes[0].start, changes[-1].end


Piece = Change | StringReading | Batch


@dataclass(slots=True)
class Link:
    """One piece of a reading, linked to the ones before; ``key`` gives its place among them."""

    before: Link | None
    key: tuple[int, int]
    piece: Piece


class Reading:
    """A partial reading of the text up to ``pos``.

    Attributes:
        state: what is read next: ``VALUE``, ``KEY``, ``COLON`` or ``AFTER`` (a value).
        frame: innermost open bracket, ``None`` at the root.
        cost: sum over edits and evidence.
        first: nothing was read yet in the innermost bracket.
        vstart, vseq: where the last value starts, and the number of pieces before it.
        closed: the frame that the last token closed, if it was a closing bracket.
        indent: column of the current line.
        back: position and pieces before the member that is being read, to take it back at the end of the text.
        complete: false when the end of the text cut something off.
        doubtful: a choice was made without evidence.
        tokens: clean tokens read so far.
        key: name of the member whose value is being read.
    """

    __slots__ = (
        "back",
        "closed",
        "complete",
        "cost",
        "count",
        "doubtful",
        "first",
        "frame",
        "indent",
        "key",
        "links",
        "pos",
        "state",
        "tokens",
        "vseq",
        "vstart",
    )

    pos: int
    state: int
    frame: Frame | None
    cost: float
    links: Link | None
    count: int
    first: bool
    vstart: int
    vseq: int
    closed: Frame | None
    indent: int
    back: tuple[int, Link | None, int]
    complete: bool
    doubtful: bool
    tokens: int
    key: str

    @classmethod
    def start(cls, pos: int, indent: int) -> Reading:
        """The empty reading."""
        new = cls()
        new.pos, new.state, new.frame, new.cost, new.links, new.count = pos, VALUE, None, 0.0, None, 0
        new.first, new.vstart, new.vseq, new.closed, new.indent = True, pos, 0, None, indent
        new.back, new.complete, new.doubtful, new.tokens = (pos, None, 0), True, False, 0
        new.key = ""
        return new

    def copy(self) -> Reading:
        """A reading to go on with; everything it holds is shared."""
        new = Reading()
        new.pos, new.state, new.frame, new.cost, new.links = self.pos, self.state, self.frame, self.cost, self.links
        new.count, new.first, new.vstart, new.vseq = self.count, self.first, self.vstart, self.vseq
        new.closed, new.indent, new.back, new.complete = self.closed, self.indent, self.back, self.complete
        new.doubtful, new.tokens, new.key = self.doubtful, self.tokens, self.key
        return new

    def add(self, piece: Piece, cost: float) -> Reading:
        """Append a piece (in place)."""
        self.links = Link(self.links, (self.count, 0), piece)
        self.count += 1
        self.cost += cost
        return self

    def add_before_value(self, piece: Piece, cost: float) -> Reading:
        """Put a piece before the last value (in place)."""
        self.links = Link(self.links, (self.vseq, -self.count - 1), piece)
        self.count += 1
        self.cost += cost
        return self

    def change(self, rule: str, start: int, end: int, after: str, cost: float) -> Reading:
        """Append a change (in place)."""
        return self.add(Change(rule, start, end, after, cost), cost)

    def used(self, rules: Collection[str], since: Link | None) -> bool:
        """Whether a piece after a known one was made by one of some rules."""
        return any(link.piece.rule in rules for link in self.pieces(since))

    def pieces(self, since: Link | None = None) -> Iterator[Link]:
        """The pieces with their places, the last first; only those after a known one."""
        link = self.links
        while link is not None and link is not since:
            yield link
            link = link.before

    def changes(self, text: str) -> list[Change]:
        """All pieces as changes, in order of place."""
        links = list(self.pieces())[::-1]
        links.sort(key=lambda item: item.key)
        result: list[Change] = []
        for item in links:
            if isinstance(item.piece, StringReading):
                result += item.piece.changes(text)
            elif isinstance(item.piece, Batch):
                result += item.piece.changes
            else:
                result.append(item.piece)
        return result
