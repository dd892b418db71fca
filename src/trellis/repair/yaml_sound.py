"""Lines of damaged YAML that can be read in one way only: read without weighing.

Most lines of a damaged text are sound: a key or a bullet in its place, and behind it a value that needs nothing; or
they have all the same fault: another mark for the dash, an equals sign for the colon. What ``yaml_reader`` makes of
such a line is known beforehand, so it is done here at once, in a fifth of the time. Where a schema has a say, lines are
sound that stand where it wants them, with values of one word, or text of words alone. A value that is not as plain goes
to ``yaml_values``, a line that is not to ``yaml_reader``.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from ..errors import RepairError
from .edits import Change
from .schema_view import SchemaView
from .yaml_around import Around
from .yaml_frames import COLUMN, STRANGE, TWICE, UNLIKELY, Frame, Pending, fit, free_text, likeness, wants_scalar
from .yaml_lines import IDENTIFIER, Entry, Line, mark_rule, plain_key, read_assigned, read_bullet

DEPTH = 100
_DASH = re.compile(r"-(?:[ ]++|$)")
_BULLETS = frozenset("*\u2022\u2023\u25e6\u2013\u2014+\u00b7\u25cf\u25aa")
_LETTERS = r"0-9A-Z_a-z!?()/%$+.\-"
_TEXT = re.compile(  # plain text that nothing is to be changed in, nor can be anything else
    rf"[A-Za-z](?:[{_LETTERS} &*,;<=>@\[\]\\^`{{|}}~\"']|:(?=[^ ]))*+(?<![,;\"' ])|-?\d++(?:\.\d++)?+"
)
_ITEM = re.compile(rf"[A-Za-z][{_LETTERS} ,&*]*+(?<![, ])|-?\d++(?:\.\d++)?+")  # nor begins with a key
_TOKEN = re.compile(r"[A-Za-z][\w.-]*+|-?\d++(?:\.\d++)?+")
_SPOKEN = re.compile(r"[A-Za-z](?:[\w.!?()%+-]|[ ](?=[\w(]))*+|-?\d++(?:\.\d++)?+")  # no remark
_PARTS = re.compile(r"[,;|] |:[ \t]")  # what may part a value from the next member
_FEW = 2  # words behind a key that nobody knows, more than which may be a remark
_DOTS = ("...", "\u2026")
_ANY = SchemaView.of({})


class _Head(NamedTuple):
    """What a sound line begins with: a bullet, a key, or both; where the value stands; and what makes YAML of it."""

    line: Line
    listed: bool
    name: str | None
    key: int
    value: int
    cost: float = 0.0
    changes: tuple[Change, ...] = ()


class Sound(Around):
    """How a reading goes over the lines that leave nothing to decide."""

    def sound(self, index: int) -> int:
        """Read sound lines from a number on; returns the number of the first line that is not."""
        if self.last_entry < 0 or self.over or not self.stack or self.habits.tight:
            return index
        text, lines = self.text, self.lines
        ahead: tuple[_Head, Frame | Pending] | None = None
        while index < len(lines):
            line = lines[index]
            if line.at == line.end:
                index += 1
                continue
            found = ahead if ahead is not None and ahead[0].line is line else self._placed(line)
            ahead = None
            if found is None or not (self._clear(*found) if self.free else self._meant(*found)):
                return index
            (_, listed, name, start, at, _, changes), place = found
            frame = self.leave(place) if isinstance(place, Frame) else self.begin(place, line.column, listed)
            if text[line.start : line.at] != " " * frame.out:
                self.change("indentation", line.start, line.at, " " * frame.out)
            for change in changes:
                self.changes.append(change)
                self.cost += change.cost
                self.assigned += change.rule == "wrong_colon"
            self.last_entry = index
            self.pending = self.placed = None
            frame.entries.append(line.at)
            frame.last = line.column
            frame.tight = False
            view = _ANY if self.free else frame.view.item(len(frame.entries) - 1) if listed else frame.view
            if listed and name is not None:
                width = start - line.at
                frame = self.push(Frame("map", line.column + width, frame.out + width, view, frame))
                frame.entries.append(start)
            if name is not None:
                self.note(frame, name, start)
                view = view if self.free else view.member(name)
            if at == line.end:
                self.pending = Pending(frame, at, view)
                index += 1
            elif not self._stays(index, at, view):
                index = self.value(index, line, at, view, frame)
            elif wants_scalar(view) and "string" not in view.types():
                index += 1
            else:
                below = self.below(index)
                inside = below is not None and below[1].column > frame.column
                if below is None or (below[0] > index + 1 and not inside):
                    index += 1
                    continue
                ahead = self._placed(below[1])
                if ahead is None and mark_rule(text, below[1]) is not None:
                    index += 1
                elif ahead is None or (ahead[0].listed and inside and view.types()):
                    index = self._plain(index, at, view, frame)
                else:
                    index = below[0] if inside else index + 1
        return index

    def _clear(self, head: _Head, place: Frame | Pending) -> bool:
        """Whether nothing but an entry is to be made of a line where no schema has a say: no remark, no text."""
        line, listed, name, _, at, _, _ = head
        after_blank = self.lines[line.index - 1].blank
        if not listed:
            words = isinstance(place, Frame) and self._unlike_elder(place, name) and self.text[at : line.end].split()
            return not after_blank and (not words or len(words) <= _FEW)
        if isinstance(place, Frame) and after_blank and line.column < place.column:
            return False
        if name is None:
            return at == line.end or not self._begins_more(at, line.end)
        elder = isinstance(place, Frame) and place.keys
        return bool(elder) or self.text.find(": ", at, line.end) < 0  # a key, or words with colons

    def _meant(self, head: _Head, place: Frame | Pending) -> bool:
        """Whether nothing but an entry is to be made of a line in the place that the schema has for it."""
        line, listed, name, _, at, _, _ = head
        view, end = place.view, line.end
        if listed:
            view = view.item(len(place.entries) if isinstance(place, Frame) else 0)
        if name is None:
            scalar = wants_scalar(view) or not view.types()
            plain = scalar and _ITEM.fullmatch(self.text, at, end) is not None
            return at == end or (plain and self.text.find(" - ", at, end) < 0)
        if listed and (view.types() != {"object"} or name not in view.names() or view is self.view):
            return False
        if listed and any(one.parent is place and name not in one.keys for one in self.stack):
            return False  # another member of the item before
        if at == end:
            return listed or not isinstance(place, Frame) or place.parent is not None or place.view is self.view
        types = view.member(name).types()
        return types != {"array"} and types != {"object"} and _PARTS.search(self.text, at, end) is None

    def _stays(self, index: int, at: int, view: SchemaView) -> bool:
        """Whether a value on one line is plain text of which nothing is to be changed."""
        text, end, types = self.text, self.lines[index].end, view.types()
        if not types:
            return _TEXT.fullmatch(text, at, end) is not None
        if not wants_scalar(view) or text.startswith("None", at):
            return False
        if free_text(view) and "null" not in types:
            return _SPOKEN.fullmatch(text, at, end) is not None
        if _TOKEN.fullmatch(text, at, end) is None or ("boolean" in types and self.below(index) is None):
            return False
        return "null" not in types or not free_text(view)

    def continues(self, index: int, frame: Frame, view: SchemaView) -> bool:
        """Whether a line goes on with the plain text of the value before it: none does that begins as an entry."""
        line = self.lines[index]
        found = None if line.blank or self.habits.tight else self._placed(line)
        if found is not None and (not found[0].listed or line.column <= frame.column or not view.types()):
            return False
        return super().continues(index, frame, view)

    def _begins_more(self, at: int, end: int) -> bool:
        """Whether an item may begin with another bullet, with a key, or is none."""
        text = self.text
        if _ITEM.fullmatch(text, at, end) is not None:
            return False
        if text[at] == "#" or text[at:end] in _DOTS:
            return True
        return read_bullet(text, at, end) is not None or self.key_at(at, end) is not None

    def _placed(self, line: Line) -> tuple[_Head, Frame | Pending] | None:
        """What a line begins with, and where that belongs, if it can be nothing else."""
        head = self._head(line)
        if head is None:
            return None
        name = None if head.listed else head.name
        place = self._nearest(name, line.column, head.cost) if self.free else self._place_due(head, line.column)
        if place is None or (head.changes and isinstance(place, Frame) and line.column != place.column):
            return None  # another mark in another column may be none
        return head, place

    def _head(self, line: Line) -> _Head | None:
        text, at, end = self.text, line.at, line.end
        mark, listed, cost = text[at : at + 1], False, 0.0
        changes: tuple[Change, ...] = ()
        if mark == "-" and (dash := _DASH.match(text, at, end)) is not None:
            listed, at = True, dash.end()
        elif mark in _BULLETS:
            bullet = read_bullet(text, at, end)
            if bullet is None or len(bullet.changes) != 1 or self.key_at(at, end) is not None:
                return None
            listed, at, cost, changes = True, bullet.value, bullet.cost, bullet.changes
        key = plain_key(text, at, end)
        if key is not None:
            return _Head(line, listed, key[1], at, key.end(), cost, changes)
        if listed:
            return None if text[at : at + 1] == "\t" else _Head(line, True, None, at, at, cost, changes)
        entry = read_assigned(text, at, end) if text.find(":", at, end) < 0 else None
        if entry is None or IDENTIFIER.fullmatch(entry.name or "") is None:
            return None
        return _Head(line, False, entry.name, at, entry.value, entry.cost, entry.changes)

    def _nearest(self, name: str | None, column: int, fault: float) -> Frame | Pending | None:
        """``Places.place`` for a key or a bullet at some cost, where no schema says what may stand anywhere."""
        best: tuple[float, Frame | Pending | None] = (UNLIKELY, None)
        pending = self.pending
        if pending is not None:
            least = pending.frame.column + (name is not None or pending.frame.kind != "map")
            if column >= least:
                return pending
            best = fault + COLUMN, pending
        for frame in reversed(self.stack):
            if (name is None) != (frame.kind == "seq"):
                continue
            cost = fault
            cost += frame.away(column)
            if name is not None:
                elder = frame.parent.keys if frame.parent is not None else ()
                cost += 0.0 if name in elder else likeness(frame.names, name)
                cost += TWICE if name in frame.keys else 0.0
            if frame.parent is None and frame.view is not self.view and column != frame.column:
                cost += STRANGE
            if cost < best[0]:
                best = cost, frame
            if cost == fault:
                break
        return best[1]

    def _place_due(self, head: _Head, column: int) -> Frame | Pending | None:
        """The place that the schema has for an entry at a column; ``None`` if there is anything against it."""
        place = self.pending
        if place is not None:
            least = place.frame.column + (not head.listed or place.frame.kind != "map")
            return place if column >= least and self._has_place(head, place.view) else None
        for frame in reversed(self.stack):
            if column == frame.column and head.listed == (frame.kind == "seq"):
                if frame.dashless or not self._has_place(head, frame.view):
                    return None
                if head.listed or head.name not in frame.keys:
                    return frame
                break
        return None if head.listed else self._least(head, column)

    def _least(self, head: _Head, column: int) -> Frame | None:
        """The object that a key out of its column, or that is there twice, is likeliest of; it has to know the key."""
        entry = Entry(head.key, head.value, head.name, head.cost, head.changes)
        best: tuple[float, Frame | None] = (UNLIKELY, None)
        for frame in reversed(self.stack):
            cost = fit(frame, entry, column)
            if cost is None:
                continue
            if frame.dashless or not frame.view.names():
                return None
            if frame.parent is None and frame.view is not self.view and column != frame.column:
                cost += STRANGE
            if cost < best[0]:
                best = cost, frame
        return best[1] if best[1] is not None and head.name in best[1].view.names() else None

    @staticmethod
    def _has_place(head: _Head, view: SchemaView) -> bool:
        """Whether the schema has a place for an entry in a collection."""
        if not head.listed:
            return "object" in view.types() and head.name in view.names()
        if "array" not in view.types():
            return False
        inner = view.item(0)
        if head.name is not None:
            return inner.types() == {"object"} and head.name in inner.names()
        return head.value == head.line.end or wants_scalar(inner) or not inner.types()

    @staticmethod
    def _unlike_elder(frame: Frame, name: str | None) -> bool:
        """Whether an item has a key that the first one of its list has not: maybe it is a remark."""
        elder = frame.parent
        return elder is not None and elder.kind == "seq" and len(elder.entries) > 1 and name not in elder.keys

    def leave(self, place: Frame) -> Frame:
        """Leave the collections that end where an entry of one around them stands."""
        while self.stack[-1] is not place:
            self.stack.pop()
        return place

    def begin(self, place: Pending, column: int, listed: bool) -> Frame:
        """Open the collection that a key waited for."""
        parent, kind = place.frame, "seq" if listed else "map"
        least = parent.out + (0 if listed and parent.kind == "map" else 1)
        out = column if column >= least else parent.out + 2 if parent.kind != "root" else 0
        while self.stack and self.stack[-1] is not parent:
            self.stack.pop()
        return self.push(Frame(kind, column, out, place.view, None if parent.kind == "root" else parent))

    def push(self, frame: Frame) -> Frame:
        """Open a collection within those that are open.

        Raises:
            RepairError: there are too many (``limit``).
        """
        if len(self.stack) >= DEPTH:
            raise RepairError("the text is nested too deeply", limit="depth")
        self.stack.append(frame)
        self.pending = self.placed = None
        return frame

    def note(self, frame: Frame, name: str, start: int) -> None:
        """Note where a key of a collection stands; of two by one name, that the first is to go."""
        if name in frame.keys:
            self.twins.append((frame, frame.keys[name]))
        frame.keys[name] = start
        if frame.parent is not None and frame.parent.kind == "seq" and len(frame.parent.entries) == 1:
            frame.parent.keys.setdefault(name, start)
