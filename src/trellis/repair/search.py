"""Least-cost search for a JSON reading of damaged text.

The reader walks over clean tokens with three regular expressions. Where a token does not fit, or where evidence
(indentation, a key that occurs twice) speaks against the obvious reading, the ways to go on are made by ``moves`` and
each becomes a reading with a cost. Readings are advanced in order of position; those that meet in the same position,
state and bracket are one, the cheaper stays. The number kept is bounded, so the work is linear in the text
(a beam search; compare Aho and Peterson, "A minimum distance error-correcting parser", 1972).
"""

from __future__ import annotations

import heapq
import re
from dataclasses import dataclass
from itertools import islice

from ..errors import RepairError, UsageError, shown
from .dense import Dense
from .edits import Change, place
from .gaps import WS
from .moves import Moves
from .rules import Level, cost_of
from .scan import Scanner
from .schema_view import SchemaView
from .skip import Skipper
from .state import AFTER, CLOSER, KEY, VALUE, Frame, Link, Reading
from .strings import StringReading, long_string_end
from .typed_moves import TypedMoves

WIDTH = 10  # readings kept at once
MARGIN = 3.0  # a reading that costs this much more than the cheapest is given up
NEAR = 0.25  # two readings this close leave a doubt
HOPELESS = 4.5  # a reading that costs this much more than one for each clean token is given up
STRIDE = 512  # clean text that one reading may run ahead of the others
DENSE = 2_000  # readings that are made before what was decided often is decided the same way again
AT_EASE = 6_000  # readings that are made before their number counts
MOST = 40_000  # readings that are made before the limit on steps counts them
PACE = 48  # characters for each reading that is made after that, before fewer are kept
LONG_STRING = 1_000  # characters of a string that the decoder reads, and that is remembered
LONG = 2_000  # characters of a reading that is compared with longer ones by what it cost for each character
REST = 1.2  # what may stand behind it, costs this much more
SCATTERED = 64  # repairs of brackets after which nothing is passed over
SETTLED = 8192  # characters after which the cheapest of several readings is held to be the right one
LONG_SETTLED = 3  # times that this passed, before only the cheapest stays; others leave a doubt

_WS = r"[ \t\n\r]*"
_STRING = r'"[^"\\\x00-\x1f]*+(?:\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})[^"\\\x00-\x1f]*+)*+"'
_SINGLE = r"(?:'[^'\\\x00-\x1f]*'|“[^“”\"\\\x00-\x1f{}\[\]()]*”)"
_NAME = rf"{_SINGLE}|[A-Za-z_$][\w$]*"
_NUMBER = r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?"
_NEXT = rf"(?={_WS}[,}}\]])"
# Group 1: a clean key or scalar; 2: one with a small repair; 3: an opening bracket.
_KEY_TOKEN = rf"{_WS}(?:({_STRING})|({_NAME})){_WS}:"
_VALUE_TOKEN = (
    rf"{_WS}(?:((?:{_STRING}|{_NUMBER}|true|false|null){_NEXT})|((?:{_SINGLE}|True|False|None){_NEXT})"
    rf"|(\{{(?={_WS}[\"'}}])|\[(?={_WS}(?:[\"'{{\[\]\d\-]|true|false|null|True|False|None))))"
)
_FIRST_KEY, _NEXT_KEY = re.compile(_KEY_TOKEN), re.compile(f"{_WS},{_KEY_TOKEN}")
_VALUE, _NEXT_VALUE = re.compile(_VALUE_TOKEN), re.compile(f"{_WS},{_VALUE_TOKEN}")
_AS_LIST = frozenset({"array", "object"})
_LITERALS = {"True": "true", "False": "false", "None": "null"}
_CLOSE = re.compile(rf"{_WS}([}}\]])")
_FOLLOWED = re.compile(_NEXT)


_STRUCTURE = frozenset(
    {
        "missing_closer",
        "surplus_closer",
        "wrong_closer",
        "missing_opener",
        "surplus_opener",
        "inner_quote",
        "missing_open_quote",
        "missing_close_quote",
        "unquoted_string",
        "missing_value",
    }
)


BRACKETS = frozenset(
    {"missing_closer", "surplus_closer", "wrong_closer", "missing_opener", "surplus_opener", "wrong_opener"}
)


def _rank(item: tuple[int, int, Reading]) -> tuple[float, int]:
    return item[2].cost, -item[0]


def _same_structure(one: Reading, other: Reading) -> bool:
    """Whether two readings that meet made the same structural repairs of late."""
    rules = []
    for reading in (one, other):
        found, link = set(), reading.links
        for _ in range(6):
            if link is None:
                break
            if link.piece.rule in _STRUCTURE:
                found.add(link.piece.rule)
            link = link.before
        rules.append(found)
    return rules[0] == rules[1]


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds on the work of one repair.

    Attributes:
        size: characters of input.
        depth: open brackets at once; the standard reader of the result has a bound of its own.
        steps: search steps for each character of input (on top of a constant).
    """

    size: int = 64_000_000
    depth: int = 900
    steps: int = 16

    def check_size(self, text: str) -> None:
        """Raise ``RepairError`` (``limit="size"``) for a text that is too long."""
        if len(text) > self.size:
            raise RepairError(
                f"the text has {len(text)} characters, more than {self.size}",
                limit="size",
                hint="Limits(size=...), on the command line --max-size",
            )


def checked_limits(limits: object) -> Limits:
    """Limits from an argument; ``None`` means ours. Raises ``UsageError``."""
    if limits is None:
        return Limits()
    if not isinstance(limits, Limits):
        raise UsageError(f"limits={shown(limits)} is no Limits")
    return limits


@dataclass(frozen=True, slots=True)
class Effort:
    """How wide a search is.

    Attributes:
        width: readings kept at once.
        margin: a reading that costs this much more than the cheapest is given up.
        told: how many readings are told.
        spread: how much more than the cheapest those may cost.
        typed: what the schema says about types and required members counts as it is read, not at the end only.
    """

    width: int = WIDTH
    margin: float = MARGIN
    told: int = 6
    spread: float = 1.5
    typed: bool = False


EASY = Effort()
HARD = Effort(width=40, margin=5.0, told=24, spread=4.0, typed=True)
"""For a text of which no reading is what the schema wants."""


class Search:
    """One search from ``start`` to the end of the scanner's region."""

    def __init__(
        self,
        scanner: Scanner,
        start: int,
        level: Level,
        limits: Limits,
        view: SchemaView | None = None,
        skipper: Skipper | None = None,
        effort: Effort = EASY,
    ) -> None:
        self.skipper, self.effort = skipper, effort
        self.text, self.start, self.end, self.limits = scanner.text, start, scanner.end, limits
        self.moves = (TypedMoves if effort.typed else Moves)(self.text, self.end, level, scanner, self._opened, view)
        self.style, self.bare_key = scanner.style, scanner.bare_key
        self.dense = Dense(self.text, self.end, self._opened, self.moves.view_of)
        self.steps = self.made = self.lost = 0
        self._counted = 0
        self._long: dict[int, int] = {}  # where long strings end
        self.furthest = start

    def _opened(self, frame: Frame) -> Frame:
        if frame.depth > self.limits.depth:
            raise self._limit("depth", frame.open, f"more than {self.limits.depth} brackets are open at once")
        return frame

    def _limit(self, limit: str, offset: int, message: str) -> RepairError:
        line, column = place(self.text, offset)
        return RepairError(message, line=line, column=column, source=self.text, limit=limit)

    def run(self) -> list[Reading]:
        """Complete readings, cheapest first; empty when there is none.

        Raises:
            RepairError: a limit was hit (``limit``).
        """
        line_start = self.text.rfind("\n", 0, self.start) + 1
        head = self.text[line_start : self.start]
        indent = len(head) - len(head.lstrip(" \t"))
        most = self.limits.steps * (self.end - self.start) + 20_000
        heap: list[tuple[int, int, Reading]] = [(self.start, 0, Reading.start(self.start, indent))]
        seen: dict[tuple[int, int, int], Reading] = {}
        serial = 0
        forked_at, settled = self.start, 0
        finished: list[Reading] = []
        while heap:
            position, _, reading = heapq.heappop(heap)
            if position > self.furthest:
                self.furthest = position
            if finished and reading.cost >= finished[0].cost + self.effort.margin + self._rest(finished[0], position):
                continue
            if reading.cost > HOPELESS + reading.tokens:
                continue
            if heap:
                if reading.cost > min([item[2].cost for item in heap]) + self.effort.margin:
                    continue
                moved = self._advance(reading, min(position - position % STRIDE + STRIDE, self.end))
            else:
                seen.clear()
                if self.skipper is not None and self._scattered(reading):
                    return []
                moved = self._advance(reading, self.end + 1)
            if moved is not reading and heap:
                following = [moved]
            else:
                following = self.moves.expand(moved)
                self.steps += len(following)
            if len(following) > 1:
                forked_at, settled = moved.pos, 0
            self.steps += 1
            if self.steps > most:
                raise self._limit("steps", position, "the text is too damaged to be read in bounded time")
            for new in following:
                if new.frame is None and new.state == AFTER and new.pos == -1:
                    finished.append(new)
                    furthest = max(item.vstart for item in finished)
                    finished.sort(key=lambda item: item.cost + self._rest(item, furthest))
                    del finished[self.effort.width :]
                    continue
                key = (new.pos, new.state, id(new.frame))
                known = seen.get(key)
                if known is not None:
                    near = abs(known.cost - new.cost) < NEAR and not _same_structure(known, new)
                    if known.cost <= new.cost + 1e-9:
                        known.doubtful = known.doubtful or near
                        continue
                    new.doubtful = new.doubtful or near
                seen[key] = new
                serial += 1
                heapq.heappush(heap, (new.pos, serial, new))
            self.made += len(following)
            if self.made > MOST + (position - self.start) * self.limits.steps // 64:
                raise self._limit("steps", position, "the text is too damaged to be read in bounded time")
            width = self._width(position)
            if len(heap) > width:
                kept = sorted(heap, key=_rank)[:width]
                bound = kept[0][2].cost + self.effort.margin
                heap = [item for item in kept if item[2].cost <= bound]
                heapq.heapify(heap)
            if len(heap) > 1 and heap[0][0] > forked_at + SETTLED:
                settled += 1
                best = min(item[2].cost for item in heap)
                if settled == LONG_SETTLED:
                    for item in heap:
                        item[2].doubtful |= sum(other[2].cost < best + NEAR for other in heap) > 1
                bound = best + (0.75 if settled < LONG_SETTLED else 0.0)
                heap = [item for item in heap if item[2].cost <= bound]
                heapq.heapify(heap)
                forked_at = heap[0][0]
        return finished

    def _scattered(self, reading: Reading) -> bool:
        """Whether brackets are repaired in so many places that nothing may be passed over."""
        new = islice(reading.pieces(), max(0, reading.count - self._counted))
        self.lost += sum(link.piece.rule in BRACKETS for link in new)
        self._counted = reading.count
        return self.lost > SCATTERED

    def _rest(self, finished: Reading, position: int) -> float:
        """What the text from the end of a reading to a position would have cost it, had it gone on as before.

        In a long text with errors everywhere a reading that ends at the first closer would be the cheapest.
        """
        length = finished.vstart - self.start
        if length < LONG or position <= finished.vstart:
            return 0.0
        return REST * finished.cost * (position - finished.vstart) / length

    def _width(self, position: int) -> int:
        """How many readings are kept: fewer where a long text has an error nearly everywhere."""
        allowed = AT_EASE + (position - self.start) // PACE
        return self.effort.width if self.made < allowed else 3 if self.made < 2 * allowed else 1

    def _easy(self, start: int, end: int) -> Change | StringReading:
        """The piece for a token that needs only a small repair."""
        word = self.text[start:end]
        if word[0] in "'“":
            return StringReading("quote_style", start, start + 1, end - 1, end, self.style)
        return Change("literal", start, end, _LITERALS[word], cost_of("literal"))

    def _easy_key(self, start: int, end: int) -> Change | StringReading:
        """The piece for a key that needs only a small repair."""
        if self.text[start] in "'“":
            return self._easy(start, end)
        return StringReading("unquoted_key", start, start, end, end, self.bare_key)

    @staticmethod
    def _named(match: re.Match[str]) -> str:
        """The key that was matched, as a JSON string."""
        if match.group(1):
            return match.group(1)
        word = match.group(2)
        return f'"{word[1:-1]}"' if word[0] in "'“" else f'"{word}"'

    @staticmethod
    def _known(frame: Frame, key: str, start: int) -> bool:
        """Whether there is evidence against a key as the next one of an object."""
        return frame.keys.get(key, start) != start or (frame.watched and frame.strange(key))

    def _long_string(self, pos: int) -> tuple[int, int] | None:
        """Where a long string begins and ends that stands at an offset; ends at -1 if the search has to read it."""
        start = WS.match(self.text, pos, self.end).end()  # type: ignore[union-attr]
        if not self.text.startswith('"', start) or start >= self.end:
            return None
        stop = self._long.get(start)
        if stop is None:
            stop = long_string_end(self.text, start)
            if stop > self.end or not _FOLLOWED.match(self.text, stop, self.end):
                stop = -1
            self._long[start] = stop
        return start, stop

    def _advance(self, reading: Reading, limit: int) -> Reading:
        """Read clean tokens up to ``limit``; returns ``reading`` itself when the next token is not clean."""
        text, end = self.text, self.end
        pos, state, frame, first, indent = reading.pos, reading.state, reading.frame, reading.first, reading.indent
        vstart, vseq, closed = reading.vstart, reading.vseq, reading.closed
        tokens, count, key, links, cost = 0, reading.count, reading.key, reading.links, reading.cost
        back = reading.back
        alone = self.skipper if limit > end else None
        dense = self.dense if limit > end and self.made > DENSE else None
        while pos < limit:
            before = pos
            if first and frame is not None and (state in (KEY, VALUE)):
                match = _CLOSE.match(text, pos, end)
                if match and match.group(1) == CLOSER[frame.kind] and match.start(1) == pos:
                    vstart, vseq, closed = frame.open, frame.seq, frame
                    frame.left(text, match.end())
                    frame, pos, state, first = frame.parent, match.end(), AFTER, False
                    tokens += 1
                    continue
            if state == AFTER:
                if frame is None:
                    break
                if alone is not None and pos >= alone.next_run:
                    run = alone.members(frame, pos)
                    if run is not None:
                        pos, vstart, vseq, closed = run.end, -1, count, None
                        tokens += run.members
                        frame.keys.update(dict.fromkeys(run.keys, pos))
                        continue
                if dense is not None:
                    found = dense.read(frame, pos, indent, links, count)
                    if found is not None:
                        pos, frame, first, indent, price, passed, links, count = found
                        vstart, vseq, closed, cost, tokens = -1, count, None, cost + price, tokens + passed
                        if first:
                            state = KEY if frame.kind == "{" else VALUE
                        continue
                match = (_NEXT_KEY if frame.kind == "{" else _NEXT_VALUE).match(text, pos, end)
                if match:
                    token = match.lastindex or 0
                    start, stop = match.start(token), match.end()
                    newline = text.rfind("\n", pos, start)
                    if newline >= 0:
                        column = start - newline - 1
                        if column != frame.member_indent:
                            break
                        indent = column
                    if frame.kind == "{":
                        key = self._named(match)
                        if self._known(frame, key, start):
                            break
                        frame.keys[key] = start
                        back = (pos, links, count)
                        if match.lastindex == 2:
                            piece = self._easy_key(start, match.end(2))
                            links, count, cost = Link(links, (count, 0), piece), count + 1, cost + piece.cost
                        pos, state, first = match.end(), VALUE, False
                        tokens += 1
                        continue
                else:
                    match = _CLOSE.match(text, pos, end)
                    if not match or match.group(1) != CLOSER[frame.kind]:
                        break
                    start = match.start(1)
                    newline = text.rfind("\n", pos, start)
                    if newline >= 0:
                        if start - newline - 1 != frame.indent:
                            break
                        indent = frame.indent
                    elif frame.member_indent is not None:
                        break
                    vstart, vseq, closed = frame.open, frame.seq, frame
                    frame.left(text, match.end())
                    frame, pos = frame.parent, match.end()
                    tokens += 1
                    continue
            elif state == VALUE:
                long = self._long_string(pos) if text.find('"', pos + 3, pos + LONG_STRING) < 0 else None
                if long is not None:
                    start, stop, token = *long, 1
                elif match := _VALUE.match(text, pos, end):
                    token = match.lastindex or 0
                    start, stop = match.start(token), match.end()
                else:
                    break
                if stop < 0:
                    break
                newline = text.rfind("\n", pos, start)
                if newline >= 0:
                    if frame is None:
                        indent = start - newline - 1
                    elif frame.kind == "{" or not first or frame.member_indent not in (None, start - newline - 1):
                        break
                    else:
                        indent = frame.member_indent = start - newline - 1
            elif state == KEY and first and frame is not None:
                match = _FIRST_KEY.match(text, pos, end)
                if not match:
                    break
                start = match.start(match.lastindex or 0)
                newline = text.rfind("\n", pos, start)
                if newline >= 0:
                    indent = start - newline - 1
                    if frame.member_indent not in (None, indent):
                        break
                    frame.member_indent = indent
                key = self._named(match)
                if frame.keys.setdefault(key, start) != start:
                    break
                back = (before, links, count)
                if match.lastindex == 2:
                    piece = self._easy_key(start, match.end(2))
                    links, count, cost = Link(links, (count, 0), piece), count + 1, cost + piece.cost
                pos, state, first = match.end(), VALUE, False
                tokens += 1
                continue
            else:
                break
            # A value, after a comma or where one is due.
            tokens += 1
            vstart, vseq = start, count
            if token != 3:
                if token == 2:
                    piece = self._easy(start, stop)
                    links, count, cost = Link(links, (count, 0), piece), count + 1, cost + piece.cost
                pos, state, first, closed = stop, AFTER, False, None
                continue
            if self.skipper is not None and frame is not None and not (first and frame.kind == "["):
                passed = self.skipper.value(start)
                if passed >= 0:
                    pos, state, first, closed = passed, AFTER, False, None
                    continue
            kind, view = text[start], self.moves.view_of(frame, key)
            if kind == "[" and frame is not None and view is not None and not _AS_LIST & (view.types() or _AS_LIST):
                tokens -= 1
                break
            frame = self._opened(Frame(kind, start, count, frame, indent, view=view, mark=kind))
            pos, state, first, closed = stop, KEY if kind == "{" else VALUE, True, None
        if pos == reading.pos and state == reading.state:
            return reading
        new = reading.copy()
        new.pos, new.state, new.frame, new.first, new.indent = pos, state, frame, first, indent
        new.vstart, new.vseq, new.closed, new.tokens = vstart, vseq, closed, reading.tokens + tokens
        new.key, new.links, new.count, new.cost, new.back = key, links, count, cost, back
        self.steps += tokens
        return new


__all__ = ["BRACKETS", "NEAR", "SCATTERED", "Limits", "Search"]
