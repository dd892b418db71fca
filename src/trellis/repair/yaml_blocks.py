"""A reader of YAML in the time that its lines take: exact on what it reads, and it says so where it is not sure.

ruamel.yaml is the standard that this reader is held to; it needs seconds for a megabyte. What is written in block
style, with brackets, quotes, block scalars, comments, anchors and aliases, is read here, to the same tree, or refused
where ruamel.yaml refuses it. Everything else (directives, explicit keys, tags, tabs between tokens, several documents
in a text) raises ``Unsure``: ruamel.yaml has to be asked.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from ..errors import RepairError
from .nodes import NO_ITEMS, NO_KEYS, Node
from .yaml_block_text import BlockTextReader, first
from .yaml_flow import DEPTH, DOUBLE, FOLD, KEY_LENGTH, SINGLE, NotYaml, Unsure
from .yaml_scalars import float_value, int_value, is_null, plain_value

__all__ = ["BlockReader", "NotYaml", "Unsure"]

_STRANGE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufeff\ufffe\uffff]|\r(?!\n)")
_ODD = re.compile(r"^(?:---|\.\.\.)(?=\t)|^--- +[^ #\n]", re.M)
_END = re.compile(r"^\.\.\.(?=[ \n]|\Z)", re.M)
_TEXT = re.compile(r"^[|>]", re.M)
_START = re.compile(r"^---(?=[ \n]|\Z)", re.M)
_INSIDE = r"(?:[^ \t\n:#]|:(?=[^ \t\n])|#|[ ]++(?=[^ \t\n:#]|:[^ \t\n]))*+"
_PLAIN = re.compile(r"(?:[^ \t\n,\[\]{}#&*!|>'\"%@`?:-]|[?:-](?=[^ \t\n]))" + _INSIDE)
_MORE = re.compile(r"(?!#)" + _INSIDE)
_WORDS = re.compile(  # a simple value on one line, and where something stands in the next
    r'(?:"([^"\\\n]*+)"|([A-Za-z0-9](?:[^ \t\n:#]++|[ ]++(?=[^ \t\n:#]))*+))[ ]*+(?:\n([ ]*+)(?=[^ \t\n#])|\n?\Z)'
)
_EXPLICIT = re.compile(  # a key with its mark, and where its value begins in the next line
    r"\?[ ]++([A-Za-z0-9](?:[^ \t\n:#]++|[ ]++(?=[^ \t\n:#]))*+)[ ]*+\n([ ]*+):[ ]++"
)
_COLON = re.compile(r"[ ]*+:(?=[ \n]|\Z)")
_ENTRY = re.compile(rf"({_PLAIN.pattern})[ ]*+:(?=[ \n]|\Z)[ ]*+")
_DASH = re.compile(r"-(?=[ \n]|\Z)[ ]*+")
_GAP = re.compile(r"(?:[ ]++#[^\n]*|[ ]*+)(?:\n[ ]*+(?:#[^\n]*)?)*+")
_TAG = re.compile(r"!!(str|int|float)[ ]+(?=[^ #\n])")
_OWN_TAG = re.compile(r"!!?[A-Za-z][^ \t\n,\[\]{}!]*(?=[ ]+[^ #\n&*!?|>\[{\"':-])|!!?[A-Za-z][\w.]*/[^ \t\n,\[\]{}!]*")
_ANCHOR = re.compile(r"&([^ \t\n,\[\]{}]+)(?=[ \n]|\Z)[ ]*")


class BlockReader(BlockTextReader):
    """One reading of a text."""

    def read(self) -> Node | None:
        """The tree of the text; ``None`` when it is empty.

        Raises:
            NotYaml: ruamel.yaml does not read it, or it uses what is off.
            Unsure: ruamel.yaml has to be asked.
            RepairError: it is nested too deeply, or aliases stand for too much (``limit``).
        """
        text = self.text
        if _STRANGE.search(self.raw) or _ODD.search(text):
            raise Unsure
        self._to(first(text))
        if text[self.at : self.at + 1] in ("%", "|", ">"):
            raise Unsure
        if end := _END.search(text):
            self._to(first(text, end.end()))
            if text[end.end() : end.end() + 1] not in ("", "\n") or end.start() == 0:
                raise Unsure
            if self.at < len(text):
                self._fail("another document begins here", self.at)
            text = self.text = text[: end.start()]
            self.raw = self.raw[: end.start()]
            self._to(first(text))
            if self.at >= len(text):
                raise Unsure
        starts = [match.start() for match in _START.finditer(text)]
        if starts:
            if starts[0] > self.at:
                self._fail("another document begins here", starts[0])
            if len(starts) > 1:
                if _TEXT.search(text):
                    raise Unsure  # ruamel.yaml takes the mark for a line of the text
                self._fail("another document begins here", starts[1])
            self._gap(starts[0] + 3)
            if self.at >= len(text):
                raise Unsure
        if self.at >= len(text):
            return None
        try:
            root = self._node(self.at, self.column, -1, 0)
        except RecursionError:
            raise RepairError("the text is nested too deeply", limit="depth") from None
        if self.at < len(text):
            if text[self.at] in "|>":
                raise Unsure
            self._fail("this belongs to nothing above it", self.at)
        return root

    def _gap(self, end: int) -> None:
        """Go on behind a value that ends at an offset: nothing but a comment may stand in the rest of its line."""
        match = _GAP.match(self.text, end)
        assert match is not None
        at = match.end()
        if at < len(self.text):
            if self.text[at] == "\t":
                raise Unsure
            start = self.text.rfind("\n", end, at)
            if start < 0:
                if self.text[at] == "#":
                    raise Unsure
                self._fail("this stands behind a value that is complete", at)
            self.column = at - start - 1
        self.at = at

    def _node(self, at: int, column: int, parent: int, depth: int) -> Node:
        """The node that begins at an offset, in a collection at the column ``parent``."""
        if depth > DEPTH:
            raise RepairError("the text is nested too deeply", limit="depth")
        text = self.text
        head = text[at]
        if head == "-" and _DASH.match(text, at):
            return self._sequence(at, column, depth)
        if head in "\"'":
            quoted = (DOUBLE if head == '"' else SINGLE).match(text, at)
            if quoted and _COLON.match(text, quoted.end()) and "\n" not in quoted.group():
                return self._mapping(at, column, depth)
        elif _ENTRY.match(text, at):
            return self._mapping(at, column, depth)
        elif head == "&":
            return self._anchored(at, column, parent, depth)
        elif head == "?" and _EXPLICIT.match(text, at):
            return self._mapping(at, column, depth)
        elif head in "|>":
            raise Unsure  # a block scalar that its mark alone is below
        return self._inline(at, parent, depth)

    def _anchored(self, at: int, column: int, parent: int, depth: int) -> Node:
        """A node with an anchor before it, at the start of a line or behind a dash."""
        match = _ANCHOR.match(self.text, at)
        if match is None:
            raise Unsure
        end = match.end()
        if self.text[end : end + 1] not in ("", "\n", "#"):
            if self.text[end] in "&!*?" or _ENTRY.match(self.text, end) or _DASH.match(self.text, end):
                raise Unsure  # the anchor of a key
            if self.text[end] in "\"'" and self._key_ahead(end):
                raise Unsure
        else:
            self._gap(end)
            if self.column <= parent or self.text[self.at : self.at + 1] in ("&", "!"):
                raise Unsure
        return self._named(match, lambda: self._below(end, parent, depth))

    def _key_ahead(self, at: int) -> bool:
        quoted = (DOUBLE if self.text[at] == '"' else SINGLE).match(self.text, at)
        return quoted is not None and _COLON.match(self.text, quoted.end()) is not None

    def _named(self, match: re.Match[str], read: Callable[[], Node]) -> Node:
        name = match.group(1)
        if name in self._open:
            raise Unsure
        self._open.add(name)
        node = read()
        self._open.discard(name)
        self._anchors[name] = node
        if node.plain:
            self.idle.setdefault(name, match.start())
        node.start = match.start()
        self.copies.append((match.start(), match.end(), None))
        return node

    def _below(self, end: int, parent: int, depth: int, indentless: bool = False) -> Node:
        """The value behind a mark that ends at an offset: on its line, on the lines below, or null."""
        text = self.text
        if text[end : end + 1] not in ("", "\n", "#"):
            return self._inline(end, parent, depth)
        empty = end
        while text[empty - 1] == " ":
            empty -= 1
        self._gap(empty)
        if self.at < len(text):
            if self.column > parent:
                return self._node(self.at, self.column, parent, depth + 1)
            if indentless and self.column == parent and _DASH.match(text, self.at):
                return self._sequence(self.at, self.column, depth + 1)
        return Node("scalar", empty, empty, None, plain=True)

    def _sequence(self, at: int, column: int, depth: int) -> Node:
        text = self.text
        items: list[Node] = []
        node = Node("array", at, at, None, items, block=True)
        self.at = at
        while match := _DASH.match(text, self.at):
            at, end = self.at, match.end()
            if (words := self._words(end, column)) is not None:
                item = words
            elif text[end : end + 1] not in ("", "\n", "#"):
                item = self._node(end, column + end - at, column, depth + 1)
            else:
                item = self._below(end, column, depth)
            items.append(item)
            if self.column != column or self.at >= len(text):
                break
        if self.at < len(text) and self.column > column:
            self._fail("this is not at the column of the list", self.at)
        node.end = items[-1].end
        return node

    def _mapping(self, at: int, column: int, depth: int) -> Node:
        text = self.text
        items: list[Node] = []
        keys: list[tuple[int, int, str]] = []
        node = Node("object", at, at, None, items, keys, block=True)
        names: set[str] = set()
        self.at = at
        while True:
            at = self.at
            match = _ENTRY.match(text, at)
            if match:
                name, stop, end = match.group(1), match.end(1), match.end()
                if is_null(name):
                    name = "null"
                elif name == "<<":
                    raise Unsure
            elif explicit := _EXPLICIT.match(text, at):
                name, at, stop, end = explicit[1], explicit.start(1), explicit.end(1), explicit.end()
                if len(explicit[2]) != column or is_null(name) or self._words(end, column) is None:
                    raise Unsure
            else:
                name, stop, end = self._quoted_key(at)
            if stop - at > KEY_LENGTH:
                raise Unsure
            if name in names:
                self._fail(f"the key {name!r} occurs twice", at)
            names.add(name)
            keys.append((at, stop, name))
            if (words := self._words(end, column)) is not None:
                items.append(words)
            elif text[end : end + 1] == "&":
                items.append(self._with_anchor(end, column, depth))
            else:
                items.append(self._below(end, column, depth, True))
            if self.column != column or self.at >= len(text):
                break
        if self.at < len(text) and self.column > column:
            self._fail("this is not at the column of the keys", self.at)
        node.end = max(items[-1].end, keys[-1][1])
        if node.end == keys[-1][1]:
            node.end = max(node.end, text.find(":", node.end) + 1)
        return node

    def _with_anchor(self, at: int, column: int, depth: int) -> Node:
        match = _ANCHOR.match(self.text, at)
        if match is None or self.text[match.end() : match.end() + 1] in tuple("&!*"):
            raise Unsure
        return self._named(match, lambda: self._below(match.end(), column, depth, True))

    def _quoted_key(self, at: int) -> tuple[str, int, int]:  # noqa: RET503
        """A key in quotes: its name, its end, where its value begins."""
        text, head = self.text, self.text[at]
        if head in "\"'":
            quoted = (DOUBLE if head == '"' else SINGLE).match(text, at)
            colon = quoted and _COLON.match(text, quoted.end())
            if quoted and colon and "\n" not in quoted.group():
                end = colon.end()
                while text[end : end + 1] == " ":
                    end += 1
                return self._unquoted(quoted, at), quoted.end(), end
            if quoted and text[quoted.end() : quoted.end() + 1] in ("\t", ":"):
                raise Unsure
        elif (head in "?:" and not _PLAIN.match(text, at)) or head in "&![{|>":
            raise Unsure
        elif head == "*":
            self._alias(at)
            raise Unsure
        elif (plain := _PLAIN.match(text, at)) and text[plain.end() : plain.end() + 1] == "\t":
            raise Unsure
        self._fail("there is no colon behind this", at)

    def _inline(self, at: int, parent: int, depth: int) -> Node:
        """A scalar, an alias or brackets that begin within a line."""
        text, head = self.text, self.text[at]
        if head in "\"'":
            node = self._quoted(at)
        elif head in "[{":
            node = self._flow(at, depth + 1)
        elif head in "|>":
            return self._block(at, parent)
        elif head == "*":
            node = self._alias(at)
        elif head == "!":
            return self._tagged(at, parent)
        elif head == "\t" or (head in "?:" and not _PLAIN.match(text, at)):
            raise Unsure
        elif match := _PLAIN.match(text, at):
            return self._plain(at, match.end(), parent)
        else:
            self._fail(f"nothing can begin with {head!r}", at)
        follows = text[node.end : node.end + 1]
        if follows == "\t" or (follows and follows in " :" and _COLON.match(text, node.end) and head in "[{*"):
            raise Unsure
        self._gap(node.end)
        return node

    def _tagged(self, at: int, parent: int) -> Node:
        """A scalar behind a tag."""
        text = self.text
        match = _TAG.match(text, at)
        if match is None:
            if own := _OWN_TAG.match(text, at):
                self._fail(f"the tag {own.group()!r} is refused", at, False, "/" in own.group())
            raise Unsure
        name, end = match.group(1), match.end()
        if text[end] in "\"'":
            node = self._quoted(end)
            follows = text[node.end : node.end + 1]
            if follows == "\t" or _COLON.match(text, node.end):
                raise Unsure
            self._gap(node.end)
            written = str(node.value)
        elif (plain := _PLAIN.match(text, end)) and not _ENTRY.match(text, end):
            node = self._plain(end, plain.end(), parent)
            written = text[end : node.end]
            if "\n" in written:
                raise Unsure
        else:
            raise Unsure
        node.value = written if name == "str" else int_value(written) if name == "int" else float_value(written)
        node.start, node.plain = at, False if name == "str" and text[end] in "\"'" else node.plain
        return node

    def _words(self, at: int, parent: int) -> Node | None:
        """A value on one line, plain or in double quotes, in a collection at the column ``parent``.

        ``None`` where another reader is needed: not even an entry of that collection or one around it is below.
        """
        match = _WORDS.match(self.text, at)
        if match is None:
            return None
        if match[3] is None:
            self.at = len(self.text)
        elif len(match[3]) > parent:
            return None
        else:
            self.at, self.column = match.end(), len(match[3])
        if (inner := match[1]) is not None:
            return Node("scalar", at, match.end(1) + 1, inner, NO_ITEMS, NO_KEYS)
        return Node("scalar", at, match.end(2), plain_value(match[2]), NO_ITEMS, NO_KEYS, plain=True)

    def _plain(self, at: int, end: int, parent: int) -> Node:
        """Plain text, with the lines below that go on with it."""
        text = self.text
        value = text[at:end]
        fold = FOLD.match(text, end)
        if fold and len(fold.group(2)) > parent and text[fold.end()] != "#":
            parts = [value]
            while fold and len(fold.group(2)) > parent:
                more = _MORE.match(text, fold.end())
                if more is None or more.end() == more.start():
                    break
                parts += ("\n" * fold.group(1).count("\n") or " ", more.group())
                end = more.end()
                fold = FOLD.match(text, end)
            value = "".join(parts)
        match = _GAP.match(text, end)
        assert match is not None
        after = match.end()
        if after < len(text):
            start = text.rfind("\n", end, after)
            if start < 0 or text[after] == "\t":
                if text[after] == ":":
                    self._fail("a colon stands in plain text", after)
                raise Unsure
            self.column = after - start - 1
        self.at = after
        return Node("scalar", at, end, plain_value(value), NO_ITEMS, NO_KEYS, plain=True)
