"""Hostile schemas end in a mask or in a typed error that says where, or which limit was hit."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from trellis.errors import LimitError, SchemaError, TrellisError, UnsupportedError
from trellis.masking.grammar import Grammar

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))
from schema_bombs import BOMBS, Bomb  # type: ignore[import-not-found]

sys.path.pop(0)


@pytest.mark.parametrize("bomb", [pytest.param(bomb, id=bomb.name) for bomb in BOMBS])
def test_it_ends_as_it_should(bomb: Bomb) -> None:
    if bomb.outcome is None:
        Grammar.from_json_schema(bomb.schema)
        return
    with pytest.raises(TrellisError) as caught:
        Grammar.from_json_schema(bomb.schema)
    error = caught.value
    assert type(error) is bomb.outcome
    if bomb.pointer is not None:
        assert isinstance(error, SchemaError | UnsupportedError)
        assert error.pointer == bomb.pointer
    assert (error.limit if isinstance(error, LimitError) else error.pointer) is not None
    assert error.hint


@pytest.mark.parametrize("bomb", [pytest.param(bomb, id=bomb.name) for bomb in BOMBS
                                  if bomb.outcome is UnsupportedError])
def test_what_is_refused_is_relaxed_on_request_or_beyond_a_limit(bomb: Bomb) -> None:
    try:
        relaxations: object = Grammar.from_json_schema(bomb.schema, on_unsupported="relax").relaxations
    except LimitError as error:
        relaxations = error.limit
    assert relaxations
