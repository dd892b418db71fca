"""What calls share: a model, a budget, a log and a cache."""

from __future__ import annotations

import os
import warnings
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NoReturn

from trellis.errors import UsageError, looking_at_arguments, shown
from trellis.models import BUILT_IN, Model, resolve_model
from trellis.result import Usage
from trellis.runlog.log import RunLog
from trellis.strategy import Budget, Meter, Price

if TYPE_CHECKING:
    from trellis.store.cache import Cache

MODEL_VARIABLE = "TRELLIS_MODEL"


class Session:
    """A model, a budget, a log and a cache for many calls; may be shared between threads and tasks.

    Args:
        model: as in ``generate_structured``; found once, so that its connections are used again.
        budget: what all calls may spend together.
        log: a file to log every call and attempt to, or a ``RunLog``.
        cache: a file to keep replies in, or a ``Cache``: the same request is then answered from it.
        prices: what models cost, by their names (``"openai/gpt-5.5"``), for ``usage.money`` and budgets of money.

    Raises:
        UnknownModelError, MissingExtraError, AuthenticationError: the model cannot be had.
        UsageError: the budget or a price is none, or the log or cache cannot be used.
    """

    def __init__(self, *, model: Any = None, budget: Budget | None = None,
                 log: RunLog | str | os.PathLike[str] | None = None,
                 cache: Cache | str | os.PathLike[str] | None = None,
                 prices: Mapping[str, Price] | None = None) -> None:
        if budget is not None and not isinstance(budget, Budget):
            raise UsageError(f"budget={shown(budget)} is no Budget", hint="Session(budget=Budget(calls=10))")
        with looking_at_arguments():
            self.model: Model | None = None if model is None else resolve_model(model)
            self.log = log if log is None or isinstance(log, RunLog) else RunLog(log)
            self.cache = _cache(cache)
            self.meter = Meter(budget, prices=_checked_prices(prices))

    def __reduce__(self) -> NoReturn:
        raise UsageError("a session cannot be pickled: it holds connections, counts and open files",
                         hint="make one in each process; the files of a log and of a cache may be the same")

    def cached(self, model: Model) -> Model:
        """The model, behind the session's cache if there is one."""
        if self.cache is None:
            return model
        from trellis.store.cache import CachedModel

        return CachedModel(model, self.cache)

    @property
    def usage(self) -> Usage:
        """What all calls have cost so far."""
        return self.meter.usage


def _cache(cache: Any) -> Cache | None:
    if cache is None:
        return None
    from trellis.store.cache import Cache

    if isinstance(cache, Cache):
        return cache
    if not isinstance(cache, str | os.PathLike):
        raise UsageError(f"cache={shown(cache)} is no file", hint='Session(cache="replies.sqlite")')
    return Cache(cache)


def _checked_prices(prices: Any) -> Mapping[str, Price]:
    right = prices is None or (isinstance(prices, Mapping)
                               and all(isinstance(price, Price) for price in prices.values()))
    if not right:
        raise UsageError(f"prices={shown(prices)} is no dict from names of models to prices",
                         hint='prices={"openai/gpt-5.5": trellis.Price(prompt=1.25, completion=10)}')
    return prices or {}


def model_for(model: Any, session: Session) -> tuple[Model, list[str]]:
    """The model of a call, and what there is to say about the choice: the call's, the session's, ``$TRELLIS_MODEL``,
    or the built-in one."""
    if model is not None:
        return resolve_model(model), []
    if session.model is not None:
        return session.model, []
    if named := os.environ.get(MODEL_VARIABLE):
        return resolve_model(named), []
    said = (f"no model was given: this is {BUILT_IN}, the small built-in one, for first steps; "
            f'model="..." or ${MODEL_VARIABLE} names another')
    warnings.warn(said, UserWarning, stacklevel=4)
    return resolve_model(BUILT_IN), [said]
