"""What stands around the data in lines of damaged YAML: words before and behind it, and keys around the whole."""

from __future__ import annotations

import re
from functools import cached_property

from .yaml_frames import Frame, Pending, known, wants
from .yaml_lines import Entry, Line, mark_rule, read_bullet, read_key
from .yaml_places import Places

_SIGN_OFF = re.compile(
    r"(?:let me know|i hope|hope (?:this|that)|feel free|if you|please|this (?:yaml|document|follows|should|is)"
    r"|the above|note\b|that'?s|thank|is there|would you|these|as requested|done\b|best,|cheers|happy to|in this"
    r"|explanation)",
    re.I,
)
_NOTE = re.compile(r"(?:please )?note|n\.?b\.?|disclaimer|explanation|assumptions?", re.I)
_ROLE = re.compile(r"user|assistant|human|system|ai|q|a|question|answer", re.I)
_LEAD = re.compile(r"(?:the |final |my )?(?:ya?ml|answer|output|result|response|solution)", re.I)


class Around(Places):
    """How a reading tells what is said about the data from the data."""

    @cached_property
    def _wide(self) -> int:
        """Where two blank lines stand for the first time."""
        return self.text.find("\n\n\n")

    def introduces(self, index: int, entry: Entry) -> bool:
        """Whether the first line leads in to the data: ``YAML:``, ``Here is the YAML:``, and the entries below."""
        line, found = self.lines[index], self.inside(index)
        if entry.name is None or known(self.view.names(), entry.name) or found is None or found.column > line.column:
            return False
        if entry.value < line.end:
            inner = self.view.member(entry.name).types()
            alone = self.lines[index + 1].blank or (bool(inner) and inner <= {"object", "array"})
            said = len(entry.name.split()) > 2 and self.text[line.end - 1] in ".!" and alone
            self.doubtful = self.doubtful or said
            return said
        key = read_key(self.text, found.at, found.end)
        listed = read_bullet(self.text, found.at, found.end) is not None
        if len(entry.name.split()) > 2:
            return key is not None or listed
        if key is not None and key.name is not None and self.view.names():
            return known(self.view.names(), key.name) or self.wraps_all(found, key)
        apart = self.lines[index + 1].blank or mark_rule(self.text, self.lines[index + 1]) is not None
        if listed:
            return apart and wants(self.view, "seq") and not wants(self.view, "map")
        leads = _LEAD.fullmatch(entry.name) is not None
        marked = leads and any(change.rule == "markup" for change in entry.changes)
        return key is not None and (bool(self.view.types()) or marked) and (apart or leads)

    def around_all(self, frame: Frame) -> bool:
        """Whether the keys of an object are around the data, or beside one that is."""
        outermost = frame.parent is None or (frame.view is self.view and len(frame.entries) == 1)
        return outermost and not any(name in frame.keys for name in self.view.names())

    def closing(self, index: int) -> bool:
        """Whether nothing but prose follows: the answer is over."""
        line = self.lines[index]
        if self.over:
            return True
        if index <= self.not_over:
            return False
        remark = False  # a heading of remarks was seen, and no entry after it
        for number in range(index, len(self.lines)):
            later = self.lines[number]
            if later.blank or mark_rule(self.text, later):
                continue
            entry, place = self.place(later)
            if place is None or entry is None:
                remark = remark or self.text[later.end - 1] == ":"
                continue
            if remark and entry.name is None:
                continue
            if not self.says(entry, later, place):
                self.not_over = later.index
                return False
            remark = entry.value == later.end
        self.over = True
        if index and self.lines[index - 1].blank:
            return True
        if not _SIGN_OFF.match(self.text, line.at, line.end):
            self.doubtful = True
        return True

    def says(self, entry: Entry, line: Line, place: Frame | Pending) -> bool:
        """Whether a line that could be an entry is a sentence: a key that nobody asked for, and words."""
        names = place.names if isinstance(place, Frame) else place.view.names()
        apart = line.index > 0 and self.lines[line.index - 1].blank and self.last_entry >= 0
        if entry.name is None:  # a bullet to the left of the list that it would be in, behind a blank line
            words = self.text[entry.value : line.end].split()
            out = isinstance(place, Frame) and line.column < place.column and apart
            said = out and len(words) > 2 and words[-1][-1] in ".!"
            self.doubtful = self.doubtful or said
            return said
        if apart and self._noted(entry, line, place, names):
            return True
        if not names:
            return self._remark(entry, line, place, apart)
        if known(names, entry.name) and not (isinstance(place, Frame) and place.said(entry.name)):
            return False
        if self.last_entry < 0 and entry.value < line.end and _ROLE.fullmatch(entry.name) and self._begins(line):
            return True  # what was asked
        if apart and isinstance(place, Frame) and place.parent is None:
            far = line.index > 1 and self.lines[line.index - 2].blank and not 0 <= self._wide <= line.start - 6
            if far or _ROLE.fullmatch(entry.name):
                return True
        count, named = len(self.text[entry.value : line.end].split()), len(entry.name.split())
        below = self.lines[line.index + 1] if line.index + 1 < len(self.lines) else None
        if self.last_entry < 0 and count and below is not None and below.blank and self._begins(below):
            self.doubtful = True
            return True  # a line apart before the answer
        if not count and below is not None and not below.blank and mark_rule(self.text, below) == "fence":
            return True  # the name of a part
        if not count:
            return apart and isinstance(place, Frame) and (place.parent is None or place.view is self.view)
        return count > 2 or (named > 1 and count + named > 2)

    def _begins(self, line: Line) -> bool:
        """Whether a member of the whole stands below a line."""
        below = self.inside(line.index)
        key = read_key(self.text, below.at, below.end) if below is not None else None
        if below is not None and key is not None and key.value >= below.end and _ROLE.fullmatch(key.name or ""):
            return self._begins(below)
        return key is not None and key.name is not None and known(self.view.names(), key.name)

    def _noted(self, entry: Entry, line: Line, place: Frame | Pending, names: set[str]) -> bool:
        """Whether a paragraph at the margin is a note: ``Note: I assumed ...`` beside or left of an object's keys."""
        name, words = entry.name or "", self.text[entry.value : line.end].split()
        if name in names or not isinstance(place, Frame) or _NOTE.fullmatch(name) is None or line.column:
            return False
        said = len(words) > 2 and words[-1].rstrip("*_)")[-1:] in ".!"
        self.doubtful = self.doubtful or (said and known(names, name))
        return said and (line.column < place.column or known(names, name))

    def _remark(self, entry: Entry, line: Line, place: Frame | Pending, apart: bool) -> bool:
        """Whether a key where nothing says which there are is a remark on the data."""
        if not isinstance(place, Frame) or place.parent is not None or not place.entries or entry.name is None:
            return False
        if wants(self.view, "seq") and not wants(self.view, "map") and len(entry.name.split()) > 2:
            return True  # beside a key around a list, which nobody asked for
        if place.view is not self.view and self.view.types() and apart:
            return True  # beside a key around everything
        inner = place.view.member(entry.name).types()
        head = self.text[entry.value : line.end][:1]
        if inner and inner <= {"object", "array"} and head not in ("", "[", "{", "|"):
            return True  # words beside objects or lists
        if apart and inner and "string" not in inner and head.isalpha():
            return True  # words beside numbers
        if not apart or not _SIGN_OFF.match(entry.name):
            return False
        words = self.text[entry.value : line.end].split()
        found = self.inside(line.index)
        said = len(words) > 2 and words[-1][-1] in ".!" if words else found is None or not self._may_hold(found, place)
        self.doubtful = self.doubtful or said
        return said

    def _may_hold(self, line: Line, frame: Frame) -> bool:
        """Whether what a line begins may stand in a member of an object."""
        listed = read_bullet(self.text, line.at, line.end) is not None
        return wants(frame.view.member(""), "seq" if listed else "map")
