"""The lines of a text that should be YAML, and what a line can begin with: a key, a bullet, a mark."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

from .edits import Change
from .rules import cost_of

_QUOTED_KEY = re.compile(r"(\"(?:[^\"\\\n]|\\.){1,200}\"|'(?:[^'\n]|''){1,200}')[ \t]*:(?=[ \t]|$)", re.M)
_PLAIN_KEY = re.compile(
    r"((?![-?:](?:[ \t]|$)|[,\[\]{}#&*!|>'\"%@`])(?:[^:#\n]|:(?![ \t]|$)|(?<![ \t])#){1,120}?)[ \t]*:(?=[ \t]|$)", re.M
)
_MARKED_KEY = re.compile(
    r"(\*\*|__|\*|`|[“‘])([^*`:\n“”‘’]{1,80}?)[ \t]*(?::(?:\1|[”’])[ \t]*:?|(?:\1|[”’])[ \t]*:)(?=[ \t]|$)", re.M
)
_WORD_KEY = re.compile(r"([A-Za-z][\w-]{0,99}+):(?:[ ]++|$)")
_HALF_QUOTED = re.compile(  # a mark at one end of a key
    r"(?:[\"'“‘`]|\*\*?)([A-Za-z_][\w-]*?)[ \t]*:(?=[ \t]|$)"
    r"|([A-Za-z_][\w-]*?)(?:[\"'”’`]|\*\*?|__)[ \t]*:(?=[ \t]|$)",
    re.M,
)
_ELEMENT = re.compile(r"<([A-Za-z_][\w-]*)>[ \t]*([^\n]*?\S)[ \t]*</\1>$")
_NAME = r"(\"[^\"\\\n]{1,80}\"|'[^'\n]{1,80}'|[A-Za-z_][\w-]*(?: \([^():\n]{1,30}\))?):"
_TIGHT_KEY = re.compile(_NAME[:-2] + r"|[^\W\d_][\w-]*(?: [\w-]+){1,3}(?=:[\"'])):(?=[^\s:/\\]|/(?!/))")
_ASSIGNED = re.compile(
    r"([^\W\d][\w.&'/+#-]*(?:[ \t][\w.&'/+#-]+){0,3}(?: \([^():\n]{1,30}\))?"
    r"|\d{1,6}|\"[^\"\\\n]{1,80}\"|'[^'\n]{1,80}')"
    r"[ \t]*(=>|->|:=|=|：)[ \t]*(?=\S|$)", re.M
)
_HABITUAL_KEY = re.compile(_NAME[:-2] + r"|[^\W\d_][\w&'/+#-]*(?: [\w&'/+#-]+){0,3}|\d{1,6}):(?=\S)")
_MARKED_TIGHT = re.compile(r"(\*\*|__|\*|`)([^*`:\n]{1,80}?)(?:\1:|:\1)(?=\S)")
_UNCOLONED = re.compile(r"([A-Za-z_][\w-]*)(?:[ \t]+([-\u2013\u2014][ \t]+(?=\S))?(?=\S)|$)", re.M)
_BULLET = re.compile(
    r"(--?|[*•‣◦–—+·●▪→➤➜▸►■□◆◇○✓✔☐☑»›∙⁃➢➔✦★☆\u2460-\u2473\u2776-\u277f]"
    r"|\(?\d{1,3}(?:[.)]|[ ]-(?=[ ]))|\(?[a-h]\)|[a-h]\.)([ \t]+|$)",
    re.M,
)
_LETTERS = frozenset("abcdefgh")
_BULLETS = frozenset("-*•‣◦–—+·●▪→➤➜▸►■□◆◇○✓✔☐☑»›∙⁃➢➔✦★☆(①②③④⑤⑥⑦⑧⑨⑩⑪⑫⑬⑭⑮⑯⑰⑱⑲⑳❶❷❸❹❺❻❼❽❾❿")
_DECORATED = re.compile(  # in brackets, or behind a mark
    r"(?:\[([A-Za-z_][\w-]*)\]|\{([A-Za-z_][\w-]*)\}|[@&*!%]([A-Za-z_][\w-]*)):(?=[ \t]|$)", re.M
)
_TIGHT_BULLET = re.compile(r"[-•](?=[^\s\-•>])")
_FENCE = re.compile(r"[ \t>]*(?:`{3,}|~{3,})[ \t]*[\w+.-]*[ \t]*$")
_TAG = re.compile(r"(?:(?:</?[A-Za-z_][\w.:-]*>)+|<\|[\w ]+\|>)[ \t]*$")
_MARKER = re.compile(r"(?:%(?:YAML|TAG) [^#]*|---|\.\.\.|\*\*\*|___|={3,}|[-*_]{4,})[ \t]*(?:#.*)?$")
_COMMENT = re.compile(r"//[ \t].*|<!--.*-->|/\*.*\*/|-{2,}[ \t].*[ \t]-{2,}|;;[ \t].*")  # of other languages
_BRACKET = re.compile(r"[\[\]{}],?$")
IDENTIFIER = re.compile(r"[\w$./-]+")
_ESCAPED = re.compile("[\x7f-\x9f\u2028\u2029\ufeff\ud800-\udfff\ufffe\uffff]")


def quoted(text: str) -> str:
    """A text as a double-quoted scalar, which is a JSON string."""
    return _ESCAPED.sub(lambda found: f"\\u{ord(found[0]):04x}", json.dumps(text, ensure_ascii=False))


@dataclass(eq=False, slots=True)  # not frozen, which makes each take three times as long: there is one for every line
class Line:
    """A line: its number, its start, the offset and column of what stands in it, and the end of that."""

    index: int
    start: int
    at: int
    end: int
    column: int

    @property
    def blank(self) -> bool:
        """Nothing stands in it."""
        return self.at == self.end


def split(text: str) -> list[Line]:
    """The lines of a text; a tab at the start counts as four spaces."""
    lines: list[Line] = []
    start = 0
    for index, body in enumerate(text.split("\n")):
        shown = body.rstrip(" \t\r")
        head = len(shown) - len(shown.lstrip(" \t"))
        column = head + 3 * shown.count("\t", 0, head) if head else 0
        lines.append(Line(index, start, start + head, start + len(shown), column))
        start += len(body) + 1
    return lines


@dataclass(eq=False, slots=True)
class Entry:
    """A key or a bullet at the start of a line or after a bullet.

    Attributes:
        start: where it stands.
        value: where the text of its value starts.
        name: the key, or ``None`` for a bullet.
        cost: how unlike YAML it is written.
        changes: what makes YAML of it.
        stop: where its value ends, if that is before the end of the line.
    """

    start: int
    value: int
    name: str | None
    cost: float = 0.0
    changes: tuple[Change, ...] = ()
    stop: int | None = None


def _space(text: str, at: int, end: int) -> int:
    while at < end and text[at] in " \t":
        at += 1
    return at


def _separator(text: str, start: int, stop: int) -> tuple[Change, ...]:
    """A tab between a mark and its value becomes a space."""
    gap = text[start:stop]
    if "\t" not in gap:
        return ()
    return (Change("whitespace", start, stop, " ", cost_of("whitespace")),)


def read_bullet(text: str, at: int, end: int) -> Entry | None:
    """A list item's mark."""
    head = text[at : at + 1]
    lettered = head in _LETTERS and text[at + 1 : at + 2] in (".", ")")
    match = _BULLET.match(text, at, end) if lettered or head in _BULLETS or head.isdigit() else None
    if match:
        value = _space(text, match.end(), end)
        if match.group(1) == "-":
            return Entry(at, value, None, 0.0, _separator(text, match.end(1), value))
        width = match.end(1) - at
        change = Change("bullet", at, match.end(1), "-" + " " * (width - 1), cost_of("bullet"))
        return Entry(at, value, None, 0.1, (change, *_separator(text, match.end(1), value)))
    if head in "-•" and _TIGHT_BULLET.match(text, at, end):
        return Entry(at, at + 1, None, 0.4, (Change("missing_space", at, at + 1, "- ", cost_of("missing_space")),))
    return None


def read_key(text: str, at: int, end: int) -> Entry | None:
    """A key with its colon, or what stands for one."""
    head = text[at : at + 1]
    match = _QUOTED_KEY.match(text, at, end) if head in "\"'" else None
    if match:
        value = _space(text, match.end(), end)
        return Entry(at, value, _unquoted(match.group(1)), 0.0, _separator(text, match.end(), value))
    match = _ELEMENT.match(text, at, end) if head == "<" else None
    if match:
        opened = Change("markup", at, match.start(2), match[1] + ": ", cost_of("markup"))
        closed = Change("markup", match.end(2), end, "", 0.0)
        return Entry(at, match.start(2), match[1], 0.1, (opened, closed), match.end(2))
    match = _MARKED_KEY.match(text, at, end) if head in "*_`“‘" else None
    if match:
        value = _space(text, match.end(), end)
        name = match.group(2).strip()
        after = name if IDENTIFIER.fullmatch(name.replace(" ", "")) else quoted(name)
        changes = (
            Change("markup", at, match.end(), after + ":", cost_of("markup")),
            *_separator(text, match.end(), value),
        )
        return Entry(at, value, name, 0.1, changes)
    match = _HALF_QUOTED.match(text, at, end)
    if match and match[2]:
        value = _space(text, match.end(), end)
        change = Change("quote_style", at, match.end(), f"{match[2]}:", cost_of("quote_style"))
        return Entry(at, value, match[2], 0.3, (change,))
    match = _PLAIN_KEY.match(text, at, end)
    if match:
        value = _space(text, match.end(), end)
        return Entry(at, value, match.group(1).strip(), 0.0, _separator(text, match.end(), value))
    match = _HALF_QUOTED.match(text, at, end)
    if match:
        value = _space(text, match.end(), end)
        opened = Change("quote_style", at, match.end(), f"{match[1]}:", cost_of("quote_style"))
        if value < end - 1 and text[end - 1] == head and text.count(head, value, end) % 2:  # around the whole line
            return Entry(at, value, match[1], 0.1, (opened, Change("quote_style", end - 1, end, "", 0.0)), end - 1)
        return Entry(at, value, match[1], 0.3, (opened,))
    return read_tight(text, at, end) or read_assigned(text, at, end)


def read_decorated(text: str, at: int, end: int) -> Entry | None:
    """A key in brackets or behind a mark: ``[name]:``, ``@name:``."""
    match = _DECORATED.match(text, at, end)
    if match is None:
        return None
    name = match[match.lastindex or 0]
    value = _space(text, match.end(), end)
    return Entry(at, value, name, 0.3, (Change("markup", at, match.end(), f"{name}:", cost_of("markup")),))


def read_tight(text: str, at: int, end: int, habit: bool = False) -> Entry | None:
    """A key without a space behind its colon; before anything if it is a habit to have none."""
    marked = _MARKED_TIGHT.match(text, at, end) if habit and text[at : at + 1] in tuple("*_`") else None
    if marked:
        name = marked[2].strip()
        after = (name if IDENTIFIER.fullmatch(name.replace(" ", "")) else quoted(name)) + ": "
        return Entry(at, marked.end(), name, 0.1, (Change("markup", at, marked.end(), after, cost_of("markup")),))
    match = (_HABITUAL_KEY if habit else _TIGHT_KEY).match(text, at, end)
    if match:
        name = _unquoted(match.group(1))
        change = Change("missing_space", match.end(), match.end(), " ", cost_of("missing_space"))
        return Entry(at, match.end(), name, 0.4, (change,))
    return None


def read_assigned(text: str, at: int, end: int) -> Entry | None:
    """A key with what stands for a colon: ``key = value``."""
    match = _ASSIGNED.match(text, at, end)
    if match:
        change = Change(
            "wrong_colon", match.end(1), match.end(), ": " if match.end() < end else ":", cost_of("wrong_colon")
        )
        return Entry(at, match.end(), _unquoted(match.group(1)), 0.5, (change,))
    return None


def plain_key(text: str, at: int, end: int) -> re.Match[str] | None:
    """What all readers of keys take for the same key: a word and a colon; its name, and up to where its value begins.

    ``None`` also where there is another kind of key.
    """
    match = _WORD_KEY.match(text, at, end)
    return None if match is None or text[match.end() : match.end() + 1] == "\t" else match


def names_at(text: str, at: int, end: int) -> list[str]:
    """The names that a line may begin with as a key, whatever stands for the colon."""
    found = (read(text, at, end) for read in (read_key, read_assigned, read_tight, read_uncoloned))
    return [entry.name for entry in found if entry is not None and entry.name is not None]


def read_uncoloned(text: str, at: int, end: int) -> Entry | None:
    """A word for a key, and a dash, a space or nothing where its colon should be."""
    match = _UNCOLONED.match(text, at, end)
    if match is None:
        return None
    if match[2]:
        change = Change("wrong_colon", match.end(1), match.end(), ": ", cost_of("wrong_colon"))
    else:
        change = Change("missing_colon", match.end(1), match.end(1), ":", cost_of("missing_colon"))
    return Entry(at, match.end(), match[1], 0.6, (change,))


def _unquoted(key: str) -> str:
    if key[:1] == '"':
        try:
            return str(json.loads(key))
        except ValueError:
            return key[1:-1]
    return key[1:-1].replace("''", "'") if key[:1] == "'" else key


def mark_rule(text: str, line: Line) -> str | None:
    """The rule that removes a line which is a fence, a tag or a document marker; else ``None``."""
    head = text[line.at]
    if head.isalnum():
        return None
    if head in "`~>" and _FENCE.match(text, line.at, line.end):
        return "fence"
    if head == "<" and _TAG.match(text, line.at, line.end):
        return "tag"
    if _MARKER.match(text, line.at, line.end):
        return "document_marker"
    if head in "\"'" and line.end - line.at == 3 and text[line.at : line.end] in ('"""', "'''") and line.column == 0:
        return "fence"
    if line.column == 0 and _BRACKET.match(text, line.at, line.end):
        return "surplus_opener" if text[line.at] in "[{" else "surplus_closer"
    return None


def foreign_comment(text: str, line: Line) -> bool:
    """Whether a line is a comment as other languages have it."""
    head = text[line.at : line.at + 1]
    return head in ("/", "<", "-", ";") and _COMMENT.fullmatch(text, line.at, line.end) is not None


def comment_start(text: str, at: int, end: int, is_text: bool) -> int:
    """Where a comment begins in ``text[at:end]``, or ``end``.

    ``#`` with a word right behind it (``#12``) is taken for text, unless the value is of a type that has no text.
    """
    if text.find("#", at, end) < 0:
        return end
    for match in re.compile(r"(?:(?<=[ \t])|(?<![\s\S]))#" if at == 0 else r"(?<=[ \t])#").finditer(text, at, end):
        here = match.start()
        if is_text and here + 1 < end and text[here + 1] not in " \t#!-=":
            continue
        return here
    return end
