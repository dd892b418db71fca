"""Where an entry of damaged YAML belongs: what speaks against each open collection, and against a new one."""

from __future__ import annotations

import re
from dataclasses import replace

from .edits import Change
from .rules import cost_of
from .schema_view import SchemaView
from .words import bare
from .yaml_frames import (
    STRANGE,
    TWICE,
    UNLIKELY,
    Frame,
    Pending,
    fit,
    fit_child,
    known,
    likeness,
    wants,
    wants_scalar,
    wants_text,
)
from .yaml_lines import (
    IDENTIFIER,
    Entry,
    Line,
    names_at,
    quoted,
    read_assigned,
    read_bullet,
    read_decorated,
    read_key,
    read_tight,
    read_uncoloned,
)
from .yaml_values import Values

LISTED = 0.7  # what speaks against a list of one where an object should be
TIGHT = 2  # keys without a space behind the colon, from which on it is a habit
_AROUND = 4  # keys around the data, one within the other
_NEAR = 20  # lines that are looked at for a key
_ABOVE = 0.3  # what speaks against a key in an object of any keys, where one around it waits for it
HABITUAL = 0.2  # what speaks against another mark for the colon, where others have it
ASSIGNED = 0.6  # what speaks against a key with an equals sign in it
_DECORATIONS = frozenset("[{@&*!%")  # that a key may have around it
_QUOTED = re.compile(r"\"(?:[^\"\\\n]|\\.)*\"|'(?:[^'\n]|'')*'")
_HEADING = re.compile(r"#{1,6}[ \t]+([^\n]{1,60}?)[ \t]*:?[ \t]*$", re.M)


class Places(Values):
    """How a reading finds the place of a line."""

    def place(self, line: Line) -> tuple[Entry | None, Frame | Pending | None]:
        """The entry that a line begins with, and where it belongs; ``None`` when it is more likely text."""
        if self.placed is not None and self.placed[0] is line:
            return self.placed[1], self.placed[2]
        best: tuple[float, Entry, Frame | Pending | None] | None = None
        key = self.key_at(line.at, line.end)
        shorter = read_assigned(self.text, line.at, line.end) if key is not None and not key.changes else None
        if key is None:
            key = self._loose(line)
        elif self.assigned and key.changes and key.changes[0].rule == "wrong_colon":
            key = replace(key, cost=HABITUAL)
        if key is not None and shorter is not None and self.view.types():
            key = replace(key, cost=key.cost + ASSIGNED)
        tight = self._tight(line, line.at, key)
        if tight is not None and key is not None and (
            self.tight >= TIGHT or self._named(tight) or (self.tight and " " in (key.name or ""))
        ):
            key = replace(key, cost=key.cost + ASSIGNED)
        bullet = self._tight_bullet(line) or read_bullet(self.text, line.at, line.end)
        for entry in (bullet, key, shorter, tight, self._section(line), self._no_colon(line, key)):
            if entry is None:
                continue
            for cost, place in self._places(line, entry):
                if best is None or cost < best[0]:
                    best = (cost, entry, place)
        if best is None or best[0] >= UNLIKELY:
            self.placed = line, None, None
        else:
            self.placed = line, best[1], best[2]
        return self.placed[1], self.placed[2]

    def _tight_bullet(self, line: Line) -> Entry | None:
        """A bullet right before another dash, in a list whose bullets have no space behind them."""
        if not self.text.startswith("--", line.at) or line.end - line.at < 3:
            return None
        spaced = self.text[line.at + 2] in " \t"  # or a bullet of two dashes
        listed = self.pending is not None and self.pending.view.types() == {"array"} and not spaced
        if not listed and not any(frame.tight and frame.column == line.column for frame in self.stack):
            return None
        change = Change("missing_space", line.at, line.at + 1, "- ", cost_of("missing_space"))
        return Entry(line.at, line.at + 1, None, 0.4, (change,))

    def _named(self, entry: Entry) -> bool:
        """Whether a key is a name of an open collection."""
        views = [self.pending.view if self.pending else self.view, *(frame.view for frame in self.stack[-3:])]
        return any(entry.name in view.names() for view in views)

    def _needs_text(self, frame: Frame, name: str) -> bool:
        """Whether a key that must have a text has none yet, and a line begins like a key that nobody knows."""
        view = self.pending.view if self.pending is not None else None
        if view is None or not wants_text(view) or "null" in view.types():
            return False
        return bool(frame.names) and not known(frame.names, name)

    @staticmethod
    def _waits_for_text(pending: Pending, line: Line) -> bool:
        """Whether a key has no value yet, must have text, and the line stands below it."""
        return (
            wants_text(pending.view)
            and "null" not in pending.view.types()
            and line.column > max(pending.frame.column, 0)
        )

    def key_at(self, at: int, end: int) -> Entry | None:
        """A key with what stands for its colon, as this text writes keys."""
        tight = read_tight(self.text, at, end, True) if self.habits.tight else None
        if tight is not None:
            return replace(tight, cost=0.0)
        if self.text[at : at + 1] in _DECORATIONS and at < end:
            decorated = read_decorated(self.text, at, end)
            if decorated is not None and decorated.name in self.all_names:
                return decorated
        return read_key(self.text, at, end)

    def _tight(self, line: Line, at: int, key: Entry | None) -> Entry | None:
        """A key without a space behind its colon, where the next colon would make a longer one."""
        if key is None or key.changes or ":" not in (key.name or ""):
            return None
        found = read_tight(self.text, at, line.end)
        return found if found is None or self.tight < TIGHT else replace(found, cost=0.0)

    def _loose(self, line: Line) -> Entry | None:
        """A key of some words without a space behind its colon, where an object of any keys is, or has to begin."""
        waits = self.pending is not None and self.pending.view.types() == {"object"} and not self.pending.view.names()
        frame = next((frame for frame in self.stack if frame.kind == "map" and frame.column == line.column), None)
        open_map = frame is not None and self.pending is None and not frame.view.names() and bool(frame.view.types())
        if not waits and not open_map and (self.stack or self.view.types() != {"object"} or self.view.names()):
            return None
        found = read_tight(self.text, line.at, line.end, True)
        if found is None or self.text[found.value] in "/\\":
            return None
        return replace(found, cost=HABITUAL)

    def _no_colon(self, line: Line, key: Entry | None) -> Entry | None:
        """A name that an object here has not had, at the column of its keys, and its value without a colon."""
        entry = read_uncoloned(self.text, line.at, line.end)
        if entry is None or entry.name is None:
            return None
        name, dash = entry.name, entry.changes[0].rule == "wrong_colon"
        assigned = key is not None and bool(key.changes) and key.changes[0].rule == "wrong_colon"
        if key is not None and assigned and " " in bare(key.name or ""):  # of the text behind the name
            entry = replace(entry, cost=0.4)
        elif key is not None and (self._named(key) or (not dash and self.text[entry.value] not in "\"'")):
            return None
        views = [frame.view for frame in self.stack if self._open_at(frame, line, name)]
        if dash or entry.value == line.end or self._before_key(line):
            views += [self.pending.view] if self.pending is not None else [] if self.stack else [self.view]
        view = next((view for view in views if name in view.names()), None)
        if view is None:
            within = _QUOTED.fullmatch(self.text, entry.value, line.end) and self.view.types()
            open_map = any(self._open_at(frame, line, name) and not frame.names for frame in self.stack)
            waits = self.pending is not None and wants(self.pending.view, "map") and not self.pending.view.names()
            return entry if within and (open_map or waits) else None
        return entry if entry.value < line.end or self._holds_below(line, view.member(name)) else None

    def _before_key(self, line: Line) -> bool:
        """Whether another member of what begins here follows in the next line, at the same column."""
        below = self.inside(line.index)
        if below is None or below.column != line.column:
            return False
        due = self.pending.view if self.pending is not None else self.view
        return any(name in due.names() for name in names_at(self.text, below.at, below.end))

    @staticmethod
    def _open_at(frame: Frame, line: Line, name: str) -> bool:
        return frame.kind == "map" and line.column in (frame.column, frame.last) and name not in frame.keys

    def _holds_below(self, line: Line, view: SchemaView) -> bool:
        """Whether the value of a name that stands alone in its line is below it."""
        found = self.inside(line.index)
        if found is None or not view.types():
            return False
        listed = read_bullet(self.text, found.at, found.end) is not None and wants(view, "seq")
        return found.column > line.column or (listed and found.column == line.column)

    def _section(self, line: Line) -> Entry | None:
        """A heading of Markdown that is a name of the data: a key."""
        match = _HEADING.match(self.text, line.at, line.end) if self.text[line.at] == "#" else None
        if match is None or not known(self.view.names(), match[1].strip("*")):
            return None
        below = self.below(line.index)
        key = read_key(self.text, below[1].at, below[1].end) if below is not None else None
        if key is not None and key.name is not None and known({key.name}, match[1].strip("*")):
            return None  # a comment on it
        name = match[1].strip("*")
        after = name if IDENTIFIER.fullmatch(name.replace(" ", "")) else quoted(name)
        return Entry(
            line.at, line.end, name, 0.1, (Change("markup", line.at, line.end, after + ":", cost_of("markup")),)
        )

    def _places(self, line: Line, entry: Entry) -> list[tuple[float, Frame | Pending]]:
        found: list[tuple[float, Frame | Pending]] = []
        if self.pending is not None:
            pending, extra = self.pending, 0.0
            if self._lists(line, entry, pending.view):
                pending, extra = Pending(pending.frame, pending.at, pending.view.listed()), LISTED
            cost = fit_child(pending, entry, line.column)
            if cost is not None:
                found.append((cost + extra + self._misfit(line, entry, pending.view), pending))
        if self.pending is not None and self._lists_members(entry, self.pending.view):
            found.append((LISTED, Pending(self.pending.frame, self.pending.at, self.pending.view, True)))
        if self.pending is not None and self._counts(entry, line, self.pending):
            found.append((LISTED, Pending(self.pending.frame, self.pending.at, self.pending.view.counted())))
        waiting = self.pending is not None and self._waits_for_text(self.pending, line)
        inside = self.pending is not None and line.column > self.pending.frame.column
        inside = inside and self.pending is not None and self.pending.view.types() == {"object"}
        inside = inside or any(frame.kind == "map" and frame.column == line.column for frame in self.stack)
        for frame in reversed(self.stack):
            fits = fit(frame, entry, line.column)
            if fits is not None:
                fits += self._misfit(line, entry, frame.view)
                if entry.name is None and waiting:
                    fits += STRANGE
                elif entry.name is not None and self._needs_text(frame, entry.name):
                    fits += TWICE
                elif inside and line.column != frame.column and not frame.names:
                    fits += TWICE  # below what has to be an object, or in the column of one
                elif waiting and not frame.names and line.column != frame.column:
                    fits += STRANGE  # below what has to be a text, and in no column of keys
                if entry.name is not None and not frame.view.names():
                    fits += self._due_above(frame, line, entry.name)
                if frame.parent is None and frame.view is not self.view and line.column != frame.column:
                    fits += STRANGE  # beside a key around everything, and not at its column
                found.append((fits, frame))
        if not self.stack:
            kind = "seq" if entry.name is None else "map"
            if kind == "map" and self.wraps_all(line, entry):
                found.append((0.2 + entry.cost, Pending(Frame("root", -1, -1, self.view), 0, SchemaView.of({}))))
            elif wants(self.view, kind):
                cost = entry.cost + (likeness(self.view.names(), entry.name) if entry.name is not None else 0.0)
                found.append((cost, Pending(Frame("root", -1, -1, self.view), 0, self.view)))
            elif self._lists(line, entry, self.view):
                found.append((LISTED, Pending(Frame("root", -1, -1, self.view), 0, self.view.listed())))
            elif self._lists_members(entry, self.view):
                found.append((LISTED, Pending(Frame("root", -1, -1, self.view), 0, self.view, True)))
        return found

    def _due_above(self, frame: Frame, line: Line, name: str) -> float:
        """What speaks against a key in an object of any keys: that one around it has such a member, and not yet."""
        above = frame.parent
        while above is not None and (above.kind == "seq" or name not in above.view.names()):
            above = above.parent
        if above is None or name in above.keys:
            return 0.0
        later = self.lines[line.index + 1 : line.index + _NEAR] if name in above.view.required() else []
        comes = any(self.text.startswith(name, one.at) and one.column <= above.column for one in later)
        return _ABOVE if comes or name not in above.view.required() else STRANGE

    def _misfit(self, line: Line, entry: Entry, view: SchemaView) -> float:
        """What speaks against a bullet in a list, by what stands behind it."""
        if entry.name is not None or entry.value >= line.end or "array" not in view.types():
            return 0.0
        inner = view.item(0)
        key = self.key_at(entry.value, line.end)
        if inner.types() == {"object"}:
            if any(known(inner.names(), name) for name in names_at(self.text, entry.value, line.end)):
                return 0.0
            braces = self.text[line.at : line.end].lstrip("-*+\u2022 \t")[:1] in ("{", "&", "*", "!")
            return 0.0 if braces or (key is not None and not inner.names()) else STRANGE
        if key is None or key.name is None or not wants_scalar(inner):
            return 0.0
        lists = (frame.view.item(0) for frame in self.stack if frame.kind == "seq")
        return TWICE if any(key.name in other.names() for other in lists) else 0.0

    @staticmethod
    def _counts(entry: Entry, line: Line, pending: Pending) -> bool:
        """Whether a key that counts (``item_1``) stands before the first item of the list that is due."""
        if entry.name is None or entry.value < line.end or line.column <= pending.frame.column:
            return False
        types = pending.view.types()
        return "array" in types and "object" not in types and entry.name[-1:].isdigit()

    @staticmethod
    def _lists_members(entry: Entry, view: SchemaView) -> bool:
        """Whether a key is a member of an item of the list that is due, and its mark was left out."""
        if entry.name is None or "array" not in view.types() or "object" in view.types():
            return False
        inner = view.item(0)
        return wants(inner, "map") and known(inner.names(), entry.name)

    def _lists(self, line: Line, entry: Entry, view: SchemaView) -> bool:
        """Whether a bullet begins a list of one around an object: with a key that the object has."""
        if entry.name is not None or wants(view, "seq") or not wants(view, "map"):
            return False
        key = read_key(self.text, entry.value, line.end)
        return key is not None and key.name is not None and known(view.names(), key.name)

    def wraps_all(self, line: Line, entry: Entry, depth: int = 1) -> bool:
        """Whether a key stands around the whole data: what the schema has at the root is below it."""
        if entry.value < line.end or entry.name is None or entry.name in self.view.names():
            return False
        below = self.inside(line.index)
        if below is None or not self.view.types():
            return False
        key = self.key_at(below.at, below.end)
        if not wants(self.view, "map"):
            return wants(self.view, "seq") and read_bullet(self.text, below.at, below.end) is not None
        if key is None or key.name is None or below.column <= line.column or depth > _AROUND:
            return False
        if self.view.names():
            alike = [name for name in self.view.names() if known({name}, entry.name)]
            if any(wants(self.view.member(name), "map") for name in alike):
                return False
            if any(known(self.view.names(), name) for name in names_at(self.text, below.at, below.end)):
                return True
            return self.wraps_all(below, key, depth + 1)
        inner = self.view.member(entry.name)
        within = self.inside(below.index) if inner.names() and not known(inner.names(), key.name) else None
        if within is not None and key.value >= below.end and within.column > below.column:
            return any(known(inner.names(), name) for name in names_at(self.text, within.at, within.end))
        return wants_scalar(inner)
