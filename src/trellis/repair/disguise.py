r"""Documents in disguise: as text of a string, of a web page or of a template, or behind marks before every line.

Each disguise changes the whole text in one way, so it is taken off as a whole, and what is left is read like any text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise

from .edits import Change
from .line_marks import unmarked_lines
from .outer import braced, unquoted
from .rules import cost_of
from .yaml_prefix import unprefixed

_ESCAPED = re.compile(r"[^{\[]{0,1000}[{\[](?:[{\[\s]|\\[nrt]){0,100}\\\"|\s*+\\\"")
_ENCODED = re.compile(  # a string on lines of its own that holds data
    r"^[ \t]*\"([{\[](?:[{\[\s]|\\[nrt]){0,100}\\\"(?:[^\"\\]|\\.)*+)\"[ \t]*$", re.M
)
_AROUND = re.compile(r"[:\[,{\s](?:&quot;|\\\"|[*_]\"|\[\"[^\"\n]{1,60}\"\]\s*:)")
_KEY_ENDS = re.compile(r"\"\]\s*:")
_AROUND_TOKEN = re.compile(
    r"(?<=[:\[,{\s])\[(?P<key>\"[^\"\n]{1,60}\")\](?=\s*:)|\"(?:[^\"\\\n]|\\.)*\"|(?P<escape>\\\")|(?P<entity>&quot;)"
    r"|(?P<open>(?<=[:\[,{\s])[*_](?=\"))|(?P<close>(?<=\")[*_](?=\s*[,:}\]\n]))"
)
_ESCAPE = re.compile(r"\\([\"\\/nrt])")
_PLAIN = {"n": "\n", "r": "\r", "t": "\t"}
_DOUBLED = re.compile(r"\s*+(?:```\w*\s*+)?\[?\s*+\{\{(?!\{)")
_DOUBLED_QUOTES = re.compile(r"\s*+(?:```\w*\s*+)?(?:[{\[]\s*+){1,20}\"\"[\w$]")
_BOLD = re.compile(r"(?=[\"*])\*{0,2}\"\*{0,2}([^\"*\n]{1,80})\*{0,2}\"\*{0,2}[ \t]*:")
_WIDE = {"｛": "{", "｝": "}", "［": "[", "］": "]"}
_WIDE_BRACKET = re.compile(r"\"(?:[^\"\\\n]|\\.)*\"|＂[^＂\n]*＂|“[^”\n]*”|(?P<wide>[｛｝［］])")
_LISTED = re.compile(r"(?<=[:,\[ ])(?:set|frozenset|list|tuple|(?:np|numpy)\.array)\(\s*(\[[^\[\]]*\])\s*\)")
_COLON_INSIDE = re.compile(r"(?<=[{,\s])\"([^\":,\n]{1,60}):\"[ \t]*:")
_COLON_TWICE = re.compile(r":\"[ \t]*:")
_BREAK_OUTSIDE = re.compile(r"\"(?:[^\"\\\n]|\\.)*\"|'(?:[^'\\\n]|\\.)*'(?=\s*[,:}\]])|\\\\|(?P<break>\\[nrt])")
# Strings of which one end is typographic, and such ends.
_MIXED = re.compile(r"(?<=[{\[,:\s])(?:\"[^\"“”„\n]*”|[“„][^\"“”„\n]*\")(?=\s*[,:}\]])")
_SMART_OPEN = re.compile(r"((?:^|[{\[,:，：\n])\s*)[“„”](?!\s*[,:，：}\]\n])")
_SMART_CLOSE = re.compile(r"(?<![\\{\[,:，：\s])[”“](?=\s*[,:，：}\]\n])|(?<=[”“„])[”“](?=\s*[,:，：}\]\n])")
_ADJACENT = re.compile(r"[”“][ \t]*[“„]")
_QUOTES = re.compile(r"\"+")
_BRACES = re.compile(r"\{+|\}+")
_BRACE_OUTSIDE = re.compile(r"\"(?:[^\"\\\n]|\\.)*\"|(?P<braces>\{\{|\}\})")
_MARKED = re.compile(r"^(?:>|\+|[ \t]*\d{1,5}[ \t]*[|\u2502\u2192:\t])", re.M)
_PREFILLED = re.compile(r"\s*+([\w$][\w$ -]{0,60})\"\s*+:")  # the answer goes on where the prompt ended
_CALLS = re.compile(r"\s*+(?:[A-Za-z_]\w*\s*+=\s*+)?\[?\s*+[A-Za-z_][\w.]*\(\s*+[A-Za-z_]\w*\s*+=")
_ASSIGNED = re.compile(
    r"^(?:(?:const|let|var) )?(?:[A-Za-z_]\w*\.|[A-Za-z_]\w*(?P<item>\[[\"']))?(?P<name>[A-Za-z_]\w*)(?(item)[\"']\])"
    r"[ \t]*=[ \t]*(?=[\"'\w\[{-])(?!\{\}|dict\(\))",
    re.M,
)
_FIRST_LINE = re.compile(r"\s*\d{1,3}\.[ \t]*[{\[][ \t]*\r?\n")  # of lines with numbers, not of a list
_LINE_NUMBER = re.compile(r"^[ \t]*(\d{1,5})\.(?:[ ]|$)", re.M)
_CALL_TOKEN = re.compile(
    r"'(?:[^'\\\n]|\\.)*'|\"(?:[^\"\\\n]|\\.)*\"|(?P<call>[A-Za-z_][\w.]*\((?=\s*(?:\)|[A-Za-z_]\w*\s*=(?!=))))"
    r"|(?P<name>[A-Za-z_]\w*)\s*=(?!=)|<[\w.]+: (?P<member>'[^'\n]*'|-?\d+)>|(?P<open>[\[({])|(?P<close>[\])}])"
)
_SYMBOL = re.compile(r"[{,]\s*:[A-Za-z_]\w*\s*=>")
_SYMBOL_OUTSIDE = re.compile(
    r"\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\\n]|\\.)*'|(?<=[{,\s]):(?P<name>[A-Za-z_]\w*)\s*=>|(?P<arrow>=>)"
)
_MARKUP = re.compile(r"</?[A-Za-z][^<>\n]{0,200}>")
_ENTITY = re.compile(r"&(?:quot|amp|lt|gt|apos|#34|#39|#x27|#x22|nbsp);")
_CHARACTER = {"quot": '"', "amp": "&", "lt": "<", "gt": ">", "nbsp": " ", "#34": '"', "#x22": '"'}


def disguises(text: str) -> Iterator[list[Change]]:
    """The changes that take a disguise off, for each that a text may wear."""
    if _ESCAPED.match(text) or ("\\" in text and '\\"' in text and '"' not in text.replace('\\"', "")):
        yield _priced("escaped_quotes", ((m, _PLAIN.get(m[1], m[1])) for m in _ESCAPE.finditer(text)))
    if '"' in text and '\\"' in text and (encoded := _ENCODED.search(text)) is not None:
        yield _decoded(encoded)
    if "=" in text and "=>" in text and len(_SYMBOL.findall(text)) > 1:
        hashes = (m for m in _SYMBOL_OUTSIDE.finditer(text) if m["name"] or m["arrow"])
        yield _priced("wrong_colon", ((m, f'"{m["name"]}":' if m["name"] else ":") for m in hashes))
    if "&" in text and '"' not in _MARKUP.sub("", text):
        yield _priced("html_entity", ((m, _CHARACTER.get(m[0][1:-1], "'")) for m in _ENTITY.finditer(text)))
    if _DOUBLED.match(text) and text.count("{{") == text.count("}}"):
        runs = list(_BRACES.finditer(text))
        if all(len(m[0]) % 2 == 0 for m in runs):
            yield _priced("doubled_braces", ((m, m[0][: len(m[0]) // 2]) for m in runs))
        else:
            pairs = (m for m in _BRACE_OUTSIDE.finditer(text) if m["braces"])
            yield _priced("doubled_braces", ((m, m[0][0]) for m in pairs))
    if text.count("＂") > 3 and '"' not in text:
        yield _priced("quote_style", ((m, '"') for m in re.finditer("＂", text)))
    if "｛" in text or "［" in text:
        yield _priced("wrong_opener", ((m, _WIDE[m["wide"]]) for m in _WIDE_BRACKET.finditer(text) if m["wide"]))
    if "\\" in text and "\\n" in text and "\n" not in text.strip() and text.count('"') > 2 * text.count('\\"'):
        broken = [m for m in _BREAK_OUTSIDE.finditer(text) if m["break"]]
        if len(broken) > 1:
            yield _priced("escaped_whitespace", ((m, "\n" if m["break"][1] == "n" else " ") for m in broken))
    if "(" in text and "([" in text and (called := list(_LISTED.finditer(text))):
        yield _priced("call", ((m, m[1]) for m in called))
    if ':"' in text and _COLON_TWICE.search(text) and len(inner := list(_COLON_INSIDE.finditer(text))) > 1:
        yield _priced("wrong_colon", ((m, f'"{m[1]}":') for m in inner), 0.0)
    smart = text.count("“") + text.count("”") > 3 and not _ADJACENT.search(text) and '"' not in text.replace('\\"', "")
    if smart or (("”" in text or "“" in text) and len(list(_MIXED.finditer(text))) > 1):
        opened = ((m, m[1] + '"') for m in _SMART_OPEN.finditer(text))
        closed = ((m, '"') for m in _SMART_CLOSE.finditer(text))
        changes = [*_priced("quote_style", opened), *_priced("quote_style", closed, 0.0)]
        yield sorted(changes, key=lambda change: change.start)
    if "*" in text and "**" in text and len(bold := [m for m in _BOLD.finditer(text) if "**" in m[0]]) > 1:
        yield _priced("markup", ((m, f'"{m[1]}":') for m in bold))
    if _DOUBLED_QUOTES.match(text) and all(len(m[0]) % 2 == 0 for m in _QUOTES.finditer(text)):
        yield _priced("quote_style", ((m, m[0][: len(m[0]) // 2]) for m in _QUOTES.finditer(text)))
    if _CALLS.match(text) and (changes := _calls(text)):
        yield changes
    if "=" in text and len(named := list(_ASSIGNED.finditer(text))) > 1:
        yield _assigned(text, named)
    if (prefilled := _PREFILLED.match(text)) is not None:
        yield [Change("missing_opener", prefilled.start(1), prefilled.start(1), '{"', cost_of("missing_opener"))]
    yield from braced(text)
    if changes := unquoted(text):
        yield changes
    if marks := unmarked_lines(text):
        yield marks
    if outside := _outside(text):
        yield outside
    if _FIRST_LINE.match(text) and (numbers := _line_numbers(text)):
        yield _priced("line_mark", ((m, "") for m in numbers))
    if len(_MARKED.findall(text, 0, 4000)) > 1:
        yield from unprefixed(text)


def _decoded(string: re.Match[str]) -> list[Change]:
    """The changes that make what a JSON string holds of the string."""
    start, end = string.span(1)
    inner = [
        Change("escaped_quotes", m.start(), m.end(), _PLAIN.get(m[1], m[1]))
        for m in _ESCAPE.finditer(string.string, start, end)
    ]
    opening = Change("escaped_quotes", start - 1, start, "", cost_of("escaped_quotes"))
    return [opening, *inner, Change("escaped_quotes", end, end + 1, "")]


def _outside(text: str) -> list[Change]:
    """The changes of what does not belong around strings: escaped quotes, emphasis, brackets around a key."""
    quoted = "&" in text or any(mark in text and f'{mark}"' in text for mark in "\\*_")
    if not (quoted or ('["' in text and _KEY_ENDS.search(text))) or _AROUND.search(text) is None:
        return []
    changes: list[Change] = []
    for match in _AROUND_TOKEN.finditer(text):
        if match["escape"]:
            changes.append(Change("escaped_quotes", match.start(), match.start() + 1, "", 0.05))
        elif match["entity"]:
            changes.append(Change("html_entity", *match.span(), '"', 0.05))
        elif match["key"]:
            changes.append(Change("markup", *match.span(), match["key"], 0.05))
        elif match["open"] or match["close"]:
            changes.append(Change("markup", *match.span(), "", 0.05))
    return [changes[0]._replace(cost=cost_of(changes[0].rule)), *changes[1:]] if changes else []


def _line_numbers(text: str) -> list[re.Match[str]]:
    """The numbers before the lines of a text, if each line has the next one."""
    lines = sum(1 for line in text.splitlines() if line.strip())
    marks = list(_LINE_NUMBER.finditer(text))
    counted = [int(mark[1]) for mark in marks] == list(range(int(marks[0][1]), int(marks[0][1]) + len(marks)))
    return marks if counted and len(marks) == lines else []


def _assigned(text: str, found: list[re.Match[str]]) -> list[Change]:
    """Variables or attributes that are set one by one (``out.name = "x";``): the members of an object."""
    changes = [Change("wrong_colon", 0, found[0].end(), f'{{"{found[0]["name"]}": ', cost_of("wrong_colon"))]
    for before, match in pairwise(found):
        start = before.end() + len(text[before.end() : match.start()].rstrip("; \t\r\n"))
        changes.append(Change("wrong_colon", start, match.end(), f',\n"{match["name"]}": ', 0.0))
    end = found[-1].end() + len(text[found[-1].end() :].rstrip("; \t\r\n`"))
    return [*changes, Change("wrong_colon", end, len(text), "}", 0.0)]


def _calls(text: str) -> list[Change]:
    """Objects as Python shows them (``Item(name='x', tags=[])``): what is called becomes an object."""
    changes: list[Change] = []
    opened: list[bool] = []
    for match in _CALL_TOKEN.finditer(text):
        start, end = match.span()
        if match["call"]:
            opened.append(True)
            changes.append(Change("call", start, end, "{"))
        elif match["open"]:
            opened.append(False)
        elif match["close"]:
            if not opened:
                break
            if opened.pop():
                changes.append(Change("call", start, end, "}"))
        elif match["member"]:
            changes.append(Change("call", start, end, match["member"]))
        elif match["name"] and opened and opened[-1]:
            changes.append(Change("call", start, end, f'"{match["name"]}":'))
    return [changes[0]._replace(cost=cost_of("call")), *changes[1:]] if changes and not opened else []


def _priced(rule: str, found: Iterator[tuple[re.Match[str], str]], cost: float | None = None) -> list[Change]:
    """The changes of a rule that is used all over a text and costs once."""
    changes = [Change(rule, match.start(), match.end(), after, 0.0) for match, after in found]
    return [changes[0]._replace(cost=cost_of(rule) if cost is None else cost), *changes[1:]] if changes else []
