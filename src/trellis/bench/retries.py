"""Ask again with what was wrong, ask again from the start, or mask; and vote: what each reaches for the same tokens.

The ways that ask again do so up to ``EXTRA`` times; what fewer attempts would have given and cost is read off the same
call. Votes are asked for each number of answers anew. Tokens are those of prompts and answers: a correction prompt is
longer than the first.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

import trellis
from trellis.bench.cases import Case
from trellis.bench.outcome import Outcome
from trellis.bench.run import Bench
from trellis.bench.stats import ratio, share
from trellis.bench.tables import Table

EXTRA = 4
VOTES = (3, 5)
AGAIN: Mapping[str, Mapping[str, Any]] = MappingProxyType({
    "retry": {"mode": "prompt", "strategy": trellis.Retry(EXTRA)},
    "retry, patch": {"mode": "prompt", "strategy": trellis.Retry(EXTRA, feedback="patch")},
    "resample": {"mode": "prompt", "strategy": trellis.Retry(EXTRA, feedback="none")},
})


def retries(cases: Sequence[Case], bench: Bench) -> Table:
    """The table: for each way and number of answers, tokens for a prompt, valid, fields right."""
    chosen = [case for case in cases if case.format == "json" and case.kind == "known"]
    rows: list[tuple[Any, ...]] = []
    for name, settings in AGAIN.items():
        found = bench.run(chosen, settings, name)
        rows += [(name, answers, *_after(found, answers)) for answers in range(1, settings["strategy"].n + 2)]
    ways: dict[str, Mapping[str, Any]] = {"vote": {"mode": "prompt"}}
    strongest = bench.strongest("json")
    if strongest is not None:
        rows.append((strongest, 1, *_after(bench.run(chosen, {"strategy": trellis.Retry(0)}, strongest), 1)))
        ways[strongest] = {}
    for name, settings in ways.items():
        for n in VOTES:
            found = bench.run(chosen, {**settings, "strategy": trellis.Vote(n)}, f"{name} ({n})")
            rows.append((name, n, *_after(found, n)))
    return Table("Retry, resample, vote, mask", ("way", "answers", "tokens / prompt", "valid", "fields right"),
                 tuple(rows), ("valid", "fields right"), along="tokens / prompt")


def _after(found: Sequence[Outcome], attempts: int) -> tuple[Any, ...]:
    """What a call would have given that had ended after so many attempts."""
    done = [outcome.valid and len(outcome.tokens) <= attempts for outcome in found]
    tokens = sum(sum(outcome.tokens[:attempts]) for outcome in found)
    fields = [outcome.case.fields(outcome.value if ok else None) for outcome, ok in zip(found, done, strict=True)
              if outcome.case.value is not None]
    return (tokens / max(1, len(found)), share(sum(done), len(found)),
            ratio([right for right, _ in fields], [of for _, of in fields]) if fields else "-")
