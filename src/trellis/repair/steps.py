"""The building blocks of moves: entering and leaving brackets, inserting and removing them, passing over gaps."""

from __future__ import annotations

import re
from collections.abc import Callable
from itertools import islice

from .edits import Change
from .gaps import Gap
from .rules import Level, cost_of
from .scan import Scanner
from .schema_view import SchemaView
from .state import AFTER, CLOSER, KEY, VALUE, Frame, Link, Reading
from .strings import CLOSING, StringReading
from .words import meant

_KEYED = re.compile(
    r'(?:"(?:[^"\\\n]|\\.){0,200}"|\'(?:[^\'\\\n]|\\.){0,200}\'|[“”„‘’`«][^“”‘’`»\n]{0,200}[“”‘’`»]|[A-Za-z_$][\w$.-]{0,80}"?|"[^":\n{}\[\],]{1,80})(?:\*\*)?\s*(?::(?!//)|=>?|->|：)'
)
_SMALL = frozenset({"extra_comma", "trailing_comma"})


_KEPT = 4_096  # names that are remembered
_OPENERS = frozenset({"tuple", "missing_opener"})


class Steps:
    """What the moves of every state are made of.

    Args:
        text, end: the region that is read ends at ``end``.
        level: which rules are allowed.
        scanner: gaps and strings of the text.
        opened: checks each new bracket against the limits.
        view: what the schema says about the whole value.
    """

    def __init__(
        self,
        text: str,
        end: int,
        level: Level,
        scanner: Scanner,
        opened: Callable[[Frame], Frame],
        view: SchemaView | None = None,
    ) -> None:
        self.text, self.end, self.level, self.scanner, self.opened, self.view = text, end, level, scanner, opened, view
        self._names: dict[tuple[tuple[int, ...], str], str | None] = {}

    def view_of(self, frame: Frame | None, key: str) -> SchemaView | None:
        """What the schema says about the value that is read next in a bracket."""
        if self.view is None:
            return None
        if frame is None:
            return self.view
        if frame.view is None:
            return None
        if frame.kind == "[":
            return frame.view.item(0)
        name = key[1:-1]
        if name not in frame.view.names() and (spelt := self._spelt(frame.view, name)) is not None:
            name = spelt
        return frame.view.member(name)

    def _spelt(self, view: SchemaView, name: str) -> str | None:
        """The property that a name is meant for, if it is spelt otherwise."""
        place = (view.place(), name)
        if place not in self._names:
            if len(self._names) > _KEPT:
                self._names.clear()
            self._names[place] = meant(name, view.names()) if len(name) < 80 and view.names() else None
        return self._names[place]

    @staticmethod
    def _habit(reading: Reading, rule: str) -> float:
        """What a small repair costs: less where it was made just before, for that is how this text is written."""
        often = any(link.piece.rule == rule for link in islice(reading.pieces(), 8))
        return cost_of(rule) / 4 if often else cost_of(rule)

    def _past(self, reading: Reading, gap: Gap) -> Reading:
        """The reading after a gap, with the gap's changes."""
        new = reading.copy()
        for change in gap.changes:
            new.add(change, change.cost)
            new.tokens += 1
        new.pos = gap.end
        if gap.column >= 0:
            new.indent = gap.column
        return new

    def _open(self, reading: Reading, kind: str, at: int, mark: str = "") -> Reading:
        """Enter a bracket (in place); ``mark`` is the bracket in the text, or an empty string."""
        link = reading.links
        changed = link is not None and link.piece.rule in _OPENERS and link.piece.start == at
        view = self.view_of(reading.frame, reading.key)
        seq = reading.count - changed  # what is put before this bracket comes before its own change
        reading.frame = self.opened(Frame(kind, at, seq, reading.frame, reading.indent, view=view, mark=mark))
        reading.state, reading.first, reading.closed = KEY if kind == "{" else VALUE, True, None
        return reading

    def _close(self, reading: Reading, pos: int) -> Reading:
        """Leave the innermost bracket (in place); its closer ends at ``pos``."""
        frame = reading.frame
        assert frame is not None
        reading.vstart, reading.vseq, reading.closed = frame.open, frame.seq, frame
        frame.left(self.text, pos)
        reading.frame, reading.pos, reading.state, reading.first = frame.parent, pos, AFTER, False
        return reading

    def _insert_closers(
        self, reading: Reading, upto: Frame | None, cost: float, more: float, evident: bool = False
    ) -> Reading:
        """Close every bracket inside ``upto`` where the reading stands."""
        new = reading.copy()
        closers = ""
        total = 0.0
        if not evident:
            new.doubtful = (
                new.doubtful
                or self._could_end_earlier(new.frame, upto, new.pos)
                or (reading.frame is not None and not reading.frame.several and self._doubtful_end(reading))
            )
        frame = new.frame
        within = frame is not None and upto is not frame and not frame.several and self._closer_within(new, frame)
        if within:
            cost = 0.3
        while frame is not upto and frame is not None:
            if frame.several:
                total += 0.05
            else:
                total += cost if not total else more
            closers += CLOSER[frame.kind]
            new.vstart, new.vseq = frame.open, frame.seq
            frame = frame.parent
        new.frame, new.state, new.first, new.closed = upto, AFTER, False, None
        rule = "several_values" if reading.frame is not None and reading.frame.several else "missing_closer"
        if within:
            return new.change("wrong_closer", new.pos - 2, new.pos, '"' * (within > 1) + closers, total)
        return new.change(rule, new.pos, new.pos, closers, total)

    def _closer_within(self, new: Reading, frame: Frame) -> int:
        """Whether the closer of a bracket stands before the quote that closes its last string (in place).

        1 if the string's own changes close it then, 2 if a quote is to be written.
        """
        text, pos, link = self.text, new.pos, new.links
        if text[pos - 2 : pos] != CLOSER[frame.kind] + '"' or new.vstart < 0 or new.vstart >= pos - 2:
            return 0
        if text[new.vstart] not in CLOSING or text.find(frame.kind, new.vstart, pos) >= 0:
            return 0
        if link is None or link.piece.end <= new.vstart:
            return 2
        last = link.piece
        if not isinstance(last, StringReading) or last.content_end != pos - 1 or last.joined:
            return 0
        new.links = Link(link.before, link.key, last._replace(content_end=pos - 2, end=pos - 2))
        return 1

    def _could_end_earlier(self, frame: Frame | None, upto: Frame | None, pos: int) -> bool:
        """Whether members of a bracket without closer may belong to the bracket around it, for all that can be seen."""
        while frame is not None and frame is not upto:
            above = frame.parent
            if (
                above is not None
                and above.kind == frame.kind
                and not above.several
                and frame.member_indent is None
                and self.text.find(",", frame.open, pos) >= 0
            ):
                return True
            frame = above
        return False

    def _doubtful_end(self, reading: Reading) -> bool:
        """Closers are missing at the end, yet the text ends with one: one inside may be lost instead."""
        frame, outer = reading.closed, reading.frame
        return (
            frame is not None
            and outer is not None
            and frame.kind == outer.kind
            and frame.member_indent is None
            and self.text.find(",", frame.open, reading.pos) >= 0
        )

    def _ancestor(self, frame: Frame | None, kind: str) -> Frame | None:
        """The innermost enclosing bracket of a kind, outside ``frame``."""
        above = frame.parent if frame else None
        while above is not None and (above.kind != kind or above.several):
            above = above.parent
        return above

    def _wrappable(self, reading: Reading) -> bool:
        """Whether it is known where the last value in the innermost bracket starts."""
        if reading.frame is None:
            return reading.vstart >= 0
        return reading.vstart >= reading.frame.open + len(reading.frame.mark)

    def _is_string(self, reading: Reading) -> bool:
        """Whether the last value is a string, so that it can be a key."""
        piece = reading.links.piece if reading.links is not None else None
        quoted = reading.vstart >= 0 and self.text[reading.vstart] in CLOSING
        return self._wrappable(reading) and (
            quoted or (isinstance(piece, StringReading) and piece.start == reading.vstart)
        )

    def _wrap(self, reading: Reading, kind: str, cost: float, rule: str = "missing_opener") -> Reading:
        """Open a bracket before the last value."""
        new = reading.copy()
        if new.frame is not None and not self.text[new.frame.open + 1 : new.vstart][:200].strip():
            new.frame.member_indent = None  # it was taken from a member of the lost bracket
        frame = self.opened(
            Frame(kind, new.vstart, new.vseq, new.frame, -1, rule == "several_values", self.view_of(new.frame, new.key))
        )
        new.add_before_value(Change(rule, new.vstart, new.vstart, kind, cost), cost)
        new.frame, new.first, new.closed = frame, False, None
        return new

    def _reopen(self, reading: Reading, cost: float) -> Reading | None:
        """Take the closing bracket that was just read as one too many."""
        frame = reading.closed
        if frame is None or self.text[reading.pos - 1 : reading.pos] not in ("}", "]"):
            return None
        if reading.links is not None and reading.links.piece.end >= reading.pos:
            return None  # that bracket was changed already
        new = reading.copy()
        new.frame, new.state, new.closed, new.vstart = frame, AFTER, None, -1
        if not self.text[frame.open + 1 : reading.pos - 1][:200].strip():  # it was empty: its first member is due
            new.state, new.first = KEY if frame.kind == "{" else VALUE, True
        return new.change("surplus_closer", reading.pos - 1, reading.pos, "", cost)

    def _delete(self, reading: Reading, gap: Gap, rule: str, cost: float, length: int = 1) -> Reading:
        """Remove what follows the gap and stay in the same state."""
        new = self._past(reading, gap)
        new.change(rule, gap.end, gap.end + length, "", cost)
        new.pos, new.closed = gap.end + length, None
        new.tokens += rule in _SMALL
        return new

    def _stray(self, reading: Reading, gap: Gap, length: int) -> Reading:
        """Remove a word that has no place in the data."""
        new = self._delete(reading, gap, "stray_word", cost_of("stray_word"), length)
        new.doubtful = True
        return new

    def _only_several(self, frame: Frame | None) -> bool:
        while frame is not None:
            if not frame.several:
                return False
            frame = frame.parent
        return True

    def _finish(self, reading: Reading) -> Reading:
        """A complete reading; what follows its end is for the caller."""
        done = reading.copy()
        done.vstart = reading.pos  # where the reading ends
        done.pos, done.state, done.frame = -1, AFTER, None
        return done

    def _keyed(self, at: int) -> bool:
        """Whether a key and a colon stand at an offset."""
        return _KEYED.match(self.text, at, self.end) is not None
