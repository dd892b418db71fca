"""Lines of damaged YAML that can be read in one way only, where no schema has a say: read without weighing.

Most lines of a damaged text are sound: a key or a bullet in its place, and behind it a value that needs nothing. What
``yaml_reader`` makes of such a line is known beforehand, so it is done here at once, in a fifth of the time. A value
that is not as plain goes to ``yaml_values``, a line that is not to ``yaml_reader``.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from ..errors import RepairError
from .schema_view import SchemaView
from .yaml_around import Around
from .yaml_frames import COLUMN, STRANGE, TWICE, UNLIKELY, Frame, Pending, likeness
from .yaml_lines import Line

DEPTH = 100
_HEAD = re.compile(r"(-(?:[ ]++|$))?+(?:([A-Za-z][\w-]{0,99}+):(?:[ ]++|$))?+")
_LETTERS = r"0-9A-Z_a-z!?()/%$+.\-"
_TEXT = re.compile(  # plain text that nothing is to be changed in, nor can be anything else
    rf"[A-Za-z](?:[{_LETTERS} &*,;<=>@\[\]\\^`{{|}}~\"']|:(?=[^ ]))*+(?<![,;\"' ])|-?\d++(?:\.\d++)?+"
)
_ITEM = re.compile(rf"[A-Za-z][{_LETTERS} ,&*]*+(?<![, ])|-?\d++(?:\.\d++)?+")  # nor begins with a key
_ANY = SchemaView.of({})


class _Head(NamedTuple):
    """What a sound line begins with: a bullet, a key, or both, and where the value stands."""

    line: Line
    listed: bool
    name: str | None
    key: int
    value: int


class Sound(Around):
    """How a reading goes over the lines that leave nothing to decide."""

    def sound(self, index: int) -> int:
        """Read sound lines from a number on; returns the number of the first line that is not."""
        if self.last_entry < 0 or self.over or not self.stack or any(self.view.parts) or self.habits.tight:
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
            (_, listed, name, start, at), place = found
            end = line.end
            if listed and name is None and at < end and _ITEM.fullmatch(text, at, end) is None:
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

    def _placed(self, line: Line) -> tuple[_Head, Frame | Pending] | None:
        """What a line begins with, and where that belongs, if it can be nothing else."""
        text = self.text
        match = _HEAD.match(text, line.at, line.end)
        assert match is not None
        name, at = match[2], match.end()
        listed = match[1] is not None
        if not (listed or name) or text[at : at + 1] == "\t":
            return None
        place = self._nearest(None if listed else name, line.column)
        return None if place is None else (_Head(line, listed, name, match.start(2) if name else line.at, at), place)

    def _nearest(self, name: str | None, column: int) -> Frame | Pending | None:
        """``Places.place`` for a key or a bullet without a fault, where no schema says what may stand anywhere."""
        best: tuple[float, Frame | Pending | None] = (UNLIKELY, None)
        pending = self.pending
        if pending is not None:
            least = pending.frame.column + (name is not None or pending.frame.kind != "map")
            if column >= least:
                return pending
            best = COLUMN, pending
        for frame in reversed(self.stack):
            if (name is None) != (frame.kind == "seq"):
                continue
            cost = 0.0 if column == frame.column else COLUMN + 0.02 * min(abs(column - frame.column), 10)
            if name is not None:
                elder = frame.parent.keys if frame.parent is not None else ()
                cost += 0.0 if name in elder else likeness(frame.names, name)
                cost += TWICE if name in frame.keys else 0.0
            if frame.parent is None and frame.view is not self.view and column != frame.column:
                cost += STRANGE
            if cost < best[0]:
                best = cost, frame
            if not cost:
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
