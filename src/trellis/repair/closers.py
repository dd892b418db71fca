"""What a closing bracket may mean behind a value: of the right kind or not, too many, or of a bracket that was lost."""

from __future__ import annotations

from .edits import Change
from .gaps import Gap
from .rules import cost_of
from .state import AFTER, CLOSER, Frame, Link, Reading
from .steps import Steps

_ROW = 2_000  # characters of a row that lost its bracket
INDENT = 0.8  # what speaks against a reading that ignores indentation


class Closers(Steps):
    """The moves at a closing bracket."""

    def _closer(self, reading: Reading, gap: Gap) -> list[Reading]:
        """A closing bracket, of the right kind or not."""
        text, frame = self.text, reading.frame
        assert frame is not None
        at = gap.end
        head = text[at]
        right = CLOSER[frame.kind]
        found: list[Reading] = []
        round_right = head == ")" and frame.mark == "("
        if head == right or round_right or (frame.kind == "[" and head == "}" and frame.mark == "{"):
            grouped = round_right and self._grouped(reading, gap)
            if isinstance(grouped, Reading):
                return [grouped]
            new = self._past(reading, gap)
            if head != right:
                new.change("tuple" if head == ")" else "set", at, at + 1, right, 0.05)
            misfit = gap.column >= 0 and frame.indent >= 0 and gap.column != frame.indent
            inline = gap.column < 0 and frame.member_indent is not None
            new.cost += 0.8 * frame.several  # nobody opened that bracket
            new.cost += INDENT if misfit else 0.3 if inline else 0.0
            found.append(self._close(new, at + 1))
            if head == "]" and frame.mark == "[" and (row := self._lost_row(reading, gap, frame)) is not None:
                found.append(row)
            if misfit or inline:
                if misfit and head == "]" and frame.mark == "[" and gap.column > frame.indent:
                    found.append(self._open_after(reading, gap, frame))
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
            evident = (gap.column >= 0 and gap.column == outer.indent) or (not frame.mark and frame.parent is outer)
            found.append(
                self._insert_closers(reading, outer, 0.5 if evident else 1.0, 0.5 if evident else 1.0, evident)
            )
        found.append(self._delete(reading, gap, "surplus_closer", cost_of("surplus_closer")))
        if head != ")":
            new = self._past(reading, gap)
            new.change("wrong_closer", at, at + 1, right, cost_of("wrong_closer"))
            found.append(self._close(new, at + 1))
            if head == "]" and frame.kind == "{" and reading.state == AFTER and self._wrappable(reading):
                found.append(self._wrap(reading, "[", cost_of("missing_opener")))
                found[-1].state = AFTER
        return found

    def _grouped(self, reading: Reading, gap: Gap) -> Reading | None:
        """Leave parentheses around one value: they mean nothing, as in Python. ``None`` if they make a tuple."""
        frame, link = reading.frame, reading.links
        passed: list[Link] = []
        assert frame is not None
        if reading.first or self.text[frame.open + 1 : reading.vstart].strip():
            return None
        while link is not None and len(passed) < 50 and link.piece.start > frame.open:
            passed.append(link)
            link = link.before
        last = passed[0].piece.rule if passed else ""
        if link is None or link.piece.rule != "tuple" or link.piece.start != frame.open or last == "trailing_comma":
            return None
        new = self._past(reading, gap)
        links = Link(link.before, link.key, Change("tuple", frame.open, frame.open + 1, "", cost_of("tuple")))
        for item in reversed(passed):
            links = Link(links, item.key, item.piece)
        new.links = links
        for change in gap.changes:
            new.links = Link(new.links, (new.count, 0), change)
        new.change("tuple", gap.end, gap.end + 1, "", 0.0)
        new.frame, new.pos, new.state, new.first, new.closed = frame.parent, gap.end + 1, AFTER, False, None
        return new

    def _lost_row(self, reading: Reading, gap: Gap, frame: Frame) -> Reading | None:
        """This closer belongs to an array within ``frame`` that lost its opener before the scalars that end here."""
        if frame.view is None or frame.view.item(0).types() != {"array"}:
            return None
        text = self.text
        begin = max(frame.open, reading.pos - _ROW)
        last = max(text.rfind("]", begin, reading.pos), text.rfind("[", begin, reading.pos)) + 1
        start = last + len(text[last : reading.pos]) - len(text[last : reading.pos].lstrip(", \t\r\n"))
        if not last or start >= reading.pos or text.find("}", start, reading.pos) >= 0:
            return None
        new = self._past(reading, gap)
        new.change("missing_opener", start, start, "[", 0.6)
        new.frame, new.pos, new.state, new.first, new.closed = frame, gap.end + 1, AFTER, False, None
        new.vstart, new.vseq = start, new.count - 1
        return new

    def _open_after(self, reading: Reading, gap: Gap, frame: Frame) -> Reading:
        """This closer belongs to an array that lost its opener where the members of ``frame`` begin."""
        new = self._past(reading, gap)
        at = frame.open + 1
        new.add(Change("missing_opener", at, at, "[", 0.6), 0.6)
        assert new.links is not None
        new.links.key = (frame.seq, -new.count)
        outer = Frame("[", frame.open, frame.seq, frame.parent, frame.indent, view=frame.view)
        outer.member_indent = gap.column
        new.frame, new.pos, new.state, new.first, new.closed = outer, gap.end + 1, AFTER, False, None
        new.vstart, new.vseq = at, frame.seq
        return new
