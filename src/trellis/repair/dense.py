"""Reading what is full of errors of the same kinds: what the search has decided often is decided the same way again.

A lost comma costs the search some ten readings. Where they are lost on every line, that is done once for each kind:
here a member, with its separator, key, colon and value, is one match of a regular expression, and each thing that is
wrong with it has to be one that the search has mended in this very text before. Evidence against the obvious reading
(indentation, a key that occurs twice or belongs elsewhere, two things wrong at once) is left to the search, and so is
the token before it, on which its choice may depend.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from typing import NamedTuple

from .edits import Change
from .rules import cost_of
from .schema_view import SchemaView
from .state import CLOSER, Batch, Frame, Link
from .strings import StringReading, content_changes

_OFTEN = 3  # times that the search has to have mended something
_FIRST, _LATER = 4_000, 32  # pieces that are looked at to know what it mended: at first, and then each time
_QUOTE_STYLE, _LITERAL = cost_of("quote_style"), cost_of("literal")

_STRING = r'"[^"\\\x00-\x1f]*+(?:\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})[^"\\\x00-\x1f]*+)*+"'
_OTHER = r"(?:'[^'\"\\\x00-\x1f]*+'|“[^“”\"\\\x00-\x1f{}\[\]()]*+”)"
_NUMBER = r"-?(?:0|[1-9][0-9]*+)(?:\.[0-9]++)?(?:[eE][+-]?[0-9]++)?"
_COMMENT = r'(//[^\n"]*+|/\*[^*"]*+\*/)'
_WS = r"[ \t\r\n]*+"
_GAP = rf"{_WS}(?:{_COMMENT}{_WS})?"
_NEXT = r"(?=[ \t\r]*+(?:[,;}\]\n\"“]|//|/\*))"
_ENDS = r"(?=[ \t\r]*+[,}\]\n])"
_PLAIN = r"[^\"\\\x00-\x1f]*+"
_PAIR = r"(?<=[ (])\"(?=\w)[^\"\\\x00-\x1f{}\[\]:,]{1,80}+(?<=[\w.!?])\"(?=[ .!?)])"
_INNER = (
    rf"\"{_PLAIN}(?:{_PAIR}{_PLAIN}){{1,40}}+\""
    r"(?=[ \t]*+(?:,?[ \t\r]*+\n|,[ \t]*+\"[^\"\n]{1,60}\"[ \t]*+:|[}\]]))"
)
_APOSTROPHES = r"'[^'\"\\\x00-\x1f]*+(?:\\['\\/bfnrt][^'\"\\\x00-\x1f]*+)*+'"
_LINE = r"[^\"\\\x00-\x1f{}\[\]:]*+(?:\\[\"\\/bfnrt][^\"\\\x00-\x1f{}\[\]:]*+)*+"
_LINES = rf"\"{_LINE}(?:(?<!,)\n{_LINE}){{1,3}}+\""
# What a value is: 1 clean, 2 in other quotes, 3 a literal of Python, 4 a bracket, 5 with quotes in it, 6 bare,
# 7 with line breaks in it, 8 without its closing quote at the end of a line or before another member.
_VALUE = (
    rf"(?:((?>{_STRING}|{_NUMBER}|true|false|null){_NEXT})|((?:{_APOSTROPHES}|{_OTHER}){_NEXT})"
    rf"|((?:True|False|None){_NEXT})|([{{\[])"
    rf"|({_INNER})|((?>(?:[A-Za-z_]|\d++ [A-Za-z+-])[\w.+-]*+(?: [\w.+-]++)*+){_ENDS})"
    rf"|({_LINES}{_NEXT})"
    r"|(\"[^\"\\\x00-\x1f]*[^\"\\\x00-\x1f, \]}](?=,?[ \t\r]*+\n)"
    r"|\"[^\"\\\x00-\x1f,{}\[\]:]*[^\"\\\x00-\x1f,{}\[\]: ](?=,[ \t]*+\"[^\"\n]{1,60}\"[ \t]*+:)))"
)
_SEPARATOR = rf"{_GAP}([,;])?{_GAP}"
_MEMBER = re.compile(
    rf"{_SEPARATOR}(?>({_STRING})|({_OTHER})|([A-Za-z_$][\w$]*+))[ \t]*+(?>(:)|(=>?)|)[ \t]*+"
    rf"(?:{_VALUE}|((?=,|[ \t\r\n]*+\}})))"  # 9, in a member: none
)
_ITEM = re.compile(rf"{_SEPARATOR}{_VALUE}")
_CLOSE = re.compile(rf"{_SEPARATOR}([}}\]])")
_KEY_GROUPS = 8  # groups before those of the value, in a member
_RULES = {5: "inner_quote", 6: "unquoted_string", 7: "control_character", 8: "missing_close_quote"}
_LITERALS = {"True": "true", "False": "false", "None": "null"}
_WORDS = frozenset({"true", "false", "null", "none", "undefined", "nil", "nan", "infinity", "inf"})


class Run(NamedTuple):
    """Members that were read: where they end, in which bracket, and what it took."""

    pos: int
    frame: Frame
    first: bool
    indent: int
    cost: float
    tokens: int
    links: Link | None
    pieces: int


# Where the reader stands: offset, bracket, whether that is empty so far, column, cost, tokens, changes.
_Point = tuple[int, Frame, bool, int, float, int, int]


class Dense:
    """Reads members with errors that the search has mended before.

    Args:
        text, end: the region that is read ends at ``end``.
        opened: checks each new bracket against the limits.
        view_of: what the schema says about the next value in a bracket.
    """

    def __init__(
        self,
        text: str,
        end: int,
        opened: Callable[[Frame], Frame],
        view_of: Callable[[Frame | None, str], SchemaView | None],
    ) -> None:
        self._text, self._end, self._opened, self._view_of = text, end, opened, view_of
        self._mended: Counter[str] = Counter()
        self._known: dict[str, float] = {}
        self._learned: Link | None = None
        self.tokens = 0  # that were read, in vain or not

    def learn(self, links: Link | None) -> None:
        """Note what the search has mended since it was asked last."""
        link, most = links, _FIRST if self._learned is None else _LATER
        while link is not None and link is not self._learned and most:
            piece, link, most = link.piece, link.before, most - 1
            if isinstance(piece, Batch):
                continue
            if piece.rule is not None:
                self._mended[piece.rule] += 1
            elif isinstance(piece, StringReading):
                content = self._text[piece.content_start : piece.content_end]
                if '"' in content:
                    self._mended["inner_quote"] += 1
                elif "\n" in content:
                    self._mended["control_character"] += 1
        self._learned = links
        self._known = {rule: cost_of(rule) for rule, times in self._mended.items() if times >= _OFTEN}

    def read(self, frame: Frame, begin: int, indent: int, links: Link | None, count: int) -> Run | None:
        """Members from behind a value on, as far as they are of a known kind; ``None`` when not even two are.

        Args:
            frame: the bracket that is open.
            begin: offset behind the last value.
            indent: column of its line.
            links, count: the pieces before, and how many there are.
        """
        if links is not self._learned:
            self.learn(links)
        text, end, known = self._text, self._end, self._known
        changes: list[Change] = []
        cost, tokens, first, pos = 0.0, 0, False, begin
        here: _Point = (begin, frame, first, indent, cost, 0, 0)
        while True:
            last, here = here, (pos, frame, first, indent, cost, tokens, len(changes))
            keyed = frame.kind == "{"
            match = (_MEMBER if keyed else _ITEM).match(text, pos, end)
            if match is None:
                closed = self._close(frame, pos, first, changes)
                if closed is None or frame.several or frame.parent is None:
                    break
                pos, price = closed
                cost, tokens, first = cost + price, tokens + 1, False
                if frame.member_indent is not None and frame.indent >= 0:
                    indent = frame.indent
                frame.left(text, pos)
                frame = frame.parent
                continue
            before, separator, behind = match.group(1, 2, 3)
            wrong = 0  # things that only evidence around them makes likely
            if separator is None:
                if frame.several:  # one value behind another
                    if match.lastindex != 3 + 4 or "several_values" not in known:
                        break
                    changes.append(Change("several_values", pos, pos, ","))
                elif not first:
                    if "missing_comma" not in known:
                        break
                    changes.append(Change("missing_comma", pos, pos, ",", known["missing_comma"]))
                    wrong, cost = 1, cost + known["missing_comma"]
            elif first or frame.several:
                break
            if before is not None or behind is not None:
                if "comment" not in known:
                    break
                for group in (1, 3):
                    if match.group(group) is not None:
                        changes.append(Change("comment", *match.span(group), "", known["comment"]))
                        cost += known["comment"]
            if separator == ";":
                if "wrong_separator" not in known:
                    break
                at = match.start(2)
                change = Change("wrong_separator", at, at + 1, ",", known["wrong_separator"])
                changes.insert(len(changes) - (behind is not None), change)
                cost += change.cost
            kind = match.lastindex or 0
            if keyed:
                kind -= _KEY_GROUPS
                clean, quoted, bare, colon, equals = match.group(4, 5, 6, 7, 8)
                start, stop = match.span(4 if clean is not None else 5 if quoted is not None else 6)
            else:
                kind -= 3
                start, stop = match.span(kind + 3)
            newline = text.rfind("\n", pos, start)
            if newline >= 0:
                column = start - newline - 1
                if column != frame.member_indent:
                    if frame.member_indent is not None:
                        break
                    if first:
                        frame.member_indent = column
                indent = column
            elif wrong and not (keyed and clean is not None and colon is not None and kind < 5):
                break  # on one line only a whole member behind another
            name = ""
            if keyed:
                if clean is not None:
                    name = clean
                elif quoted is not None:
                    name = f'"{quoted[1:-1]}"'
                    changes.append(Change("quote_style", start, start + 1, '"', _QUOTE_STYLE))
                    changes.append(Change("quote_style", stop - 1, stop, '"'))
                    cost += _QUOTE_STYLE
                else:
                    if "unquoted_key" not in known:
                        break
                    name = f'"{bare}"'
                    changes.append(Change("unquoted_key", start, start, '"', known["unquoted_key"]))
                    changes.append(Change("unquoted_key", stop, stop, '"'))
                    cost += known["unquoted_key"]
                if frame.keys.get(name, start) != start:
                    break
                if frame.watched and frame.strange(name):
                    if frame.owner(name) is not None or text[here[0] - 1] in "}]":
                        break
                    cost += 0.3  # as in the search
                if colon is None:
                    rule = "wrong_colon" if equals is not None else "missing_colon"
                    if rule not in known:
                        break
                    if equals is not None:
                        changes.append(Change(rule, *match.span(8), ":", known[rule]))
                    elif wrong or clean is None or kind > 4:
                        break
                    else:
                        changes.append(Change(rule, stop, stop, ":", known[rule]))
                    cost += known[rule]
                start, stop = match.span(kind + _KEY_GROUPS)
            pos = stop
            if kind == 4:
                mark = text[start]
                inner = self._opened(
                    Frame(mark, start, len(changes), frame, indent, view=self._view_of(frame, name), mark=mark)
                )
            elif kind == 9:
                if "missing_value" not in known:
                    break
                at = match.end(7 if colon is not None else 8)
                changes.append(Change("missing_value", at, at, " null", known["missing_value"]))
                cost += known["missing_value"]
            elif kind != 1:
                price = self._mend(kind, start, stop, changes)
                if price < 0:
                    break
                cost += price
            if keyed:
                frame.keys[name] = match.start(4 if clean is not None else 5 if quoted is not None else 6)
            tokens += 2 if keyed else 1
            first = kind == 4
            if first:
                frame = inner
        self.tokens += tokens
        return self._until(last, begin, changes, links, count) if last[0] > begin else None

    def _close(self, frame: Frame, pos: int, first: bool, changes: list[Change]) -> tuple[int, float] | None:
        """Where the closer of a bracket ends, and what it costs to take out what stands before it."""
        match = _CLOSE.match(self._text, pos, self._end)
        if match is None or match.group(4) != CLOSER[frame.kind]:
            return None
        start = match.start(4)
        newline = self._text.rfind("\n", pos, start)
        if start - newline - 1 != frame.indent if newline >= 0 else frame.member_indent is not None:
            return None
        rules = [("comment", 1), ("trailing_comma", 2), ("comment", 3)]
        found = [(rule, group) for rule, group in rules if match.group(group) is not None]
        if found and (first or any(rule not in self._known for rule, _ in found)):
            return None
        price = 0.0
        for rule, group in found:
            changes.append(Change(rule, *match.span(group), "", self._known[rule]))
            price += self._known[rule]
        return match.end(), price

    def _mend(self, kind: int, start: int, stop: int, changes: list[Change]) -> float:
        """Make a value one of JSON; what that costs, or -1."""
        text, known = self._text, self._known
        if kind == 2:
            changes.append(Change("quote_style", start, start + 1, '"', _QUOTE_STYLE))
            if text.find("\\", start, stop) >= 0:
                changes += content_changes(text, start + 1, stop - 1, "quote_style")
            changes.append(Change("quote_style", stop - 1, stop, '"'))
            return _QUOTE_STYLE
        if kind == 3:
            changes.append(Change("literal", start, stop, _LITERALS[text[start:stop]], _LITERAL))
            return _LITERAL
        rule = _RULES[kind]
        if rule not in known:
            return -1
        if kind in (5, 7):
            changes += content_changes(text, start + 1, stop - 1)
        elif kind == 8:
            changes.append(Change(rule, stop, stop, '"', known[rule]))
        elif text[start:stop].lower() in _WORDS:
            return -1
        else:
            changes.append(Change(rule, start, start, '"', known[rule]))
            changes.append(Change(rule, stop, stop, '"'))
        return known[rule]

    def _until(self, point: _Point, begin: int, changes: list[Change], links: Link | None, count: int) -> Run:
        """What was read up to a point. Pieces that come before a bracket that is open are apart from those in it."""
        pos, frame, first, indent, cost, tokens, most = point
        opened: list[Frame] = []
        inner: Frame | None = frame
        while inner is not None and inner.open >= begin:
            opened.append(inner)
            inner = inner.parent
        done = 0
        for outer in reversed(opened):
            if outer.seq > done:
                links, count = Link(links, (count, 0), Batch(changes[done : outer.seq])), count + 1
                done = outer.seq
            outer.seq = count
        if most > done:
            links, count = Link(links, (count, 0), Batch(changes[done:most])), count + 1
        self._learned = links
        return Run(pos, frame, first, indent, cost, tokens, links, count)
