"""Whether what a value says stands in the text that it was taken from."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from decimal import Decimal, InvalidOperation
from difflib import SequenceMatcher
from typing import Any

from trellis.contract.values import pointer as step
from trellis.errors import UsageError, looking_at_arguments, shown
from trellis.result import FieldError
from trellis.strategy.verify import Check, Verifier

_NUMBER = re.compile(r"[-+−]?\d(?:[\d.,'’\u00a0\u202f ]*\d)?")
MAX_SHOWN = 60


def grounded_in(source: str, *, degree: float = 0.9, ignore: Sequence[str] = ()) -> Verifier:
    """A verifier: each text and number of a value must be found in the source.

    Texts are compared by their words, without case and punctuation: either they stand there as they are, or some run
    of as many words (one more or less) is alike to the ``degree`` (``difflib``'s ratio, 1 for the same). Numbers are
    found in any usual way of writing them (1234.5, 1,234.50, 1.234,50). True, false, null, ``Unknown`` and what is
    empty need no ground. The score is the share of texts and numbers that are found, and all of them have to be.

    Args:
        source: the text.
        degree: how alike a text has to be, from 0 to 1.
        ignore: JSON pointers of fields that are not checked, with what is in them; ``*`` stands for any one step
            (``"/lines/*/category"``).

    Raises:
        UsageError: an argument is of the wrong kind.
    """
    if not isinstance(source, str):
        raise UsageError(f"grounded_in takes a text, not {type(source).__name__}")
    if isinstance(degree, bool) or not isinstance(degree, int | float) or not 0 <= degree <= 1:
        raise UsageError(f"grounded_in(degree={shown(degree)}): a number from 0 to 1")
    with looking_at_arguments():
        paths: list[Any] = list(ignore) if isinstance(ignore, list | tuple) else [None]
    if not all(isinstance(one, str) for one in paths):
        raise UsageError(f"grounded_in(ignore={shown(ignore)}): a list of JSON pointers", hint='ignore=["/category"]')
    words = _words(source)
    text = f" {' '.join(words)} "
    numbers = {number for found in _NUMBER.findall(source) for number in _readings(found)}
    skipped = [re.compile("/".join("[^/]+" if step == "*" else re.escape(step) for step in one.split("/"))
                          + r"(/.*)?", re.DOTALL) for one in paths]

    def grounded(value: Any) -> Check:
        leaves = [(pointer, leaf) for pointer, leaf in _leaves(value, "")
                  if not any(pattern.fullmatch(pointer) for pattern in skipped)]
        errors = []
        for pointer, leaf in leaves:
            if isinstance(leaf, str):
                found = _stands(_words(leaf), words, text, degree)
            else:
                found = Decimal(str(leaf)) in numbers or Decimal(str(abs(leaf))) in numbers
            if not found:
                shown = repr(leaf) if len(repr(leaf)) <= MAX_SHOWN else repr(leaf)[:MAX_SHOWN] + "..."
                errors.append(FieldError(pointer, f"{shown} is not found in the source text"))
        return Check(1 - len(errors) / len(leaves) if leaves else 1.0, tuple(errors))

    return Verifier(grounded, 1.0, name="grounded_in")


def _words(text: str) -> list[str]:
    return re.findall(r"\w+", unicodedata.normalize("NFKC", text).casefold())


def _stands(wanted: list[str], words: list[str], text: str, degree: float) -> bool:
    phrase = " ".join(wanted)
    if f" {phrase} " in text or not wanted:
        return True
    if degree == 1:
        return False
    matcher = SequenceMatcher(None, b=phrase, autojunk=False)  # what it knows of b is kept between comparisons
    for size in (len(wanted), len(wanted) - 1, len(wanted) + 1):
        for start in range(len(words) - size + 1 if size else 0):
            matcher.set_seq1(" ".join(words[start : start + size]))
            if (matcher.real_quick_ratio() >= degree and matcher.quick_ratio() >= degree
                    and matcher.ratio() >= degree):
                return True
    return False


def _readings(written: str) -> Iterator[Decimal]:
    """What a number may mean: separators may group digits or mark the fraction."""
    plain = re.sub(r"['’\s]", "", written.replace("−", "-"))
    readings = {plain.replace(",", ""), plain.replace(".", "").replace(",", "."), *re.split(r"[\s,]+", written)}
    for reading in readings:
        try:
            yield Decimal(reading)
        except InvalidOperation:
            continue


def _leaves(value: Any, pointer: str) -> Iterator[tuple[str, Any]]:
    from pydantic_core import to_jsonable_python

    todo = [(pointer, to_jsonable_python(value, fallback=str))]
    while todo:
        place, data = todo.pop()
        if isinstance(data, dict) and list(data) == ["unknown"]:
            continue  # ``Unknown`` says why it does not say: nothing that the source could have
        if isinstance(data, dict):
            todo += [(place + step([name]), inner) for name, inner in reversed(data.items())]
        elif isinstance(data, list):
            todo += [(place + step([i]), inner) for i, inner in reversed(list(enumerate(data)))]
        elif isinstance(data, str | int | float) and not isinstance(data, bool) and data != "":
            yield place, data
