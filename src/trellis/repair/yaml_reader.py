"""Reading damaged YAML line by line, guided by the schema, into the changes that make YAML of it.

Each line is an entry (a key or a bullet), text that belongs to the value before it, or neither. Where an entry belongs
is decided by what speaks against each place: the column, the names that the schema has there, the keys that are there
already. The cheapest place wins, so one line out of place does not move the others. Values are read by
``yaml_values``. The result is text: what it means is for the standard reader to say.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import replace
from itertools import takewhile

from .edits import Change
from .rules import cost_of
from .schema_view import SchemaView
from .yaml_frames import (
    UNLIKELY,
    Frame,
    Pending,
    has_text,
    known,
    likeness,
    wants,
    wants_scalar,
    wants_text,
)
from .yaml_held import held_below, held_item
from .yaml_items import BOX, Items
from .yaml_lines import IDENTIFIER, Entry, Line, mark_rule, read_assigned, read_bullet, read_key, read_uncoloned
from .yaml_places import TIGHT
from .yaml_quotes import read_quoted
from .yaml_table import rows_in_brackets

_AWAITED = 2.0  # what speaks against prose right below a key without a value
_NEAR = 20  # lines that are looked at for a key
_COMMA = re.compile(r"[ \t]*[,;|][ \t]+([A-Za-z_][\w-]*)[ \t]*:(?=[ \t])")
_GAP = re.compile(r"[ \t]*(?:[,;|][ \t]+|[ \t]+)([A-Za-z_][\w-]*)[ \t]*:(?=[ \t])")
_MARK = re.compile(r"[,;|] ")
_COLON = re.compile(r":[ \t]")
_WHOLE = re.compile(r"\"(?:[^\"\\\n]|\\.)*\"|'(?:[^'\n]|'')*'")


class LineReader(Items):
    """One reading of a text.

    Args:
        text: what should be YAML, without fences around it.
        view: what the schema says about the whole.
        level: ``safe``, ``normal`` or ``salvage``.
        known: the text's habits, where they were found out already.

    Attributes:
        changes: what makes YAML of the text, once ``read`` is done.
        cost: what speaks against the reading, beside its changes.
        doubtful: a choice was made without evidence.
    """

    def read(self) -> list[Change]:
        """The changes, in order of place.

        Raises:
            RepairError: it is nested too deeply (``limit``).
        """
        index = 0
        while (index := self.sound(index)) < len(self.lines):
            line = self.lines[index]
            index = index + 1 if line.blank else self._line(index, line)
        self.settle_marked()
        self.settle_remarks()
        self.settle_folds()
        self._remove_twins()
        self.doubtful = self.doubtful or (self.raw and self.escapes)
        return sorted(self.changes, key=lambda change: (change.start, change.end))

    def _line(self, index: int, line: Line) -> int:
        rule = mark_rule(self.text, line)
        if rule is not None:
            return self.drop(rule, index)
        if self.over:
            return self.drop("prose", index)
        if self.remarks_on(line):
            return self.drop("comment", index)
        if self.text[line.at] == "|" and (following := self._table(index, line)) is not None:
            return following
        if self.ellipsis(line):
            self.doubtful = True
            return self.drop("ellipsis", index)
        if self.text[line.at] == "#" and self._section(line) is None and not self._heading(index, line):
            self.comments += self.last_entry >= 0
            return index + 1
        entry, place = self.place(line)
        if place is None or entry is None:
            return self._stray(index, line)
        if (self.last_entry < 0 and self.introduces(index, entry)) or (
            self.says(entry, line, place) and (self.last_entry < 0 or self.closing(index))
        ):
            return self.drop("prose", index)
        if entry.value >= line.end and self._heads_part(line, entry):
            return self.drop("prose", index)
        joined = self.joined(line, entry, place)
        if joined is not None:
            item, inner = joined
            self.change("list_as_single", line.start, inner.start, " " * item.out)
            return self._entry(index, line, inner, self._enter(item, item.column, inner))
        frame = self._enter(place, line.column, entry)
        self._indent(line, frame)
        return self._entry(index, line, entry, frame)

    def _table(self, index: int, line: Line) -> int | None:
        """A Markdown table in the place of a list of objects; returns the next line."""
        view = self.pending.view if self.pending is not None else self.view
        if (self.stack and self.pending is None) or "array" not in view.types():
            return None
        following = index
        while following < len(self.lines) and self.text.startswith("|", self.lines[following].at):
            following += 1
        end = self.lines[following - 1].end
        rows = rows_in_brackets(self.text[line.start : end], view.item(0)) if following > index + 2 else None
        if rows is None:
            return None
        out = self.pending.frame.out + 2 if self.pending is not None else 0
        self.change("table_mark", line.start, end, " " * out + rows)
        self.pending = self.placed = None
        self.last_entry = following - 1
        return following

    def _heading(self, index: int, line: Line) -> bool:
        """Whether what could be a comment is the first line of a text whose mark was left out."""
        below = self.below(index)
        if self.pending is None or below is None or not self._waits_for_text(self.pending, line):
            return False
        if below[1].column < line.column or self.place(below[1])[1] is not None:
            return False
        self.doubtful = True
        return True

    def _enter(self, place: Frame | Pending, column: int, entry: Entry) -> Frame:
        """Leave the collections that ended, or open the one that a key waited for."""
        self.placed = None
        if isinstance(place, Frame):
            self.leave(place)
            self.pending = None
            if place.dashless and entry.name in place.keys and place.parent is not None:  # the next item
                self.stack.pop()
                place.parent.entries.append(entry.start)
                return self.push(replace(place, keys={}, entries=[]))
            return place
        frame = self.begin(place, column, entry.name is None or place.dashless)
        if not place.dashless:
            return frame
        frame.entries.append(entry.start)
        return self.push(Frame("map", column, frame.out + 2, place.view.item(0), frame, dashless=True))

    def _entry(self, index: int, line: Line, entry: Entry, frame: Frame) -> int:
        """Take an entry into its collection and read its value; returns the next line."""
        if entry.stop is not None:
            line = self.lines[index] = replace(line, end=entry.stop)
        if entry.name is not None and line.at == entry.start:
            listed = frame.view.member(entry.name)
            if self.repeats(line, entry, listed, frame):
                return self.item_of_key(index, line, entry, frame, listed.item(0))
        self.changes += entry.changes
        self.cost += sum(change.cost for change in entry.changes)
        self.last_entry = index
        self.placed = None
        if entry.name is not None and frame.view.names() and not IDENTIFIER.fullmatch(entry.name):
            self.doubtful = self.doubtful or not known(frame.view.names(), entry.name)  # a member, or words
        frame.entries.append(entry.start)
        if entry.start == line.at:
            frame.last = line.column
        frame.tight = entry.name is None and any(change.rule == "missing_space" for change in entry.changes)
        if entry.name is not None:
            self.tight += any(change.rule == "missing_space" for change in entry.changes)
            self.assigned += any(change.rule == "wrong_colon" for change in entry.changes)
            self.note(frame, entry.name, entry.start)
            spelt = self.spelt(frame, entry.name)
            view = frame.view.member(spelt)
            self.respell(entry, spelt, frame)
            if self.around_all(frame) and self.wraps_all(line, entry):
                view = self.view
            if entry.value < line.end and not entry.changes:
                begun = self._begun(line, entry.value, view)
                if begun is not None:  # what should stand below stands behind the key
                    out, column = frame.out + 2, line.column + entry.value - line.at
                    behind = self.text.rindex(":", entry.start, entry.value) + 1
                    self.change("indentation", behind, entry.value, "\n" + " " * out)
                    kind = "seq" if begun.name is None else "map"
                    return self._entry(index, line, begun, self.push(Frame(kind, column, out, view, frame)))
                parted = self._parted(line, entry.value, view, frame)
                if parted is not None:
                    stop, following = parted
                    self._part(entry.value, stop, view)
                    self.change("wrong_separator", stop, following.start, "\n" + " " * frame.out)
                    return self._entry(index, line, following, frame)
            return self.value(index, line, entry.value, view, frame)
        view = frame.view.item(len(frame.entries) - 1)
        box = BOX.match(self.text, entry.value, line.end)
        counted = box is None or box[1] is None or int(box[1]) == len(frame.entries)
        if box is not None and counted and not wants(view, "seq") and self.is_boxed(box[0], line, frame):
            ticked = Change("bullet", box.start(), box.end(), "", 0.0)
            entry = replace(entry, value=box.end(), changes=(*entry.changes, ticked))
            self.changes.append(ticked)
        if entry.value < line.end and self.text[entry.value] != "#":
            width = entry.value - line.at
            held = None
            if wants_scalar(view):
                around = next(reversed(frame.parent.keys), "") if frame.parent is not None else ""
                held = held_item(self.text, self.lines, index, entry.value, frame.entries, around)
            if held is not None:
                self.doubtful = self.doubtful or not held[1]
                self.change("held_value", entry.value, held[0], "")
                return self.value(index, line, held[0], view, frame)
            if wants_text(view) and self.item_text(line, entry.value, frame):
                return index + 1
            inner = self._inline(line, entry.value, view, frame)
            if inner is not None:
                shift = sum(len(c.after) - (c.end - c.start) for c in entry.changes)
                column = line.column + width
                kind = "seq" if inner.name is None else "map"
                out = frame.out + (entry.value - entry.start) + shift
                return self._entry(index, line, inner, self.push(Frame(kind, column, out, view, frame)))
        return self.value(index, line, entry.value, view, frame)

    def _begun(self, line: Line, at: int, view: SchemaView) -> Entry | None:
        """The first entry of a collection that begins behind its key, on the same line."""
        if view.types() == {"array"} and self.text.startswith("- ", at):
            return read_bullet(self.text, at, line.end)
        if view.types() != {"object"}:
            return None
        key = read_key(self.text, at, line.end)
        return key if key is not None and not key.changes and key.name in view.names() else None

    def _parted(self, line: Line, at: int, view: SchemaView, frame: Frame) -> tuple[int, Entry] | None:
        """Where a value ends that the next member follows behind a comma, and that member's entry.

        Behind a number or a choice a space is enough.
        """
        if len(frame.keys) > _NEAR or self.text[at] in "[{|>":
            return None
        comma = _COMMA if has_text(view) and not view.values() else _GAP
        if (_MARK if comma is _COMMA else _COLON).search(self.text, at, line.end) is None:
            return None
        if self.text[at] in "\"'":
            whole = _WHOLE.match(self.text, at, line.end)
            if whole is None or _COMMA.match(self.text, whole.end(), line.end) is None:
                return None
            at = whole.end()
        for match in comma.finditer(self.text, at, line.end):
            name = match[1]
            if name not in frame.view.names() or name in frame.keys:
                continue
            later = self.lines[line.index + 1 : line.index + _NEAR]
            beside = takewhile(lambda one: one.blank or one.column >= frame.column, later)
            if any(self.text.startswith(name, one.at) for one in beside if one.column == frame.column):
                return None
            following = read_key(self.text, match.start(1), line.end)
            return (match.start(), following) if following is not None and following.name == name else None
        return None

    def _part(self, start: int, end: int, view: SchemaView) -> None:
        """A value that the next member stands behind, on its line."""
        if self.text[start] in "\"'" and read_quoted(self.text, start, end) == []:
            return
        if has_text(view) or not wants_scalar(view):
            self._scalar(start, end)

    def _inline(self, line: Line, at: int, view: SchemaView, frame: Frame) -> Entry | None:
        """The entry that stands right behind a bullet, if what stands there is one and no text."""
        bullet = read_bullet(self.text, at, line.end)
        if bullet is not None and bullet.cost == 0 and wants(view, "seq") and view.types():
            return bullet
        if bullet is not None and bullet.cost == 0 and not view.types() and bullet.value < line.end:
            return bullet
        key = self.key_at(at, line.end)
        if key is None and "object" in view.types():
            key = read_uncoloned(self.text, at, line.end)
            return key if key is not None and key.name in view.names() else None
        if key is None or key.name is None or not wants(view, "map"):
            return None
        names = view.names() or set(frame.keys)
        shorter = read_assigned(self.text, at, line.end)
        if shorter is not None and shorter.name in names:
            key = shorter
        tight = self._tight(line, at, key)
        if tight is not None and (tight.name in names or (not names and self.tight >= TIGHT)):
            key = tight
        assert key.name is not None
        if names or "object" in view.types():
            return key if likeness(names, key.name) + key.cost < UNLIKELY else None
        if key.cost or not IDENTIFIER.fullmatch(key.name.replace(" ", "")):
            return None
        found = self.below(line.index)
        aligned = found is not None and found[1].column == line.column + (at - line.at)
        if found is not None and aligned and read_key(self.text, found[1].at, found[1].end):
            return key
        return None if ": " in self.text[key.value : line.end] else key

    def _stray(self, index: int, line: Line) -> int:
        """A line that is no entry and continues no value."""
        if (
            self.pending is not None
            and (has_text(self.pending.view) or wants_scalar(self.pending.view))
            and self.stack
            and (line.column > self.pending.frame.column or not self.closing(index))
        ):
            return self._held(index) or self.text_below(index)
        if (following := self.dashless(index, line)) is not None:
            return following
        if not self.last_entry >= 0:
            return self.drop("prose", index)
        if self.closing(index):
            if self.pending is not None and self.last_entry == index - 1:  # what a key waits for is not left out
                self.cost += _AWAITED
                self.doubtful = True
            return self.drop("prose", index)
        if self.apart(index):
            return self.drop("prose", index)
        self.doubtful = True
        if self.chatter(line):
            return self.drop("ellipsis", index)
        return self.drop("junk", index)

    def _heads_part(self, line: Line, entry: Entry) -> bool:
        """Whether a name that nobody asked for is the heading of a fence."""
        names = self.view.names()
        if entry.name is None or not names or known(names, entry.name) or line.index + 1 >= len(self.lines):
            return False
        below = self.lines[line.index + 1]
        return not below.blank and line.column == 0 and mark_rule(self.text, below) == "fence"

    def _held(self, index: int) -> int | None:
        """A scalar in an object of its own, below its key; returns the next line."""
        pending = self.pending
        if pending is None or not wants_scalar(pending.view):
            return None
        found = held_below(self.text, self.lines, index, pending.frame.column)
        if found is None:
            return None
        at, value, following, changes = found
        self.changes += changes
        self.cost += sum(change.cost for change in changes)
        line = self.lines[at]
        if line.column <= pending.frame.out:
            self.change("indentation", line.start, line.at, " " * (pending.frame.out + 2))
        self.one_line(value, line.end, pending.view)
        self.last_entry = following - 1
        self.pending = self.placed = None
        return following

    def drop(self, rule: str, index: int) -> int:
        line = self.lines[index]
        end = self.lines[index + 1].start if index + 1 < len(self.lines) else line.end
        last = self.changes[-1] if self.changes else None
        if last is not None and last.rule == rule and not self.text[last.end : line.start].strip():
            self.changes[-1] = Change(rule, last.start, end, "", last.cost)
        else:
            self.changes.append(Change(rule, line.start, end, "", cost_of(rule)))
            self.cost += cost_of(rule)
        return index + 1

    def _indent(self, line: Line, frame: Frame) -> None:
        if frame.dashless and not frame.entries:
            self.change("bullet", line.start, line.at, " " * (frame.out - 2) + "- ")
        elif self.text[line.start : line.at] != " " * frame.out:
            self.change("indentation", line.start, line.at, " " * frame.out)

    def _remove_twins(self) -> None:
        """Of a key that occurs twice the last one counts, as in JSON; the first is taken out."""
        spans: list[tuple[int, int]] = []
        for frame, start in sorted(self.twins, key=lambda twin: twin[1]):
            at = bisect_right(frame.entries, start)
            if at < len(frame.entries) and (not spans or start >= spans[-1][1]):
                spans.append((start, frame.entries[at]))
        if not spans:
            return
        starts = [start for start, _ in spans]
        near = spans[:_NEAR]  # of so many it is looked at whether the other says the same
        said = all(self.text.find(self.text[start:end].strip(), end) >= 0 for start, end in near)
        self.doubtful = self.doubtful or not said

        def gone(change: Change) -> bool:
            at = bisect_right(starts, change.start) - 1
            return at >= 0 and change.start < spans[at][1]

        self.changes = [change for change in self.changes if not gone(change)]
        self.changes += [Change("duplicate_key", start, end, "", cost_of("duplicate_key")) for start, end in spans]
        self.cost += cost_of("duplicate_key") * len(spans)
