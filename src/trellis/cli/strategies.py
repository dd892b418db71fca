"""Strategies and budgets written on the command line: ``retry=4``, ``vote=5:retry=1``, ``best-of=3,score=shortest``."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from trellis.errors import UsageError, shown

FORMS = ("retry=N[,feedback=last|patch|none], vote=N[,match-items=NAME][,per-field=no], "
         "best-of=N[,score=logprob|shortest], beam=N; vote=5:retry=1 says how each sample is made")


def _switch(text: str) -> bool:
    if text not in ("yes", "no"):
        raise ValueError(text)
    return text == "yes"


_SETTINGS: dict[str, dict[str, Callable[[str], Any]]] = {
    "retry": {"feedback": str, "max-wait": float, "max-tokens": int},
    "vote": {"match-items": str, "per-field": _switch, "early-stop": _switch},
    "best-of": {"score": str},
    "beam": {},
}
"""Of each strategy, what may stand behind its number."""


def strategy_of(text: str) -> Any:
    """The strategy that a text names.

    Raises:
        UsageError: it names none.
    """
    import trellis

    kinds: dict[str, Callable[..., Any]] = {
        "retry": trellis.Retry, "vote": trellis.Vote, "best-of": trellis.BestOf, "beam": trellis.Beam}
    own, nested, inner = text.partition(":")
    head, *settings = own.split(",")
    name, _, count = (part.strip() for part in head.partition("="))
    if name not in kinds:
        raise UsageError(f"--strategy {shown(text)}: {name or 'nothing'!r} is no strategy", hint=FORMS)
    given = {key.replace("-", "_"): value for key, value in _pairs("--strategy", text, settings, _SETTINGS[name])}
    if nested:
        if name in ("retry", "beam"):
            raise UsageError(f"--strategy {shown(text)}: {name} makes no samples", hint=FORMS)
        given["of"] = strategy_of(inner)
    try:
        number = int(count)
    except ValueError:
        raise UsageError(f"--strategy {shown(text)}: {name}={count} is no number", hint=FORMS) from None
    return kinds[name](number, **given)


def strategy_from(text: str | None, retries: int | None, draft: bool, judge: str | None,
                  judge_model: str | None) -> Any:
    """The strategy of a command's options.

    Raises:
        UsageError: an option is wrong, or two say different things.
    """
    import trellis

    if text is not None and retries is not None:
        raise UsageError("--strategy and --retries both say how often to ask", hint=f"--strategy retry={retries}")
    if judge is None and judge_model is not None:
        raise UsageError("--judge-model without --judge", hint="--judge 'what the answer is judged by'")
    found = strategy_of(text) if text is not None else trellis.Retry(2 if retries is None else retries)
    if draft:
        found = trellis.Draft(of=found)
    return found if judge is None else trellis.Judge(judge_model, judge, of=found)


def budget_of(text: str | None) -> Any:
    """The budget that a text such as ``calls=10,seconds=60`` names; ``None`` for none.

    Raises:
        UsageError: it names none.
    """
    import trellis

    if text is None:
        return None
    kinds: dict[str, Callable[[str], Any]] = {"calls": int, "tokens": int, "seconds": float}
    budget = trellis.Budget()
    for key, value in _pairs("--budget", text, text.split(","), kinds):
        budget = replace(budget, **{key: value})
    return budget


def _pairs(option: str, text: str, parts: list[str], kinds: dict[str, Callable[[str], Any]]) -> list[tuple[str, Any]]:
    pairs = []
    for part in parts:
        key, _, value = (piece.strip() for piece in part.partition("="))
        try:
            pairs.append((key, kinds[key](value)))
        except KeyError:
            known = ", ".join(f"{one}=..." for one in kinds) or "nothing but its number"
            raise UsageError(f"{option} {shown(text)}: {key or 'nothing'!r} is no part of it",
                             hint=f"it takes {known}") from None
        except ValueError:
            raise UsageError(f"{option} {shown(text)}: {key}={value} cannot be", hint=FORMS if option == "--strategy"
                             else "calls=N,tokens=N,seconds=N") from None
    return pairs
