"""Patterns: ECMA-262's meaning, lengths, and what is refused."""

from __future__ import annotations

import re
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trellis.errors import UnsupportedError
from trellis.schema.pattern_reader import parse
from trellis.schema.patterns import LAST, complement, normal_ranges


@pytest.mark.parametrize(("source", "found", "missing"), [
    ("a", ["a", "xay"], ["", "b"]),
    ("^a$", ["a"], ["a\n", "xa", "aa"]),
    ("^a|b$", ["ax", "xb"], ["xa", "bx"]),
    ("^(?:a|b)+?c{2}$", ["abcc", "acc"], ["cc", "ac", "acccc"]),
    ("^(?<year>\\d{4})$", ["2024"], ["२०२४", "202"]),
    ("(^|,)a(,|$)", ["a", "b,a", "a,b", "b,a,c"], ["ba", "ab"]),
    ("^\\w\\W\\s\\S.$", ["a- b!", "_\u00e9\ufeffx\u00e9"], ["a- b\n", "\u00e9- b!"]),
    ("^[^\\d\\-a-c\\]]$", ["x", "é", "^"], ["1", "-", "b", "]"]),
    ("^[-+.][+-]$", ["-+", ".-"], ["a-"]),
    ("^\\u0041\\x42\\u{1F600}\\cA\\0\\t$", ["AB😀\x01\0\t"], ["AB"]),
    ("^\\ud83d\\ude00$", ["😀"], [""]),
    ("^[\\u{1F600}-\\u{1F64F}]$", ["😀"], ["a", "😀😀"]),
    ("^\\p{Lu}\\P{L}$", ["É1"], ["é1", "Éa"]),
    ("^a{,2}{$", ["a{,2}{"], ["aa"]),
    ("^\\/\\.\\-$", ["/.-"], ["/x-"]),
    ("^a{0}$", [""], ["a"]),
    ("^[\\b]$", ["\x08"], ["b"]),
    ("", ["", "a"], []),
])
def test_what_a_pattern_finds(source: str, found: list[str], missing: list[str]) -> None:
    pattern = parse(source)
    assert [text for text in found if not pattern.matches(text)] == []
    assert [text for text in missing if pattern.matches(text)] == []


@pytest.mark.parametrize(("source", "lengths"), [
    ("^a{2,5}$", (2, 5)), ("^a*$", (0, None)), ("a", (1, None)), ("^(a|bcd)?$", (0, 3)), ("^(ab){3}$", (6, 6)),
    ("^(a|b+)$", (1, None)), ("^$", (0, 0)), ("^a{0}b$", (1, 1)),
])
def test_lengths(source: str, lengths: tuple[int, int | None]) -> None:
    assert parse(source).lengths() == lengths


@pytest.mark.parametrize("source", [
    "(a)\\1", "(?<n>a)\\k<n>", "(?i)a", "(a", "a)", "[a",
    "a**", "a{2}{3}", "*a", "{2}", "a{3,2}", "[b-a]", "[\\d-z]", "[]", "[^]", "\\A", "\\Z", "\\q", "\\p{Script=Greek}",
    "\\x4", "\\u12", "\\01", "[[:alpha:]]", "\\u{110000}", "a++", "\\", "(" * 200 + ")" * 200,
])
def test_what_is_refused(source: str) -> None:
    with pytest.raises(UnsupportedError, match="the pattern"):
        parse(source)


plain = st.recursive(st.sampled_from(["a", "b", "[ab]", "[^a]", ".", "\\d", "1"]), lambda inner: st.one_of(
    st.tuples(inner, inner).map("".join), st.tuples(inner, inner).map(lambda parts: f"(?:{'|'.join(parts)})"),
    st.tuples(inner, st.sampled_from(["*", "+?", "?", "{2}", "{1,2}", "{2,}"])).map(lambda it: f"({it[0]}){it[1]}"),
), max_leaves=5)


@settings(max_examples=300, deadline=None, derandomize=True)
@given(plain, st.sampled_from(["", "^"]), st.sampled_from(["", "$"]), st.text("ab1x", max_size=5))
def test_python_finds_the_same_where_its_syntax_means_the_same(inner: str, start: str, end: str, text: str) -> None:
    pattern = parse(start + inner + end)
    assert pattern.matches(text) == (re.search(start + inner + end.replace("$", r"\Z"), text) is not None)
    low, high = pattern.lengths()
    if pattern.matches(text):
        assert low <= len(text) <= (len(text) if high is None else high)


@given(st.lists(st.tuples(st.integers(0, 60), st.integers(0, 60)).map(lambda ends: (min(ends), max(ends)))))
def test_ranges_and_their_complements(ranges: list[tuple[int, int]]) -> None:
    normal = normal_ranges(ranges)
    members = {code for low, high in ranges for code in range(low, high + 1)}
    assert {code for low, high in normal for code in range(low, high + 1)} == members
    assert all(first[1] + 1 < second[0] for first, second in pairwise(normal))
    assert {code for low, high in complement(normal) for code in range(low, min(high, 100) + 1)} == (
        set(range(101)) - members)
    assert complement(complement(normal)) == normal
    assert complement(()) == ((0, LAST),)
