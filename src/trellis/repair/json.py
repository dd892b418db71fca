"""``repair_json``: the standard reading first, then the cheapest reading of what was found in the text."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

from ..collector import collector_paused
from ..errors import RepairError
from .assemble import assembled
from .backslash import never_escaped, with_doubts
from .candidates import Candidate, find_candidates
from .coerce import coercions
from .coerce_scalars import is_amount
from .disguise import disguises
from .edits import Change, Edit, Repaired, apply_edits, compose, locate
from .extract import answer_start, within_thought
from .judge import Judge, judge_for
from .nodes import read_nodes
from .notations import has_tables, in_other_notation, notation
from .pieces import Found, around, in_text, moved, read_alone, read_piece, rewritten
from .policies import OURS, Policies, checked_policies
from .rank import best_of
from .rules import Level, allowed, cost_of
from .schema_argument import SchemaLike, json_schema
from .schema_view import SchemaView
from .search import HARD, Limits, checked_limits
from .settle import absent_nulls, partial_schema, policy_changes, settled
from .standard import check_arguments, confidence, lexemes, read_standard, unreadable
from .strings import StringReading
from .unwrap import unwrapped
from .user_rules import UserRule, with_rules
from .wrappers import views_around

# Of members that are left out as if they were prose.
_KEYS = re.compile(r"[\"'”]\s*[:：]|\s=>\s|^[ \t]+[A-Za-z_]\w*:[ \t]", re.M)
_WITHIN_FIRST = re.compile(r"[^\"{\[\n]{0,300}(?:\\\"[^\"{\[\n]{0,100}){0,4}\",\s*\"\w[^\"\n]{0,60}\"\s*:")
_GOES_ON = re.compile(r"[\s}\]]*,\s*[{\[\"]")  # the data, behind where they were held to end
_BEGINS = re.compile(r"(?:\A|\n|\d[.)][ ]|[\])}:][ ])[ \t]*([{\[])")  # where data may begin
_NOTHING = re.compile(r"(?i)\"(?:none|null|n/a|nil|undefined|unknown|~|--?|—|)\"")  # where a date is wanted, say
_MOST_PIECES = 400  # that may make up one value
_MOST_LATER = 20_000  # of one that is read from later brackets on
_MOST_HARD = 8_000  # characters of a text that is searched twice: the second search is ten times as wide


def repair_json(
    text: str,
    schema: SchemaLike = None,
    *,
    level: Level = "normal",
    limits: Limits | None = None,
    rules: Sequence[UserRule] | None = None,
    policies: Policies | None = None,
) -> Repaired[Any]:
    """Read JSON out of text that should be JSON.

    If ``json.loads`` reads the text, and the schema (if given) accepts the value, nothing is changed. Otherwise the
    data is looked for (fences, tags, reasoning blocks, prose around it), read at the least cost, and returned with
    every change as an ``Edit``. Where damage leaves a choice that no text decides, ``policies`` do.

    Args:
        text: what the model said.
        schema: JSON Schema that the value should satisfy, a type that has one, or ``None``.
        level: ``safe`` (only what loses and adds nothing), ``normal``, or ``salvage`` (also drops what has no place).
        limits: bounds on size, depth and steps.
        rules: rules of your own (``UserRule``), used where the standard reading does not hold.
        policies: choices other than ours.

    Raises:
        RepairError: the text cannot be read at this level (line, column, caret), the value is against the schema, or a
            limit was hit (``limit``).
        SchemaError: the schema is none.
        UsageError: an argument is of the wrong kind.
    """
    check_arguments(text, level)
    bounds, chosen = checked_limits(limits), checked_policies(policies)
    judge = judge_for(schema := json_schema(schema))  # tells what is no schema
    if chosen.absent == "null":
        judge = judge_for(partial_schema(schema))
    reader = _Reader(judge, schema, level, bounds, chosen)
    with collector_paused(len(text)):
        return with_rules(text, rules, level, reader.read)


_MOST_DISGUISES, _DISGUISES_WITHIN = 3, 2  # one under the other; that are tried under another


@dataclass(frozen=True)
class _Reader:
    judge: Judge
    schema: Any
    level: Level
    bounds: Limits
    policies: Policies
    disguises: int = 0  # that were taken off

    def read(self, text: str) -> Repaired[Any]:
        self.bounds.check_size(text)
        failed: json.JSONDecodeError | None = None
        try:
            value = read_standard(text)
        except json.JSONDecodeError as error:
            failed = error
        except ValueError:
            pass
        else:
            result = self._standard(text, value)
            if result is not None:
                return result
        view = SchemaView.of(self.schema) if self.schema is not None else None
        found, failure = self._found(text, view, failed)
        if self.level == "safe":  # what stands around the data counts as well
            found = [in_text(text, item) for item in found]
        found = [item for item in found if self._allows(item.result.edits or item.candidate.changes)]
        if not found and failure is None and self.policies.no_data != "error":
            found = self._no_data(text)
        if not found:
            raise failure or unreadable(text, self.level)
        best = best_of(text, found, self.judge, self.policies)
        other = next((edit for edit in best.edits if edit.rule == "notation"), None)
        return self._doubted(text, best if other is None else replace(best, format=notation(other.before)))

    def _doubted(self, text: str, result: Repaired[Any]) -> Repaired[Any]:
        """Ambiguous, where another value was left out as if it were prose; not complete, within a thought."""
        if within_thought(text):
            return replace(result, ambiguous=True, complete=False, confidence=min(result.confidence, 0.5))
        if result.ambiguous or not result.edits:
            return result
        left = [edit for edit in result.edits if edit.rule == "prose"]
        escaped = with_doubts(result.value, result.text).ambiguous  # as in valid JSON
        if escaped or any(
            len(_KEYS.findall(edit.before)) > 2 or _GOES_ON.match(edit.before) or self._is_data(edit) for edit in left
        ):
            return replace(result, ambiguous=True, confidence=min(result.confidence, 0.5))
        return result

    def _is_data(self, edit: Edit) -> bool:
        """Whether what was left out is a value that might have been meant."""
        try:
            value = read_standard(edit.before.strip(" \t\r\n,;"))
        except ValueError:
            return False
        return isinstance(value, dict | list) and self.judge.accepts(value)

    def _allows(self, edits: Sequence[Edit | Change]) -> bool:
        return all(allowed(rule, self.level) for rule in {edit.rule for edit in edits})

    def _standard(self, text: str, value: Any) -> Repaired[Any] | None:
        """The standard reading, if nothing speaks against it."""
        if self.policies == OURS:
            return with_doubts(value, text) if self.judge.accepts(value) else None
        if self.policies.root_scalar == "error" and not isinstance(value, dict | list) and self.schema is None:
            return None
        if self.policies.absent == "null" or not self.judge.accepts(value):
            return None
        view = SchemaView.of(self.schema) if self.schema is not None else None
        more = policy_changes(text, view, self.policies, damaged=False)
        if not more:
            return with_doubts(value, text)
        repaired = apply_edits(text, more)
        value = read_standard(repaired)
        cost = sum(change.cost for change in more)
        result = Repaired(value, repaired, locate(text, more), confidence(cost, math.inf))
        return result if self.judge.accepts(value) and self._allows(result.edits) else None

    def _found(
        self, text: str, view: SchemaView | None, error: json.JSONDecodeError | None
    ) -> tuple[list[Found], RepairError | None]:
        """Every reading, and the last error of those that are none."""
        found = self._undisguised(text)
        failure: RepairError | None = None
        pieces: list[Candidate] = []
        for candidate in find_candidates(text, self.level, self.bounds, view, error):
            try:
                if view is not None and len(pieces) < _MOST_PIECES:
                    pieces.append(candidate)
                fitted = self._fitted(text, candidate, view)
                value = fitted.result.value  # without a view, as the candidate says it
                if self.policies.root_scalar == "error" and view is None and not isinstance(value, dict | list):
                    continue
                found.append(self._by_policy(text, fitted, view))
            except ValueError:
                continue
            except RepairError as refused:
                failure = refused
        if view is not None and self.level != "safe" and (whole := assembled(text, pieces, view)) is not None:
            with suppress(ValueError, RepairError):  # they are no value together
                found.append(self._fitted(text, whole, view))
        if view is not None and self.level != "safe" and has_tables(text):
            whole = in_other_notation(text, self.schema, self.judge)
            found = found if whole is None else [Found(read_piece(text, whole), whole, whole.start, whole.end)]
        if view is not None and not any(self.judge.accepts(item.result.value) for item in found):
            found += self._later(text)
        accepted = any(
            self.judge.accepts(item.result.value) and _GOES_ON.match(text, item.end) is None for item in found
        )
        if view is not None and self.level != "safe" and not accepted:
            found += self._harder(text, view, error)
            found += self._plain(text, view) + self._continued(text, view)
            accepted = any(self.judge.accepts(item.result.value) for item in found)
            if not accepted:
                found += (filled := self._without_nulls(text, found, view))
                accepted = bool(filled)
            if not accepted and (other := in_other_notation(text, self.schema, self.judge)) is not None:
                found.append(Found(read_piece(text, other), other, other.start, other.end))
        return found, failure

    def _undisguised(self, text: str) -> list[Found]:
        """Readings of the text without what has changed the whole of it."""
        if self.disguises == _MOST_DISGUISES:
            return []
        worn = islice(disguises(text), _DISGUISES_WITHIN if self.disguises else None)
        return [found for changes in worn for found in self._read_as(text, changes)]

    def _read_as(self, text: str, changes: list[Change], guessed: bool = False) -> list[Found]:
        """The reading of a text after some changes, if there is one."""
        try:
            rest = replace(self, disguises=self.disguises + 1).read(apply_edits(text, changes))
        except RepairError:
            return []
        every = compose(text, changes, [Change(e.rule, e.start, e.end, e.after, e.cost) for e in rest.edits])
        cost = sum(change.cost for change in every)
        candidate = Candidate(0, len(text), tuple(every), cost, rest.complete, rest.ambiguous or guessed)
        return [Found(read_piece(text, candidate), candidate, 0, len(text))]

    def _fitted(self, text: str, candidate: Candidate, view: SchemaView | None) -> Found:
        """What a candidate says, as the policies settle it and as near to the schema as it comes.

        All is done on the piece of the text that the candidate is of: a text may have many, and each should cost what
        it is long.
        """
        settle = replace(candidate, changes=settled(text, candidate.changes, self.policies))
        if settle.changes and (kept := never_escaped(text, settle.changes, settle.start, settle.end)):
            changes = sorted([*settle.changes, *kept], key=lambda change: (change.start, change.end))
            cost = settle.cost + sum(change.cost for change in kept)
            settle = replace(settle, changes=tuple(changes), cost=cost, doubtful=True)
        start, end = settle.start, settle.end
        result = read_alone(text, settle)
        if view is None or self.level == "safe" or self._enough(text, settle, result):
            return Found(result, settle, start, end, whole=False)
        result, fitted = self._fit(text[start:end], result, moved(settle, -start), view)
        return Found(result, moved(fitted, start), start, end, whole=False)

    def _enough(self, text: str, settle: Candidate, result: Repaired[Any]) -> bool:
        """Whether a reading needs no coercion."""
        if self.policies.absent == "null" or not self.judge.accepts(result.value):
            return False  # the judge is not strict, or against it
        if any(is_amount(text, change) for change in settle.changes):
            return False
        return _NOTHING.search(result.text) is None

    def _fit(
        self, text: str, result: Repaired[Any], candidate: Candidate, view: SchemaView
    ) -> tuple[Repaired[Any], Candidate]:
        """The result, coerced where coercion helps."""
        base = around(text, candidate)
        best, best_faults = (result, candidate), self.judge.faults(result.value)
        for unwrap in ([], *unwrapped(result.text, view)):
            changes = compose(text, base, unwrap)
            for _ in range(2):
                current = apply_edits(text, changes)
                more = coercions(current, view, lexemes(text, changes))
                if not more:
                    break
                changes = compose(text, changes, more)
            fitted = rewritten(text, candidate, base, changes)
            coerced = read_alone(text, fitted)
            faults = self.judge.faults(coerced.value)
            if faults < best_faults or (faults == best_faults and not unwrap):
                best, best_faults = (coerced, fitted), faults
        return best

    def _by_policy(self, text: str, found: Found, view: SchemaView | None) -> Found:
        """A reading with what the policies want changed."""
        if self.policies == OURS:
            return found
        found = in_text(text, found)
        base = around(text, found.candidate)
        listed = view is not None and "array" in view.types()
        more = [] if listed else self._one(found.result)
        changes = compose(text, base, more)
        cut = not found.candidate.complete and text.rstrip()[-1:].isdigit()
        more = policy_changes(apply_edits(text, changes), view, self.policies, damaged=True, cut=cut)
        changes = compose(text, changes, more)
        if changes == base:
            return found
        inner = rewritten(text, found.candidate, base, changes)
        other = Found(read_piece(text, inner), inner, found.start, found.end)
        better = self.judge.faults(other.result.value) <= self.judge.faults(found.result.value)
        return other if better else found

    def _one(self, result: Repaired[Any]) -> list[Change]:
        """The changes that keep one of several values one after another."""
        joined = any(edit.rule == "several_values" and edit.after == "," for edit in result.edits)
        if self.policies.several == "all" or not joined:
            return []
        root = read_nodes(result.text)
        if root.kind != "array" or not root.items:
            return []
        item = root.items[0 if self.policies.several == "first" else -1]
        cost = cost_of("several_values")
        return [
            Change("several_values", root.start, item.start, "", cost),
            Change("several_values", item.end, root.end, "", 0.0),
        ]

    def _harder(self, text: str, view: SchemaView, error: json.JSONDecodeError | None) -> list[Found]:
        """Readings of a wider search, and those of objects around the data: what was lost is lost inside of it."""
        if len(text) > _MOST_HARD:
            return []
        found: list[Found] = []
        for whole in (view, *views_around(text, self.schema, view)):
            for candidate in find_candidates(text, self.level, self.bounds, whole, error, HARD):
                try:
                    fitted = self._fitted(text, candidate, view)
                except (ValueError, RepairError):
                    continue
                if self.judge.accepts(fitted.result.value):
                    found.append(self._by_policy(text, fitted, view))
        return found

    def _later(self, text: str) -> list[Found]:
        """The reading from a bracket on that begins a line, where what stands before it has none of the data."""
        if self.disguises or self.level == "safe" or len(text) > _MOST_LATER:
            return []
        for begin in islice(_BEGINS.finditer(text), 4):
            if not text[: begin.start(1)].strip():
                continue
            if _KEYS.search(text, 0, begin.start(1)) is not None or begin.start(1) > _MOST_HARD:
                break
            if found := self._read_as(text, [Change("prose", 0, begin.start(1), "", cost_of("prose"))]):
                return found
        return []

    def _without_nulls(self, text: str, found: list[Found], view: SchemaView) -> list[Found]:
        """Whole readings in which nothing is missing but members that may be null: those were left out."""
        if self.policies.absent != "error" or self.level != "salvage":
            return []
        filled = []
        for item in found:
            placed = in_text(text, item)
            base = around(text, placed.candidate)
            nulls = absent_nulls(placed.result.text, view) if placed.candidate.complete else []
            if nulls:
                inner = replace(
                    rewritten(text, placed.candidate, base, compose(text, base, nulls)), doubtful=True
                )
                result = read_piece(text, inner)
                if self.judge.accepts(result.value):
                    filled.append(Found(result, inner, placed.start, placed.end))
        return filled

    def _plain(self, text: str, view: SchemaView) -> list[Found]:
        """The whole answer as one string, for a schema that wants a scalar."""
        if not _wants_scalar(view) or len(text) > 100_000:
            return []
        start = answer_start(text)
        start += len(text[start:]) - len(text[start:].lstrip())
        end = len(text.rstrip())
        if start >= end:
            return []
        candidate = _as_string(text, start, end)
        fitted = self._fitted(text, candidate, view)
        return [fitted] if self.judge.accepts(fitted.result.value) else []

    def _continued(self, text: str, view: SchemaView) -> list[Found]:
        """An answer that goes on within its first member, whose name and quote stood in the prompt."""
        names = view.ordered_names()
        if not names or self.disguises == _MOST_DISGUISES or _WITHIN_FIRST.match(text) is None:
            return []
        opening = f'{{{json.dumps(names[0], ensure_ascii=False)}: "'
        return self._read_as(text, [Change("missing_opener", 0, 0, opening, cost_of("missing_opener"))], True)

    def _no_data(self, text: str) -> list[Found]:
        """A text without data, as the policy wants it."""
        if self.policies.no_data == "empty":
            cost = cost_of("prose")
            candidate = Candidate(0, len(text), (Change("prose", 0, len(text), '""', cost),), cost)
        else:
            start, end = len(text) - len(text.lstrip()), len(text.rstrip())
            if start >= end:
                return []
            cost = cost_of("unquoted_string")
            whole = Change("unquoted_string", start, end, json.dumps(text[start:end], ensure_ascii=False), cost)
            candidate = Candidate(start, end, (whole,), cost)
        found = Found(read_piece(text, candidate), candidate, 0, len(text))
        return [found] if self._allows(found.result.edits) else []


def _as_string(text: str, start: int, end: int) -> Candidate:
    """A span of the text as one string."""
    cost = cost_of("unquoted_string")
    string = StringReading("unquoted_string", start, start, end, end, cost)
    return Candidate(start, end, tuple(string.changes(text)), cost)


def _wants_scalar(view: SchemaView) -> bool:
    """Whether a scalar may stand here, or in a list or in the only member of an object here."""
    inner = [view]
    if "array" in view.types():
        inner.append(view.item(0))
    if len(names := view.names()) == 1:
        inner.append(view.member(*names))
    return any(part.types() - {"object", "array"} for part in inner)
