"""The ways to go on from a partial reading: what each state may read next, clean or by a repair."""

from __future__ import annotations

import re

from . import bare
from .after import KEYED_STRING, After
from .edits import Change
from .gaps import Gap
from .rules import allowed, cost_of
from .state import AFTER, COLON, VALUE, Frame, Link, Reading
from .strings import CLOSING, StringReading

_CONTAINER_START = re.compile(
    r'\{\s*(?:["\'}{“‘`]|[A-Za-z_$][\w$]*["\']?\s*:)'
    r'|\[\s*(?:["\'{\[\]“‘`\-\d]|true|false|null|True|False|None)'
)
_TEMPLATE = re.compile(r"\{\{\s*[\w.]+\s*\}\}")  # a place to fill in, in a text
_BARE_MEMBER = re.compile(r"\{\s*[A-Za-z_$][\w$]*\s*:\s*[^\s\"'{\[]")
_COLONS = re.compile(
    r"∶|=>|->|:=|=|：|→|…:|[-–—;](?=[ \t])|is(?=[ \t])|\.(?=[ \t]+[\"'{\[\d-])|\|(?=[ \t]*[\"'\w{\[-])"
)
_LONG_KEY = 1_000  # characters by which a key is known
TWICE = 0.6  # what speaks against a key that occurs twice in an object


class Moves(After):
    """Makes the readings that follow a reading."""

    def expand(self, reading: Reading) -> list[Reading]:
        """All ways to read one token more, none of them at a rule that the level does not allow."""
        found = (self._value, self._key, self._colon, self._after)[reading.state](reading)
        if self.level != "safe":  # only "junk" needs more than the normal level, and makes sure of it itself
            return found
        return [new for new in found if self._permitted(reading, new)]

    def _permitted(self, old: Reading, new: Reading) -> bool:
        link = new.links
        for _ in range(max(1, new.count - old.count) + 1):  # what is new, and what it may have replaced
            if link is None or link is old.links:
                break
            rule = link.piece.rule
            if rule is not None and not allowed(rule, self.level):
                return False
            link = link.before
        return True

    def _value(self, reading: Reading) -> list[Reading]:
        text, gap, frame = self.text, self.scanner.gap(reading.pos), reading.frame
        at = gap.end
        if at >= self.end:
            return self._value_at_end(reading, gap)
        head = text[at]
        found: list[Reading] = []
        if head in "-+" and not text[at + 1 : self.end].strip() and frame is not None:
            if frame.kind == "[" and not reading.first:
                return [self._drop_member(reading)]
            cut = self._past(reading, gap).change("truncated_number", at, self.end, "", cost_of("truncated_number"))
            cut.pos = self.end
            return self._value_at_end(cut, self.scanner.gap(self.end))
        mark = bare.mark(text, at, self.end) if frame is not None and frame.kind == "[" else 0
        first = text[at + mark : at + mark + 1]
        plain = gap.column >= 0 and text[at : at + 2] in ("- ", "* ", "• ") and first.isalpha()
        if mark and (plain or first in ('"', "“", "'")):
            unmarked = self._delete(reading, gap, "line_mark", cost_of("line_mark"), mark)
            if not plain or self._listed(at):
                return [unmarked]
            unmarked.cost += 1.0
            found.append(unmarked)
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
                found.append(self._missing_value(reading))
                behind = self.scanner.gap(at + 1).end
                if behind < self.end and text[behind] not in ",}])" and not self._keyed(behind):
                    found.append(self._delete(reading, gap, "extra_comma", cost_of("extra_comma")))
                return found
            if frame is None:
                return []
            found.append(self._delete(reading, gap, "extra_comma", cost_of("extra_comma")))
            if frame.parent is not None and self._keyed(self.scanner.gap(at + 1).end) and self._ancestor(frame, "{"):
                found.append(self._insert_closers(reading, frame.parent, 0.5, 0.5, True))
            return found
        if head in ":=" and frame is not None and frame.kind == "{":
            found.append(self._delete(reading, gap, "wrong_colon", cost_of("wrong_colon")))
            if head == ":":
                return found
        base = self._past(reading, gap)
        base.vstart, base.vseq, base.closed, base.tokens = at, base.count, None, base.tokens + 1
        if gap.column >= 0 and frame is not None:
            if frame.kind == "[" and reading.first and frame.member_indent is None:
                frame.member_indent = gap.column
            elif frame.kind == "{" and gap.column > frame.indent:  # a line of its own after a colon: a lost bracket?
                kind = "{" if KEYED_STRING.match(text, at, self.end) else "["
                found.append(self._open(base.copy().change("missing_opener", at, at, kind, 0.6), kind, at))
                assert found[-1].frame is not None
                found[-1].frame.indent = frame.member_indent if frame.member_indent is not None else frame.indent
                base.cost += 0.4
        if head in "{[(":
            clean = head != "(" and _CONTAINER_START.match(text, at, self.end) is not None
            clean = clean and _TEMPLATE.match(text, at, self.end) is None
            clean = clean and not (_BARE_MEMBER.match(text, at, self.end) and self._wants_text(base))
            if head == "(":
                opened = base.copy().change("tuple", at, at + 1, "[", cost_of("tuple"))
            else:
                opened = base.copy()
                opened.cost += 0.0 if clean else 0.3 + (0.9 if self._wants_text(base) else 0.0)
            opened.pos = at + 1
            found.append(self._open(opened, "[" if head == "(" else head, at, head))
            if not clean and frame is not None and self._text_fits(base):
                found += [*self._bare(base, at), *self._text(base, at)]
            elif clean and frame is not None and self._wants_text(base):
                found += [new for new in self._bare(base, at) if new.used({"missing_open_quote"}, base.links)]
            return found
        if head in CLOSING:
            found += self._string(base, at)
            if head != '"':
                member = frame is not None and frame.kind == "{"
                lost = {"missing_open_quote", "unquoted_string"} if member and head in "“„" else {"missing_open_quote"}
                found += [new for new in self._bare(base, at) if new.used(lost, base.links)]
            return found
        found_bare = self._bare(base, at)
        rules = {"unquoted_string", "missing_open_quote"}
        known = found_bare and not any(new.used(rules, base.links) for new in found_bare)
        return found + found_bare + ([] if known else self._text(base, at))

    def _string(self, base: Reading, at: int) -> list[Reading]:
        found = []
        for string in self.scanner.quoted(at, "value"):
            new = base.copy()
            new.pos, new.state, new.first = string.end, AFTER, False
            new.complete = base.complete and not string.truncated
            new.doubtful = base.doubtful or self._either(string)
            new.add(string, string.cost)
            found.append(new)
        return found

    def _wants_text(self, reading: Reading) -> bool:
        """Whether the schema has nothing but a text in this place."""
        view = self.view_of(reading.frame, reading.key)
        return view is not None and view.types() - {"null"} == {"string"}

    def _text_fits(self, reading: Reading) -> bool:
        """Whether the schema has anything against a text in this place."""
        view = self.view_of(reading.frame, reading.key)
        return view is None or not view.types() or "string" in view.types()

    def _either(self, string: StringReading) -> bool:
        """Whether the end of a string can be read in two ways: inches or a doubled quote, a comma within or behind."""
        text, end = self.text, string.end
        if string.rule == "unquoted_string":
            return True
        if string.rule == "missing_close_quote":
            return text[end - 1 : end] in (",", ";", "；", "，") or text[end : end + 2] == ",,"
        if string.rule is None and text.startswith('""', string.start) and text[end - 2 : end] == '""' and end > 4:
            return True  # quotes of the text, or doubled ones
        return text[end - 2 : end] == '""' and end - 3 > string.start and text[end - 3].isdigit()

    def _listed(self, at: int) -> bool:
        """Whether no line beside one with a bullet is an item without one."""
        text = self.text
        before = text[max(0, at - 2000) : at].rstrip().rpartition("\n")[2].strip()
        following = text.find("\n", at, self.end)
        after = text[following : following + 200].lstrip()[:1] if following >= 0 else ""
        first = not before or before[-1] in "[{"
        return (first or before[0] == text[at]) and (after in ("", "]", "}", text[at]))

    def _text(self, base: Reading, at: int) -> list[Reading]:
        if base.frame is None or not self._wants_text(base):
            return []
        found = self._read(base, bare.texts(self.text, at, self.end, base.frame.kind == "["))
        for new in found:  # a text in brackets, or a list of one for it?
            new.doubtful |= self.text[at] == "[" and self.text[new.pos - 1] == "]"
        return found

    def _bare(self, base: Reading, at: int) -> list[Reading]:
        in_array = base.frame is not None and base.frame.kind == "["
        return self._read(base, bare.values(self.text, at, self.end, self.scanner, in_array))

    @staticmethod
    def _read(base: Reading, options: list[bare.Bare]) -> list[Reading]:
        found = []
        for option in options:
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
                key = '"' + text[string.content_start : min(string.content_end, at + _LONG_KEY)] + '"'
                if frame.keys.setdefault(key, at) != at:
                    new.cost += TWICE
                new.key = key
                new.add(string, string.cost)
                found.append(new)
            return found
        if head == "(" and (mark := bare.mark(text, at, self.end)) and self._keyed(self.scanner.gap(at + mark).end):
            return [self._delete(reading, gap, "line_mark", cost_of("line_mark"), mark)]
        if head in "{[(":
            if reading.first and head == "{":
                found.append(self._delete(reading, gap, "surplus_opener", cost_of("surplus_opener") - 0.4))
            if reading.first and frame.mark == "{":
                found.append(self._as_array(base, frame))
                found[-1].cost += 1.0 * (head == "{")
            return found
        if (mark := bare.mark(text, at, self.end)) and self._keyed(self.scanner.gap(at + mark).end):
            return [self._delete(reading, gap, "line_mark", cost_of("line_mark"), mark)]
        line = bare.line(text, at, self.end) if gap.column >= 0 else 0
        if line and self._keyed(self.scanner.gap(at + line).end):
            found.append(self._stray(reading, gap, line))
        length = bare.word(text, at, self.end)
        following = self.scanner.gap(at + length).end if length else at
        if length and self._keyed(following) and text[following] in CLOSING:
            found.append(self._stray(reading, gap, length))
        length = bare.junk(text, at, self.end) if not length and self.level == "salvage" else 0
        following = self.scanner.gap(at + length).end if length else at
        if length and self._keyed(following) and text[following] in CLOSING:
            found.append(self._delete(reading, gap, "junk", cost_of("junk"), length))
        option = bare.key(text, at, self.end)
        if option is not None:
            new = base.copy()
            new.vstart, new.vseq = at, new.count
            new.pos, new.state = option.end, COLON
            new.key = '"' + text[at : option.end].rstrip('"') + '"'
            frame.keys.setdefault(new.key, at)
            bare_key = option.pieces[0].rule == "unquoted_key"
            cheaper = cost_of("unquoted_key") - self.scanner.bare_key if bare_key else 0.0
            for piece in option.pieces:
                new.add(piece, (option.cost - cheaper) / len(option.pieces))
            found.append(new)
        elif reading.first and frame.mark == "{":
            found.append(self._as_array(base, frame))
        return found

    def _as_array(self, reading: Reading, frame: Frame) -> Reading:
        """The brace before the first member was meant as a bracket: a set."""
        new = reading.copy()
        new.add(Change("set", frame.open, frame.open + 1, "[", cost_of("set")), cost_of("set"))
        assert new.links is not None
        new.links.key = (frame.seq, -new.count)
        new.frame = self.opened(
            Frame("[", frame.open, frame.seq, frame.parent, frame.indent, view=frame.view, mark="{")
        )
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
            base.change("wrong_colon", at, match.end(), ":", self._habit(reading, "wrong_colon"))
            base.pos = match.end()
            return [base]
        found = []
        if head in ",}]" and text[reading.pos - 1] in CLOSING:
            after = self.scanner.gap(at + 1).end
            if after < self.end and text[after] == ":":
                rule = "extra_comma" if head == "," else "surplus_closer"
                return [self._delete(reading, gap, rule, cost_of(rule))]
        if head in ",}":
            new = reading.copy()
            new.state, new.first = AFTER, False
            found.append(new.change("missing_value", new.pos, new.pos, ": null", cost_of("missing_value") + 0.3))
            if reading.first and frame.mark == "{":
                as_set = self._as_array(reading, frame)
                as_set.state, as_set.first = AFTER, False
                found.append(as_set)
            return found
        if head == "]":
            return []
        inside = self._colon_inside(reading)
        if inside is not None:
            return [inside]
        new = reading.copy()
        new.state, new.first = VALUE, False
        return [new.change("missing_colon", new.pos, new.pos, ":", cost_of("missing_colon") + 0.2 * (gap.column >= 0))]

    def _colon_inside(self, reading: Reading) -> Reading | None:
        """The colon stands before the quote that closes the key."""
        link = reading.links
        piece = link.piece if link is not None else None
        if link is None or not isinstance(piece, StringReading) or piece.end != reading.pos or piece.start == piece.end:
            return None
        content = self.text[piece.content_start : piece.content_end]
        if piece.end == piece.content_end or not content[:-1].strip() or content[-1] != ":":
            return None
        new = reading.copy()
        cost = cost_of("wrong_colon")
        key = piece._replace(rule="wrong_colon", content_end=piece.content_end - 1, cost=cost)
        new.links = Link(link.before, link.key, key)
        new.key = f'"{content[:-1]}"'
        new.state, new.first, new.cost = VALUE, False, new.cost + cost
        if new.frame is not None:
            new.frame.keys.setdefault(new.key, piece.start)
        return new.change("wrong_colon", piece.end, piece.end, ":", 0.0)
