"""Collections in brackets in damaged YAML: whole, with texts that nobody quoted, without an end."""

from __future__ import annotations

import re

from .candidates import find_candidates
from .edits import Change, apply_edits
from .schema_view import SchemaView
from .search import Limits
from .yaml_bare_flow import bare_list, bare_object
from .yaml_frames import Frame, has_text, wants_scalar
from .yaml_habits import WRAPS
from .yaml_lines import Line, mark_rule
from .yaml_quotes import python_inside
from .yaml_standard import NotYaml, read_nodes
from .yaml_text_blocks import BlockTexts

_BRACKET = re.compile(r"\"(?:[^\"\\\n]|\\.)*\"|'(?:[^'\n]|'')*'|[\[\]{}]")
_LONG = 4000  # brackets with more in them are closed at their end, if that is all they need
_TAGGED = re.compile(r"[\[,][ \t]*(?:![ \t]*\w|&\w+[ \t]+\w)")  # what YAML takes for a tag or an anchor
_CLOSE = {"[": "]", "{": "}"}


class Brackets(BlockTexts):
    """How a reading reads collections in brackets."""

    def half_bracket(self, at: int, end: int, view: SchemaView) -> bool:
        """Whether a list of scalars lost its opening bracket."""
        if view.types() != {"array"} or not wants_scalar(view.item(0)) or self.text[end - 1] != "]":
            return False
        if "[" in self.text[at:end]:
            return False
        after = bare_list("[" + self.text[at:end], view)
        if after is None:
            return False
        self.change("missing_opener", at, end, after)
        return True

    def brackets(self, index: int, at: int, view: SchemaView, frame: Frame) -> int | None:
        """A collection in brackets, whole or damaged; ``None`` when the brackets are part of a text."""
        stop, following = self._flow_end(index, at, frame)
        line = self.lines[following - 1]
        rest = self.text[stop : line.end].strip()
        if rest in (",", ";"):
            self.change("trailing_comma", stop, line.end, "")
            rest = ""
        if rest and not rest.startswith("#"):
            return None if has_text(view) else following
        inside = self.text[at:stop]
        bare = None
        missing = _missing(inside) if len(inside) > _LONG else ""
        try:
            if missing and "#" not in inside:
                raise NotYaml("these brackets are not closed")
            nodes = read_nodes(inside)
            python = len(inside) < _LONG and python_inside(inside)
            tagged = _TAGGED.search(inside) is not None
            if nodes is not None and (tagged or any(item.kind != "scalar" for item in nodes.items)):
                bare = bare_list(inside, view) if view.types() == {"array"} else None
        except NotYaml:
            python = True
            if len(inside) < _LONG and python_inside(inside) is False:
                bare = bare_list(inside, view) or bare_object(inside, view)
        if bare is not None and bare != inside:
            if any(mark in inside for mark in WRAPS) and all(mark not in bare for mark in WRAPS):
                self.doubtful = self.doubtful or not self.habits.wraps  # marks around all items were quotes
            self.change("yaml_text", at, at + len(inside), bare)
            return following
        if not python:
            self._flow_indent(index, following, frame)
            return following
        if missing is not None and len(inside) > _LONG and self._closed(inside, at, missing):
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

    def _closed(self, inside: str, at: int, after: str) -> bool:
        """Whether brackets need no more than to be closed at the end; the search finds more, in more time."""
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
                and (self._ends_flow(line) or (line.column <= frame.column and self.place(line)[1] is not None))
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

    def _ends_flow(self, line: Line) -> bool:
        """Whether a line is a mark, and no bracket at the margin."""
        return mark_rule(self.text, line) not in (None, "surplus_opener", "surplus_closer")

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


def _missing(inside: str) -> str | None:
    """The brackets that close what is open at the end of a text; ``None`` if another one is closed before."""
    missing: list[str] = []
    for match in _BRACKET.finditer(inside):
        mark = match.group()
        if mark in "[{":
            missing.append(_CLOSE[mark])
        elif mark in "]}" and (not missing or missing.pop() != mark):
            return None
    return "".join(reversed(missing))
