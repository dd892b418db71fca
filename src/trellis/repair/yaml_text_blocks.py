"""Block scalars of damaged YAML: which lines are in them, and texts in three quotes."""

from __future__ import annotations

import re
import textwrap

from .rules import cost_of
from .schema_view import SchemaView
from .yaml_frames import Frame, has_text, known
from .yaml_lines import Entry, Line, mark_rule, quoted, read_key
from .yaml_quotes import read_quoted
from .yaml_texts import Texts

_NEAR = 20  # lines that are looked at for an entry
_MARKED = re.compile(r"([|>][+-]?)[ \t]+(?=\S)")
_TO_USER = re.compile(r"let me know|(?:i )?hope (?:this|that)|feel free|is there anything|would you like", re.I)
_SENTENCE = re.compile(r"[^\W\d_a-z]\w*(?:['\u2019]\w+)?(?: [\w'\u2019,\u2013-]+){1,11}(?:[.!]| ?[\u2600-\U0001faff])+")
_OPENER = {"}": "{", "]": "["}


class BlockTexts(Texts):
    """How a reading tells where a text of several lines ends."""

    def _block(self, index: int, at: int, view: SchemaView, frame: Frame) -> int:
        """A block scalar with its mark: which lines are in it, and whether YAML agrees."""
        following = self._block_end(index, max(frame.column, self.lines[index].column))
        lines = self.lines[index + 1 : following]
        shown = [line for line in lines if not line.blank]
        if not shown:
            if has_text(view):  # the mark is all there is
                self._scalar(at, self.lines[index].end)
            return following
        base = shown[0].column
        self.doubtful = self.doubtful or (lines[0].blank and bool(self.view.types()))
        header = self.text[at : self.lines[index].end]
        if header[:2] in ("||", ">>"):
            self.change("block_mark", at, at + 2, header[0])
            at, header = at + 1, header[1:]
        digit = re.search(r"[1-9]", header.split("#")[0])
        if digit:
            base = frame.out + int(digit.group())
        regular = base > frame.out and all(line.column >= base for line in shown)
        if not regular or any("\t" in self.text[line.start : line.at] for line in shown):
            if digit:
                self.change("block_mark", at, at + len(header), re.sub(r"[1-9]", "", header))
            self.cost += cost_of("indentation")
            self._reindent(lines, frame)
        return following

    def _block_end(self, index: int, column: int) -> int:
        """The line behind the text that a block mark begins; its key stands at a column."""
        following = index + 1
        base: int | None = None
        while following < len(self.lines):
            line = self.lines[following]
            if not line.blank:
                if base is None:
                    base = line.column
                if not self._inside_block(following, base, column):
                    break
            following += 1
        while self.lines[following - 1].blank and following > index + 1:
            following -= 1
        return following

    def block_on_line(self, index: int, at: int, frame: Frame) -> int | None:
        """A block scalar whose first line stands behind its mark; ``None`` if no line follows."""
        mark = _MARKED.match(self.text, at, self.lines[index].end)
        if mark is None:
            return None
        column = max(frame.column, self.lines[index].column)
        below = self.below(index)
        entry, place = self.place(below[1]) if below is not None else (None, None)
        if entry is not None and isinstance(place, Frame) and entry.name in place.view.names():
            return None  # the next member, out of place
        following = self._block_end(index, column)
        shown = [line for line in self.lines[index + 1 : following] if not line.blank]
        if not shown or min(line.column for line in shown) <= column:
            return None
        base = min(line.column for line in shown)
        if self.text[self.lines[index].end - 1] in ":{[(":
            self.doubtful = True  # how far in the next line was meant, nothing tells
        self.change("block_mark", mark.end(1), mark.end(), "\n" + " " * max(base, frame.out + 1))
        self._reindent(self.lines[index + 1 : following], frame, base)
        return following

    def triple(self, index: int, at: int, frame: Frame) -> int | None:
        """A text in three quotes, as Python has it; ``None`` if they are not closed."""
        mark = self.text[at : at + 3]
        if mark[0] == "'" and read_quoted(self.text, at, self.lines[index].end) == []:
            return None  # a text in quotes that begins with one
        following = index
        while (stop := self.text.find(mark, max(at + 3, self.lines[following].at), self.lines[following].end)) < 0:
            following += 1
            if following == len(self.lines):
                return None
        if self.text[stop + 3 : self.lines[following].end].strip(" ,;"):
            return None
        first = self.text[at + 3 : min(stop, self.lines[index].end)]
        rows = [self.text[line.start : line.end] for line in self.lines[index + 1 : following]]
        rows.append(self.text[self.lines[following].start : stop].rstrip(" \t"))
        inner = textwrap.dedent("\n".join(rows))
        text = f"{first}\n{inner}" if first.strip() else inner
        self.change("quote_style", at, self.lines[following].end, quoted(text if following > index else first))
        return following + 1

    def _inside_block(self, index: int, base: int, column: int) -> bool:
        line = self.lines[index]
        if line.column >= base and base > column:
            return line.column > base or not self._due(line, column)
        if line.column <= column and (self.remarks_on(line) or self._comments(line)):
            within = line.column == base and not self.lines[index - 1].blank and self.text[line.at] == "#"
            self.doubtful = self.doubtful or within
            return within  # at the margin, as the text above it
        if rule := mark_rule(self.text, line):
            if rule == "surplus_closer" and self._closes_above(line, base):
                return True
            return line.column > column or (rule == "tag" and self._closes_element(line))
        entry, place = self.place(line)
        if place is None or entry is None:
            if line.column <= column < base and self._signs_off(line) and not self.entry_ahead(index + 1):
                self.doubtful = True
                return False
            below = line.column > column or (line.column >= base and line.column > 0)
            if below or not self.lines[index - 1].blank:
                return True
            return (base <= column or not self.apart(index)) and self.entry_ahead(index)
        if line.column > column:
            return not (entry.name is not None and isinstance(place, Frame) and entry.name in place.view.names())
        if entry.name is None:
            goes_on = line.column == base <= column or (
                line.column == column < base and not self.lines[index - 1].blank
            )
            return goes_on and isinstance(place, Frame) and line.column != place.column
        names = place.names if isinstance(place, Frame) else place.view.names()
        if base > column:  # dedented: a text that goes on, or a sign-off
            return line.column == column and not self.apart(index) and self._between(index, entry, names)
        if self.apart(index) and not self.entry_ahead(index + 1):
            return False  # words behind the answer
        return line.column == base and self._strange(entry, names)

    def _signs_off(self, line: Line) -> bool:
        """Whether a line left of a text is said to the reader: by its words, or as a sentence that ends the answer."""
        if _TO_USER.match(self.text, line.at):
            return True
        return _SENTENCE.fullmatch(self.text, line.at, line.end) is not None and self.below(line.index) is None

    def _due(self, line: Line, column: int) -> bool:
        """Whether the last line of a text is a member that has to be beside the text, and stands nowhere else."""
        frame = self.stack[-1] if self.stack else None
        if frame is None or not self.text[line.at].isalpha():
            return False
        found = self.below(line.index)
        key = read_key(self.text, line.at, line.end) if found is None or found[1].column <= column else None
        if key is None or key.value >= line.end or key.name in frame.keys or key.name not in frame.view.required():
            return False
        later = (other for other in self.lines[line.index + 1 : line.index + _NEAR] if other.column <= column)
        if any(self.text.startswith(f"{key.name}:", other.at) for other in later):
            return False
        self.doubtful = True
        return True

    def _closes_above(self, line: Line, base: int) -> bool:
        """Whether a bracket at the margin closes one that the text above it opens."""
        opener, count = _OPENER[self.text[line.at]], 0
        for above in reversed(self.lines[max(0, line.index - _NEAR) : line.index]):
            if not above.blank and above.column < base:
                break
            shown = self.text[above.at : above.end]
            count += shown.count(opener) - shown.count(self.text[line.at])
        return count > 0

    def _closes_element(self, line: Line) -> bool:
        """Whether a closing tag at the margin ends what a line of the text above it began."""
        name = re.match(r"</([A-Za-z][\w-]*)>", self.text[line.at : line.end])
        if name is None:
            return False
        near = self.lines[max(0, line.index - _NEAR) : line.index]
        return any(self.text.startswith("<" + name[1], above.at) and above.column > line.column for above in near)

    def _comments(self, line: Line) -> bool:
        """Whether a line left of a text is a comment: nothing of the text follows."""
        if self.text[line.at] != "#" or self.text[line.at + 1 : line.at + 2] not in (" ", "#", "-", "="):
            return False
        found = self.inside(line.index)
        for _ in range(_NEAR):
            if found is None or self.text[found.at] != "#" or found.column > line.column:
                break
            found = self.inside(found.index)
        return found is None or (found.column <= line.column and self.place(found)[1] is not None)

    def _between(self, index: int, entry: Entry, names: set[str]) -> bool:
        """Whether an entry that could not stand here is followed by one that can."""
        if not self._strange(entry, names):
            return False
        for line in self.lines[index + 1 : index + _NEAR]:
            if not line.blank and line.column < self.lines[index].column:
                break
            following = None if line.blank else read_key(self.text, line.at, line.end)
            if following is not None and following.name in names and line.column == self.lines[index].column:
                return True
        return False

    def apart(self, index: int) -> bool:
        """Whether a line is a sentence with blank lines around it: a remark between the entries."""
        line = self.lines[index]
        after = index + 1 >= len(self.lines) or self.lines[index + 1].blank
        return after and self.lines[index - 1].blank and len(self.text[line.at : line.end].split()) > 2

    @staticmethod
    def _strange(entry: Entry, names: set[str]) -> bool:
        """Whether an entry is none that could stand here, but a line of text."""
        return entry.name is not None and bool(names) and not known(names, entry.name)
