"""Which of several readings of a text is the best, and whether another is about as good."""

from __future__ import annotations

import json
import marshal
import math
import re
from dataclasses import replace
from itertools import islice
from typing import Any

from .against import against_schema, offset_in
from .candidates import Candidate
from .edits import Repaired
from .extract import answer_start
from .judge import Judge, SchemaJudge
from .nodes import read_nodes
from .pieces import Found, in_text
from .policies import Policies
from .standard import confidence

MOST_CANDIDATES = 8
_THIN = 0.25  # a margin to the second-best reading that leaves a doubt
_CLOSE = 3.0  # readings this close count as equals for the policy on several values
_OPENED = re.compile(r"\A\s*\{\s*[\"'][^\"'\n]{1,80}[\"']\s*:")
_KEY_END = re.compile(r"[\"'”]\s*[:：]|(?:[{,]\s*|^[ \t]+)[A-Za-z_]\w*:[ \t]", re.M)
_PUT_RIGHT = re.compile(
    r"(?i)correct|fix(?:ed|ing)|revis|updat|\bfinal\b|attempt|instead|actually|mistake|wrong|oops|sorry|improv|amended"
    r"|\bright\b|\bbetter\b|second (?:try|version)|v(?:ersion)? ?2|korrig|corrig|verbesser|修正|更正"
)
_EXAMPLE = re.compile(
    r"(?i)\bexamples?\b|\be\.g\.|\bsample|\btemplate|for instance|\bschema\b|beispiel|ejemplo|exemple|例"
)
_MOST_KEYS = 6
_SOURCE = {"fence": 0.0, "whole": 0.3, "reasoning": 2.0}


_Ranked = tuple[int, float, int, Repaired[Any], Candidate, int, Found]


def best_of(text: str, found: list[Found], judge: Judge, policies: Policies) -> Repaired[Any]:
    """The best reading; the schema counts first, then the cost, then the later one, or the policy.

    Raises:
        RepairError: every reading is against the schema.
    """
    ranked: list[_Ranked] = []
    begin = answer_start(text)
    for item in found:
        result, candidate, start, end, _ = item
        faults = judge.faults(result.value)
        piece = replace(candidate, start=start, end=end)
        score = candidate.cost + _SOURCE[candidate.source] - _mass(text, piece) + _left_out(text, begin, piece)
        ranked.append((faults, round(score, 3), -start, result, candidate, end, item))
    ranked.sort(key=lambda entry: entry[:3])
    left = False
    if policies.several == "all" and isinstance(judge, SchemaJudge):
        ranked, left = _corrected(text, ranked)
    if policies.several != "all":
        faults, score, start, _, _, end, _ = ranked[0]
        equals = [item for item in ranked if item[0] == faults and item[1] <= score + _CLOSE and _of_answer(item[4])]
        apart = [item for item in equals if item is ranked[0] or item[5] <= -start or -item[2] >= end]
        chosen = (min if policies.several == "first" else max)(apart or ranked[:1], key=lambda item: -item[2])
        ranked = [chosen, *(item for item in ranked if item is not chosen)]
    faults, score, _, _, candidate, _, chosen_one = ranked[0]
    best = in_text(text, chosen_one).result
    others: list[Repaired[Any]] = []
    margin = math.inf
    for other_faults, other_score, _, other, _, _, item in ranked[1:]:
        if _same(other.value, best.value) or any(_same(other.value, kept.value) for kept in others):
            continue
        if other_faults == faults:
            margin = min(margin, abs(other_score - score))
        if len(others) < MOST_CANDIDATES:
            others.append(in_text(text, item).result)
    if faults:
        what = "the text was read, but every reading is"
        raise against_schema(
            text, what, judge, best.value, lambda path: offset_in(read_nodes(best.text), path, best.edits)
        )
    alone = isinstance(judge, SchemaJudge) or policies.several != "all"
    doubtful = best.ambiguous or left or margin < _THIN or not (alone or _alone(text, ranked[0], ranked[1:]))
    sure = confidence(candidate.cost, margin)
    return Repaired(best.value, best.text, best.edits, sure, best.complete, tuple(others), doubtful)


def _corrected(text: str, ranked: list[_Ranked]) -> tuple[list[_Ranked], bool]:
    """The readings, first one that is the answer put right as the words before it say; whether another was left out."""
    faults, _, start, best, _, end, _ = ranked[0]
    later = [
        item
        for item in ranked
        if item[0] == faults and -item[2] >= end and type(item[3].value) is type(best.value) and _of_answer(item[4])
    ]
    if faults or not later or not isinstance(best.value, dict | list):
        return ranked, False
    last = min(later, key=lambda item: (item[2], item[1]))
    if _same(last[3].value, best.value):
        return ranked, False
    if put_right(text, -start, end, -last[2]):
        return [last, *(item for item in ranked if item is not last)], False
    return ranked, len(json.dumps(last[3].value)) > 0.5 * len(json.dumps(best.value))


def put_right(text: str, start: int, end: int, later: int) -> bool:
    """Whether words say that what lies in a span was an example or a draft of what begins later."""
    between = text[max(end, later - 300) : later]
    if _EXAMPLE.search(between):
        return False
    return bool(_EXAMPLE.search(text, max(0, start - 80), start) or _PUT_RIGHT.search(between))


def _alone(text: str, best: _Ranked, others: list[_Ranked]) -> bool:
    """Whether no object that is left out stands right beside the best reading: records should all be kept."""
    start, end = -best[2], best[5]
    for _, _, other, result, _, stop, _ in others:
        gap = text[stop:start] if stop <= start else text[end:-other] if -other >= end else None
        if gap is not None and not gap.strip(" \t\r\n,") and isinstance(result.value, dict) and result.value:
            return False
    return True


def _of_answer(candidate: Candidate) -> bool:
    return candidate.source != "reasoning"


def _mass(text: str, candidate: Candidate) -> float:
    """How much a span looks like data: quotes, colons and brackets, up to a bound."""
    span = text[candidate.start : min(candidate.end, candidate.start + 20_000)]
    return 0.4 * math.log2(1 + span.count('"') + span.count(":") + span.count("'")) + 0.25 * span[:1].count("{")


def _left_out(text: str, begin: int, candidate: Candidate) -> float:
    """What speaks against a piece of the answer if keys stand outside of it."""
    before = _keys(text, begin, max(begin, candidate.start))
    inside = 2.5 if candidate.source == "fence" and _OPENED.search(text, begin, max(begin, candidate.start)) else 0.0
    return inside + 0.4 * min(_MOST_KEYS, before + _keys(text, candidate.end, len(text)))


def _keys(text: str, start: int, end: int) -> int:
    """How many keys stand in a span, counted up to a bound."""
    if text.find(":", start, end) < 0 and text.find("：", start, end) < 0:
        return 0
    return sum(1 for _ in islice(_KEY_END.finditer(text, start, end), _MOST_KEYS))


def _same(a: Any, b: Any) -> bool:
    """Equal as JSON: ``1`` and ``True`` are not."""
    try:
        if a is b or a != b:
            return a is b
        return marshal.dumps(a, 0) == marshal.dumps(b, 0) or json.dumps(a, sort_keys=True) == json.dumps(
            b, sort_keys=True
        )
    except (RecursionError, ValueError):
        return False
