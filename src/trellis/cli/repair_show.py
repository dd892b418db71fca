"""How the repair command shows what it did: edits, differences, statistics."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from difflib import unified_diff
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from trellis.cli.repair_run import Outcome
from trellis.cli.report import stderr, stdout, write
from trellis.errors import RepairError

if TYPE_CHECKING:
    from trellis.repair import Repaired

_EXAMPLES = 3


def explain(name: str, repaired: Repaired[Any]) -> None:
    """Every edit on a line: place, rule, before and after."""
    console = stderr()
    count = len(repaired.edits)
    notes = "" if repaired.complete else ", cut off"
    notes += ", ambiguous" if repaired.ambiguous else ""
    head = f"{name}: {count} edit{'' if count == 1 else 's'}, confidence {repaired.confidence:.2f}{notes}"
    console.print(Text(head, style="bold"))
    width = max((len(f"{edit.line}:{edit.column}") for edit in repaired.edits), default=0)
    for edit in repaired.edits:
        console.print(
            Text.assemble(
                (f"  {f'{edit.line}:{edit.column}':<{width}} ", "dim"),
                (edit.rule, "cyan"),
                "  ",
                (_clip(edit.before), "red strike" if console.is_terminal else ""),
                " -> ",
                (_clip(edit.after), "green"),
            )
        )


def explain_json(name: str, repaired: Repaired[Any]) -> None:
    """Every edit as a JSON object on a line of standard error."""
    console = stderr()
    for edit in repaired.edits:
        row = {
            "file": name,
            "rule": edit.rule,
            "line": edit.line,
            "column": edit.column,
            "start": edit.start,
            "end": edit.end,
            "before": edit.before,
            "after": edit.after,
            "cost": edit.cost,
        }
        console.print(Text(json.dumps(row, ensure_ascii=True)))


def _clip(text: str) -> str:
    shown = repr(text)
    return shown if len(shown) <= 60 else f"{shown[:40]}...{shown[-15:]}"


def diff(outcome: Outcome) -> None:
    """A unified diff from the text to the repaired text on standard output."""
    assert outcome.repaired is not None
    old, new = outcome.text.splitlines(), outcome.repaired.text.splitlines()
    lines = list(unified_diff(old, new, outcome.name, f"{outcome.name} (repaired)", lineterm=""))
    if not lines:
        return
    console = stdout()
    if not console.is_terminal:
        write("\n".join(lines))
        return
    styles = {"+": "green", "-": "red", "@": "cyan"}
    for line in lines:
        console.print(Text(line, style="bold" if line[:3] in ("+++", "---") else styles.get(line[:1], "")))


@dataclass
class Statistics:
    """Which mistakes some texts have, and what each rule did.

    Attributes:
        texts, clean, ambiguous, cut_off: numbers of texts.
        failed: numbers of texts that were not repaired, by reason.
        edits: how often each rule was used.
        in_texts: in how many texts.
        examples: some edits of each rule: file, line, before, after.
    """

    texts: int = 0
    clean: int = 0
    ambiguous: int = 0
    cut_off: int = 0
    failed: Counter[str] = field(default_factory=Counter)
    edits: Counter[str] = field(default_factory=Counter)
    in_texts: Counter[str] = field(default_factory=Counter)
    examples: dict[str, list[tuple[str, int, str, str]]] = field(default_factory=dict)

    def add(self, outcome: Outcome) -> None:
        """Count one text."""
        self.texts += 1
        if outcome.repaired is None:
            self.failed[_reason(outcome.error)] += 1
            return
        repaired = outcome.repaired
        self.clean += not repaired.edits
        self.ambiguous += repaired.ambiguous
        self.cut_off += not repaired.complete
        self.in_texts.update({edit.rule for edit in repaired.edits})
        for edit in repaired.edits:
            self.edits[edit.rule] += 1
            examples = self.examples.setdefault(edit.rule, [])
            if len(examples) < _EXAMPLES and all(edit.before != shown for _, _, shown, _ in examples):
                examples.append((outcome.name, edit.line, edit.before, edit.after))

    def data(self) -> dict[str, Any]:
        """The numbers as JSON data."""
        rules = [
            {
                "rule": rule,
                "texts": self.in_texts[rule],
                "edits": self.edits[rule],
                "examples": [
                    {"file": name, "line": line, "before": before[:200], "after": after[:200]}
                    for name, line, before, after in self.examples[rule]
                ],
            }
            for rule, _ in self.in_texts.most_common()
        ]
        repaired = self.texts - self.clean - sum(self.failed.values())
        return {
            "texts": self.texts,
            "clean": self.clean,
            "repaired": repaired,
            "ambiguous": self.ambiguous,
            "cut_off": self.cut_off,
            "failed": dict(self.failed),
            "rules": rules,
        }

    def show(self, console: Console) -> None:
        """A table on a terminal, JSON elsewhere."""
        from trellis.repair import RULES

        data = self.data()
        if not console.is_terminal:
            write(json.dumps(data, ensure_ascii=False))
            return
        failed = ", ".join(f"{count} {reason}" for reason, count in self.failed.items()) or "none"
        console.print(
            f"{self.texts} texts: {self.clean} clean, {data['repaired']} repaired ({self.ambiguous} ambiguous, "
            f"{self.cut_off} cut off); failed: {failed}"
        )
        table = Table(box=None, pad_edge=False, header_style="bold")
        for name in ("rule", "texts", "edits", "what it does", "example"):
            table.add_column(name)
        for row in data["rules"]:
            shown = row["examples"][0]
            does = RULES[row["rule"]].does if row["rule"] in RULES else "a rule of your own"
            example = Text(f"{_clip(shown['before'])} -> {_clip(shown['after'])}")
            table.add_row(Text(row["rule"], style="cyan"), str(row["texts"]), str(row["edits"]), Text(does), example)
        console.print(table)


def _reason(error: Exception | None) -> str:
    if isinstance(error, RepairError):
        if error.limit:
            return f"limit on {error.limit}"
        return "against the schema" if error.against_schema else "unreadable"
    return "not read"


def statistics(outcomes: Iterable[Outcome]) -> Statistics:
    """The statistics of some texts."""
    found = Statistics()
    for outcome in outcomes:
        found.add(outcome)
    return found
