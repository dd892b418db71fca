"""Objects as automata: which names may come next, given those that have come.

In the schema's order the properties are a chain in which optional ones are skipped, and names that are not declared
come last. In any order, the names that have to be remembered (required ones, those that others ask for) are kept as
the set of those seen; where such sets are many, as the number of those of each kind. All other names may come anywhere
between them. That no name comes twice is for whoever walks the program to see (``GeneralProgram.names_once``), wherever
the automaton cannot.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal, NamedTuple

from trellis.errors import LimitError
from trellis.masking import schema_front_strings as strings
from trellis.masking.left_corner import CALL, TERMINAL
from trellis.masking.schema_front_counted import Counted, Step
from trellis.masking.schema_front_emptiness import Emptiness
from trellis.masking.schema_front_names import Wanted, others_of
from trellis.masking.schema_front_writer import Writer
from trellis.masking.terminals import UNBOUNDED
from trellis.schema import clock
from trellis.schema.languages import ENDLESS
from trellis.schema.normal import Normalizer
from trellis.schema.resolve import join, negate
from trellis.schema.shapes import Clause, Conjunction, Literals, Objects, both, is_never, key_of

Order = Literal["schema", "any"]
MAX_OBJECT_STATES = 10_000
FEW_NAMES = 1_000_000  # an object that has said so many could be short of others
MAX_VARIANTS = 64  # of one value, by the clauses that it satisfies
MAX_SETS = 1_500  # edges between sets of names, when names come in any order


class _Register(NamedTuple):
    """What an object remembers of its properties."""

    at: int  # how far the chain is
    seen: frozenset[int]  # names of the chain that still matter
    number: int
    found: tuple[bool, ...]  # for each clause of ``some``


class ObjectAutomaton:
    """Writes the automaton of some objects."""

    def __init__(self, objects: Objects, writer: Writer, normal: Normalizer, order: Order,
                 emptiness: Emptiness) -> None:
        self.objects, self.writer, self.normal, self.emptiness = objects, writer, normal, emptiness
        listed = dict.fromkeys((*objects.properties, *objects.required,
                                *(name for pair in objects.implied for name in pair),
                                *(name for clause in objects.some for name in _names_in(clause))))
        self.declared = listed
        self.members = {name: objects.member(name) for name in listed}
        self._variants: dict[Any, list[tuple[Conjunction, tuple[bool, ...]]]] = {}
        self._wanted: dict[str, Wanted] = {}
        self.others = [] if objects.maximum == 0 else others_of(objects, list(listed), normal)
        self.required = set(objects.required)
        few = self._declare_few()
        allowed = [name for name in (*listed, *few) if not is_never(self.members[name])]
        self.counts = self._counts(allowed)
        self.far = [any(other.wanted[i] for other in self.others) for i in range(len(self.objects.some))]
        self.chain, self.floating, self.ordered = allowed, list[str](), len(allowed) - len(few)
        self.others_anywhere, self.in_sets = order == "any", False
        self.kinds: Counted | None = None
        if order == "any" and len(allowed) + len(self.others) > 1:
            self._reorder(allowed)
        if self.others or self.floating:
            counted = self.objects.minimum > max(len(self.required), 1) or bool(self.objects.some)
            writer.builder.names_once(self._names_once(), counted or self.kinds is not None)
        self.place = {name: i for i, name in enumerate(self.chain)}
        self.near = [[at for at, name in enumerate(self.chain) if name in clause.absent or self.wanted(name)[i]]
                     for i, clause in enumerate(self.objects.some)]  # clauses that names of the chain may satisfy
        self.asked: dict[int, list[int]] = {}
        self.askers: dict[int, list[int]] = {}
        for name, other in objects.implied:
            if name in self.place:
                self.asked.setdefault(self.place[name], []).append(self.place.get(other, -1))
                if other in self.place:
                    self.askers.setdefault(self.place[other], []).append(self.place[name])

    def _declare_few(self) -> list[str]:
        """Where values or numbers of names matter, a few that are not declared are listed beside those that are."""
        it = self.objects
        if not it.some and it.minimum <= max(len(self.required), 1):
            return []
        few = {name: other.value for other in self.others for name in other.names.words}
        self.members |= few
        self.others = [other for other in self.others if not other.names.words]
        return list(few)

    def _reorder(self, allowed: list[str]) -> None:
        """Find out how to remember what has come, when properties come in any order."""
        it = self.objects
        matter = self.required.union(*it.implied, *(clause.absent for clause in it.some))
        kept = allowed if self.counts else [name for name in allowed if name in matter or any(self.wanted(name))]
        if len(allowed) * 2 ** len(allowed) <= 200 or self.counts:  # all are remembered, so none comes twice
            kept = allowed
        self.in_sets = (len(allowed) + len(self.others)) * 2 ** len(kept) <= MAX_SETS
        self.chain, self.floating = [], allowed
        if not self.in_sets:
            top = (it.minimum if it.maximum is None else it.maximum) if self.counts else 0
            try:
                self.kinds = Counted(self, top)
                return
            except LimitError as error:
                if clock.is_over(error):
                    raise
        self.chain, self.floating = kept, [name for name in allowed if name not in set(kept)]
        self.ordered = 0 if self.in_sets else sum(name in self.declared for name in kept)
        if not self.in_sets:
            self.normal.in_order[it.pointer] = None

    def _counts(self, allowed: list[str]) -> bool:
        """Whether the number of properties matters."""
        it = self.objects
        closed = not self.others
        few = [other for other in self.others if other.names.number < max(FEW_NAMES, it.minimum)]
        if it.minimum > max(len(self.required), 1) and few and len(few) == len(self.others):
            self.normal.refuse("masks cannot enforce 'minProperties' yet where undeclared names are few",
                               join(it.pointer, "minProperties"))
            self.objects = it = it._replace(minimum=min(len(self.required), 1))
        if any(any(other.wanted) for other in few):
            self.normal.refuse("masks cannot ask for a property yet where undeclared names are few", it.pointer)
            self.objects = it = it._replace(some=())
            self.others = [other._replace(wanted=()) for other in self.others]
        bounded = it.maximum is not None and not (closed and len(allowed) <= it.maximum)
        return bounded or self.objects.minimum > max(len(self.required), 1)

    def _names_once(self) -> int:
        """How many names there are at least when none is left that the automaton does not remember."""
        numbers = [other.names.number for other in self.others]
        if numbers and min(numbers) == UNBOUNDED and (not self.floating or any(
                other.names == strings.names_outside(list(self.members)) for other in self.others)):
            return UNBOUNDED if not (self.kinds is not None and self.counts) else ENDLESS
        return min(sum(numbers) + len(self.floating), ENDLESS)

    def write(self, source: int, target: int) -> None:
        """Everything from ``{`` to ``}``.

        Raises:
            LimitError: too much has to be remembered.
        """
        if any(is_never(self.members[name]) for name in self.required):
            return
        if not (self.others_anywhere or self.counts or self.objects.some or self.objects.implied):
            self.write_chain(source, target)
            return
        if self.kinds is not None:
            self.write_counted(self.kinds, source, target)
            return
        if self.in_sets and not self.counts and not self.objects.some:
            self.write_sets(source, target)
            return
        builder, marks = self.writer.builder, self.writer.separators
        start = _Register(0, frozenset(), 0, (False,) * len(self.objects.some))
        begin = self.writer.step(source, marks.open_object, "{")
        choose, after = {start: builder.state()}, dict[_Register, int]()
        builder.epsilon(begin, choose[start])
        if self.objects.minimum == 0 and self.may_end(start):
            self.writer.empty(source, begin, target, "{}")
        work = [start]
        for register in work:  # grows
            for names, value, following in self.options(register):
                clock.spend(2)
                if self.hopeless(following):
                    continue
                if following not in after:
                    after[following] = builder.state()
                    if len(after) > MAX_OBJECT_STATES:
                        raise LimitError(f"an object needs more than {MAX_OBJECT_STATES} states "
                                         f"(at {self.objects.pointer or 'the root'})", limit="states")
                    if self.may_end(following):
                        builder.terminal(after[following], marks.close_object, target, "}")
                    if following not in choose:
                        choose[following] = builder.state()
                        work.append(following)
                    builder.terminal(after[following], marks.comma, choose[following], ",")
                self.member(choose[register], names, value, after[following])
            skipped = self.skipped(register)
            if skipped is not None and not self.hopeless(skipped):
                if skipped not in choose:
                    choose[skipped] = builder.state()
                    work.append(skipped)
                builder.epsilon(choose[register], choose[skipped])

    def write_chain(self, source: int, target: int) -> None:
        """The same, where nothing has to be remembered but how far the chain is."""
        builder, marks, chain = self.writer.builder, self.writer.separators, self.chain
        choose = [builder.state() for _ in range(len(chain) + 1)]
        ends_from = max((i + 1 for i, name in enumerate(chain) if name in self.required), default=0)
        begin = self.writer.step(source, marks.open_object, "{")
        builder.epsilon(begin, choose[0])
        if ends_from == 0 and self.objects.minimum == 0:
            self.writer.empty(source, begin, target, "{}")
        for i, name in enumerate(chain):
            clock.spend()
            after = builder.state()
            self.writer.value(self.members[name], self.writer.name(choose[i], name), after)
            if name not in self.required:
                builder.epsilon(choose[i], choose[i + 1])
            if i + 1 >= ends_from:
                builder.terminal(after, marks.close_object, target, "}")
            builder.terminal(after, marks.comma, choose[i + 1], ",")
        loop = builder.state()
        for other in self.others:
            self.member(choose[-1], other.names, other.value, loop)
        builder.terminal(loop, marks.close_object, target, "}")
        builder.terminal(loop, marks.comma, choose[-1], ",")

    def write_sets(self, source: int, target: int) -> None:
        """The same in any order: a set is an integer, name i of the chain is its bit i."""
        writer, builder, marks = self.writer, self.writer.builder, self.writer.separators
        rules = [(1 << i, rule) for i, name in enumerate(self.chain)
                 if (rule := self.property_rule(name, self.members[name])) is not None]
        free = [rule for name in self.floating if (rule := self.property_rule(name, self.members[name])) is not None]
        free += [rule for it in self.others if (rule := self.property_rule(it.names, it.value)) is not None]
        needed = sum(1 << i for i, name in enumerate(self.chain) if name in self.required)
        asked = [(1 << i, sum(1 << other for other in others if other >= 0), min(others) < 0)
                 for i, others in self.asked.items()]
        begin = writer.step(source, marks.open_object, "{")
        if not needed and self.objects.minimum == 0:
            self.writer.empty(source, begin, target, "{}")
        comma, close = builder.symbol(marks.comma, ","), builder.symbol(marks.close_object, "}")
        rows: list[int] = []
        states = {0: builder.states(2)}  # by what is seen: behind a property, and behind the comma
        builder.epsilon(begin, states[0][1])
        work = [0]
        for seen in work:  # grows
            after, choose = states[seen]
            clock.spend()
            rows += (after, TERMINAL, comma, choose)
            if seen & needed == needed and all(not seen & i or (seen & others == others and not never)
                                               for i, others, never in asked):
                rows += (after, TERMINAL, close, target)
            for rule in free:
                rows += (choose, CALL, rule, after)
            for bit, rule in rules:
                if not seen & bit:
                    following = states.get(seen | bit)
                    if following is None:
                        following = states[seen | bit] = builder.states(2)
                        work.append(seen | bit)
                    rows += (choose, CALL, rule, following[0])
        builder.add(rows)

    def write_counted(self, kinds: Counted, source: int, target: int) -> None:
        """The same in any order, where the names are too many for sets: how many of each kind there were."""
        builder, marks, it = self.writer.builder, self.writer.separators, self.objects
        if kinds.impossible or (not self.others and len(self.floating) < it.minimum):
            return
        begin = self.writer.step(source, marks.open_object, "{")
        states = [(builder.state(), builder.state()) for _ in kinds.states]  # behind a property, and behind the comma
        builder.epsilon(begin, states[0][1])
        if it.minimum == 0 and kinds.may_end(kinds.states[0]):
            self.writer.empty(source, begin, target, "{}")
        for (after, choose), state in zip(states, kinds.states, strict=True):
            builder.terminal(after, marks.comma, choose, ",")
            if kinds.may_end(state):
                builder.terminal(after, marks.close_object, target, "}")
        for at, rule, following in kinds.edges:
            builder.call(states[at][1], self.any_of(rule, kinds), states[following][0])

    def any_of(self, rule: Step, kinds: Counted) -> int:
        """The rule of any one property of some kind."""
        def body(source: int, target: int) -> None:
            for it, value in kinds.members(rule):
                self.member(source, it if isinstance(it, str) else it.names, value, target)

        return self.writer.rule((id(self.objects), rule), "a property", body, self.objects)

    def property_rule(self, names: str | strings.Names, value: Conjunction) -> int | None:
        """The rule of a name, a colon and a value; None when there is no such value."""
        def body(source: int, target: int) -> None:
            self.member(source, names, value, target)

        if not self.writer.ports(value):
            return None
        key = (names, key_of(value))
        return self.writer.rule(key, "a property", body, value)

    def member(self, source: int, names: str | strings.Names, value: Conjunction, target: int) -> None:
        """A name, a colon and a value."""
        named = (self.writer.name(source, names) if isinstance(names, str) else
                 self.writer.other_name(source, names.code))
        self.writer.value(value, named, target)

    def options(self, register: _Register) -> Iterator[tuple[str | strings.Names, Conjunction, _Register]]:
        """The properties that may come next: name, value, and what is known after them."""
        if self.objects.maximum is not None and self.counts and register.number >= self.objects.maximum:
            return
        number = self.counted(register.number)
        if self.in_sets:
            places = [i for i in range(len(self.chain)) if i not in register.seen]
        else:
            places = [register.at] if register.at < self.ordered else [
                i for i in range(self.ordered, len(self.chain)) if i not in register.seen]
        for i in places:
            if not self.in_sets and self.dead_end(register, i):
                continue
            name = self.chain[i]
            following = register._replace(at=0 if self.in_sets else min(i + 1, self.ordered), number=number,
                                          seen=self.remembered(register.seen | {i}, i + 1))
            for value, found in self.variants(self.members[name], register.found, self.wanted(name)):
                yield name, value, following._replace(found=found)
        if not self.others_anywhere and register.at < self.ordered:
            return
        for name in self.floating:
            yield name, self.members[name], register._replace(number=number)
        for names, member, wanted in self.others:
            for value, found in self.variants(member, register.found, wanted):
                yield names, value, register._replace(number=number, found=found)

    def variants(self, value: Conjunction, found: tuple[bool, ...],
                 wanted: Wanted) -> list[tuple[Conjunction, tuple[bool, ...]]]:
        """Values by the clauses that they satisfy."""
        key = (key_of(value), found, id(wanted))
        if key not in self._variants:
            self._variants[key] = self._told_apart(value, found, wanted)
        return self._variants[key]

    def _told_apart(self, value: Conjunction, found: tuple[bool, ...],
                    wanted: Wanted) -> list[tuple[Conjunction, tuple[bool, ...]]]:
        asking = [i for i, ways in enumerate(wanted) if ways and not found[i]]
        results = {(found, key_of(value)): value}
        for key_of_way, way in {key_of(way): way for i in asking for way in wanted[i]}.items():
            helped = {i for i in asking if key_of_way in map(key_of, wanted[i])}
            certain = self.certain(value, way)
            for (states, key), inner in list(results.items()):
                better = tuple(state or i in helped for i, state in enumerate(states))
                if better == states:
                    continue
                chosen, rest = (inner, None) if certain else (both(inner, way), self.not_wanted(inner, way))
                if rest != inner:
                    del results[states, key]
                if rest and rest != inner:
                    results[states, key_of(rest)] = rest
                if certain or self.normal.shape(chosen):
                    results[better, key_of(chosen)] = chosen
            if len(results) > MAX_VARIANTS:
                raise LimitError(f"alternatives that differ in too many ways (at {self.objects.pointer or 'the root'})",
                                 limit="alternatives")
        return [(inner, states) for (states, _), inner in results.items()]

    def not_wanted(self, value: Conjunction, wanted: Conjunction) -> Conjunction | None:
        """The values that are not wanted, where these are given one by one; None when there are none. Else all values:
        that some of them are wanted as well does no harm."""
        if len(wanted) != 1:
            return value
        rest = both(value, (negate(wanted[0]),))
        shape = self.normal.shape(rest)
        if not shape:
            return None
        return rest if all(isinstance(case, Literals) for case in shape) else value

    def certain(self, value: Conjunction, wanted: Conjunction) -> bool:
        """Whether every such value is certainly a wanted one."""
        return all(not self.normal.shape(both(value, (negate(place),))) for place in wanted)

    def wanted(self, name: str) -> Wanted:
        """The values of a name that satisfy each clause."""
        if name not in self._wanted:
            member = self.members[name]
            ways = [(*(value for other, value in clause.values if other == name),
                     *(value for names, value in clause.rules if names.has(name))) for clause in self.objects.some]
            self._wanted[name] = tuple(tuple(
                tuple(map(self.normal.sameness.first, way)) for way in some if self.normal.shape(both(member, way)))
                for some in ways)
        return self._wanted[name]

    def hopeless(self, register: _Register) -> bool:
        """Whether nothing that is still to come can satisfy some clause."""
        return any(not found and not self.far[i] and not any(
            at >= register.at and at not in register.seen for at in self.near[i])
            for i, found in enumerate(register.found))

    def counted(self, number: int) -> int:
        if not self.counts:
            return 0
        return number + 1 if self.objects.maximum is not None else min(number + 1, self.objects.minimum)

    def remembered(self, seen: frozenset[int], at: int) -> frozenset[int]:
        """The names seen that still matter: all of them in sets; in a chain those that are tied to one to come."""
        if self.in_sets or not seen:
            return seen
        return frozenset(i for i in seen if i >= self.ordered or any(other >= at for other in (*self.asked.get(i, ()),
                                                                         *self.askers.get(i, ()))))

    def dead_end(self, register: _Register, i: int) -> bool:
        """Whether a name of the chain asks for one that did not come."""
        return any(other < i and other not in register.seen for other in self.asked.get(i, ()))

    def skipped(self, register: _Register) -> _Register | None:
        """What is known when the next name of the chain does not come; None when it has to."""
        if self.in_sets or register.at >= self.ordered:
            return None
        i = register.at
        if self.chain[i] in self.required or any(asker in register.seen for asker in self.askers.get(i, ())):
            return None
        return register._replace(at=i + 1, seen=self.remembered(register.seen, i + 1), found=tuple(
            found or self.chain[i] in clause.absent
            for clause, found in zip(self.objects.some, register.found, strict=True)))

    def may_end(self, register: _Register) -> bool:
        missing = {name for i, name in enumerate(self.chain) if i not in register.seen and i >= register.at}
        if not all(found or not missing.isdisjoint(clause.absent)
                   for clause, found in zip(self.objects.some, register.found, strict=True)):
            return False
        if self.counts and register.number < self.objects.minimum:
            return False
        if self.in_sets:
            return all(self.place[name] in register.seen for name in self.required if name in self.place) and not any(
                other not in register.seen for i in register.seen for other in self.asked.get(i, ()))
        return not any(self.chain[i] in self.required or any(asker in register.seen for asker in self.askers.get(i, ()))
                       for i in range(register.at, len(self.chain)))


def _names_in(clause: Clause) -> list[str]:
    """The names that a clause speaks of, or leaves out."""
    return [*(name for name, _ in clause.values), *clause.absent,
            *(name for names, _ in clause.rules for name in names.excluded)]
