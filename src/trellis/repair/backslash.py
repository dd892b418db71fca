r"""Backslashes that may have been lost: ``"C:\temp"`` and ``"\frac"`` are legal JSON with a tab and a form feed in it.

Valid JSON is never changed, so what can be done is to say so: the result is ambiguous, and the reading in which the
backslash is one is among the candidates. The same doubt is there when some backslashes of a word are repaired and
others happen to be escapes.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from .edits import Change, Repaired, apply_edits, locate
from .rules import cost_of
from .standard import confidence, read_standard

_PATH = re.compile(r"(?<![A-Za-z0-9\\])[A-Za-z]:(?=\\[bfnrt]\w)[^\s\"]*")
_COMMAND = re.compile(r"(?<!\\)(?:\\\\)*(?=\\[bf][a-z]{2})\\[bf]")
_STRING_PATH = re.compile(r"(?<=\")[A-Za-z]:(?=\\[bfnrt]\w)(?=\\\w+\\|\\n\w+\.\w+\")[^\s\"]*")  # two steps, or a file
_BACKSPACE = re.compile(r"(?<!\\)(?:\\\\)*\\[bf](?=\w|[\"$)*+?{|])")
_SINGLE = re.compile(r"\\\\|\\(?=[bfnrtu])")
_WORD = 120
_MOST = 500


def with_doubts(value: Any, text: str) -> Repaired[Any]:
    """The standard reading of JSON; ambiguous where a backslash may be lost."""
    if not _suspicious(text):
        return Repaired(value, text)
    found = {m.end() - 2 for m in _COMMAND.finditer(text)}
    for path in _PATH.finditer(text):
        found |= {m.start() for m in _SINGLE.finditer(text, path.start(), path.end()) if len(m.group()) == 1}
    if not found:
        return Repaired(value, text)
    changes = [Change("bad_escape", at, at + 1, "\\\\", cost_of("bad_escape")) for at in sorted(found)]
    other = apply_edits(text, changes)
    try:
        read = read_standard(other)
    except ValueError:
        return Repaired(value, text)
    sure = confidence(cost_of("bad_escape"), 0.0)
    candidate = Repaired(read, other, locate(text, changes), sure, ambiguous=True)
    return Repaired(value, text, (), sure, True, (candidate,), True)


def never_escaped(text: str, changes: Sequence[Change], start: int, end: int) -> list[Change]:
    """The changes that keep backslashes which happen to be escapes, where others of the text were none.

    Who writes ``\\d`` or ``C:\\App`` as it is does not mean a backspace by ``\\b``, or a tab within a path. Without
    such a backslash in the text only a path at the beginning of a string is taken for one.
    """
    if text.find("\\", start, end) < 0 or not _suspicious(text):
        return []
    proven = any(change.rule == "bad_escape" and text[change.start : change.end] == "\\" for change in changes)
    found: set[int] = set()
    for path in _STRING_PATH.finditer(text, start, end):
        found |= {m.start() for m in _SINGLE.finditer(text, path.start(), path.end()) if len(m.group()) == 1}
    if proven:
        found |= {m.end() - 2 for m in _BACKSPACE.finditer(text, start, end)}
    taken = {at for change in changes for at in range(change.start, min(change.end, change.start + 50))}
    cost = cost_of("bad_escape")
    return [Change("bad_escape", at, at + 1, "\\\\", cost if not n else 0.05)
            for n, at in enumerate(sorted(found - taken))]  # fmt: skip


def _suspicious(text: str) -> bool:
    """Whether a backslash stands behind a colon, or before ``b`` or ``f``; quick where backslashes are few."""
    if text.count("\\") * 20 > len(text):
        return ":\\" in text or "\\f" in text or "\\b" in text
    at = text.find("\\")
    while at >= 0:
        if text[at + 1 : at + 2] in ("b", "f") or text[at - 1 : at] == ":":
            return True
        at = text.find("\\", at + 1)
    return False


def doubtful_escapes(text: str, changes: Sequence[Change]) -> bool:
    """Whether a word in which a backslash was repaired has others that are legal escapes."""
    kept = [change for change in changes if change.rule == "bad_escape" and change.after == "\\\\"][:_MOST]
    for change in kept:
        head = re.search(r"[^\s\"]*\Z", text[max(0, change.start - _WORD) : change.start])
        tail = re.match(r"[^\s\"]*", text[change.end : change.end + _WORD])
        assert head is not None
        assert tail is not None
        if any(len(m.group()) == 1 for m in _SINGLE.finditer(head.group() + "  " + tail.group())):
            return True
    return False
