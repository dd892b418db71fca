"""Names that a schema does not declare: classes of them, by what the values under them have to be."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from trellis.errors import LimitError
from trellis.masking import schema_front_strings as strings
from trellis.schema import clock
from trellis.schema.languages import automaton, partition
from trellis.schema.normal import Normalizer
from trellis.schema.patterns import Pattern
from trellis.schema.shapes import ANY_NAME, Conjunction, Objects, Rule, Strings, both, is_never

Wanted = tuple[tuple[Conjunction, ...], ...]  # for each clause of ``some``, the values under some name that satisfy it


class Other(NamedTuple):
    """Names that are not listed and have the same to satisfy."""

    names: strings.Names
    value: Conjunction
    wanted: Wanted


def others_of(objects: Objects, listed: list[str], normal: Normalizer) -> list[Other]:
    """The names that are not listed, by what the values under them have to be."""
    base: Conjunction = ()
    ruled: list[Rule] = []
    for names, value in objects.rules:
        if names._replace(pointer="") == ANY_NAME:
            base = both(base, value)
        else:
            ruled.append((names._replace(pointer=""), value))
    if is_never(base):
        return []
    asked = [names._replace(pointer="", excluded=()) for clause in objects.some for names, _ in clause.rules]
    languages = tuple(dict.fromkeys([*(names for names, _ in ruled), *(names for names in asked if names != ANY_NAME)]))

    def other(names: strings.Names, label: frozenset[int]) -> Other:
        value = base
        for language, inner in ruled:
            if languages.index(language) in label:
                value = both(value, inner)
        return Other(names, value, tuple(tuple(
            wanted for asking, wanted in clause.rules
            if (language := asking._replace(pointer="", excluded=())) == ANY_NAME or languages.index(language) in label)
            for clause in objects.some))

    if not languages:
        return [other(strings.names_outside(listed), frozenset())]
    try:
        none = strings.Names(b"")
        return [made for names, label in _classes(languages, listed, lambda label: is_never(other(none, label).value))
                if not is_never((made := other(names, label)).value)]
    except LimitError as error:
        if clock.is_over(error):
            raise
        normal.refuse(error.message, objects.pointer)
        return [Other(strings.names_outside(listed), (), tuple(((),) for _ in objects.some))]


def _classes(languages: tuple[Strings, ...], listed: list[str],
             forbidden: Callable[[frozenset[int]], bool]) -> list[tuple[strings.Names, frozenset[int]]]:
    """The names that are not listed, by the languages that they belong to (by index)."""
    pattern = _one_pattern(languages)
    if pattern is None:
        unlisted = Strings(excluded=tuple(listed))
        return [(names, label - {len(languages)}) for label, found in partition((*languages, unlisted)).items()
                if len(languages) in label for names in strings.names_of(found)]
    having = frozenset(i for i, one in enumerate(languages) if one.patterns)
    lacking = frozenset(range(len(languages))) - having
    classes = [(names, having) for names in ([] if forbidden(having) else strings.names_with(pattern, listed))]
    if not forbidden(lacking):
        rest = automaton(Strings(forbidden=(pattern,), excluded=tuple(
            name for name in listed if not pattern.matches(name))))
        classes += [(names, lacking) for names in strings.names_of(rest)]
    return classes


def _one_pattern(languages: tuple[Strings, ...]) -> Pattern | None:
    """The pattern that all of the languages have, or lack, and nothing else."""
    pattern = next(iter(languages[0].patterns + languages[0].forbidden), None)
    plain = all(one in (Strings(patterns=(pattern,)), Strings(forbidden=(pattern,))) for one in languages if pattern)
    return pattern if plain else None
