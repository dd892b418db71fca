"""Arrays as automata: positions, numbers of items, how many are of a kind, and values that must not come again.

Where these are few, each state knows which were there; else the masks remember the items
(``GeneralProgram.unique_opens``).
"""

from __future__ import annotations

from collections.abc import Callable

from trellis.errors import LimitError
from trellis.masking.schema_front_supply import Supply, enough
from trellis.masking.schema_front_writer import Body, Writer
from trellis.schema import clock
from trellis.schema.normal import Normalizer
from trellis.schema.resolve import Place, join, negate
from trellis.schema.shapes import Arrays, Conjunction, both

MAX_COUNTED = 10_000  # items that are counted one by one
MAX_DIFFERENT = 11  # values of which each may come once: all sets of them are states
MAX_KINDS = 4_000  # states of an array whose items are counted by their kinds, or must differ


def array_body(arrays: Arrays, writer: Writer, normal: Normalizer) -> Body:
    """The automaton of some arrays.

    Raises:
        UnsupportedError: their items cannot be kept apart.
        LimitError: they need too many states.
    """
    arrays = arrays._replace(unique=arrays.unique and (arrays.maximum is None or arrays.maximum > 1))
    if arrays.unique:
        different = _different(arrays, normal)
        if different is not None:
            return _counting(arrays._replace(unique=False), writer, different)
        found = enough(arrays, Supply(normal))
        if found is None:
            normal.refuse("masks cannot tell whether there are always enough items for 'uniqueItems' here",
                          join(arrays.pointer, "uniqueItems"))
            arrays = arrays._replace(unique=False)
        elif not found:
            return lambda source, target: None
    if arrays.contains:
        return _counting(arrays, writer, None)
    return lambda source, target: _plain(arrays, writer, source, target)


def _plain(arrays: Arrays, writer: Writer, source: int, target: int) -> None:
    """``[``, items one by one while their position or number matters, then a loop."""
    builder, marks = writer.builder, writer.unique if arrays.unique else writer.separators
    last = arrays.maximum
    counted = max(len(arrays.prefix), arrays.minimum) if last is None else last
    if (last is not None and counted > MAX_COUNTED) or arrays.minimum > MAX_COUNTED:
        raise LimitError(f"masks count at most {MAX_COUNTED} items (at {arrays.pointer or 'the root'})", limit="items")
    begin = writer.step(source, marks.open_array, "[")
    if arrays.minimum == 0:
        writer.empty(source, begin, target, "[]")
    after = begin
    for index in range(counted):
        clock.spend()
        before = begin if index == 0 else writer.step(after, marks.comma, ",")
        after = builder.state()
        writer.value(arrays.item(index), before, after)
        if index + 1 >= arrays.minimum:
            builder.terminal(after, marks.close_array, target, "]")
    if last is None:
        if counted == 0:
            after = builder.state()
            writer.value(arrays.items, begin, after)
            builder.terminal(after, marks.close_array, target, "]")
        again = writer.step(after, marks.comma, ",")
        if counted == 0:
            writer.value(arrays.items, again, after)
        else:
            loop = builder.state()
            writer.value(arrays.items, again, loop)
            builder.terminal(loop, marks.comma, again, ",")
            builder.terminal(loop, marks.close_array, target, "]")


def _different(arrays: Arrays, normal: Normalizer) -> list[Place] | None:
    """The values that items can have, where they are few; each may come once."""
    positions = len(arrays.prefix) + 1 if arrays.maximum is None else min(len(arrays.prefix) + 1, arrays.maximum)
    values = normal.values_of([arrays.item(i) for i in range(positions)])
    if values is None or (len(values) > MAX_DIFFERENT and (arrays.maximum is None or arrays.maximum > 3)):
        return None
    return values


def _counting(arrays: Arrays, writer: Writer, different: list[Place] | None) -> Body:
    """Each state knows how many items there were, how many of each kind, and which values may not come again."""
    settled = max([len(arrays.prefix), arrays.minimum, *(it.start for it in arrays.contains)])
    top = settled if arrays.maximum is None else arrays.maximum
    if top > MAX_COUNTED:
        raise LimitError(f"masks count at most {MAX_COUNTED} items (at {arrays.pointer or 'the root'})", limit="items")
    State = tuple[int, tuple[int, ...], frozenset[int]]

    def choices(state: State) -> list[tuple[Conjunction, State]]:
        """What the next item may be, and the state behind it."""
        index, counts, used = state
        options: list[tuple[Conjunction, tuple[int, ...]]] = [(arrays.item(index), ())]
        for number, contains in zip(counts, arrays.contains, strict=True):
            grown: list[tuple[Conjunction, tuple[int, ...]]] = []
            for item, so_far in options:
                if index < contains.start or (contains.maximum is None and number >= contains.minimum):
                    grown.append((item, (*so_far, number)))
                    continue
                if contains.maximum is None:
                    grown.append((item, (*so_far, number)))  # it may be of the kind, and not be counted
                else:
                    grown += [(both(item, (negate(place),)), (*so_far, number)) for place in contains.wanted]
                if contains.maximum is None or number < contains.maximum:
                    grown.append((both(item, contains.wanted), (*so_far, number + 1)))
            options = grown
            clock.spend(len(options))
        after = index + 1 if arrays.maximum is not None else min(index + 1, top)
        if different is None:
            return [(item, (after, numbers, used)) for item, numbers in options]
        return [(both(item, (place,)), (after, numbers, used | {i})) for item, numbers in options
                for i, place in enumerate(different) if i not in used]

    def may_end(state: State) -> bool:
        index, counts, _ = state
        return index >= arrays.minimum and all(
            number >= contains.minimum for number, contains in zip(counts, arrays.contains, strict=True))

    return lambda source, target: _explored(arrays, writer, source, target, choices, may_end)


def _explored(arrays: Arrays, writer: Writer, source: int, target: int,
              choices: Callable[..., list[tuple[Conjunction, tuple[int, tuple[int, ...], frozenset[int]]]]],
              may_end: Callable[..., bool]) -> None:
    builder, marks = writer.builder, writer.unique if arrays.unique else writer.separators
    start = (0, (0,) * len(arrays.contains), frozenset[int]())
    begin = writer.step(source, marks.open_array, "[")
    after: dict[tuple[int, tuple[int, ...], frozenset[int]], int] = {}
    work = [(begin, start)]
    if may_end(start):
        writer.empty(source, begin, target, "[]")
    for before, state in work:  # grows
        if arrays.maximum is not None and state[0] >= arrays.maximum:
            continue
        for item, following in choices(state):
            clock.spend()
            if following not in after:
                if len(after) >= MAX_KINDS:
                    raise LimitError(f"masks count items in at most {MAX_KINDS} states "
                                     f"(at {arrays.pointer or 'the root'})",
                                     limit="items")
                after[following] = builder.state()
                if may_end(following):
                    builder.terminal(after[following], marks.close_array, target, "]")
                work.append((writer.step(after[following], marks.comma, ","), following))
            writer.value(item, before, after[following])


