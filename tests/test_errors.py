"""The error tree: as it is drawn, and as it travels."""

import inspect
import pickle
import re

import pytest

from trellis import errors
from trellis.errors import (
    BudgetError,
    GrammarError,
    MissingExtraError,
    RateLimitError,
    RepairError,
    SchemaError,
    TrellisError,
    VocabularyError,
)

CLASSES = [value for value in vars(errors).values() if inspect.isclass(value) and issubclass(value, TrellisError)
           and not value.__name__.startswith("_")]


def test_the_tree_in_the_docstring_has_every_class() -> None:
    drawn = set(re.findall(r"\b[A-Z]\w+Error\b", errors.__doc__ or ""))
    assert drawn == {kind.__name__ for kind in CLASSES}
    assert set(errors.__all__) == drawn


def parent_of(line: str, above: list[str]) -> str:
    """The class that a drawn line hangs from: the last one above it that starts further left."""
    column = re.search(r"\w", line).start()  # type: ignore[union-attr]
    return next(name for name in reversed(above) if re.search(r"\w", name).start() < column)  # type: ignore[union-attr]


def test_the_tree_is_drawn_as_it_is() -> None:
    lines = [line for line in (errors.__doc__ or "").splitlines() if re.match(r"\s+(\W*)[A-Z]\w+Error\b", line)]
    for place, line in enumerate(lines[1:], 1):
        name = re.findall(r"[A-Z]\w+Error", line)[0]
        parent = re.findall(r"[A-Z]\w+Error", parent_of(line, lines[:place]))[0]
        if "," not in line:
            assert issubclass(getattr(errors, name), getattr(errors, parent)), (name, parent)


@pytest.mark.parametrize("error", [
    TrellisError("what", hint="do"),
    SchemaError("no schema", pointer="/a/b"),
    GrammarError("odd", line=2, column=3, source="start: a\nb: (", rule="b"),
    RepairError("broken", line=1, column=2, source="{x", limit="size"),
    MissingExtraError("not here", extra="openai"),
    RateLimitError("wait", retry_after=3.0),
    VocabularyError("no bytes", token_id=7),
    BudgetError("spent"),
], ids=lambda error: type(error).__name__)
def test_errors_travel_between_processes_with_all_they_carry(error: TrellisError) -> None:
    error.attempts = (1, 2)
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is type(error)
    assert str(again) == str(error)
    assert vars(again) == vars(error)
    assert again.args == error.args


def test_a_place_is_shown_with_a_caret() -> None:
    error = GrammarError("unexpected end", line=2, column=4, source="start: a\nb: (")
    assert str(error) == "unexpected end at line 2, column 4\nb: (\n   ^"


def test_a_caret_in_a_long_line_stays_in_sight() -> None:
    shown = errors.caret("x" * 500, 1, 300)
    line, mark = shown.split("\n")
    assert len(line) <= 80
    assert mark.index("^") < 80
    assert errors.caret("a", 5, 1) == ""


ENDS = [kind for kind in CLASSES if issubclass(kind, errors.GenerationError | errors.TransportError)
        and kind is not errors.GenerationError]


@pytest.mark.parametrize("kind", ENDS, ids=lambda kind: kind.__name__)
def test_what_ends_a_run_says_what_to_do(kind: type[TrellisError]) -> None:
    assert kind("it failed").hint
    assert kind("it failed", hint="this").hint == "this"
    assert pickle.loads(pickle.dumps(kind("it failed"))).hint == kind.usual_hint
