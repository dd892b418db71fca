"""What may follow a value: a comma, a closer, another member, the end, or none of these."""

from __future__ import annotations

import json
import re
from itertools import islice

from . import bare
from .closers import INDENT, Closers
from .edits import Change
from .gaps import Gap
from .quotes import AFTER_VALUE
from .rules import cost_of
from .state import AFTER, COLON, KEY, VALUE, Frame, Link, Reading
from .strings import CLOSING, StringReading

KEYED_STRING = re.compile(r'"(?:[^"\\\n]|\\.){0,200}"(?:\*\*)?[ \t]*:')
_GROUP = re.compile(r",(\d{3})(?:\.\d+)?(?![\d.])")
_SEPARATORS = ";，；、،"
_STOPS = re.compile(r"[.|·](?=\s*\n|[ \t]*[\"'“{\[])")  # written for a comma
_PAIR = re.compile(r'"[^"\n]{1,80}"\s*"[^"\n]*"\s*[,}]')
_SCALAR_LINE = re.compile(r"(?:-?\d+(?:\.\d+)?|true|false|null)[ \t]*(?:\n|\Z)")
_TRAILING = re.compile(r"(?:[^\W\d][\w-]*(?:[ \t]+[\w-]+){0,5}|[.*_=~`-]{1,20})\s*\Z")
_INNER_END = re.compile(r"[}\]]\s*,\s*\"")
STRANGE = 0.8  # what speaks against a key that should stand in an object further out


class After(Closers):
    """The moves after a value."""

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
        if head in _SEPARATORS or _STOPS.match(text, at, self.end):
            return self._comma(reading, gap, head)
        if head in "}])":
            return self._closer(reading, gap)
        found: list[Reading] = []
        if head in ":=" or head == "：":
            if not self._is_string(reading):
                return []
            records = frame.kind == "[" and frame.view is not None and frame.view.item(0).types() == {"object"}
            members = frame.kind == "[" and frame.view is not None and frame.view.types() == {"object"}
            new = self._wrap(reading, "{", cost_of("missing_opener") - 0.5 * records + 0.5 * members)
            new.state = COLON
            new.frame.keys[text[reading.vstart : reading.pos]] = reading.vstart  # type: ignore[union-attr]
            found.append(new)
            if (
                head in ":="
                and frame.kind == "["
                and frame.mark == "["
                and text[frame.open + 1 : reading.vstart].strip() == ""
            ):
                new = reading.copy()
                new.add(Change("wrong_opener", frame.open, frame.open + 1, "{", 1.3), 1.3)
                assert new.links is not None
                new.links.key = (frame.seq, -new.count)
                new.frame = Frame("{", frame.open, frame.seq, frame.parent, frame.indent, view=frame.view)
                new.state = COLON
                found.append(new)
            return found
        lines = gap.column >= 0 and _SCALAR_LINE.match(text, at, self.end) is not None
        if frame.several and not (lines or head in "{[" or head in CLOSING):
            return [self._finish(self._insert_closers(reading, None, 0.0, 0.0))]
        if head == "+" and self.scanner.gap(at + 1).end < self.end and text[self.scanner.gap(at + 1).end] in CLOSING:
            found += self._concatenate(reading, self.scanner.gap(at + 1).end)
        goes_on = any(change.rule == "escaped_whitespace" and change.end - change.start == 2 for change in gap.changes)
        keyed = self._keyed(at)
        named = keyed and (head != '"' or KEYED_STRING.match(text, at, self.end) is not None)
        if head in CLOSING and text[reading.pos - 1] in CLOSING and (goes_on or not named):
            found += self._concatenate(reading, at)
            for new in found:
                new.cost += 0.3 * (keyed and not goes_on) - 0.6 * goes_on
        if head == '"' and (text_of := self._bracket_as_text(reading, gap)) is not None:
            found.append(text_of)
        found += self._comma(reading, gap, "")
        trailing = _TRAILING.match(text, at, self.end)
        if trailing:
            found.append(self._stray(reading, gap, trailing.end() - at))
        length = bare.word(text, at, self.end)
        if length and self.scanner.gap(at + length).end < self.end and text[self.scanner.gap(at + length).end] in "}]":
            found.append(self._stray(reading, gap, length))
        length = bare.junk(text, at, self.end) if self.level == "salvage" else 0
        if length:
            found.append(self._delete(reading, gap, "junk", cost_of("junk"), length))
        return found

    def _bracket_as_text(self, reading: Reading, gap: Gap) -> Reading | None:
        """What was read as a bracket is a text that lost its opening quote: ``[draft] one"``, ``[1, 2]"``."""
        closed = reading.closed
        place = closed.view if closed is not None and closed.mark and closed.parent is not None else None
        if closed is None or place is None or place.types() != {"string"}:
            return None
        if AFTER_VALUE.match(self.text, gap.end + 1) is None:
            return None
        new = reading.copy()
        while new.links is not None and new.links.piece.start >= closed.open:
            new.links = new.links.before
        start, stop = closed.open, gap.end
        new.add(StringReading("missing_open_quote", start, start, stop, stop + 1, 0.0), cost_of("missing_open_quote"))
        new.vstart, new.vseq, new.pos, new.closed = start, new.count - 1, stop + 1, None
        return new

    def _concatenate(self, reading: Reading, at: int) -> list[Reading]:
        """Join the last string with the one at ``at``: the quotes between go."""
        link, text = reading.links, self.text
        last = link.piece if link is not None and link.piece.end == reading.pos else None
        if isinstance(last, StringReading):
            if last.content_end != reading.pos - 1:
                return []
        elif last is not None or text[reading.pos - 1] != '"':
            return []
        found = []
        for string in self.scanner.quoted(at, "value")[:1]:
            if string.truncated or string.rule not in (None, "quote_style"):
                continue
            new = reading.copy()
            if isinstance(last, StringReading):
                assert link is not None
                new.links = Link(link.before, link.key, last._replace(joined=True))
            cost = cost_of("string_concatenation") + string.cost
            cost += 1.0 * (text[string.content_start] in ",:]}")  # the quote before it closes something
            cost -= 0.4 * (" " in (text[reading.pos - 2], text[string.content_start]))  # a text in two parts
            new.change("string_concatenation", reading.pos - 1, string.content_start, "", cost)
            new.add(string._replace(joins=True), 0.0)
            new.pos, new.tokens = string.end, new.tokens + 1
            found.append(new)
        return found

    def _comma(self, reading: Reading, gap: Gap, comma: str) -> list[Reading]:
        """After a value: a comma, something that stands for one, or none at all."""
        text, frame = self.text, reading.frame
        assert frame is not None
        found: list[Reading] = []
        next_gap = self.scanner.gap(gap.end + len(comma)) if comma else gap
        at = next_gap.end
        if comma and (at >= self.end or text[at] in "}])" or text[at] == comma):
            rule = "extra_comma" if at < self.end and text[at] == comma else "trailing_comma"
            found = [self._delete(reading, gap, rule, cost_of(rule))]
            if text[reading.pos - 1] in "+-=&/":
                found[0].doubtful = True  # a text without quotes may end with the comma: Ctrl+,
            if at < self.end and comma == "," and frame.kind == "[" and 0 <= next_gap.column == frame.member_indent:
                found.append(self._past(reading, gap))
                found[-1].pos, found[-1].state, found[-1].first = gap.end + 1, VALUE, False
            return found
        keyed = self._keyed(at)
        column = next_gap.column if next_gap.column >= 0 else gap.column
        found = []
        # The obvious reading: another member of the same bracket.
        new = self._past(reading, gap) if comma else reading.copy()
        if comma == ",":
            new.pos = gap.end + 1
        elif comma:
            new.change("wrong_separator", gap.end, gap.end + 1, ",", self._habit(reading, "wrong_separator"))
            new.pos = gap.end + 1
        elif frame.several:
            new.change("several_values", new.pos, new.pos, ",", 0.0)
        elif not self._comma_within(new):
            new.change(
                "missing_comma",
                new.pos,
                new.pos,
                ",",
                cost_of("missing_comma") + 0.3 * (frame.kind == "{" and not keyed),
            )
        new.back = (reading.pos, reading.links, reading.count)
        new.state, new.first, new.closed = KEY if frame.kind == "{" else VALUE, False, None
        misfit = column >= 0 and frame.member_indent is not None and column != frame.member_indent
        if misfit:
            new.cost += INDENT
        key_match = KEYED_STRING.match(text, at, self.end)
        twice, owner = False, None
        if frame.kind == "{" and key_match:
            key = key_match.group().rstrip(": \t*")
            twice = frame.keys.get(key, at) != at
            if twice:
                again = self._reopen(reading, cost_of("surplus_closer"))
                found += [again] if again is not None else []
            if frame.watched and frame.strange(key):
                owner = frame.owner(key)
                new.cost += STRANGE if owner is not None else 0.3
                if owner is None and (around := self._map_around(frame, key_match.end())) is not None:
                    found.append(self._insert_closers(reading, around, 0.5, 0.5, True))
                    new.cost += 0.5
                if owner is None and not twice:
                    again = self._reopen(reading, cost_of("surplus_closer"))
                    found += [again] if again is not None else []
        found.append(new)
        if twice and (record := self._next_record(reading, gap, comma)) is not None:
            found.append(record)
        if owner is not None:
            found.append(self._insert_closers(reading, owner, 0.5, 0.5, True))
        if at < self.end and text[at] == "[" and frame.kind == "[" and (above := self._of_rows(frame)) is not None:
            found.append(self._insert_closers(reading, above, 0.4, 0.4, True))
            new.cost += INDENT
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
            if frame.kind == "{" and self._wrappable(reading):
                bare_word = (
                    at < self.end and text[at] not in CLOSING and text[at] not in "{[(-" and not text[at].isdigit()
                )
                found.append(self._wrap(reading, "[", cost_of("missing_opener") + 0.8 * bare_word))
                found[-1].state = AFTER
            again = self._reopen(reading, cost_of("surplus_closer"))
            if again is not None:
                found.append(again)
            group = _GROUP.match(text, gap.end, self.end) if comma == "," and frame.kind == "{" else None
            if group and text[reading.pos - 1].isdigit() and reading.closed is None:
                joined = self._past(reading, gap).change(
                    "digit_grouping", gap.end, gap.end + 1, "", cost_of("digit_grouping")
                )
                joined.pos = group.end()
                found.append(joined)
            if comma == "," and frame.kind == "{" and (amount := self._amount(reading)) is not None:
                found.append(amount)
        return found

    def _map_around(self, frame: Frame, at: int) -> Frame | None:
        """The object of any names around an object that has all it must have, if another such object begins here."""
        above = frame.parent
        if above is None or above.kind != "{" or above.view is None or frame.view is None or above.view.names():
            return None
        if "{" not in self.text[at : at + 20].lstrip()[:1] or above.view.member("").types() != {"object"}:
            return None
        required = {json.dumps(name, ensure_ascii=False) for name in frame.view.required()}
        return above if required <= frame.keys.keys() else None

    @staticmethod
    def _of_rows(frame: Frame) -> Frame | None:
        """The array around an array of scalars, for which the schema wants arrays."""
        above = frame.parent
        if above is None or above.kind != "[" or frame.view is None or above.view is None:
            return None
        types = frame.view.item(0).types()
        return above if types and "array" not in types else None

    def _amount(self, reading: Reading) -> Reading | None:
        """The number that was just read is the beginning of one with separators and a unit: ``1,250.50 USD``."""
        if reading.closed is not None or reading.vstart < 0 or not self.text[reading.pos - 1].isdigit():
            return None
        amount = bare.amount(self.text, reading.vstart, self.end)
        if amount is None or amount.end <= reading.pos:
            return None
        new = reading.copy()
        new.pos = amount.end
        for piece in amount.pieces:
            new.add(piece, amount.cost)
        return new

    def _next_record(self, reading: Reading, gap: Gap, comma: str) -> Reading | None:
        """The key that comes again is the first of another object in the array: both brackets between are lost."""
        frame = reading.frame
        assert frame is not None
        if frame.parent is None or frame.parent.kind != "[" or frame.mark:
            return None
        new = self._insert_closers(reading, frame.parent, 0.3, 0.3, True)
        new = self._past(new, gap)
        if comma == ",":
            new.pos = gap.end + 1
        else:
            new.change("missing_comma" if not comma else "wrong_separator", gap.end, gap.end + len(comma), ",", 0.1)
            new.pos = gap.end + len(comma)
        following = self.scanner.gap(new.pos)
        new = self._past(new, following)
        new.change("missing_opener", new.pos, new.pos, "{", 0.2)
        return self._open(new, "{", new.pos)

    def _comma_within(self, new: Reading) -> bool:
        """Take the comma that a string ends with for the one that is missing behind it (in place)."""
        text, pos, link = self.text, new.pos, new.links
        if text[pos - 2 : pos] != ',"' or text[pos - 3] in "+-=&/(" or new.vstart < 0 or new.vstart >= pos - 2:
            return False
        lost = (item.piece for item in islice(new.pieces(), 60) if item.piece.rule == "missing_comma")
        if any(piece.start == piece.end for piece in lost):
            return False  # commas were lost elsewhere
        cost = cost_of("missing_comma") - 0.1
        if link is None or link.piece.end <= new.vstart:
            new.change("missing_comma", pos - 2, pos, '",', cost)
            new.doubtful = True
            return True
        last = link.piece
        if not isinstance(last, StringReading) or last.content_end != pos - 1 or last.joined:
            return False
        within = last._replace(rule=last.rule or "missing_comma", content_end=pos - 2, end=pos - 2)
        new.links = Link(link.before, link.key, within)
        new.change("missing_comma", pos - 2, pos, ",", cost)
        new.doubtful = True
        return True

    def _member(self, at: int) -> bool:
        """Whether a key and a value stand at an offset; the colon may be lost."""
        return self._keyed(at) or _PAIR.match(self.text, at, self.end) is not None

    def _after_root(self, reading: Reading) -> list[Reading]:
        text, gap = self.text, self.scanner.gap(reading.pos)
        at = gap.end
        done = self._finish(reading)
        if at >= self.end:
            for change in gap.changes:
                done.add(change, change.cost)
                done.tokens += 1
            done.vstart = at
            return [done]
        head = text[at]
        found = [done]
        next_at = self.scanner.gap(at + 1).end if head in ",+" else at
        lines = gap.column >= 0 and _SCALAR_LINE.match(text, at, self.end) is not None
        structural = head in ",}]:" or head in "{[" or (head in CLOSING and head in "\"'") or lines
        if head == "," and next_at >= self.end:
            return [self._delete(reading, gap, "trailing_comma", cost_of("trailing_comma"))]
        if head == "+" and next_at < self.end and text[next_at] in CLOSING:
            return self._concatenate(reading, next_at) or found
        if not structural:
            return found
        done.cost += 1.6 if head == ":" or (head == "," and self._member(next_at)) else 1.0 if head in "{[" else 0.7
        starts = next_at < self.end and (
            lines or text[next_at] in '{["' or (head == "," and (text[next_at].isdigit() or text[next_at] == "-"))
        )
        if head == ":" and self._is_string(reading):
            new = self._wrap(reading, "{", cost_of("missing_opener"))
            new.state = COLON
            found.append(new)
        elif starts and self._wrappable(reading) and not (self._keyed(next_at) and text[next_at] not in "{["):
            new = self._wrap(reading, "[", cost_of("several_values"), "several_values")
            new.state = AFTER
            found.append(new)
        if head in "}]":
            found.append(self._delete(reading, gap, "surplus_closer", cost_of("surplus_closer")))
        again = self._reopen(reading, cost_of("surplus_closer"))
        if again is not None and head in ",]}":
            assert reading.closed is not None
            opened, last = reading.closed.open, reading.pos - 1
            inside = text.find("}", opened, last) >= 0 or text.find("]", opened, last) >= 0
            if inside and reading.closed.member_indent is None and _INNER_END.search(text, opened, reading.pos):
                again.doubtful = True  # the closer too many may be an earlier one
            found.append(again)
        return found
