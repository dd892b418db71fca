"""A run log as one HTML page that needs nothing else: no script from elsewhere, no style sheet, no network."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

from trellis.plots import Bar, bars
from trellis.runlog.reader import Line, Log, LoggedRun

MOST_RUNS = 500
"""Calls that are shown one by one; the sums are over all."""
MOST_ROWS = 20
WIDTH = 540
"""Of a plot, in pixels: two stand side by side."""
MOST_CHARACTERS = 20_000
"""Of one answer or prompt."""
GOOD, MENDED, BAD, NEITHER = "#2a9d6f", "#d9822b", "#d1495b", "#8a8f98"
"""The template's own colours, where a part of a bar is good or bad."""
_OUTCOMES = ("accepted", "accepted, repaired", "refused", "no reply")


@dataclass(frozen=True)
class Piece:
    """A piece of an answer: as it stands, or what a repair took out and put in."""

    text: str
    rule: str = ""
    after: str = ""
    where: str = ""


def page(log: Log, title: str = "Run log") -> str:
    """The page.

    Args:
        log: the calls.
        title: stands above.
    """
    from jinja2 import Environment, StrictUndefined

    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.filters.update(pieces=pieces, data=_data, cut=_cut, place=_place)
    source = files("trellis").joinpath("templates", "report.html.j2").read_text(encoding="utf-8")
    shown = [*sorted(log.runs, key=lambda run: run.ok)[: MOST_RUNS // 2], *log.runs]
    chosen = {id(run): run for run in shown[:MOST_RUNS]}
    return environment.from_string(source).render(
        title=title, log=log, runs=[run for run in log.runs if id(run) in chosen], tiles=_tiles(log),
        plots=_plots(log.runs), errors=_errors(log.runs), repairs=_repairs(log.runs), outcome=outcome)


def pieces(attempt: Line) -> list[Piece]:
    """An answer with its repairs in their places."""
    raw, out, at = attempt.get("raw") or "", [], 0
    for edit in attempt.get("repairs") or ():
        start, end = max(at, int(edit["start"])), max(at, int(edit["end"]))
        if start > at:
            out.append(Piece(raw[at:start]))
        out.append(Piece(raw[start:end], edit["rule"], edit["after"], f"line {edit['line']}, column {edit['column']}"))
        at = end
    return [*out, Piece(raw[at:])] if raw[at:] else out


def outcome(attempt: Line) -> str:
    """One of ``accepted``, ``accepted, repaired``, ``refused``, ``no reply``."""
    if attempt.get("raw") is None:
        return _OUTCOMES[3]
    if attempt.get("failure") is not None:
        return _OUTCOMES[2]
    return _OUTCOMES[1] if attempt.get("repairs") else _OUTCOMES[0]


def _tiles(log: Log) -> list[tuple[str, str]]:
    attempts = [attempt for run in log.runs for attempt in run.attempts]
    ok = sum(run.ok for run in log.runs)
    unfinished = sum(run.end is None for run in log.runs)
    total = {name: sum((attempt.get("usage") or {}).get(name) or 0 for attempt in attempts)
             for name in ("prompt_tokens", "completion_tokens", "seconds", "mask_seconds", "money")}
    tiles = [
        ("calls", f"{len(log.runs):,}"), ("ended with a value", f"{ok:,} ({_share(ok, len(log.runs))})"),
        ("attempts", f"{len(attempts):,}"), ("attempts for a call", f"{len(attempts) / max(1, len(log.runs)):.2f}"),
        ("prompt tokens", f"{total['prompt_tokens']:,}"), ("answer tokens", f"{total['completion_tokens']:,}"),
        ("seconds", f"{total['seconds']:,.1f}"),
    ]
    tiles += [(name, said) for name, amount, said in (
        ("seconds in masks", total["mask_seconds"], f"{total['mask_seconds']:,.2f}"),
        ("money", total["money"], f"{total['money']:,.4f}"), ("not ended", unfinished, f"{unfinished:,}"),
        ("lines passed over", len(log.damaged), f"{len(log.damaged):,}")) if amount]
    return tiles


def _plots(runs: Sequence[LoggedRun]) -> list[str]:
    by_index: dict[int, list[Line]] = {}
    for run in runs:
        for attempt in run.attempts:
            by_index.setdefault(int(attempt["index"]), []).append(attempt)
    indices = sorted(by_index)[:MOST_ROWS]
    counts = {index: Counter(map(outcome, by_index[index])) for index in indices}
    outcomes = [Bar(f"attempt {index + 1}", tuple(float(counts[index][name]) for name in _OUTCOMES),
                    f"{len(by_index[index]):,}") for index in indices]
    tokens = [Bar(f"attempt {index + 1}", tuple(_mean(by_index[index], name) for name in
                                                ("prompt_tokens", "completion_tokens")),
                  f"{_mean(by_index[index], 'prompt_tokens'):.0f} + {_mean(by_index[index], 'completion_tokens'):.0f}")
              for index in indices]
    seconds = [Bar(f"attempt {index + 1}", (_mean(by_index[index], "seconds"),),
                   f"{_mean(by_index[index], 'seconds'):.3f} s") for index in indices]
    enforced = Counter((attempt["enforced"], attempt.get("obeyed")) for run in runs for attempt in run.attempts
                       if attempt.get("raw") is not None)
    modes = [Bar(mode, tuple(float(enforced[mode, kept]) for kept in (True, False, None)),
                 f"{sum(enforced[mode, kept] for kept in (True, False, None)):,}")
             for mode in sorted({mode for mode, _ in enforced})]
    return [bars("What came of each attempt", outcomes, legend=_OUTCOMES, width=WIDTH,
                 colours=(GOOD, MENDED, BAD, NEITHER)),
            bars("Tokens of an attempt, mean", tokens, legend=("prompt", "answer"), width=WIDTH),
            bars("Seconds of an attempt, mean", seconds, width=WIDTH),
            bars("What was claimed to be enforced, and whether the answer kept it", modes,
                 legend=("kept", "not kept", "not to be told"), width=WIDTH, colours=(GOOD, BAD, NEITHER))]


def _mean(attempts: Sequence[Line], name: str) -> float:
    return sum((attempt.get("usage") or {}).get(name) or 0.0 for attempt in attempts) / max(1, len(attempts))


def _errors(runs: Sequence[LoggedRun]) -> list[tuple[str, str, int, str]]:
    """(path, kind, how often, for example), the most frequent first; places in lists are one path."""
    count: Counter[tuple[str, str]] = Counter()
    example: dict[tuple[str, str], str] = {}
    for attempt in (attempt for run in runs for attempt in run.attempts):
        for error in attempt.get("errors") or ():
            key = ("/".join("*" if part.isdigit() else part for part in error["pointer"].split("/")),
                   str(attempt.get("failure")))
            count[key] += 1
            example.setdefault(key, error["message"])
    return [(path, kind, number, example[path, kind]) for (path, kind), number in count.most_common(MOST_ROWS)]


def _repairs(runs: Sequence[LoggedRun]) -> list[tuple[str, int, str, str]]:
    """(rule, how often, before, after), the most frequent first."""
    edits = [edit for run in runs for attempt in run.attempts for edit in attempt.get("repairs") or ()]
    count = Counter(edit["rule"] for edit in edits)
    first = {edit["rule"]: edit for edit in reversed(edits)}
    return [(rule, number, first[rule]["before"], first[rule]["after"]) for rule, number in
            count.most_common(MOST_ROWS)]


def _share(part: int, whole: int) -> str:
    return f"{100 * part / whole:.1f}%" if whole else "-"


def _data(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, indent=1)


def _cut(text: str) -> str:
    left_out = len(text) - MOST_CHARACTERS
    return text if left_out <= 0 else f"{text[:MOST_CHARACTERS]} [... {left_out:,} more characters]"


def _place(pointer: str) -> str:
    return pointer or "(whole value)"

