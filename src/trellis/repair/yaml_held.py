"""Values of damaged YAML that stand in objects of their own: ``name:`` with ``value: x`` below, ``- item: x``."""

from __future__ import annotations

import re
from collections.abc import Sequence

from .edits import Change
from .rules import cost_of
from .yaml_lines import Line

_MEMBER = re.compile(r"(?=([\"']?))\1([@_#]?[a-z_]\w*)\1[ \t]*:[ \t]+(?=\S)")
_HOLDERS = frozenset({"value", "text", "content", "data", "val", "item", "name", "#text", "_text", "@value", "string"})
_ECHOED = frozenset({"type", "description", "title", "format", "unit", "lang", "language", "confidence", "source"})


def held_below(text: str, lines: Sequence[Line], index: int, column: int) -> tuple[int, int, int, list[Change]] | None:
    """The value in an object that stands below a key at a column, where a scalar is due.

    Args:
        text: the whole text.
        lines: its lines.
        index: the first line below the key.
        column: the column of the key.

    Returns:
        The line of the value, where in it the value begins, the line behind the object, and the changes.
    """
    found: list[tuple[Line, re.Match[str]]] = []
    following = index
    while following < len(lines) and not (line := lines[following]).blank and line.column > column:
        match = _MEMBER.match(text, line.at, line.end)
        if match is None or line.column != lines[index].column:
            return None
        found.append((line, match))
        following += 1
    held = [at for at, (_, match) in enumerate(found) if match[2] in _HOLDERS]
    others = [match[2] for at, (_, match) in enumerate(found) if at not in held]
    if len(held) != 1 or not _ECHOED.issuperset(others):
        return None
    changes: list[Change] = []
    for at, (line, match) in enumerate(found):
        if at == held[0]:
            changes.append(Change("held_value", line.at, match.end(), "", cost_of("held_value")))
        else:
            behind = lines[line.index + 1].start if line.index + 1 < len(lines) else line.end
            changes.append(Change("held_value", line.start, behind, "", 0.0))
    line, match = found[held[0]]
    return line.index, match.end(), following, changes


def held_item(
    text: str, lines: Sequence[Line], index: int, at: int, items: Sequence[int], listed: str = ""
) -> tuple[int, bool] | None:
    """Where a text begins that is the only member of an item, and whether that is sure.

    Args:
        text: the whole text.
        lines: its lines.
        index: the line of the item.
        at: what stands behind its mark.
        items: where the items of the list began so far, with this one.
        listed: the key of the list.
    """
    line = lines[index]
    match = _MEMBER.match(text, at, line.end)
    if match is None:
        return None
    beside = [text[start : text.find("\n", start) + 1 or None] for start in items[-3:-1]]
    following = next((lines[one] for one in range(index + 1, len(lines)) if not lines[one].blank), None)
    if following is not None and following.column == line.column and text.startswith("-", following.at):
        beside.append(text[following.at : following.end])
    elif following is not None and following.column > line.column:
        return None  # more of the item
    alike = all(re.match(rf"-[ \t]+[\"']?{re.escape(match[2])}[\"']?[ \t]*:[ \t]", other) for other in beside)
    sure = match[2] in _HOLDERS or listed in _plurals(match[2])
    if not alike or not (beside or (sure and match[2] != "data")):
        return None
    return match.end(), sure and (bool(beside) or match[2] not in _HOLDERS)


def _plurals(name: str) -> tuple[str, ...]:
    """What several of what a name says are called."""
    return (f"{name}s", f"{name}es", f"{name[:-1]}ies", f"{name}_list", f"all_{name}s")
