"""Items of lists as models mark them: with boxes, numbers, dashes twice, emphasis, behind the list's key, run on."""

from __future__ import annotations

import re
from collections import Counter
from functools import cached_property

from .edits import Change
from .schema_view import SchemaView
from .words import normal
from .yaml_frames import Frame, Pending, known, wants_scalar
from .yaml_lines import Entry, Line, read_bullet
from .yaml_sound import Sound

BOX = re.compile(r"(?:\[[ xX\u2713\u2714]?\]|-|\(?(\d{1,3})[.)])[ \t]+(?=\S)")  # of a task, a second mark
_BOXED = re.compile(rf"^[ \t]*+[-*+][ \t]+(?={BOX.pattern})(.)", re.M)
_ITEM = re.compile(r"^[ \t]*+[-*+][ \t]+(?![\w ]+:[ \n])\S", re.M)
_MARKED_LINE = re.compile(r"^[ \t]*+[-*+][ \t]+\S", re.M)
_STRONG = re.compile(r"(\*{1,3}|__)(?=[^\s*_])([^*_\n]*[^\s*_])\1")
_STRONG_ITEM = re.compile(r"[-*+\u2022][ \t]+(?:\*{1,3}|__)[^*_\n]+(?:\*{1,3}|__)[ \t]*$", re.M)
_TICKED_ITEM = re.compile(r"[-*+\u2022][ \t]+\[[ xX\u2713\u2714]?\][ \t]+\S")
_DASHES = re.compile(r"[ ]+-[ ]+")
_WORDS = 6  # of an item, more than which may be a text of several lines
_SHORT = re.compile(r"[^\W\d][\w'-]*(?: [\w'-]+){0,2}")  # an item among others on a line


def mark_kind(mark: str) -> str:
    """What a second mark is: a box, a dash, or a number."""
    return mark[0] if mark[0] in "[-" else "1"


class Items(Sound):
    """How a reading reads the items of lists."""

    @cached_property
    def boxed(self) -> frozenset[str]:
        """The kinds of second marks that most items have: boxes to be ticked, dashes, numbers."""
        boxes = Counter(mark_kind(match[2]) for match in _BOXED.finditer(self.text))
        items = sum(1 for _ in _ITEM.finditer(self.text))
        most = {kind for kind, count in boxes.items() if 2 * count > items}
        all_dashed = boxes["-"] == sum(1 for _ in _MARKED_LINE.finditer(self.text)) > 1
        return frozenset(most if all_dashed else most - {"-"})

    def is_boxed(self, mark: str, line: Line, frame: Frame) -> bool:
        """Whether a mark behind a bullet is none of the text: most items have one, or those beside."""
        if mark_kind(mark) in self.boxed:
            return True
        return mark_kind(mark) == "[" and self._alike(line, frame, _TICKED_ITEM)

    def joined(self, line: Line, entry: Entry, place: Frame | Pending) -> tuple[Frame, Entry] | None:
        """The item that a bullet goes on with, and its member: each member has got a bullet of its own."""
        if entry.name is not None or not isinstance(place, Frame) or entry.value >= line.end:
            return None
        item = next((frame for frame in self.stack if frame.parent is place and frame.kind == "map"), None)
        if item is None or item.view.types() != {"object"} or len(item.keys) > item.joined + 1:
            return None
        inner = self.key_at(entry.value, line.end)
        had = {self.spelt(item, name) for name in item.keys}
        members = {name: required for name, _, required in item.view.branch(had)}
        if inner is None or inner.name not in members or inner.name in had:
            return None
        if not members[inner.name] and not self.joins:
            return None
        self.joins = True
        item.joined += 1
        return item, inner

    def ellipsis(self, line: Line) -> bool:
        """Whether an item stands for others that were left out: dots alone, as the last of several."""
        bullet = read_bullet(self.text, line.at, line.end)
        if bullet is None or self.text[bullet.value : line.end] not in ("...", "\u2026"):
            return False
        if not any(frame.kind == "seq" and frame.column == line.column and frame.entries for frame in self.stack):
            return False
        found = self.below(line.index)
        return found is None or found[1].column < line.column

    def item_of_key(self, index: int, line: Line, entry: Entry, frame: Frame, view: SchemaView) -> int:
        """Read an item that stands behind the key of its list; returns the next line."""
        begin, before = line.start, ""
        if frame.repeated != entry.name and entry.name is not None:
            frame.entries.append(entry.start)
            self.note(frame, entry.name, entry.start)
            before = " " * frame.out + entry.name + ":\n"
        frame.repeated = entry.name
        self.last_entry = index
        while self.changes and self.changes[-1].start >= begin:
            self.cost -= self.changes.pop().cost
        self.change("bullet", begin, entry.value, f"{before}{' ' * (frame.out + 2)}- ")
        return self.value(index, line, entry.value, view, frame)

    def repeats(self, line: Line, entry: Entry, view: SchemaView, frame: Frame) -> bool:
        """Whether the items of a list stand each behind the key of the list, which is said again and again."""
        if entry.value >= line.end or view.types() != {"array"} or not wants_scalar(view.item(0)):
            return False
        if entry.name == frame.repeated:
            return True
        below = self.inside(line.index)
        key = self.key_at(below.at, below.end) if below is not None and below.column == line.column else None
        return key is not None and key.name == entry.name and below is not None and key.value < below.end

    def spelt(self, frame: Frame, name: str) -> str:
        """The name that the schema has for a key."""
        names = frame.view.names()
        if not names or name in names:
            return name
        return next((other for other in sorted(names) if known({other}, name)), name)

    def respell(self, entry: Entry, name: str, frame: Frame) -> None:
        """Give a key the spelling that the schema has, where the schema would take it for another key."""
        if name in (entry.name, *frame.keys) or normal(name) != normal(entry.name or "") or frame.view.closed():
            return
        if entry.name is not None and not entry.changes and self.text.startswith(entry.name, entry.start):
            self.change("key_form", entry.start, entry.start + len(entry.name), name)
            self.doubtful = True

    def item_text(self, line: Line, at: int, frame: Frame) -> bool:
        """Read a text that is an item, if its marks are those of all items, or several stand on its line."""
        strong = _STRONG.fullmatch(self.text, at, line.end)
        self.doubtful = self.doubtful or strong is not None
        if strong is not None and self._alike(line, frame, _STRONG_ITEM):
            self.change("markup", at, strong.start(2), "")
            self.changes.append(Change("markup", strong.end(2), line.end, "", 0.0))
            self._scalar(*strong.span(2))
            return True
        below = self.below(line.index)
        alone = len(frame.entries) == 1 and (below is None or below[1].column < line.column or not self._dash(below[1]))
        parts = _DASHES.split(self.text[at : line.end]) if alone else []
        if len(parts) < 2 or not all(_SHORT.fullmatch(part) and not part[0].isupper() for part in parts):
            return False
        for gap in _DASHES.finditer(self.text, at, line.end):
            self.change("bullet", gap.start(), gap.end(), "\n" + " " * frame.out + "- ")
        self.doubtful = True
        return True

    def dashless(self, index: int, line: Line) -> int | None:
        """Read the items of a list that have no marks, each on a line below the list's key; returns the next line."""
        pending = self.pending
        if pending is None or pending.view.types() != {"array"} or not wants_scalar(pending.view.item(0)):
            return None
        if line.column <= pending.frame.column:
            return None
        following = index
        while following < len(self.lines) and self.lines[following].column == line.column:
            if self.lines[following].blank or self.place(self.lines[following])[1] is not None:
                break
            following += 1
        frame = self.begin(pending, line.column, True)
        long = [one for one in self.lines[index:following] if len(self.text[one.at : one.end].split()) > _WORDS]
        self.doubtful = self.doubtful or bool(long) or following == index + 1
        for at in range(index, following):
            one = self.lines[at]
            frame.entries.append(one.at)
            self.change("bullet", one.start, one.at, " " * frame.out + "- ")
            self.one_line(one.at, one.end, pending.view.item(at - index))
        self.last_entry = following - 1
        self.pending = self.placed = None
        return following

    def _dash(self, line: Line) -> bool:
        return self.text.startswith("- ", line.at)

    def _alike(self, line: Line, frame: Frame, pattern: re.Pattern[str]) -> bool:
        """Whether the items before and behind one are written like it."""
        below = self.below(line.index)
        beside = list(frame.entries[-3:-1])
        if below is not None and below[1].column == line.column and read_bullet(self.text, below[1].at, below[1].end):
            beside.append(below[1].at)
        return bool(beside) and all(pattern.match(self.text, start) is not None for start in beside)
