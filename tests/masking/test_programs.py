"""Programs built by hand: every kind of terminal, recursion of all sorts, and what the builder refuses."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from trellis.errors import GrammarError, LimitError
from trellis.masking import left_corner, program, schema_front_plain
from trellis.masking.bitmask import allocate_bitmask, allowed_tokens
from trellis.masking.compiled import Matcher
from trellis.masking.grammar import Grammar
from trellis.masking.program import AutomatonBuilder, GeneralProgram, pack, unpack
from trellis.masking.schema_front import compile_schema
from trellis.masking.terminals import (
    alternate,
    automaton,
    byte_class,
    byte_range,
    concat,
    counted,
    emptiness,
    empty,
    excluding,
    literal,
    matches_empty,
    nothing,
    regex_first,
    regex_set,
    repeat,
    text,
    universal,
)
from trellis.masking.vocabulary import Vocabulary

ENGINES = ["kernel", "reference"]
FIXTURES = Path(__file__).parents[2] / "fixtures"
LETTERS = byte_range(0x61, 0x63)
QUOTED = concat(text(b'"'), universal(LETTERS), text(b'"'))
ESCAPED = alternate(byte_class(b"abc"), concat(text(b"\\"), byte_class(b"ab")))


def one_terminal(code: bytes) -> Grammar:
    builder = AutomatonBuilder()
    rule, begin, end = builder.rule("all"), builder.state(), builder.state()
    builder.set_start(rule, begin)
    builder.terminal(begin, code, end, "IT")
    builder.final(end)
    return Grammar(builder.build(rule), "one terminal")


KINDS = [
    (literal(b"abc"), ["abc"], ["", "ab", "abcd", "abd"]),
    (regex_set(concat(text(b"a"), repeat(byte_class(b"bc"), 1, 2))), ["ab", "abc", "acb"], ["a", "abcb", "b"]),
    (regex_first(alternate(text(b"a"), text(b"ab"))), ["a"], ["ab", ""]),
    (regex_set(alternate(text(b"a"), text(b"ab"))), ["a", "ab"], [""]),
    (regex_set(repeat(LETTERS, 0, None)), ["", "a", "abc"], ["d", "abd"]),
    (regex_set(QUOTED), ['""', '"abca"'], ['"', '"d"', '"a"a']),
    (counted(b'"', LETTERS, b'"', 2, 3), ['"ab"', '"abc"'], ['"a"', '"abca"', '""', "ab"]),
    (automaton([text(b"a"), text(b"ba")], b"\0\0\1", [0, 0, 1, 0, 1, 2, 1, 0, 2, 2, 1, 0]),
     ["ba", "aa", "aabaaa"], ["", "a", "b", "aab", "aaba"]),
    (automaton([text(b"a")], b"\0\1", [1, 0, 1], 1), ["", "a", "aa"], ["b", "ab"]),
    (counted(b'"', ESCAPED, b'"', 1, 2), ['"a"', '"\\a"', '"\\b\\a"', '"a\\a"'], ['""', '"\\c"', '"abc"', '"\\"']),
    (counted(b"[", LETTERS, b"]", 3, None), ["[abc]", "[abcabc]"], ["[ab]", "[]"]),
    (counted(b"[", LETTERS, b"]", 0, 0), ["[]"], ["[a]", "["]),
    (counted(b"", LETTERS, b"", 1, 2), ["a", "bc"], ["", "abc"]),
    (excluding(regex_set(QUOTED), [b'"a"', b'"ab"']), ['""', '"b"', '"aa"', '"abc"'], ['"a"', '"ab"', '"']),
    (excluding(regex_set(repeat(LETTERS, 1, 2)), [b"a", b"bb", b"zzz"]), ["b", "ab"], ["a", "bb", "abc"]),
]


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(("code", "accept", "reject"), KINDS)
def test_kinds_of_terminals(code: bytes, accept: list[str], reject: list[str], engine: str) -> None:
    grammar = one_terminal(code)
    for good in accept:
        assert grammar.accepts(good, engine=engine), good
    for bad in reject:
        assert not grammar.accepts(bad, engine=engine), bad


def test_emptiness() -> None:
    assert emptiness(empty()) == (True, False)
    assert emptiness(nothing()) == (False, False)
    assert emptiness(concat(text(b"a"), nothing())) == (False, False)
    assert emptiness(repeat(text(b"a"), 0, 3)) == (True, True)
    assert emptiness(repeat(text(b"a"), 2, 3)) == (False, True)
    assert emptiness(alternate(text(b"a"), empty())) == (True, True)
    assert emptiness(concat(repeat(text(b"a"), 0, None), text(b"b"))) == (False, True)
    assert matches_empty(regex_set(universal(LETTERS)))
    assert not matches_empty(literal(b"a"))


@st.composite
def programs(draw: st.DrawFn) -> GeneralProgram:
    """A random network: a few rules, edges of any kind between their states, all kinds of terminals."""
    codes = st.sampled_from([code for code, _, _ in KINDS] + [literal(b"a"), literal(b"b"), regex_first(
        repeat(LETTERS, 1, None))])
    builder = AutomatonBuilder()
    rules = [builder.rule(f"r{i}") for i in range(draw(st.integers(1, 3)))]
    for rule in rules:
        states = [builder.state() for _ in range(draw(st.integers(1, 4)))]
        builder.set_start(rule, states[0])
        builder.final(states[-1])
        for _ in range(draw(st.integers(1, 5))):
            source, target = draw(st.sampled_from(states)), draw(st.sampled_from(states))
            kind = draw(st.integers(0, 4))
            if kind == 0:
                builder.epsilon(source, target)
            elif kind == 1:
                builder.call(source, draw(st.sampled_from(rules)), target)
            else:
                builder.terminal(source, draw(codes), target, f"T{kind}")
    if draw(st.integers(0, 3)) == 0:
        builder.ignore(literal(b" "), "BLANK")
    try:
        return builder.build(rules[0])
    except GrammarError:
        assume(False)
        raise


def mask(matcher: Matcher) -> list[int]:
    bitmask = allocate_bitmask(1, matcher.compiled.vocabulary.size)
    matcher.fill_bitmask(bitmask)
    return [int(token) for token in allowed_tokens(bitmask[0])]


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(programs(), st.randoms(use_true_random=False))
def test_masks_of_random_programs(program: GeneralProgram, choose: random.Random) -> None:
    pieces = {bytes(choose.choice(b'aabbcc"[]\\ ') for _ in range(choose.randint(2, 5))) for _ in range(60)}
    tokens = [*sorted(pieces), *(bytes([byte]) for byte in b'abcdz"[]\\ '), b"<end>"]
    end = len(tokens) - 1
    vocabulary = Vocabulary(tokens, special_ids=[end], eos_ids=[end])
    grammar = Grammar(program, "random")
    try:
        reference, kernel = (grammar.compile(vocabulary, engine=engine).matcher() for engine in reversed(ENGINES))
        for _ in range(6):
            allowed = mask(reference)
            assert mask(kernel) == allowed
            assert kernel.can_end == reference.can_end
            token = choose.choice(allowed)
            assert reference.accept(token)
            assert kernel.accept(token)
    except (LimitError, GrammarError):
        assume(False)


def test_a_program_without_left_recursion_is_kept_as_it_is() -> None:
    builder = AutomatonBuilder()
    rule = builder.rule("list")
    begin, after, end = (builder.state() for _ in range(3))
    builder.set_start(rule, begin)
    builder.terminal(begin, literal(b"x"), after, "X")
    builder.call(after, rule, end)
    builder.epsilon(after, end)
    builder.final(end)
    program = builder.build(rule)
    assert program.terminals == (b"\0x",)
    assert program.names == ("X",)
    assert unpack(program.edges, 4) == [(0, 1, 0, 1), (1, 2, 0, 2), (1, 0, 0, 2)]
    assert program.finals == b"\0\0\1"
    assert unpack(program.rule_starts) == [(0,)]


@pytest.mark.parametrize("callee_first", [True, False])
def test_rules_that_may_be_empty_through_others(callee_first: bool) -> None:
    builder = AutomatonBuilder()
    order = ["inner", "middle", "outer"] if callee_first else ["outer", "middle", "inner"]
    rules = {name: builder.rule(name) for name in order}
    states = {name: [builder.state() for _ in range(3)] for name in order}
    for name, callee in (("outer", "middle"), ("middle", "inner"), ("inner", None)):
        begin, between, end = states[name]
        builder.set_start(rules[name], begin)
        builder.final(end)
        if callee is None:
            builder.epsilon(begin, end)
            builder.terminal(begin, literal(b"x"), end, "X")
        else:
            builder.call(begin, rules[callee], between)
            builder.call(between, rules[callee], end)
    grammar = Grammar(builder.build(rules["outer"]), "empty")
    for engine in ENGINES:
        assert [grammar.accepts("x" * count, engine=engine) for count in range(6)] == [True] * 5 + [False]


def test_what_cannot_be_reached_or_ended_is_dropped() -> None:
    builder = AutomatonBuilder()
    rule, endless, unused = builder.rule("all"), builder.rule("endless"), builder.rule("unused")
    begin, end, trap = (builder.state() for _ in range(3))
    builder.set_start(rule, begin)
    builder.terminal(begin, literal(b"a"), end, "A")
    builder.terminal(begin, literal(b"b"), trap, "B")
    builder.call(begin, endless, end)
    builder.final(end)
    first, second = builder.state(), builder.state()
    builder.set_start(endless, first)
    builder.terminal(first, literal(b"c"), second, "C")
    builder.call(second, endless, second)
    builder.set_start(unused, end)
    program = builder.build(rule)
    assert program.names == ("A",)
    assert len(program.finals) == 2
    assert len(unpack(program.rule_starts)) == 1


def test_the_kernel_makes_the_same_programs_ready(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("trellis_kernel")
    schemas = [case["schema"] for case in json.loads((FIXTURES / "schema_keywords.json").read_text())]
    ready = [compile_schema(schema, on_unsupported="relax").program for schema in schemas]
    monkeypatch.setattr(program, "_kernel_tidy", lambda: None)
    assert ready == [compile_schema(schema, on_unsupported="relax").program for schema in schemas]


@pytest.mark.parametrize("options", [{"property_order": "schema"}, {"property_order": "any", "whitespace": "flexible"}])
def test_the_kernel_lowers_plain_schemas_as_python_does(monkeypatch: pytest.MonkeyPatch, options: Any) -> None:
    pytest.importorskip("trellis_kernel")
    schemas = json.loads((FIXTURES / "schema_plain.json").read_text())
    by_kernel: list[bool] = []
    program_of = schema_front_plain.program_of

    def noted(*arguments: Any) -> Any:
        program = program_of(*arguments)
        by_kernel.append(program is not None)
        return program

    monkeypatch.setattr(schema_front_plain, "program_of", noted)
    plain, in_order, others = schemas["plain"], schemas["plain_in_order"], schemas["others"]
    every = plain + in_order + others
    lowered = [compile_schema(schema, **options).program for schema in every]
    # Many required names in any order are counted, which the algebra does.
    counted = options["property_order"] == "any"
    assert by_kernel == [True] * len(plain) + [not counted] * len(in_order) + [False] * len(others)
    monkeypatch.setattr(schema_front_plain, "program_of", lambda *_: None)
    assert lowered == [compile_schema(schema, **options).program for schema in every]


def test_a_rule_without_a_start_and_an_endless_one_are_errors_that_name_it() -> None:
    builder = AutomatonBuilder()
    first, second = builder.rule("first"), builder.rule("second")
    state = builder.state()
    builder.set_start(first, state)
    builder.call(state, second, state)
    with pytest.raises(GrammarError, match="second is used but not defined"):
        builder.build(first)
    builder.set_start(second, state)
    with pytest.raises(GrammarError, match="no text at all belongs to first"):
        builder.build(first)


def test_left_recursion_through_many_rules_stays_quadratic() -> None:
    builder = AutomatonBuilder()
    count = 60
    rules = [builder.rule(f"r{i}") for i in range(count)]
    for index, rule in enumerate(rules):
        begin, middle, end = (builder.state() for _ in range(3))
        builder.set_start(rule, begin)
        builder.call(begin, rules[(index + 1) % count], middle)
        builder.terminal(middle, literal(b"+%d;" % index), end, f"PLUS{index}")
        builder.terminal(begin, literal(b"n%d;" % index), end, f"N{index}")
        builder.final(end)
    program = builder.build(rules[0])
    assert len(program.edges) // 16 < 10 * count * count
    grammar = Grammar(program, "ring")
    for engine in ENGINES:
        assert grammar.accepts("n59;+58;", engine=engine) is False
        assert grammar.accepts("n2;+1;+0;", engine=engine)


def test_too_much_left_recursion_is_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(left_corner, "MAX_EDGES", 3)
    with pytest.raises(LimitError, match="left recursion"):
        Grammar.from_lark('start: start "a" | start "b" | "c"\n')


def test_pack_and_unpack() -> None:
    assert pack([1, 2**32 - 1]) == b"\1\0\0\0\xff\xff\xff\xff"
    assert unpack(pack(range(6)), 3) == [(0, 1, 2), (3, 4, 5)]
