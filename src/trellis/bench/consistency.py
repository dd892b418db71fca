"""How far answers agree: over seeds, and over paraphrases of the prompt; for one answer, a vote, and a mask.

The agreement of a field is the share of the answers that have its most common value, over the fields that any answer
has; an answer that is none agrees with no other.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

import trellis
from trellis.bench.cases import Case, leaves
from trellis.bench.layers import VOTES
from trellis.bench.outcome import Outcome
from trellis.bench.run import Bench
from trellis.bench.stats import Estimate, ratio
from trellis.bench.tables import Table

ANSWERS = 5
SURROUNDINGS = ("{}", "Please do this with care.\n\n{}", "{}\n\nThank you.", "Here is a task for you.\n{}",
                "I need your help with this:\n\n{}")
"""For cases that bring no paraphrases of their own."""
WAYS: Mapping[str, Mapping[str, Any]] = MappingProxyType({
    "one answer": {"mode": "prompt", "strategy": trellis.Retry(2)},
    f"vote ({VOTES})": {"mode": "prompt", "strategy": trellis.Vote(VOTES)},
})


def consistency(cases: Sequence[Case], bench: Bench) -> Table:
    """The table: for each way, agreement over seeds and over paraphrases, fields right, tokens for an answer."""
    ways: dict[str, Mapping[str, Any]] = dict(WAYS)
    strongest = bench.strongest("json")
    if strongest is not None:
        ways[strongest] = {"strategy": trellis.Retry(0)}
    chosen = [case for case in cases if case.format == "json" and case.value is not None]
    rows = []
    for name, settings in ways.items():
        seeded = [(case, case.prompt, settings, place * ANSWERS + i) for place, case in enumerate(chosen)
                  for i in range(ANSWERS)]
        worded = [(case, text, settings, place * ANSWERS) for place, case in enumerate(chosen)
                  for text in _worded(case)]
        found = bench.watched([*seeded, *worded], name)
        fields = [outcome.case.fields(outcome.value) for outcome in found]
        tokens = sum(outcome.usage.total_tokens for outcome in found) / max(1, len(found))
        rows.append((name, _over(found[: len(seeded)]), _over(found[len(seeded) :]),
                     ratio([right for right, _ in fields], [of for _, of in fields]), tokens))
    return Table("Agreement of answers", ("way", "over seeds", "over paraphrases", "fields right", "tokens / answer"),
                 tuple(rows), ("over seeds", "over paraphrases", "fields right"))


def _worded(case: Case) -> Sequence[str]:
    """The prompt in several words."""
    if case.paraphrases:
        return (case.prompt, *case.paraphrases)
    return [around.replace("{}", case.prompt) for around in SURROUNDINGS]


def agreement(answers: Sequence[Outcome]) -> tuple[float, int]:
    """The sum of the agreements of the fields, and how many fields there are."""
    said = [leaves(outcome.value) if outcome.valid else {} for outcome in answers]
    places = dict.fromkeys(place for one in said for place in one)
    if not places:
        return 0.0, 1
    counts = [Counter(repr(one[place]) for one in said if place in one) for place in places]
    return sum(max(count.values()) for count in counts) / len(answers), len(places)


def _over(found: Sequence[Outcome]) -> Estimate:
    """The agreement, over cases."""
    by_case: dict[int, list[Outcome]] = {}
    for outcome in found:
        by_case.setdefault(id(outcome.case), []).append(outcome)
    counted = [agreement(answers) for answers in by_case.values()]
    return ratio([agreed for agreed, _ in counted], [of for _, of in counted])
