"""Reading damaged text piece by piece: gaps between tokens, and the ways in which a string can begin and end.

Everything here looks ahead a bounded distance or uses an index of the text's quotes, so that the work of the search
stays linear in the text however it forks.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from dataclasses import dataclass, field
from functools import cached_property
from itertools import islice

from .gaps import WS, Gap, read_gap
from .quotes import AFTER_KEY, AFTER_LINE, AFTER_VALUE, Quotes
from .rules import cost_of
from .skip import scan_once
from .strings import CLOSING, StringReading

_PLAIN_KEY = re.compile(r"[{,，]\s*\"[^\"\n]+\"\s*(?:[:：]|=>?)")
_RUN = re.compile(
    r"(?:[\s,\[\]{};，、；،]|(?<![\w.])-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?(?![\w.])|\b(?:true|false|null)\b)*\Z"
)
_NEXT_STRING = re.compile(
    r"\S(?:\"(?:[ \t]+[\"'][^\s\"',:]|[ \t]*:[ \t]*[\"{\[\d])|'[ \t]+'[^\s',:]|[”“][ \t]+[“”][^\s“”,:])"
)
_OPENING_QUOTE, _CLOSING_QUOTE = re.compile(r"(?<![\w'])'(?=[^\s'])"), re.compile(r"(?<=[^\s'\"(\[])'(?!\w)")
_INCH = re.compile(r"(?<![\w/.:-])\d{1,2}(?:\.\d+)?\Z")
_OTHER_QUOTE = {'"': re.compile("[“”″']"), "'": re.compile('"')}
_TEMPLATE = re.compile(r"`(?:[^`\\]|\\[\s\S])*`")
_REOPENED = re.compile(r"\s*[,:]\s*[“„]")
_MEMBER_NEXT = re.compile(r"\s*(?:[}\]]|,\s*(?:[\"'{\[\d-]|true\b|false\b|null\b|[}\]]))")
_OTHER_STYLE = re.compile(r"[{\[,:：，]\s*['“][^'“”\"\n]{1,80}['”]\s*[:,\]}：，]")
MOSTLY, _HEAD = 8, 20_000  # strings in other quotes, and the characters in which they are looked for
_BARE_KEY = re.compile(r"[{,]\s*[A-Za-z_$][\w$]*\s*:")
_SEMICOLON = re.compile(r"[\"\w}\]];[ \t]*(?:\r?\n[ \t]*)?\"[^\"\n]{1,60}\"[ \t]*:")
_OTHER_KEY = (re.compile(r"\n[ \t]*\"[^\"\n]{1,60}\"[ \t]*:"), re.compile(r"\n[ \t]*'[^'\n]{1,60}'[ \t]*:"))
_TEXT_ENDS = r"[ \t]*(?:,?[ \t]*\r?\n|,[ \t]*\"[^\"\n]{1,60}\"[ \t]*[:,\]]|[}\]])"
_QUOTED_FIRST = re.compile(  # words behind a quotation, perhaps another one, and nothing else
    r"([ \t]+[a-z]\w*(?:['’]\w+)?(?:[ \t]+(?!/[*/])[^\s\"'“”{}\[\]:,]+(?:'\w+)?"
    r"|[ \t]+([\"'“])(?!\s)[^\"”\n]{1,200}[\"'”](?![\w\"])|,(?=[ ][a-z])){0,20})" + _TEXT_ENDS
)
_AFTER_QUOTED = re.compile(r"([^\s\"{}\[\],:][^\n\"{}\[\],:]*)" + _TEXT_ENDS)
_TWICE = re.compile(r"[^\W\d]\"\"\s*[,:}\]]|[\s:,{\[]\"\"\w")
_STRUCTURAL = re.compile(r"[,}\]\n]")
_OPENER = {"}": "{", "]": "[", ")": "("}
_KEY_END = re.compile(r"[\"'”]\s*[,}\]]?\s*:\s*[\"'{\[\d]")
_REMARKED = re.compile(r"\s*,\s*(?://[^\n]*|/\*[^*]*\*/|<!--[^\n]*-->|#[ \t][^\n]*)\Z")
_COLON_IN_KEY = re.compile(r":|：|[ \t]*=>|[ \t]+=|=(?=[\"'\[{\d-]|true|false|null)")
_KEPT = 4_096  # places whose gaps and strings are remembered, for readings that meet there


@dataclass
class Scanner:
    """The text between two offsets, with indexes made on first use.

    Attributes:
        text: the whole input.
        end: where the region that is read ends.
    """

    text: str
    end: int
    _gaps: dict[int, Gap] = field(default_factory=dict)
    _strings: dict[tuple[int, str], list[StringReading]] = field(default_factory=dict)
    _quotes: dict[str, Quotes] = field(default_factory=dict)
    _newlines: list[int] | None = None
    _structural: tuple[int, int] = (0, -1)  # between these there is none

    def gap(self, position: int) -> Gap:
        """White space, comments and the like from a position on."""
        known = self._gaps.get(position)
        if known is None:
            if len(self._gaps) > _KEPT:
                self._gaps.clear()
            known = self._gaps[position] = read_gap(self.text, position, self.end)
        return known

    @cached_property
    def _plain_keys(self) -> bool:
        """Whether there are keys with a quote at each end: then quotes are not doubled, they are inside of strings."""
        return _PLAIN_KEY.search(self.text, 0, self.end) is not None

    @cached_property
    def style(self) -> float:
        """What a string in other quotes costs: less where most are, or what swallows many of them would be cheap."""
        others = sum(1 for _ in islice(_OTHER_STYLE.finditer(self.text, 0, min(self.end, _HEAD)), MOSTLY))
        return cost_of("quote_style") / (4 if others == MOSTLY else 1)

    @cached_property
    def bare_key(self) -> float:
        """What a key without quotes costs."""
        bare = sum(1 for _ in islice(_BARE_KEY.finditer(self.text, 0, min(self.end, _HEAD)), MOSTLY))
        return cost_of("unquoted_key") / (4 if bare == MOSTLY else 1)

    @cached_property
    def _semicolons(self) -> bool:
        """Whether members are parted by semicolons."""
        return ";" in self.text and _SEMICOLON.search(self.text, 0, self.end) is not None

    def newlines(self, start: int, end: int) -> int:
        """How many line breaks lie in a span."""
        if end - start < 1000:
            return self.text.count("\n", start, end)
        if self._newlines is None:
            if self.text.find("\n", start, end) < 0:
                return 0
            self._newlines = [m.start() for m in re.finditer("\n", self.text)]
        return bisect_left(self._newlines, end) - bisect_left(self._newlines, start)

    def structural(self, start: int) -> int:
        """Where the first comma, closer or line break from an offset on is, or the end."""
        known, found = self._structural
        if not known <= start <= found:
            match = _STRUCTURAL.search(self.text, start, self.end)
            found = match.start() if match else self.end
            self._structural = (start, found)
        return found

    def quotes(self, closers: str, start: int, role: str) -> Quotes:
        """The index of closing quotes, read far enough to look on from ``start``."""
        index = self._quotes.get(closers)
        if index is None or not index.covers(start):
            index = self._quotes[closers] = Quotes(self.text, self.end, closers, start)
        index.reach(start, role)
        return index

    def quoted(self, start: int, role: str) -> list[StringReading]:
        """Ways to read a string that starts with a quote, cheapest first by its own evidence.

        Args:
            start: offset of the opening quote.
            role: ``"key"`` or ``"value"``.
        """
        known = self._strings.get((start, role))
        if known is None:
            if len(self._strings) > _KEPT:
                self._strings.clear()
            known = self._strings[start, role] = self._quoted(start, role)
        return known

    def _quoted(self, start: int, role: str) -> list[StringReading]:
        text, end = self.text, self.end
        quote = text[start]
        closers = CLOSING[quote]
        opened = start + 1
        if quote == '"' and text.startswith('""', start):
            doubled = self._doubled(start, role)
            if doubled and (
                text.startswith('"""', start)
                or '"' not in text[doubled[0].content_start : doubled[0].content_end]
            ):
                return doubled
            if text[opened + 1 : opened + 2].strip(' \t\r\n",:;}])/#') and (only := self._one_sided(start, role)):
                return [only]
        if quote == "'" and text.startswith("''", start) and (doubled := self._doubled(start, role)):
            return doubled
        if quote == "`" and (closed := _TEMPLATE.match(text, start, end)) and role == "value":
            stop = closed.end() - 1
            if AFTER_VALUE.match(text, stop + 1, end):
                return [StringReading("quote_style", start, opened, stop, stop + 1, cost_of("quote_style"))]
        style = None if quote == '"' else "quote_style"
        base = 0.0 if quote == '"' else self.style
        index = self.quotes(closers, opened, role)
        every, escaped = index.every, index.escaped
        good = index.keys if role == "key" else index.values
        first = bisect_left(every, opened)
        readings: list[StringReading] = []
        if first == len(every):
            readings.append(
                StringReading(
                    "truncated_string",
                    start,
                    opened,
                    self._trim_end(opened, end),
                    end,
                    base + cost_of("truncated_string"),
                    truncated=True,
                )
            )
            readings += self._early(start, opened, end, role, base)
            readings += self._typographic(start, opened, end, role)
            return readings
        stop = every[first]
        at = bisect_left(good, stop)
        breaks = self.newlines(opened, stop)
        split = self._splits(opened, stop)
        if at < len(good) and good[at] == stop and not split:
            cost = base + (cost_of("control_character") + 0.2 * (breaks > 3) if breaks else 0.0)
            if breaks and self._goes_on(start, stop):
                cost += 1.6
            if quote == '"' and text.find("”", opened, stop) >= 0 and (mixed := self._mixed(start, opened, stop, role)):
                readings.append(mixed)
                cost += 0.6
            readings.append(StringReading(style, start, opened, stop, stop + 1, cost))
            early = bool(breaks) or text[max(opened, stop - 8) : stop].rstrip().endswith(",")
            if early or (role == "key" and _COLON_IN_KEY.search(text, opened, min(stop, opened + 200))):
                readings += self._early(start, opened, stop, role, base)
            return readings
        if quote == '"' and at < len(good) and good[at] == stop + 1 and stop > opened and text[stop - 1] not in "\\{[(":
            readings.append(self._closed_twice(start, opened, stop))
        follows = 0.1 if _NEXT_STRING.match(text, stop - 1, end) else 0.3
        readings.append(
            StringReading(style, start, opened, stop, stop + 1, base + follows + 0.5 * bool(breaks) + 1.0 * split)
        )
        readings += self._early(start, opened, stop, role, base)
        readings += self._typographic(start, opened, stop, role)
        readings += self._around_group(style, start, opened, stop, role, base)
        readings += self._quotations(start, opened, stop, role)
        closing = [place for place in good[at : at + 8] if not self._splits(opened, place)]
        for candidate in closing[:3]:
            inside = every[first : bisect_left(every, candidate)]
            cost = base + self._inner_cost(inside, escaped, opened, candidate, role, quote)
            cost += 1.5 * (role == "key" and candidate - opened > 100)
            readings.append(StringReading(style, start, opened, candidate, candidate + 1, cost))
        if at >= len(good):  # nothing later closes it: the text is cut off inside it
            readings.append(
                StringReading(
                    "truncated_string",
                    start,
                    opened,
                    end,
                    end,
                    base
                    + cost_of("truncated_string")
                    + cost_of("inner_quote")
                    + self._structure_inside(every[first : first + 8], opened, end),
                    truncated=True,
                )
            )
        return readings

    def _goes_on(self, start: int, stop: int) -> bool:
        """Whether a line within a string ends with a comma, and the next begins where the string's line does."""
        line = self.text.rfind("\n", 0, start) + 1
        margin = self.text[line:start]
        return bool(margin) and not margin.strip() and self.text.find(f",\n{margin}", start, stop) >= 0

    def _splits(self, opened: int, quote: int) -> bool:
        """Whether brackets in a string speak against a closing quote: one opens at it, or closes right behind it."""
        text = self.text
        if quote > opened and text[quote - 1] in "{[(":
            return True
        behind = WS.match(text, quote + 1, self.end).end()  # type: ignore[union-attr]
        opener = _OPENER.get(text[behind : behind + 1])
        if opener is None or behind >= self.end:
            return False
        content = text[max(opened, quote - 200) : quote]
        return 0 < content.rfind(text[behind]) < content.rfind(opener) or (
            opener != "{" and text[behind] not in content and content.count(opener) == 1
        )

    def _typographic(self, start: int, opened: int, stop: int, role: str) -> list[StringReading]:
        """Readings in which another quote closes what a plain one opened."""
        other = _OTHER_QUOTE.get(self.text[start])
        if other is None:
            return []
        after = AFTER_KEY if role == "key" else AFTER_VALUE
        cost = cost_of("quote_style") + 0.2
        within = cost_of("missing_close_quote") + 0.3  # it closes a quotation of the text: the other quote was lost
        ends = (m for m in other.finditer(self.text, opened, min(stop, opened + 2000)) if m.start() > opened)
        return [
            StringReading("quote_style", start, opened, match.start(), match.end(),
                          within + cost if self._quotation(opened, match.start()) else cost)
            for match in islice(ends, 8)
            if after.match(self.text, match.end(), self.end)
        ][:2]

    def _mixed(self, start: int, opened: int, stop: int, role: str) -> StringReading | None:
        """``"text”, “more"``: a string that a typographic quote closes, before the next begins with one."""
        close = self.text.find("”", opened, stop)
        if self.text.find("“", opened, close) >= 0 or not _REOPENED.match(self.text, close + 1, stop):
            return None
        return StringReading("quote_style", start, opened, close, close + 1, cost_of("quote_style"))

    def _quotation(self, opened: int, quote: int) -> bool:
        """Whether a quote that may close a string closes what was quoted inside of it."""
        content, mark = self.text[max(opened - 1, quote - 400) : quote], self.text[quote]
        if mark == "”":
            return content.rfind("“") > content.rfind("”")
        return mark == "'" and len(_OPENING_QUOTE.findall(content)) > len(_CLOSING_QUOTE.findall(content))

    def _around_group(
        self, style: str | None, start: int, opened: int, stop: int, role: str, base: float
    ) -> list[StringReading]:
        """Readings of a string with a JSON object in it, whose quotes nobody escaped."""
        text = self.text
        begin = opened + len(text[max(opened, stop - 200) : stop].rstrip()) - 1 + max(0, stop - 200 - opened)
        if role == "key" or begin < opened or text[begin] not in "{[":
            return []
        group = text[begin : min(self.end, stop + 2000)]
        try:
            end = begin + scan_once(group, 0)[1]
        except (ValueError, StopIteration, RecursionError):
            return []
        readings = []
        if AFTER_VALUE.match(text, end, self.end):
            cost = base + cost_of("missing_close_quote") + 0.2
            readings.append(StringReading("missing_close_quote", start, opened, end, end, cost))
        closing = text.find(text[start], end, min(self.end, end + 2000))
        if closing >= 0 and AFTER_VALUE.match(text, closing + 1, self.end) and "\n" not in text[end:closing]:
            cost = base + cost_of("inner_quote") + 0.1
            readings.append(StringReading(style, start, opened, closing, closing + 1, cost))
        return readings

    def _quotations(self, start: int, opened: int, stop: int, role: str) -> list[StringReading]:
        """Readings of a text that begins with a quotation, and has no quotes around it: ``"Yes," she said.``."""
        text = self.text
        if role == "key" or text[start] not in "\"'“`「«" or not text[opened:stop].strip():
            return []
        pattern = _AFTER_QUOTED if text[start] in "「«" else _QUOTED_FIRST
        quoted = pattern.match(text, stop + 1, min(self.end, stop + 600))
        if quoted is None or (
            pattern is _QUOTED_FIRST and len(quoted[1].split()) < 2 and quoted[1][-1] not in ".!?\"'”"
        ):
            return []
        end = quoted.end(1)
        cost = cost_of("unquoted_string") + (-0.2 if quoted[1][-1] in "\"'”" else 0.2)
        return [StringReading("unquoted_string", start, start, end, end, cost)]

    def _inner_cost(
        self, inside: list[int], escaped: list[int], opened: int, close: int, role: str, quote: str
    ) -> float:
        """What it costs to take the quotes inside of a string for a part of it."""
        text, first = self.text, inside[:8]
        count = len(inside) + bisect_left(escaped, close) - bisect_left(escaped, opened)
        lines = self.newlines(opened, close)
        cost = cost_of("inner_quote") + min(0.02 * len(inside), 0.4) + (0.3 + 0.1 * min(lines, 10) if lines else 0.0)
        if quote != '"' and all(text[p - 1 : p].isalnum() and text[p + 1 : p + 2].isalnum() for p in first):
            return cost - 0.4  # apostrophes
        if lines and _OTHER_KEY[quote == '"'].search(text, opened, min(close, opened + 2000)):
            cost += 1.0
        if count % 2:
            inch = bool(first) and _INCH.search(text, max(opened, first[0] - 8), first[0]) is not None
            cost += 0.3 if inch else 0.6
        return cost + self._structure_inside(first, opened, close) + 0.5 * (role == "key")

    def _structure_inside(self, quotes: list[int], start: int, end: int) -> float:
        """How much the quotes inside a string look like the quotes of keys and values."""
        text, cost = self.text, 0.0
        for at in quotes:
            after = WS.match(text, at + 1, end).end()  # type: ignore[union-attr]
            before = at - 1
            while before >= start and before > at - 16 and text[before] in " \t\r\n":
                before -= 1
            if _KEY_END.match(text, at, end):
                cost += 1.2
            elif _NEXT_STRING.match(text, at - 1, end):
                cost += 0.45
            elif (after < end and text[after] in ",:") or (before >= start and text[before] in ",:{["):
                cost += 0.5
        return min(cost, 2.5)

    def _trim_end(self, opened: int, end: int) -> int:
        """End of the content of a string cut off by the end of the text: a half escape is left out."""
        match = re.compile(r"\\(?:u[0-9a-fA-F]{0,3})?\Z").search(self.text, max(opened, end - 6), end)
        if match and (match.start() - len(self.text[opened : match.start()].rstrip("\\")) - opened) % 2 == 0:
            return match.start()
        return end

    def _doubled(self, start: int, role: str) -> list[StringReading]:
        """``""text""`` (CSV) and three quotes."""
        text, end = self.text, self.end
        quote = text[start]
        width = 3 if text.startswith(quote * 3, start) else 2
        opened = start + width
        if width == 2 and (
            opened >= end
            or WS.match(text, opened, end).end() != opened  # type: ignore[union-attr]
            or text[opened] in ",:}]"
        ):
            return []
        empty = text[opened : opened + 1] not in ("#", "/", "-") and AFTER_LINE.match(text, opened, end)
        if width == 2 and (empty or (quote == '"' and role == "value" and self._plain_keys)):
            return []
        stop = text.find(quote * width, opened, end)
        after = AFTER_KEY if role == "key" else AFTER_VALUE
        if stop < 0 or not after.match(text, stop + width, end) or stop - opened > 100_000:
            return []
        return [StringReading("quote_style", start, opened, stop, stop + width, 2 * cost_of("quote_style"))]

    def _one_sided(self, start: int, role: str) -> StringReading | None:
        """``""text"``: a string whose opening quote alone is doubled."""
        text, end = self.text, self.end
        stop = text.find('"', start + 2, min(end, start + 4000))
        after = AFTER_KEY if role == "key" else _MEMBER_NEXT
        if stop < 0 or text[stop + 1 : stop + 2] == '"' or not after.match(text, stop + 1, end):
            return None
        if "\n" in text[start:stop] or text[stop - 1] == "\\":
            return None
        return StringReading("quote_style", start, start + 2, stop, stop + 1, 2 * cost_of("quote_style"))

    def _closed_twice(self, start: int, opened: int, stop: int) -> StringReading:
        """``"text""``: a string whose closing quote is doubled; behind a number it may mean inches."""
        inches = _INCH.search(self.text, max(opened, stop - 8), stop) and not self._closes_twice
        cost = cost_of("quote_style") + (1.1 if inches else 0.0)
        return StringReading("quote_style", start, opened, stop, stop + 2, cost)

    @cached_property
    def _closes_twice(self) -> bool:
        """Whether a closing quote is doubled where nothing is measured."""
        return _TWICE.search(self.text, 0, self.end) is not None

    def _early(self, start: int, opened: int, stop: int, role: str, base: float) -> list[StringReading]:
        """Readings in which the closing quote was lost, so that the string ends before the next quote."""
        text = self.text
        cost = base + cost_of("missing_close_quote")
        ends: dict[int, float] = {}
        if role == "key":
            mark = _COLON_IN_KEY.search(text, opened, min(stop, opened + 200))
            if mark is not None and (colon := mark.start()) > opened:
                key = text[opened:colon]
                if "\n" not in key and not set(key) & set("{}[],"):
                    ends[opened + len(key.rstrip())] = cost - 0.1
        else:
            newline = text.find("\n", opened, stop)
            if newline >= 0:
                marks = ",，、；،;" if self._semicolons else ",，、；،"
                line = text[opened:newline].rstrip().rstrip(marks).rstrip()
                ends[opened + len(line)] = cost - 0.2
                remark = _REMARKED.search(line, max(0, len(line) - 200))
                if remark is not None:  # a comment stands behind the comma
                    ends[opened + remark.start()] = cost - 0.4
                while line and line[-1] in "}]" and len(ends) < 5:
                    line = line[:-1].rstrip()
                    ends[opened + len(line)] = cost - 0.1
            else:
                tail = max(opened, stop - 200)
                run = _RUN.search(text, tail, stop)
                if (run and run.start() > tail) or tail == opened:
                    begin = run.start() if run else stop
                    for at in range(begin, stop):
                        if text[at] in ",}]，、；،" and len(ends) < 6:
                            comma = text[opened:at].rstrip().endswith(",")  # rather one too many than the text's
                            ends.setdefault(opened + len(text[opened:at].rstrip()), cost + 0.4 * comma)
        readings = []
        for end, price in ends.items():
            content = text[max(opened, end - 200) : end]
            if any(content.count(a) != content.count(b) for a, b in ("[]", "{}")):
                price += 0.3
            if end > opened or role == "value":
                readings.append(StringReading("missing_close_quote", start, opened, end, end, price))
        return readings
