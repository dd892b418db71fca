"""What a reading of damaged YAML knows, and texts below their key that have no mark."""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import replace
from functools import cached_property

from .edits import Change
from .rules import Level, cost_of
from .schema_view import SchemaView
from .yaml_frames import Frame, Pending, wants
from .yaml_habits import Habits, habits
from .yaml_lines import Entry, Line, foreign_comment, mark_rule, quoted, split
from .yaml_quotes import plain_is_safe, read_quoted

_CHATTER = re.compile(  # what stands for more, or between parts
    r"\((?:continued|cont(?:\.|'d)?|more|see above|as above|and so on|etc\.?)[^()]*\)|\.{3}|\u2026|\[\.{3}\]"
    r"|\[(?:continued|more|truncated|snip(?:ped)?)[^\[\]]*\]|(?:next|then|now|also|and|finally)\b.{0,30}[:!]",
    re.I,
)
_ONLY_ITEM = re.compile(r"[-*+\u2022][ ]+(?=\S)|-(?=[\"'])")
_CLOSED = {"{": "}", "[": "]", "(": ")"}
_NEAR = 20  # lines that are looked at for an entry


class Texts:
    """What a reading knows, and how it reads texts of several lines."""

    def __init__(self, text: str, view: SchemaView, level: Level, known: Habits | None = None) -> None:
        self.text, self.view, self.level = text, view, level
        self.free = not any(view.parts)  # no schema says what may stand where
        self.lines = split(text)
        self._below: list[int] | None = None
        self._ahead = (0, -1)  # from which line on, and up to which, no line is an entry
        self.stack: list[Frame] = []
        self.pending: Pending | None = None
        self.placed: tuple[Line, Entry | None, Frame | Pending | None] | None = None  # where the last line belongs
        self.twins: list[tuple[Frame, int]] = []
        self.changes: list[Change] = []
        self.cost = 0.0
        self.doubtful = False
        self.complete = True
        self.over = False  # from here on there is only prose
        self.not_over = -1  # a line that is not prose
        self.last_entry = -1
        self.habits = habits(text, view) if known is None else known
        self.literals = False  # None was read as null
        self.tight = 0  # keys without a space behind the colon
        self.naive = 0  # texts without the quotes that they need
        self.comments = 0  # comments that can be nothing else
        self.remarks: list[tuple[int, int, int]] = []  # texts with a number sign in them: start, end before it, end
        self.marked: list[tuple[int, int, int, str]] = []  # texts with a mark of a remark: start, end before it, end
        self.marks: set[str] = set()  # such marks behind values that have no text
        self.literal = False  # texts below their key are meant line by line
        self.folded: list[tuple[int, list[Line], Frame]] = []  # texts below their key that YAML reads as one line
        self.assigned = 0  # keys with what stands for a colon
        self.joins = False  # each member of an item has a bullet
        self.raw = False  # some quoted text is written as it is, without escapes
        self.escapes = False  # some quoted text has what looks like escapes

    @cached_property
    def all_names(self) -> frozenset[str]:
        """The names that any object may have."""
        return self.view.all_names()

    def place(self, line: Line) -> tuple[Entry | None, Frame | Pending | None]:
        """The entry that a line begins with, and where it belongs."""
        raise NotImplementedError

    def one_line(self, at: int, end: int, view: SchemaView) -> None:
        """Read a scalar that ends with its line."""
        raise NotImplementedError

    def change(self, rule: str, start: int, end: int, after: str) -> None:
        """Note a change at its rule's cost."""
        self.changes.append(Change(rule, start, end, after, cost_of(rule)))
        self.cost += cost_of(rule)

    def below(self, index: int) -> tuple[int, Line] | None:
        """The next line in which something stands, and its number."""
        if self._below is None:
            self._below = [len(self.lines)] * (len(self.lines) + 1)
            for at in range(len(self.lines) - 1, -1, -1):
                self._below[at] = self._below[at + 1] if self.lines[at].blank else at
        at = self._below[min(index + 1, len(self.lines))]
        return (at, self.lines[at]) if at < len(self.lines) else None

    def inside(self, index: int) -> Line | None:
        """The next line in which something stands that is no mark."""
        found = self.below(index)
        while found is not None and mark_rule(self.text, found[1]) is not None:
            found = self.below(found[0])
        return found[1] if found is not None else None

    def remarks_on(self, line: Line) -> bool:
        """Whether a line is a comment in the style of another language, on an entry below or at the end."""
        if not foreign_comment(self.text, line):
            return False
        found = self.inside(line.index)
        for _ in range(_NEAR):
            if found is None or not foreign_comment(self.text, found):
                break
            found = self.inside(found.index)
        return found is None or (self.place(found)[1] is not None and found.column <= line.column)

    def entry_ahead(self, index: int) -> bool:
        """Whether a line from here on is an entry. What is found out holds until that line."""
        first, last = self._ahead
        if not first <= index <= last:
            last = index
            while last < len(self.lines):
                line = self.lines[last]
                if not line.blank and self.place(line)[1] is not None:
                    break
                last += 1
            self._ahead = (index, last)
        return last < len(self.lines)

    def continues(self, index: int, frame: Frame, view: SchemaView) -> bool:
        """Whether a line goes on with the plain text of the value before it."""
        line = self.lines[index]
        if line.blank:
            after = self.below(index)
            return after is not None and after[1].column > frame.column and self.continues(after[0], frame, view)
        if mark_rule(self.text, line) or self.text[line.at] == "#" or self.remarks_on(line):
            return False
        entry, place = self.place(line)
        if place is None:
            if line.column > frame.column and not self.chatter(line):
                return True
            return self._goes_on(index)
        if line.column <= frame.column or entry is None:
            return False
        beside = self.lines[index - 1]
        if (
            index - 1 > self.last_entry
            and beside.column == line.column
            and isinstance(place, Frame)
            and line.column != place.column
        ):
            names = place.view.names()  # at the column of the text before it, and not quite a key
            if entry.name is not None and names and entry.name not in names:
                return True
        if entry.name is None:
            if frame.kind == "seq" and place is frame and line.column - frame.column <= 2:
                return False  # the next item, out of place
            return not wants(view, "seq") or (bool(view.types()) and "string" in view.types())
        return False

    def chatter(self, line: Line) -> bool:
        """Whether a line stands for more of the data, or between parts of it."""
        return _CHATTER.fullmatch(self.text, line.at, line.end) is not None

    def _goes_on(self, index: int) -> bool:
        """A line of text at the column of keys belongs to the value before it if more entries follow."""
        line = self.lines[index]
        if self.lines[index - 1].blank or self.chatter(line):
            return False
        goes_on = self.entry_ahead(index)
        self.doubtful = self.doubtful or goes_on
        return goes_on

    def _scalar(self, start: int, end: int) -> None:
        """A scalar on one line, quoted where YAML would take it for something else or not read it at all."""
        text = self.text[start:end]
        if text[:1] in ("'", '"') and (found := read_quoted(self.text, start, end)) is not None:
            self.changes += found  # with a remark behind it
            return
        if not plain_is_safe(text) and not text.startswith("!!"):
            self.naive += 1
            self.change("yaml_text", start, end, quoted(text))

    def settle_marked(self) -> None:
        """What stands behind a mark that begins a remark behind other values is one, too."""
        for start, stop, end, mark in self.marked:
            if mark in self.marks or self.text.startswith("  ", stop):
                self.doubtful = self.doubtful or mark not in self.marks
                self._again(start, stop, end)

    def _again(self, start: int, stop: int, end: int) -> None:
        """Read a text anew, without what stands behind it."""
        self.changes = [change for change in self.changes if not start <= change.start < end]
        self._scalar(start, stop)
        self.change("comment", stop, end, "")

    def settle_remarks(self) -> None:
        """Whether what stands behind a number sign is a comment or text, by how the other texts are written."""
        if self.remarks and self.naive and not self.comments:
            spans = [(start, stop) for start, _, stop in self.remarks]
            starts = [start for start, _ in spans]

            def within(change: Change) -> bool:
                at = bisect_right(starts, change.start) - 1
                return at >= 0 and spans[at][0] < change.end <= spans[at][1]

            self.changes = [change for change in self.changes if not within(change)]
            for start, stop in spans:
                self.change("yaml_text", start, stop, quoted(self.text[start:stop]))
        self.doubtful = self.doubtful or (bool(self.remarks) and (self.naive > 0 or not self.comments))

    def settle_folds(self) -> None:
        """Texts of several lines without a mark are all read alike: line by line if one has to be."""
        for at, lines, frame in self.folded if self.literal else ():
            self._mark_literal(at, lines, frame)

    def text_below(self, index: int) -> int:
        """Lines of text under a key that has none on its own line: a block scalar whose mark was left out."""
        pending = self.pending
        assert pending is not None
        frame, following = pending.frame, index + 1
        while following < len(self.lines) and (
            self.continues(following, frame, pending.view) or self._hash(following, frame)
        ):
            following += 1
        while self.lines[following - 1].blank:
            following -= 1
        lines = self.lines[index:following]
        self.pending = self.placed = None
        regular = all(line.blank or line.column > frame.out for line in lines)
        if len([line for line in lines if not line.blank]) == 1:
            if not regular or "\t" in self.text[lines[0].start : lines[0].at]:
                self.change("indentation", lines[0].start, lines[0].at, " " * (frame.out + 2))
            at = lines[0].at
            only = _ONLY_ITEM.match(self.text, at, lines[0].end) if frame.kind == "map" else None
            if only is not None:  # a list of one
                self.change("list_as_single", at, only.end(), "")
                at = only.end()
                self.doubtful = self.doubtful or self.text[at] not in "\"'"
            self.one_line(at, lines[0].end, pending.view)
        elif (
            not regular
            or not all(line.blank or plain_is_safe(self.text[line.at : line.end]) for line in lines)
            or any(line.column != lines[0].column for line in lines if not line.blank)
        ):
            self.literal = True
            self._mark_literal(pending.at, lines, frame)
        else:
            self.folded.append((pending.at, lines, frame))
        return following

    def _mark_literal(self, at: int, lines: list[Line], frame: Frame) -> None:
        """Insert the mark of a block scalar at an offset, before some lines."""
        self.change("block_mark", at, at, "|" if self.text[at - 1 : at] in " \t" else " |")
        self._reindent(lines, frame)
        for line in lines:
            end = self.text.find("\n", line.end)
            end = len(self.text) if end < 0 else end
            if line.end < end and not line.blank:
                self.changes.append(Change("whitespace", line.end, end, "", 0.0))

    def _hash(self, index: int, frame: Frame) -> bool:
        """Whether a line that begins with # goes on with a text: at its column, or with a word right behind."""
        found = self.below(index - 1)
        if found is None:
            return False
        line, at = found[1], index - 1
        while at and self.lines[at].blank:
            at -= 1
        before = self.lines[at]
        if self.text[line.at : line.at + 1] != "#" or line.column <= frame.column:
            return False
        return line.column == before.column or self.text[line.at + 1 : line.at + 2] not in ("", " ", "\t", "#", "!")

    def _reindent(self, lines: list[Line], frame: Frame, base: int | None = None) -> None:
        """Give the lines of a block scalar an indentation that YAML reads, relative to its first line."""
        shown = [line for line in lines if not line.blank]
        if not shown:
            return
        base = shown[0].column if base is None else base
        out = base if base > frame.out else frame.out + 2
        rule = "indentation"
        tabbed = "\t" in self.text[shown[0].start : shown[0].at]
        shown = [
            replace(line, column=base) if not tabbed and self.text.startswith("\t", line.start) else line
            for line in shown
        ]
        rest = [line.column for line in shown[1:]]
        left = min(rest, default=base)  # the first line may stand farther in
        slipped = [column for column in rest if column < base]
        if slipped and self._closes(shown[0], shown[-1]):
            left = base if max(rest) > base else left  # the last line slipped, or the first
        elif len(slipped) <= sum(column == base for column in rest) or len(rest) > len(slipped) == 1:
            left = base  # a line or two that slipped
        elif len(slipped) < len(rest) and max(slipped) <= frame.out < base:
            left = base  # to the margin, as no text may stand
        for line in shown:
            after = " " * (out + max(0, line.column - (base if line is shown[0] else min(left, base))))
            if self.text[line.start : line.at] != after:
                self.changes.append(
                    Change(rule, line.start, line.at, after, cost_of(rule) if line is shown[0] else 0.05)
                )

    def _closes(self, first: Line, last: Line) -> bool:
        """Whether a line begins with the bracket that closes the one that another ends with."""
        return _CLOSED.get(self.text[first.end - 1]) == self.text[last.at]
