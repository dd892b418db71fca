"""YAML in brackets, in quotes, and aliases: what ``yaml_blocks`` reads in block style and within brackets alike."""

from __future__ import annotations

import re
from typing import NoReturn

from ..errors import RepairError
from .edits import place
from .nodes import NO_ITEMS, NO_KEYS, Node
from .yaml_scalars import BadEscape, double_quoted, is_null, plain_value, single_quoted

DEPTH = 200
KEY_LENGTH = 1000  # YAML's own limit is 1024
_COPIES = 100_000  # nodes that aliases may stand for, all together
_FLOW_INSIDE = r"(?:[^ \t\n,:\[\]{}#]|:(?=[^ \t\n])|#|[ ]++(?=[^ \t\n,:\[\]{}#]|:[^ \t\n]))*+"
_FLOW_PLAIN = re.compile(r"(?:[^ \t\n,\[\]{}#&*!|>'\"%@`?:-]|-(?=[^ \t\n]))" + _FLOW_INSIDE)
_FLOW_MORE = re.compile(r"(?!#)" + _FLOW_INSIDE)
_FLOW_GAP = re.compile(r"[ ]*+(?:(?:\n|(?<=[ \n])#[^\n]*)[ ]*+)*+")
_NEXT = r"[ ]*+,[ \n]*+(?=[^ \t\n#])"
_SIMPLE = r'(?:"([^"\\\n]*+)"|(-?[A-Za-z0-9][\w.+-]*+))'
_WORD = re.compile(_SIMPLE + _NEXT)  # an item, up to the next
_WORD_PAIR = re.compile(
    rf'(?:"([^"\\\n]{{0,99}}+)":[ ]*+|([A-Za-z_][\w-]{{0,99}}+):[ ]++){_SIMPLE}(?:{_NEXT}|(?=\}}))'
)
FOLD = re.compile(r"[ ]*+\n((?:[ ]*+\n)*+)([ ]*+)(?=[^ \n])")
DOUBLE = re.compile(r'"([^"\\]*+(?:\\.[^"\\]*+)*+)"', re.S)
SINGLE = re.compile(r"'([^']*+(?:''[^']*+)*+)'")
_ALIAS = re.compile(r"\*([^ \t\n,\[\]{}]+)")


class NotYaml(ValueError):
    """Not YAML, or YAML with something that is off.

    Attributes:
        line, column: the place.
        off: it is YAML, but not of the kind that we read.
        harmful: nor can it have been meant as text.
    """

    def __init__(self, message: str, line: int = 1, column: int = 1, off: bool = False, harmful: bool = False) -> None:
        super().__init__(message)
        self.line, self.column, self.off, self.harmful = line, column, off, harmful


class Unsure(Exception):
    """Not for this reader to say."""


def _simple(found: re.Match[str], group: int) -> Node:
    """The scalar of a match of ``_SIMPLE`` whose groups begin with a number."""
    if (inner := found[group]) is not None:
        return Node("scalar", found.start(group) - 1, found.end(group) + 1, inner, NO_ITEMS, NO_KEYS)
    start, end = found.span(group + 1)
    return Node("scalar", start, end, plain_value(found[group + 1]), NO_ITEMS, NO_KEYS, plain=True)


class FlowReader:
    """What a reading of a text knows, and how it reads what needs no lines.

    Attributes:
        aliases: how many aliases there are.
        idle: the anchors before plain text that no alias refers to (``&co and sons``), with their offsets.
        copies: where each anchor (with ``None``) and each alias stands.
    """

    def __init__(self, text: str) -> None:
        self.raw = text
        self.text = text.replace("\r\n", " \n") if "\r" in text else text
        self.at = self.column = 0  # the next thing, behind blank lines and comments
        self.aliases = 0
        self.idle: dict[str, int] = {}
        self.copies: list[tuple[int, int, Node | None]] = []
        self._anchors: dict[str, Node] = {}
        self._open: set[str] = set()
        self._copies = 0

    def _fail(self, message: str, at: int, off: bool = False, harmful: bool = False) -> NoReturn:
        raise NotYaml(message, *place(self.text, at), off, harmful)

    def _unquoted(self, match: re.Match[str], at: int) -> str:
        inner = match.group(1)
        if self.text[at] == "'":
            return single_quoted(inner)
        if "\\" in inner and ("\\ " in inner or "\\\t" in inner or "\\ud" in inner.lower()):
            raise Unsure
        try:
            return double_quoted(inner)
        except BadEscape as error:
            self._fail(str(error), at)

    def _quoted(self, at: int) -> Node:
        match = (DOUBLE if self.text[at] == '"' else SINGLE).match(self.text, at)
        if match is None:
            self._fail("these quotes are not closed", at)
        return Node("scalar", at, match.end(), self._unquoted(match, at), NO_ITEMS, NO_KEYS)

    def _alias(self, at: int) -> Node:
        match = _ALIAS.match(self.text, at)
        name = match.group(1) if match else ""
        if name in self._open:
            self._fail("this alias stands in what it refers to", at, True, True)
        if match is None or name not in self._anchors:
            self._fail("nothing has the name that this alias refers to", at)
        self.idle.pop(name, None)
        self.aliases += 1
        meant = self._anchors[name]
        if meant.kind != "scalar":
            self._copies += meant.size()
            if self._copies > _COPIES:
                raise RepairError("aliases stand for too much", limit="aliases")
        self.copies.append((at, match.end(), meant))
        return Node(meant.kind, at, match.end(), meant.value, meant.items, meant.keys, plain=meant.plain)

    def _flow(self, at: int, depth: int) -> Node:
        """What stands in brackets."""
        if depth > DEPTH:
            raise RepairError("the text is nested too deeply", limit="depth")
        text = self.text
        pairs = text[at] == "{"
        close = "}" if pairs else "]"
        node = Node("object" if pairs else "array", at)
        names: set[str] = set()
        position = self._over(at + 1)
        while True:
            position = self._word_pairs(node, names, position) if pairs else self._words_in(node, position)
            head = text[position]
            if head == close:
                break
            if head in ",]}":
                self._fail(f"{head!r} cannot stand here", position)
            if pairs:
                position = self._pair(node, names, position, depth)
            else:
                item = self._flow_node(position, depth)
                position = self._over(item.end)
                if text[position] == ":":
                    single = Node("object", item.start)
                    position = self._single(single, item, position, depth)
                    item = single
                node.items.append(item)
            head = text[position]
            if head == ",":
                position = self._over(position + 1)
            elif head != close:
                if head == "#":
                    raise Unsure
                self._fail("there is no comma before this", position)
        node.end = position + 1
        return node

    def _words_in(self, node: Node, at: int) -> int:
        """Items of one word or in double quotes that stand from an offset on, a comma behind each; the next thing."""
        match, text, items = _WORD.match, self.text, node.items
        while found := match(text, at):
            items.append(_simple(found, 1))
            at = found.end()
        return at

    def _word_pairs(self, node: Node, names: set[str], at: int) -> int:
        """Keys with such values that stand from an offset on; returns the next thing."""
        match, text, items, keys = _WORD_PAIR.match, self.text, node.items, node.keys
        while found := match(text, at):
            name, plain = found[1], found[2]
            if name is None:
                name, end = plain, found.end(2)
            else:
                end = found.end(1) + 1
            if name in names or name == "<<" or (plain and is_null(plain)):
                break
            names.add(name)
            keys.append((at, end, name))
            items.append(_simple(found, 3))
            at = found.end()
        return at

    def _over(self, at: int) -> int:
        """The next thing within brackets."""
        match = _FLOW_GAP.match(self.text, at)
        assert match is not None
        at = match.end()
        if at >= len(self.text):
            self._fail("these brackets are not closed", at)
        if self.text[at] in "\t#":
            raise Unsure
        return at

    def _flow_node(self, at: int, depth: int) -> Node:
        text, head = self.text, self.text[at]
        if head in "[{":
            return self._flow(at, depth + 1)
        if head in "\"'":
            return self._quoted(at)
        if head == "*":
            return self._alias(at)
        match = _FLOW_PLAIN.match(text, at)
        if match is None:
            if head in "%@`|>":
                self._fail(f"nothing can begin with {head!r}", at)
            raise Unsure
        value, end = match.group(), match.end()
        while (fold := FOLD.match(text, end)) and text[fold.end()] not in ",:[]{}#\t":
            more = _FLOW_MORE.match(text, fold.end())
            if more is None or more.end() == more.start():
                break
            value += ("\n" * fold.group(1).count("\n") or " ") + more.group()
            end = more.end()
        return Node("scalar", at, end, plain_value(value), NO_ITEMS, NO_KEYS, plain=True)

    def _pair(self, node: Node, names: set[str], at: int, depth: int) -> int:
        """A key with its value within braces; returns the next thing."""
        text = self.text
        if text[at] in "?:&!*[{" and not _FLOW_PLAIN.match(text, at):
            raise Unsure
        key = self._flow_node(at, depth)
        position = self._over(key.end)
        name = key.value if not key.plain else "null" if key.value is None else text[at : key.end]
        if "\n" in text[at:position] and (text[position] == ":" or "\n" in text[at : key.end]):
            raise Unsure
        if name == "<<" or key.end - at > KEY_LENGTH:
            raise Unsure
        if name in names:
            self._fail(f"the key {name!r} occurs twice", at)
        names.add(name)
        node.keys.append((at, key.end, name))
        if text[position] != ":":
            node.items.append(Node("scalar", key.end, key.end, None, plain=True))
            return position
        return self._member(node, position, depth)

    def _member(self, node: Node, colon: int, depth: int) -> int:
        text = self.text
        position = self._over(colon + 1)
        if text[position] in ",]}":
            node.items.append(Node("scalar", colon + 1, colon + 1, None, plain=True))
            return position
        value = self._flow_node(position, depth)
        node.items.append(value)
        return self._over(value.end)

    def _single(self, single: Node, key: Node, colon: int, depth: int) -> int:
        """A pair within square brackets is an object of its own."""
        text = self.text
        between = text[key.start : colon + 2]
        if key.kind != "scalar" or "\n" in between[:-1] or between[-1] not in " \n" or len(between) > KEY_LENGTH:
            raise Unsure
        name = key.value if not key.plain else "null" if key.value is None else text[key.start : key.end]
        if name == "<<":
            raise Unsure
        single.keys.append((key.start, key.end, name))
        position = self._member(single, colon, depth)
        single.end = max(single.items[-1].end, colon + 1)
        return position
