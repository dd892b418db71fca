"""The ways to go on from a partial reading: what each state may read next, clean or by a repair."""

from __future__ import annotations

import re
from collections.abc import Callable

from . import bare
from .edits import Change
from .rules import Level, allowed, cost_of
from .scan import CLOSING, Gap, Scanner
from .schema_view import SchemaView
from .state import AFTER, CLOSER, COLON, KEY, VALUE, Frame, Reading

_KEYED = re.compile(
    r'(?:"(?:[^"\\\n]|\\.){0,200}"|\'(?:[^\'\\\n]|\\.){0,200}\'|[“”‘’`][^“”‘’`\n]{0,200}[“”‘’`]|[A-Za-z_$][\w$.-]{0,80}"?|"[^":\n{}\[\],]{1,80})\s*(?::(?!//)|=>?|：)')
_KEYED_STRING = re.compile(r'"(?:[^"\\\n]|\\.){0,200}"[ \t]*:')
_CONTAINER_START = re.compile(r'\{\s*(?:["\'}{“‘`]|[A-Za-z_$][\w$]*["\']?\s*:)|\[\s*(?:["\'{\[\]“‘`\-\d]|true|false|null|True|False|None)')
_GROUP = re.compile(r",(\d{3})(?![\d.])")
_COLONS = re.compile(r"=>|->|:=|=|：")
_SEPARATORS = ";，；、"
_SMALL = frozenset({"extra_comma", "trailing_comma"})
INDENT = 0.8  # what speaks against a reading that ignores indentation
STRANGE = 0.8  # what speaks against a key that should stand in an object further out
TWICE = 0.6  # what speaks against a key that occurs twice in an object


class Moves:
    """Makes the readings that follow a reading.

    Args:
        text, end: the region that is read ends at ``end``.
        level: which rules are allowed.
        scanner: gaps and strings of the text.
        opened: checks each new bracket against the limits.
    """

    def __init__(self, text: str, end: int, level: Level, scanner: Scanner, opened: Callable[[Frame], Frame],
                 view: SchemaView | None = None) -> None:
        self.text, self.end, self.level, self.scanner, self.opened = text, end, level, scanner, opened
        self.view = view
        self._states = {VALUE: self._value, KEY: self._key, COLON: self._colon, AFTER: self._after}

    def expand(self, reading: Reading) -> list[Reading]:
        """All ways to read one token more, none of them at a rule that the level does not allow."""
        found = self._states[reading.state](reading)
        if self.level == "salvage":
            return found
        return [new for new in found if self._permitted(reading, new)]

    def _permitted(self, old: Reading, new: Reading) -> bool:
        link = new.links
        while link is not None and link is not old.links:
            rule = link.piece.rule
            if rule is not None and not allowed(rule, self.level):
                return False
            link = link.before
        return True

    def view_of(self, frame: Frame | None, key: str) -> SchemaView | None:
        """What the schema says about the value that is read next in a bracket."""
        if self.view is None:
            return None
        if frame is None:
            return self.view
        if frame.view is None:
            return None
        if frame.kind == "[":
            return frame.view.item(0)
        return frame.view.member(key[1:-1])

    # -- building blocks

    def _past(self, reading: Reading, gap: Gap) -> Reading:
        """The reading after a gap, with the gap's changes."""
        new = reading.copy()
        for change in gap.changes:
            new.add(change, change.cost)
            new.tokens += 1
        new.pos = gap.end
        if gap.column >= 0:
            new.indent = gap.column
        return new

    def _open(self, reading: Reading, kind: str, at: int, several: bool = False) -> Reading:
        """Enter a bracket (in place)."""
        reading.frame = self.opened(Frame(kind, at, reading.count, reading.frame, reading.indent, several,
                                          self.view_of(reading.frame, reading.key)))
        reading.state, reading.first, reading.closed = KEY if kind == "{" else VALUE, True, None
        return reading

    def _close(self, reading: Reading, pos: int) -> Reading:
        """Leave the innermost bracket (in place); its closer ends at ``pos``."""
        frame = reading.frame
        assert frame is not None
        reading.vstart, reading.vseq, reading.closed = frame.open, frame.seq, frame
        frame.left()
        reading.frame, reading.pos, reading.state, reading.first = frame.parent, pos, AFTER, False
        return reading

    def _insert_closers(self, reading: Reading, upto: Frame | None, cost: float, more: float,
                        evident: bool = False) -> Reading:
        """Close every bracket inside ``upto`` where the reading stands."""
        new = reading.copy()
        closers = ""
        total = 0.0
        if not evident:
            new.doubtful = (new.doubtful or self._could_end_earlier(new.frame, upto, new.pos)
                            or reading.frame is not None and not reading.frame.several and self._doubtful_end(reading))
        frame = new.frame
        while frame is not upto and frame is not None:
            if frame.several:
                total += 0.05
            else:
                total += cost if not total else more
            closers += CLOSER[frame.kind]
            new.vstart, new.vseq = frame.open, frame.seq
            frame = frame.parent
        new.frame, new.state, new.first, new.closed = upto, AFTER, False, None
        rule = "several_values" if reading.frame is not None and reading.frame.several else "missing_closer"
        return new.change(rule, new.pos, new.pos, closers, total)

    def _could_end_earlier(self, frame: Frame | None, upto: Frame | None, pos: int) -> bool:
        """Whether members of a bracket without closer may belong to the bracket around it, for all that can be seen."""
        while frame is not None and frame is not upto:
            above = frame.parent
            if (above is not None and above.kind == frame.kind and not above.several and frame.member_indent is None
                    and self.text.find(",", frame.open, pos) >= 0):
                return True
            frame = above
        return False

    def _ancestor(self, frame: Frame | None, kind: str) -> Frame | None:
        """The innermost enclosing bracket of a kind, outside ``frame``."""
        above = frame.parent if frame else None
        while above is not None and (above.kind != kind or above.several):
            above = above.parent
        return above

    def _wrap(self, reading: Reading, kind: str, cost: float, rule: str = "missing_opener") -> Reading:
        """Open a bracket before the last value."""
        new = reading.copy()
        frame = self.opened(Frame(kind, new.vstart, new.vseq, new.frame, -1, rule == "several_values",
                                  self.view_of(new.frame, new.key)))
        new.add_before_value(Change(rule, new.vstart, new.vstart, kind, cost), cost)
        new.frame, new.first, new.closed = frame, False, None
        return new

    def _reopen(self, reading: Reading, cost: float) -> Reading | None:
        """Take the closing bracket that was just read as one too many."""
        frame = reading.closed
        if frame is None or self.text[reading.pos - 1 : reading.pos] not in ("}", "]"):
            return None
        new = reading.copy()
        new.frame, new.state, new.closed = frame, AFTER, None
        return new.change("surplus_closer", reading.pos - 1, reading.pos, "", cost)

    def _delete(self, reading: Reading, gap: Gap, rule: str, cost: float, length: int = 1) -> Reading:
        """Remove what follows the gap and stay in the same state."""
        new = self._past(reading, gap)
        new.change(rule, gap.end, gap.end + length, "", cost)
        new.pos, new.closed = gap.end + length, None
        new.tokens += rule in _SMALL
        return new

    # -- states

    def _value(self, reading: Reading) -> list[Reading]:
        text, gap, frame = self.text, self.scanner.gap(reading.pos), reading.frame
        at = gap.end
        if at >= self.end:
            return self._value_at_end(reading, gap)
        head = text[at]
        found: list[Reading] = []
        if head in "}])":
            if frame is None:
                return []
            if frame.kind == "{":  # a key without a value, or an empty bracket that lost its opener
                found.append(self._missing_value(reading))
                if head != ")":
                    found.append(self._empty(reading, gap, 1.2 if head == "]" else 1.6))
                return found
            if not reading.first:  # past a comma: only an empty bracket that lost its opener can stand here
                return [self._empty(reading, gap, 0.6)] if head != ")" else []
            return self._closer(reading, gap)
        if head == ",":
            if frame is not None and frame.kind == "{":
                return [self._missing_value(reading)]
            if frame is None:
                return []
            found.append(self._delete(reading, gap, "extra_comma", cost_of("extra_comma")))
            if frame.parent is not None and self._keyed(self.scanner.gap(at + 1).end) and self._ancestor(frame, "{"):
                found.append(self._insert_closers(reading, frame.parent, 0.5, 0.5, True))
            return found
        if head == ":" and frame is not None and frame.kind == "{":
            return [self._delete(reading, gap, "wrong_colon", cost_of("wrong_colon"))]
        base = self._past(reading, gap)
        base.vstart, base.vseq, base.closed, base.tokens = at, base.count, None, base.tokens + 1
        if gap.column >= 0 and frame is not None:
            if frame.kind == "[" and reading.first and frame.member_indent is None:
                frame.member_indent = gap.column
            elif frame.kind == "{" and gap.column > frame.indent:  # a line of its own after a colon: a lost bracket?
                kind = "{" if _KEYED_STRING.match(text, at, self.end) else "["
                found.append(self._open(base.copy().change("missing_opener", at, at, kind, 0.6), kind, at))
                assert found[-1].frame is not None
                found[-1].frame.indent = frame.member_indent if frame.member_indent is not None else frame.indent
                base.cost += 0.4
        if head in "{[(":
            clean = head != "(" and _CONTAINER_START.match(text, at, self.end) is not None
            if head == "(":
                opened = base.copy().change("tuple", at, at + 1, "[", cost_of("tuple"))
            else:
                opened = base.copy()
                opened.cost += 0.0 if clean else 0.3
            opened.pos = at + 1
            found.append(self._open(opened, "[" if head == "(" else head, at))
            if not clean and frame is not None:
                found += self._bare(base, at)
            return found
        if head in CLOSING:
            found += self._string(base, at)
            return found
        return found + self._bare(base, at)

    def _string(self, base: Reading, at: int) -> list[Reading]:
        found = []
        for string in self.scanner.quoted(at, "value"):
            new = base.copy()
            new.pos, new.state, new.first = string.end, AFTER, False
            new.complete = base.complete and not string.truncated
            new.add(string, string.cost)
            found.append(new)
        return found

    def _bare(self, base: Reading, at: int) -> list[Reading]:
        found = []
        for option in bare.values(self.text, at, self.end, self.scanner,
                                  base.frame is not None and base.frame.kind == "["):
            new = base.copy()
            new.pos, new.state, new.first = option.end, AFTER, False
            new.complete = base.complete and not option.truncated
            share = option.cost / max(1, len(option.pieces))
            for piece in option.pieces:
                new.add(piece, share)
            if not option.pieces:
                new.cost += option.cost
            found.append(new)
        return found

    def _missing_value(self, reading: Reading) -> Reading:
        new = reading.copy()
        new.vstart, new.vseq, new.closed, new.state, new.first = reading.pos, new.count, None, AFTER, False
        return new.change("missing_value", reading.pos, reading.pos, " null", cost_of("missing_value"))

    def _empty(self, reading: Reading, gap: Gap, cost: float) -> Reading:
        """A closer that stands for a whole empty array or object."""
        new = self._past(reading, gap)
        opener = "[" if self.text[gap.end] == "]" else "{"
        new.vstart, new.vseq = gap.end, new.count
        new.change("missing_opener", gap.end, gap.end, opener, cost)
        new.pos, new.state, new.first, new.closed = gap.end + 1, AFTER, False, None
        return new

    def _value_at_end(self, reading: Reading, gap: Gap) -> list[Reading]:
        if reading.frame is None:
            return []
        new = reading.copy()
        if reading.frame.kind == "{":
            new = self._missing_value(reading)
            new.cost -= 0.3
        new.state, new.complete, new.first = AFTER, False, False
        return [new]

    def _key(self, reading: Reading) -> list[Reading]:
        text, gap, frame = self.text, self.scanner.gap(reading.pos), reading.frame
        at = gap.end
        assert frame is not None
        if at >= self.end:
            return [self._drop_member(reading)]
        head = text[at]
        if head in "}])":
            return self._closer(reading, gap)
        if head == ",":
            return [self._delete(reading, gap, "extra_comma", cost_of("extra_comma"))]
        base = self._past(reading, gap)
        base.closed, base.tokens = None, base.tokens + 1
        found: list[Reading] = []
        if gap.column >= 0 and frame.member_indent is None and reading.first:
            frame.member_indent = gap.column
        if head in CLOSING:
            for string in self.scanner.quoted(at, "key"):
                new = base.copy()
                new.vstart, new.vseq = at, new.count
                new.pos, new.state, new.complete = string.end, COLON, new.complete and not string.truncated
                key = '"' + text[string.content_start : string.content_end] + '"'
                if frame.keys.setdefault(key, at) != at:
                    new.cost += TWICE
                new.key = key
                new.add(string, string.cost)
                found.append(new)
            return found
        if head in "{[(":
            if reading.first and head == "{":
                found.append(self._delete(reading, gap, "surplus_opener", cost_of("surplus_opener") - 0.4))
            if reading.first and text[frame.open : frame.open + 1] == "{":
                found.append(self._as_array(base, frame))
                found[-1].cost += 1.0 * (head == "{")
            return found
        length = bare.junk(text, at, self.end)
        if length and self._keyed(self.scanner.gap(at + length).end) and text[self.scanner.gap(at + length).end] in CLOSING:
            found.append(self._delete(reading, gap, "junk", cost_of("junk"), length))
        option = bare.key(text, at, self.end)
        if option is not None:
            new = base.copy()
            new.vstart, new.vseq = at, new.count
            new.pos, new.state = option.end, COLON
            new.key = '"' + text[at : option.end].rstrip('"') + '"'
            frame.keys.setdefault(new.key, at)
            for piece in option.pieces:
                new.add(piece, option.cost / len(option.pieces))
            found.append(new)
        elif reading.first and text[frame.open : frame.open + 1] == "{":
            found.append(self._as_array(base, frame))
        return found

    def _as_array(self, reading: Reading, frame: Frame) -> Reading:
        """The brace before the first member was meant as a bracket: a set."""
        new = reading.copy()
        new.add(Change("set", frame.open, frame.open + 1, "[", cost_of("set")), cost_of("set"))
        assert new.links is not None
        new.links.key = (frame.seq, -new.count)
        new.frame = self.opened(Frame("[", frame.open, frame.seq, frame.parent, frame.indent, view=frame.view))
        new.state, new.first, new.tokens = VALUE, True, max(0, new.tokens - 1)
        return new

    def _drop_member(self, reading: Reading) -> Reading:
        """At the end of the text: take back the member that was begun."""
        pos, links, count = reading.back
        frame = reading.frame
        assert frame is not None
        new = reading.copy()
        if pos <= frame.open:  # the first member of its object
            pos, links, count = frame.open + 1, new.links, new.count
            while links is not None and links.piece.start > frame.open:
                links = links.before
        cost = cost_of("truncated_member") if self.text[pos : self.end].strip(" \t\r\n,") else 0.2
        new.links, new.count, new.pos, new.complete = links, count, pos, False
        if pos < self.end:
            rule = "truncated_member" if self.text[pos : self.end].strip(" \t\r\n,") else "trailing_comma"
            new.change(rule, pos, self.end, "", cost)
        new.pos, new.state, new.first = self.end, AFTER, False
        return new

    def _colon(self, reading: Reading) -> list[Reading]:
        text, gap, frame = self.text, self.scanner.gap(reading.pos), reading.frame
        at = gap.end
        assert frame is not None
        if at >= self.end:
            return [self._drop_member(reading)]
        base = self._past(reading, gap)
        base.state, base.first = VALUE, False
        head = text[at]
        if head == ":":
            base.pos = at + 1
            return [base]
        match = _COLONS.match(text, at, self.end)
        if match:
            base.change("wrong_colon", at, match.end(), ":", cost_of("wrong_colon"))
            base.pos = match.end()
            return [base]
        found = []
        if head in ",}":
            new = reading.copy()
            new.state, new.first = AFTER, False
            found.append(new.change("missing_value", new.pos, new.pos, ": null", cost_of("missing_value") + 0.3))
            if reading.first and text[frame.open : frame.open + 1] == "{":
                as_set = self._as_array(reading, frame)
                as_set.state, as_set.first = AFTER, False
                found.append(as_set)
            return found
        if head == "]":
            return []
        new = reading.copy()
        new.state, new.first = VALUE, False
        return [new.change("missing_colon", new.pos, new.pos, ":", cost_of("missing_colon") + 0.2 * (gap.column >= 0))]

    def _keyed(self, at: int) -> bool:
        """Whether a key and a colon stand at an offset."""
        return _KEYED.match(self.text, at, self.end) is not None

    def _after(self, reading: Reading) -> list[Reading]:
        frame = reading.frame
        if frame is None:
            return self._after_root(reading)
        text, gap = self.text, self.scanner.gap(reading.pos)
        at = gap.end
        if at >= self.end:
            new = self._insert_closers(reading, None, cost_of("missing_closer"), 0.3)
            if not self._only_several(frame):
                new.complete = False
                new.doubtful = new.doubtful or self._doubtful_end(reading)
            return [new]
        head = text[at]
        if head == ",":
            return self._comma(reading, gap, ",")
        if head in _SEPARATORS:
            return self._comma(reading, gap, head)
        if head in "}])":
            return self._closer(reading, gap)
        found: list[Reading] = []
        if head in ":=" or head == "：":
            if text[reading.vstart] in CLOSING or frame.kind == "[" or reading.first:
                new = self._wrap(reading, "{", cost_of("missing_opener"))
                new.state = COLON
                found.append(new)
            if head == ":" and frame.kind == "[" and text[frame.open] == "[" and text[frame.open + 1 : reading.vstart].strip() == "":
                new = reading.copy()
                new.add(Change("wrong_opener", frame.open, frame.open + 1, "{", 1.3), 1.3)
                assert new.links is not None
                new.links.key = (frame.seq, -new.count)
                new.frame = Frame("{", frame.open, frame.seq, frame.parent, frame.indent, view=frame.view)
                new.state = COLON
                found.append(new)
            return found
        if frame.several and not (head in "{[" or head in CLOSING):
            return [self._finish(self._insert_closers(reading, None, 0.0, 0.0))]
        if head == "+" and self.scanner.gap(at + 1).end < self.end and text[self.scanner.gap(at + 1).end] in CLOSING:
            found += self._concatenate(reading, self.scanner.gap(at + 1).end)
        if head in CLOSING and text[reading.pos - 1] in CLOSING:
            if not self._keyed(at):
                found += self._concatenate(reading, at)
        found += self._comma(reading, gap, "")
        length = bare.junk(text, at, self.end)
        if length:
            found.append(self._delete(reading, gap, "junk", cost_of("junk"), length))
        return found

    def _concatenate(self, reading: Reading, at: int) -> list[Reading]:
        """Join the last string with the one at ``at``: the quotes between go."""
        if self.text[reading.pos - 1] != '"':
            return []
        found = []
        for string in self.scanner.quoted(at, "value")[:1]:
            if string.truncated or string.rule not in (None, "quote_style"):
                continue
            new = reading.copy()
            new.change("string_concatenation", reading.pos - 1, string.content_start, "",
                       cost_of("string_concatenation") + string.cost)
            if string.content_end + 1 != string.end or self.text[string.content_end] != '"':
                new.change("quote_style", string.content_end, string.end, '"', 0.2)
            new.pos, new.tokens = string.end, new.tokens + 1
            found.append(new)
        return found

    def _only_several(self, frame: Frame | None) -> bool:
        while frame is not None:
            if not frame.several:
                return False
            frame = frame.parent
        return True

    def _doubtful_end(self, reading: Reading) -> bool:
        """Closers are missing at the end, yet the text ends with one: one inside may be lost instead."""
        frame, outer = reading.closed, reading.frame
        return (frame is not None and outer is not None and frame.kind == outer.kind and frame.member_indent is None
                and self.text.find(",", frame.open, reading.pos) >= 0)

    def _comma(self, reading: Reading, gap: Gap, comma: str) -> list[Reading]:
        """After a value: a comma, something that stands for one, or none at all."""
        text, frame = self.text, reading.frame
        assert frame is not None
        next_gap = self.scanner.gap(gap.end + len(comma)) if comma else gap
        at = next_gap.end
        if comma:
            if at >= self.end or text[at] in "}])" or text[at] == comma:
                rule = "extra_comma" if at < self.end and text[at] == comma else "trailing_comma"
                found = [self._delete(reading, gap, rule, cost_of(rule))]
                if at < self.end and comma == "," and frame.kind == "[" and 0 <= next_gap.column == frame.member_indent:
                    found.append(self._past(reading, gap))
                    found[-1].pos, found[-1].state, found[-1].first = gap.end + 1, VALUE, False
                return found
        keyed = self._keyed(at)
        column = next_gap.column if next_gap.column >= 0 else gap.column
        found: list[Reading] = []
        # The obvious reading: another member of the same bracket.
        new = self._past(reading, gap) if comma else reading.copy()
        if comma == ",":
            new.pos = gap.end + 1
        elif comma:
            new.change("wrong_separator", gap.end, gap.end + 1, ",", cost_of("wrong_separator"))
            new.pos = gap.end + 1
        elif frame.several:
            new.change("several_values", new.pos, new.pos, ",", 0.0)
        else:
            new.change("missing_comma", new.pos, new.pos, ",", cost_of("missing_comma") + 0.3 * (frame.kind == "{" and not keyed))
        new.back = (reading.pos, reading.links, reading.count)
        new.state, new.first, new.closed = KEY if frame.kind == "{" else VALUE, False, None
        misfit = column >= 0 and frame.member_indent is not None and column != frame.member_indent
        if misfit:
            new.cost += INDENT
        key_match = _KEYED_STRING.match(text, at, self.end)
        twice, owner = False, None
        if frame.kind == "{" and key_match:
            key = key_match.group().rstrip(": \t")
            twice = frame.keys.get(key, at) != at
            if frame.watched and frame.strange(key):
                owner = frame.owner(key)
                new.cost += STRANGE if owner is not None else 0.3
                if owner is None:
                    again = self._reopen(reading, cost_of("surplus_closer"))
                    found += [again] if again is not None else []
        found.append(new)
        if owner is not None:
            found.append(self._insert_closers(reading, owner, 0.5, 0.5, True))
        if misfit and frame.kind == "[" and comma and column > (frame.member_indent or 0):  # an opener was lost
            kind = "{" if keyed else "["
            nested = self._past(new, self.scanner.gap(new.pos)).change("missing_opener", at, at, kind, 0.6)
            nested.cost -= INDENT
            found.append(self._open(nested, kind, at))
            assert found[-1].frame is not None
            found[-1].frame.indent = frame.member_indent if frame.member_indent is not None else -1
        # A closer was lost before the comma.
        above = frame.parent
        if misfit:
            while above is not None and not (above.member_indent == column and (above.kind == "{") == keyed):
                above = above.parent
            if above is not None and column >= 0:
                found.append(self._insert_closers(reading, above, 0.4, 0.3, True))
        wrong_kind = keyed != (frame.kind == "{")
        if wrong_kind or twice:
            want = "{" if keyed else "["
            outer = self._ancestor(frame, want)
            if outer is not None:
                found.append(self._insert_closers(reading, outer, cost_of("missing_closer"), cost_of("missing_closer")))
        if wrong_kind:
            if frame.kind == "{":
                bare_word = at < self.end and text[at] not in CLOSING and text[at] not in "{[(-" and not text[at].isdigit()
                found.append(self._wrap(reading, "[", cost_of("missing_opener") + 0.8 * bare_word))
                found[-1].state = AFTER
            again = self._reopen(reading, cost_of("surplus_closer"))
            if again is not None:
                found.append(again)
            group = _GROUP.match(text, gap.end, self.end) if comma == "," and frame.kind == "{" else None
            if group and text[reading.pos - 1].isdigit() and reading.closed is None:
                joined = self._past(reading, gap).change("digit_grouping", gap.end, gap.end + 1, "", cost_of("digit_grouping"))
                joined.pos = group.end()
                found.append(joined)
        return found

    def _closer(self, reading: Reading, gap: Gap) -> list[Reading]:
        """A closing bracket, of the right kind or not."""
        text, frame = self.text, reading.frame
        assert frame is not None
        at = gap.end
        head = text[at]
        right = CLOSER[frame.kind]
        found: list[Reading] = []
        round_right = head == ")" and text[frame.open : frame.open + 1] == "("
        if head == right or round_right or (frame.kind == "[" and head == "}" and text[frame.open : frame.open + 1] == "{"):
            new = self._past(reading, gap)
            if head != right:
                new.change("tuple" if head == ")" else "set", at, at + 1, right, 0.05)
            misfit = gap.column >= 0 and frame.indent >= 0 and gap.column != frame.indent
            inline = gap.column < 0 and frame.member_indent is not None
            new.cost += INDENT if misfit else 0.3 if inline else 0.0
            found.append(self._close(new, at + 1))
            if misfit or inline:
                if misfit:
                    above = frame.parent
                    while above is not None and not (above.indent == gap.column and CLOSER[above.kind] == head):
                        above = above.parent
                    if above is not None:
                        found.append(self._insert_closers(reading, above, 0.4, 0.3, True))
                found.append(self._delete(reading, gap, "surplus_closer", cost_of("surplus_closer") - 0.3))
                found[-1].state = AFTER if not reading.first else reading.state
            return found
        kind = {"}": "{", "]": "[", ")": "("}[head]
        outer = self._ancestor(frame, kind)
        if outer is not None:
            evident = gap.column >= 0 and gap.column == outer.indent
            found.append(self._insert_closers(reading, outer, 0.5 if evident else 1.0, 0.5 if evident else 1.0, evident))
        found.append(self._delete(reading, gap, "surplus_closer", cost_of("surplus_closer")))
        if head != ")":
            new = self._past(reading, gap)
            new.change("wrong_closer", at, at + 1, right, cost_of("wrong_closer"))
            found.append(self._close(new, at + 1))
            if head == "]" and frame.kind == "{" and reading.state == AFTER:
                found.append(self._wrap(reading, "[", cost_of("missing_opener")))
                found[-1].state = AFTER
        return found

    def _finish(self, reading: Reading) -> Reading:
        """A complete reading; what follows its end is for the caller."""
        done = reading.copy()
        done.vstart = reading.pos  # where the reading ends
        done.pos, done.state, done.frame = -1, AFTER, None
        return done

    def _after_root(self, reading: Reading) -> list[Reading]:
        text, gap = self.text, self.scanner.gap(reading.pos)
        at = gap.end
        done = self._finish(reading)
        if at >= self.end:
            for change in gap.changes:
                done.add(change, change.cost)
            done.vstart = at
            return [done]
        head = text[at]
        found = [done]
        next_at = self.scanner.gap(at + 1).end if head in ",+" else at
        structural = head in ",}]:" or head in "{[" or (head in CLOSING and head in "\"'")
        if head == "," and next_at >= self.end:
            return [self._delete(reading, gap, "trailing_comma", cost_of("trailing_comma"))]
        if head == "+" and next_at < self.end and text[next_at] in CLOSING:
            return self._concatenate(reading, next_at) or found
        if not structural:
            return found
        done.cost += 1.6 if head == ":" or head == "," and self._keyed(next_at) else 0.7
        starts = next_at < self.end and (text[next_at] in '{["' or (head == "," and (text[next_at].isdigit() or text[next_at] == "-")))
        if head == ":" and text[reading.vstart] in CLOSING:
            new = self._wrap(reading, "{", cost_of("missing_opener"))
            new.state = COLON
            found.append(new)
        elif starts and not (self._keyed(next_at) and text[next_at] not in "{["):
            new = self._wrap(reading, "[", cost_of("several_values"), "several_values")
            new.state = AFTER
            found.append(new)
        if head in "}]":
            found.append(self._delete(reading, gap, "surplus_closer", cost_of("surplus_closer")))
        again = self._reopen(reading, cost_of("surplus_closer"))
        if again is not None and head in ",]}":
            found.append(again)
        return found
