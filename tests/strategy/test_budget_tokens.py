"""A budget of tokens or money bounds models that do not count tokens, too."""

from typing import Any

import pytest

import trellis
from trellis import Budget, FunctionModel, Price, Retry, Session
from trellis.errors import BudgetError


@pytest.mark.parametrize("budget", [Budget(tokens=60), Budget(money=0.00006)])
def test_tokens_that_a_model_does_not_count_are_estimated(budget: Any) -> None:
    model = FunctionModel(lambda prompt: "no", name="mine")
    session = Session(model=model, budget=budget, prices={"mine": Price(prompt=1, completion=1)})
    with pytest.raises(BudgetError) as caught:
        trellis.generate_structured("How many are there?", int, session=session, strategy=Retry(9))
    assert 1 <= len(caught.value.attempts) < 5
    assert session.usage.total_tokens > 0


def test_the_caller_is_told() -> None:
    session = Session(model=lambda prompt: "3", budget=Budget(tokens=1000))
    result = trellis.generate_structured("How many?", int, session=session)
    assert any("does not count its tokens" in warning for warning in result.warnings)
    assert trellis.generate_structured("How many?", int, model=lambda prompt: "3").usage.total_tokens == 0
