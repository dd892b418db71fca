"""Repairing one text for the command line: in this process or another, several at once."""

from __future__ import annotations

import importlib.util
import json
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from trellis.cli.report import read_input
from trellis.errors import RepairError, TrellisError, UsageError

if TYPE_CHECKING:  # trellis.repair is imported where it is used: other commands start quicker
    from trellis.repair import Limits, Policies, Repaired, UserRule
    from trellis.repair.rules import Level

_MEANT = {".csv": "csv", ".tsv": "csv", ".yaml": "yaml", ".yml": "yaml", ".json": "json"}
_WORTH = 8  # files from which other processes pay


@dataclass(frozen=True)
class Task:
    """How texts are to be repaired.

    Attributes:
        format: ``auto``, ``json``, ``yaml`` or ``csv``.
        schema: JSON Schema, or ``None``.
        level: how much may be changed.
        select: ``best``, ``first``, ``last`` or ``all`` of the values in a text.
        rules: a Python file with the user's rules, or ``None``.
        limits: bounds on the work, or ``None`` for ours.
        policies: choices other than ours, or ``None``.
    """

    format: str = "auto"
    schema: Any = None
    level: Level = "normal"
    select: str = "best"
    rules: Path | None = None
    limits: Limits | None = None
    policies: Policies | None = None


@dataclass(frozen=True)
class Outcome:
    """What became of one text: either a result or an error."""

    name: str
    text: str
    repaired: Repaired[Any] | None = None
    error: TrellisError | None = None


def read_file(path: Path) -> str:
    """A file, or standard input for ``-``, as text.

    Raises:
        UsageError: it cannot be read.
        RepairError: it is not UTF-8.
    """
    try:
        data = read_input() if path == Path("-") else path.read_bytes()
        return data.decode("utf-8")
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise RepairError(f"byte {error.start} is not UTF-8", hint="convert the file to UTF-8 first") from error


def run_file(path: Path, task: Task) -> Outcome:
    """Repair a file."""
    name = "standard input" if path == Path("-") else str(path)
    try:
        text = read_file(path)
    except TrellisError as error:
        return Outcome(name, "", error=error)
    outcome = run_text(name, text, task)
    meant = _MEANT.get(path.suffix.lower())
    if meant and task.format == "auto" and isinstance(outcome.error, RepairError) and not outcome.error.limit:
        named = run_text(name, text, replace(task, format=meant))
        return named if isinstance(named.error, RepairError | None) else outcome
    return outcome


def run_text(name: str, text: str, task: Task) -> Outcome:
    """Repair a text."""
    from trellis import repair
    from trellis.repair.policies import json_only

    try:
        options: dict[str, Any] = {"level": task.level, "rules": load_rules(task.rules)}
        limits, policies = task.limits or repair.Limits(), task.policies or repair.Policies()
        if task.format in ("yaml", "csv"):
            limits.check_size(text)
            json_only(policies, task.format.upper())
            read: Any = repair.repair_yaml if task.format == "yaml" else repair.repair_csv
        else:
            read = repair.repair_json if task.format == "json" else repair.repair
            options |= {"limits": limits, "policies": policies}
        found = read(text, task.schema, **options)
        return Outcome(name, text, selected(found, task.select))
    except TrellisError as error:
        return Outcome(name, text, error=error)


def run_all(paths: Sequence[Path], task: Task, workers: int | None) -> Iterator[Outcome]:
    """Repair files, in their order; many of them in several processes."""
    count = min(workers or os.cpu_count() or 1, len(paths))
    if count < 2 or (workers is None and len(paths) < _WORTH) or Path("-") in paths:
        for path in paths:
            yield run_file(path, task)
        return
    with ProcessPoolExecutor(count) as pool:
        size = max(1, min(16, len(paths) // (4 * count)))
        yield from pool.map(run_file, paths, [task] * len(paths), chunksize=size)


def _begin(repaired: Repaired[Any]) -> int:
    """Where in the text the data of a reading begins."""
    at = 0
    for edit in repaired.edits:
        if edit.start != at or edit.after:
            break
        at = edit.end
    return at


def selected(found: Repaired[Any], select: str) -> Repaired[Any]:
    """The reading that was asked for among those of one text; ``all`` are one array."""
    from trellis.repair import Repaired

    if select == "best":
        return found
    by_place: dict[int, Repaired[Any]] = {}
    for reading in (found, *found.candidates):
        by_place.setdefault(_begin(reading), reading)
    ordered = [by_place[at] for at in sorted(by_place)]
    if len(ordered) == 1 and any(edit.rule == "several_values" for edit in found.edits):
        if select == "all" or not isinstance(found.value, list):
            return found
        value = found.value[0 if select == "first" else -1]
        return replace(found, value=value, text=json.dumps(value, ensure_ascii=False))
    if select != "all":
        return ordered[0 if select == "first" else -1]
    values = [reading.value for reading in ordered]
    return Repaired(values, json.dumps(values, ensure_ascii=False), found.edits, found.confidence, found.complete)


def load_rules(path: Path | None) -> tuple[UserRule, ...]:
    """The ``RULES`` of a Python file.

    Raises:
        UsageError: the file cannot be run, or has no list of ``UserRule`` under that name.
    """
    from trellis.repair import UserRule

    if path is None:
        return ()
    spec = importlib.util.spec_from_file_location("trellis_user_rules", path)
    if spec is None or spec.loader is None:
        raise UsageError(f"{path} is no Python file")
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:
        raise UsageError(f"{path} cannot be run: {type(error).__name__}: {error}") from error
    rules = getattr(module, "RULES", None)
    if not isinstance(rules, list | tuple) or not all(isinstance(rule, UserRule) for rule in rules):
        raise UsageError(f"{path} has no RULES", hint="RULES = [trellis.repair.UserRule(...), ...]")
    return tuple(rules)


def as_format(repaired: Repaired[Any], to: str | None) -> str:
    """The repaired text, or its value in another format."""
    if to is None:
        return repaired.text
    if to == "json":
        return json.dumps(repaired.value, ensure_ascii=False, indent=2)
    from ruamel.yaml import YAML

    writer = YAML(typ="safe", pure=True)
    writer.default_flow_style = False
    writer.sort_base_mapping_type_on_output = False  # type: ignore[assignment]
    out = StringIO()
    writer.dump(repaired.value, out)
    return out.getvalue()
