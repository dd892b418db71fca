"""Lines of damaged YAML that can be read in one way only, where no schema has a say: read without weighing.

Most lines of a damaged text are sound: a key or a bullet in its place, and behind it a value that needs nothing; or
they have all the same fault: another mark for the dash, an equals sign for the colon. What ``yaml_reader`` makes of
such a line is known beforehand, so it is done here at once, in a fifth of the time. A value that is not as plain goes
to ``yaml_values``, a line that is not to ``yaml_reader``.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from ..errors import RepairError
from .edits import Change
from .schema_view import SchemaView
from .yaml_around import Around
from .yaml_frames import COLUMN, STRANGE, TWICE, UNLIKELY, Frame, Pending, likeness
from .yaml_lines import IDENTIFIER, Line, plain_key, read_assigned, read_bullet

DEPTH = 100
_DASH = re.compile(r"-(?:[ ]++|$)")
_BULLETS = frozenset("*\u2022\u2023\u25e6\u2013\u2014+\u00b7\u25cf\u25aa")
_LETTERS = r"0-9A-Z_a-z!?()/%$+.\-"
_TEXT = re.compile(  # plain text that nothing is to be changed in, nor can be anything else
    rf"[A-Za-z](?:[{_LETTERS} &*,;<=>@\[\]\\^`{{|}}~\"']|:(?=[^ ]))*+(?<![,;\"' ])|-?\d++(?:\.\d++)?+"
)
_ITEM = re.compile(rf"[A-Za-z][{_LETTERS} ,&*]*+(?<![, ])|-?\d++(?:\.\d++)?+")  # nor begins with a key
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
        if self.last_entry < 0 or self.over or not self.stack or not self.free or self.habits.tight:
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
            if found is None or (lines[index - 1].blank and not found[0].listed):  # maybe a remark
                return index
            (_, listed, name, start, at, _, changes), place = found
            end = line.end
            if listed and name is None and at < end and self._begins_more(at, end):
                return index
            elder = place.keys if listed and isinstance(place, Frame) else None
            if listed and name is not None and not elder and text.find(": ", at, end) >= 0:
                return index  # a key, or words with colons
            if isinstance(place, Frame) and (
                (lines[index - 1].blank and line.column < place.column)
                or (not listed and self._unlike_elder(place, name))
            ):
                return index
            frame = self.leave(place) if isinstance(place, Frame) else self.begin(place, line.column, listed)
            if text[line.start : line.at] != " " * frame.out:
                self.change("indentation", line.start, line.at, " " * frame.out)
            for change in changes:
                self.changes.append(change)
                self.cost += change.cost
            self.last_entry = index
            self.pending = self.placed = None
            frame.entries.append(line.at)
            frame.tight = False
            if listed and name is not None:
                width = start - line.at
                frame = self.push(Frame("map", line.column + width, frame.out + width, _ANY, frame))
                frame.entries.append(start)
            if name is not None:
                self.note(frame, name, start)
            if at == end:
                self.pending = Pending(frame, at, _ANY)
                index += 1
            elif _TEXT.fullmatch(text, at, end) is None:
                index = self.value(index, line, at, _ANY, frame)
            else:
                below = self.below(index)
                if below is None or (below[0] > index + 1 and below[1].column <= frame.column):
                    index += 1
                elif (ahead := self._placed(below[1])) is not None:
                    index = below[0] if below[1].column > frame.column else index + 1
                else:
                    index = self._plain(index, at, _ANY, frame)
        return index

    def continues(self, index: int, frame: Frame, view: SchemaView) -> bool:
        """Whether a line goes on with the plain text of the value before it: none does that begins as an entry."""
        line = self.lines[index]
        found = None if line.blank or self.habits.tight or not self.free else self._placed(line)
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
        place = None if head is None else self._nearest(None if head.listed else head.name, line.column, head.cost)
        return None if head is None or place is None else (head, place)

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
            if column != frame.column:
                cost += COLUMN + 0.02 * min(abs(column - frame.column), 10)
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
