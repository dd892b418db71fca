"""The values of damaged YAML: plain, quoted, block and flow scalars as models write them, made into what YAML reads."""

from __future__ import annotations

import re

from .candidates import find_candidates
from .edits import Change, apply_edits
from .rules import Level, cost_of
from .schema_view import SchemaView
from .search import Limits
from .yaml_frames import Frame, Pending, has_text, known, wants, wants_scalar, wants_text
from .yaml_lines import Entry, Line, comment_start, mark_rule, quoted, split
from .yaml_quotes import plain_is_safe, read_quoted
from .yaml_standard import NotYaml, read_nodes

_HEADER = re.compile(r"[|>](?:[+-]?[1-9]?|[1-9][+-]?)[ \t]*(?:#.*)?$")
_BRACKET = re.compile(r"\"(?:[^\"\\\n]|\\.)*\"|'(?:[^'\n]|'')*'|[\[\]{}]")
_LONG = 4000  # brackets with more in them are closed at their end, if that is all they need
_CLOSE = {"[": "]", "{": "}"}


class Values:
    """What a reading knows, and how it reads values."""

    def __init__(self, text: str, view: SchemaView, level: Level) -> None:
        self.text, self.view, self.level = text, view, level
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
        self.raw = False  # some quoted text is written as it is, without escapes
        self.escapes = False  # some quoted text has what looks like escapes

    def place(self, line: Line) -> tuple[Entry | None, Frame | Pending | None]:
        """The entry that a line begins with, and where it belongs."""
        raise NotImplementedError

    def change(self, rule: str, start: int, end: int, after: str) -> None:
        """Note a change at its rule's cost."""
        self.changes.append(Change(rule, start, end, after, cost_of(rule)))
        self.cost += cost_of(rule)

    def value(self, index: int, line: Line, at: int, view: SchemaView, frame: Frame) -> int:
        """Read the value that starts at an offset of a line; returns the next line."""
        self.pending = self.placed = None
        end = line.end
        head = self.text[at] if at < end else "#"
        if head == "#" and at < end and self._no_comment(index, view, frame):
            self._scalar(at, end)
            return index + 1
        if head == "#" and (at == end or comment_start(self.text, at, end, has_text(view)) == at):
            self.pending, self.placed = Pending(frame, at, view), None
            return index + 1
        if head in "|>" and _HEADER.match(self.text, at, end):
            return self._block(index, at, view, frame)
        if head in "\"'":
            found = read_quoted(self.text, at, end)
            if found is not None:
                self.changes += found
                self.cost += sum(change.cost for change in found)
                self.raw = self.raw or any(change.rule in ("inner_quote", "bad_escape") for change in found)
                self.escapes = self.escapes or (not found and head == '"' and "\\" in self.text[at:end])
                return index + 1
            following = self._quoted_lines(index, at, frame)
            if following is not None:
                return following
        if head in "[{" and not wants_text(view):
            following = self._flow(index, at, view, frame)
            if following is not None:
                return following
        return self._plain(index, at, view, frame)

    def _no_comment(self, index: int, view: SchemaView, frame: Frame) -> bool:
        """Whether ``#`` at the start of a value begins a text: one has to be there, and none is below."""
        if not wants_text(view) or "null" in view.types():
            return False
        found = self.below(index)
        return found is None or found[1].column <= frame.column or self.place(found[1])[1] is not None

    def below(self, index: int) -> tuple[int, Line] | None:
        """The next line in which something stands, and its number."""
        if self._below is None:
            self._below = [len(self.lines)] * (len(self.lines) + 1)
            for at in range(len(self.lines) - 1, -1, -1):
                self._below[at] = self._below[at + 1] if self.lines[at].blank else at
        at = self._below[min(index + 1, len(self.lines))]
        return (at, self.lines[at]) if at < len(self.lines) else None

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
        if mark_rule(self.text, line) or self.text[line.at] == "#":
            return False
        entry, place = self.place(line)
        if place is None:
            return line.column > frame.column or self._goes_on(index)
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

    def _goes_on(self, index: int) -> bool:
        """A line of text at the column of keys belongs to the value before it if more entries follow."""
        if self.lines[index - 1].blank:
            return False
        return self.entry_ahead(index)

    def _plain(self, index: int, at: int, view: SchemaView, frame: Frame) -> int:
        line = self.lines[index]
        is_text = has_text(view)
        end = at + len(self.text[at : comment_start(self.text, at, line.end, is_text)].rstrip())
        following = index + 1
        if not wants_scalar(view) or "string" in view.types():
            while following < len(self.lines) and self.continues(following, frame, view):
                following += 1
            while following > index + 1 and self.lines[following - 1].blank:
                following -= 1
        if following == index + 1:
            self._scalar(at, end)
            return following
        parts = [self.text[at : line.end], *(self.text[li.at : li.end] for li in self.lines[index + 1 : following])]
        last = self.lines[following - 1]
        regular = all(li.column > frame.out or li.blank for li in self.lines[index + 1 : following])
        if not regular or not all(plain_is_safe(part) for part in parts if part):
            self.change("yaml_text", at, last.end, quoted(_folded(parts)))
        return following

    def _scalar(self, start: int, end: int) -> None:
        """A scalar on one line, quoted where YAML would take it for something else or not read it at all."""
        text = self.text[start:end]
        if not plain_is_safe(text) and not text.startswith("!!"):
            self.change("yaml_text", start, end, quoted(text))

    def text_below(self, index: int) -> int:
        """Lines of text under a key that has none on its own line: a block scalar whose mark was left out."""
        pending = self.pending
        assert pending is not None
        frame, following = pending.frame, index + 1
        while following < len(self.lines) and self.continues(following, frame, pending.view):
            following += 1
        while self.lines[following - 1].blank:
            following -= 1
        lines = self.lines[index:following]
        self.pending = self.placed = None
        regular = all(line.blank or line.column > frame.out for line in lines)
        if len([line for line in lines if not line.blank]) == 1:
            if not regular:
                self.change("indentation", lines[0].start, lines[0].at, " " * (frame.out + 2))
            self._scalar(lines[0].at, lines[0].end)
        elif not regular or not all(line.blank or plain_is_safe(self.text[line.at : line.end]) for line in lines):
            mark = self.text[pending.at - 1 : pending.at]
            self.change("block_mark", pending.at, pending.at, "|" if mark in " \t" else " |")
            self._reindent(lines, frame)
            for line in lines:
                end = self.text.find("\n", line.end)
                end = len(self.text) if end < 0 else end
                if line.end < end and not line.blank:
                    self.changes.append(Change("whitespace", line.end, end, "", 0.0))
        return following

    def _reindent(self, lines: list[Line], frame: Frame) -> None:
        """Give the lines of a block scalar an indentation that YAML reads, relative to its first line."""
        shown = [line for line in lines if not line.blank]
        if not shown:
            return
        base = shown[0].column
        out = base if base > frame.out else frame.out + 2
        rule = "indentation"
        for line in shown:
            after = " " * (out + max(0, line.column - base))
            if self.text[line.start : line.at] != after:
                self.changes.append(
                    Change(rule, line.start, line.at, after, cost_of(rule) if line is shown[0] else 0.05)
                )

    def _block(self, index: int, at: int, view: SchemaView, frame: Frame) -> int:
        """A block scalar with its mark: which lines are in it, and whether YAML agrees."""
        following = index + 1
        base: int | None = None
        column = max(frame.column, self.lines[index].column)
        while following < len(self.lines):
            line = self.lines[following]
            if not line.blank:
                if base is None:
                    base = line.column
                if not self._inside_block(following, base, column):
                    break
            following += 1
        while self.lines[following - 1].blank and following > index + 1:
            following -= 1
        lines = self.lines[index + 1 : following]
        shown = [line for line in lines if not line.blank]
        if not shown or base is None:
            if has_text(view):  # the mark is all there is
                self._scalar(at, self.lines[index].end)
            return following
        header = self.text[at : self.lines[index].end]
        digit = re.search(r"[1-9]", header.split("#")[0])
        if digit:
            base = frame.out + int(digit.group())
        regular = base > frame.out and all(line.column >= base for line in shown)
        if not regular or any("\t" in self.text[line.start : line.at] for line in shown):
            if digit:
                self.change("block_mark", at, at + len(header), re.sub(r"[1-9]", "", header))
            self.cost += cost_of("indentation")
            self._reindent(lines, frame)
        return following

    def _inside_block(self, index: int, base: int, column: int) -> bool:
        line = self.lines[index]
        if line.column >= base and base > column:
            return True
        if mark_rule(self.text, line):
            return line.column > column
        entry, place = self.place(line)
        if place is None or entry is None:
            below = line.column > column or (line.column >= base and line.column > 0)
            return below or self._goes_on(index) or not self.lines[index - 1].blank
        if line.column > column:
            return not (entry.name is not None and isinstance(place, Frame) and entry.name in place.view.names())
        names = place.names if isinstance(place, Frame) else place.view.names()
        return base <= column and line.column == base and self._strange(entry, names)

    @staticmethod
    def _strange(entry: Entry, names: set[str]) -> bool:
        """Whether an entry is none that could stand here, but a line of text."""
        return entry.name is not None and bool(names) and not known(names, entry.name)

    def _quoted_lines(self, index: int, at: int, frame: Frame) -> int | None:
        """A quoted scalar whose quote is not closed on its line: it goes over several lines, or the quote was lost."""
        quote, line = self.text[at], self.lines[index]
        if quote in self.text[at + 1 : line.end].replace("\\" + quote, ""):
            return None  # words in quotes, and more words
        following = index + 1
        while following < len(self.lines) and self.continues(following, frame, SchemaView.of({"type": "string"})):
            last = self.lines[following]
            following += 1
            if not last.blank and self.text[last.end - 1] == quote and self.text[last.end - 2] != "\\":
                if self._reads(at, last.end):
                    return following
                break
        while following > index + 1 and self.lines[following - 1].blank:
            following -= 1
        last = self.lines[following - 1]
        parts = [self.text[at + 1 : line.end], *(self.text[li.at : li.end] for li in self.lines[index + 1 : following])]
        if parts[-1].endswith(quote):
            parts[-1] = parts[-1][:-1]
            self.change("inner_quote", at, last.end, quoted(_folded(parts)))
        elif quote == "'" and re.match(r"'\w+ ", self.text[at : line.end]) is None:
            return None
        else:
            self.complete = following < len(self.lines)
            self.change("missing_close_quote", at, last.end, quoted(_folded(parts)))
        return following

    def _reads(self, start: int, end: int) -> bool:
        try:
            read_nodes("- " + self.text[start:end].replace("\n", "\n  "))
        except NotYaml:
            return False
        return True

    def _flow(self, index: int, at: int, view: SchemaView, frame: Frame) -> int | None:
        """A collection in brackets, whole or damaged; ``None`` when the brackets are part of a text."""
        stop, following = self._flow_end(index, at, frame)
        line = self.lines[following - 1]
        rest = self.text[stop : line.end].strip()
        if rest == "," and not rest.startswith("#"):
            self.change("trailing_comma", stop, line.end, "")
            rest = ""
        if rest and not rest.startswith("#"):
            return None if has_text(view) else following
        inside = self.text[at:stop]
        try:
            read_nodes(inside)
        except NotYaml:
            pass
        else:
            self._flow_indent(index, following, frame)
            return following
        if len(inside) > _LONG and self._closed(inside, at):
            self._flow_indent(index, following, frame)
            return following
        candidates = [
            c for c in find_candidates(inside, self.level, Limits(), view) if not c.start and c.end == len(inside)
        ]
        if not candidates:
            return None
        best = min(candidates, key=lambda candidate: candidate.cost)
        try:
            read_nodes(apply_edits(inside, best.changes))
        except NotYaml:
            return None
        self.changes += [Change(c.rule, c.start + at, c.end + at, c.after, c.cost) for c in best.changes]
        self.cost += best.cost
        self.doubtful = self.doubtful or best.doubtful
        self.complete = self.complete and (best.complete or following < len(self.lines))
        self._flow_indent(index, following, frame)
        return following

    def _closed(self, inside: str, at: int) -> bool:
        """Whether brackets need no more than to be closed at the end; the search finds more, in more time."""
        missing: list[str] = []
        for match in _BRACKET.finditer(inside):
            mark = match.group()
            if mark in "[{":
                missing.append(_CLOSE[mark])
            elif mark in "]}" and (not missing or missing.pop() != mark):
                return False
        after = "".join(reversed(missing))
        try:
            read_nodes(inside + after)
        except NotYaml:
            return False
        self.complete = False
        self.change("missing_closer", at + len(inside), at + len(inside), after)
        return True

    def _flow_end(self, index: int, at: int, frame: Frame) -> tuple[int, int]:
        """Where the brackets that open at an offset are closed, or else where the next entry begins."""
        depth = 0
        for number in range(index, len(self.lines)):
            line = self.lines[number]
            begin = at if number == index else line.at
            if (
                number > index
                and not line.blank
                and (mark_rule(self.text, line) or (line.column <= frame.column and self.place(line)[1] is not None))
            ):
                return self.lines[number - 1].end, number
            for match in _BRACKET.finditer(self.text, begin, line.end):
                mark = match.group()
                if mark in "[{":
                    depth += 1
                elif mark in "]}":
                    depth -= 1
                    if depth == 0:
                        return match.end(), number + 1
            if number == index and depth and not self._more_flow(index, frame):
                return line.end, index + 1
        return self.lines[-1].end, len(self.lines)

    def _more_flow(self, index: int, frame: Frame) -> bool:
        """Whether brackets may go on below the line that they open on."""
        below = self.below(index)
        if below is None:
            return False
        return self.place(below[1])[1] is None or below[1].column > frame.column

    def _flow_indent(self, index: int, following: int, frame: Frame) -> None:
        for line in self.lines[index + 1 : following]:
            if not line.blank and (line.column <= frame.out or "\t" in self.text[line.start : line.at]):
                self.changes.append(Change("indentation", line.start, line.at, " " * (frame.out + 1), 0.05))


def _folded(parts: list[str]) -> str:
    """Lines of flowing text as one, as YAML folds them: a blank line is a line break."""
    result = ""
    for part in parts:
        if not part:
            result += "\n"
        else:
            result += part if not result or result.endswith("\n") else " " + part
    return result
