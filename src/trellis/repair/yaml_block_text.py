"""Block scalars of YAML, and the way from line to line."""

from __future__ import annotations

import re

from .nodes import Node
from .yaml_flow import FlowReader, Unsure
from .yaml_scalars import BLOCK_HEADER, block_text

_LINES = re.compile(r"(?:[ ]*+(?:#[^\n]*)?\n)*+[ ]*+(?:#[^\n]*\Z)?")


class BlockTextReader(FlowReader):
    """How a reading of a text reads block scalars."""

    def _to(self, at: int) -> None:
        self.at = at
        self.column = at - (self.text.rfind("\n", 0, at) + 1)

    def _block(self, at: int, parent: int) -> Node:
        """A block scalar."""
        match = BLOCK_HEADER.match(self.text, at)
        if match is None or (match.group(2) and match.group(4)):
            self._fail("no block scalar begins like this", at)
        if parent < 0:
            raise Unsure
        text, size = self.raw, len(self.raw)
        style, chomp = match.group(1), match.group(2) or match.group(4)
        indent = parent + int(match.group(3)) if match.group(3) else 0
        lines: list[str] = []
        end = last = match.end()  # of the header; of the last line that is not blank
        at = min(end + 1, size)
        ended = False
        widest = 0
        while at < size:
            stop = text.find("\n", at)
            ends = stop >= 0
            stop = stop if ends else size
            line = text[at:stop]
            if line.endswith("\r"):
                line = line[:-1]
            bare = line.lstrip(" ")
            width = len(line) - len(bare)
            if not indent and bare:
                indent = max(width, parent + 1)
                if widest:
                    raise Unsure
            if not bare and (not indent or width <= indent):
                widest = max(widest, width)
                if ends:
                    lines.append("")
            elif width < indent:
                if bare[0] == "\t":
                    raise Unsure
                break
            else:
                lines.append(line[indent:])
                last, ended = at + len(line) if bare else last, ends
            at = stop + 1
        if not indent and widest:
            raise Unsure
        at = min(at, size)
        self._to(first(self.text, at))
        return Node("scalar", match.start(), max(last, end), block_text(lines, style, chomp, ended))


def first(text: str, at: int = 0) -> int:
    """The next thing behind blank lines and comments, from the start of a line."""
    match = _LINES.match(text, at)
    assert match is not None
    if text[match.end() : match.end() + 1] == "\t":
        raise Unsure
    return match.end()
