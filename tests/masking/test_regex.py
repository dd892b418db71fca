"""Regular expressions: CPython's ``re`` and the ``regex`` module's partial matches are the last word."""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import product

import pytest
import regex
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from trellis.errors import GrammarError, LimitError, UnsupportedError
from trellis.masking import regex_front, terminals
from trellis.masking.grammar import Grammar
from trellis.masking.reference_lexer import Lexeme, Lexer

ATOMS = ["a", "b", "c", "é", r"\n", "ab", "[ab]", "[^a]", ".", r"\w", r"\d", r"\s", "(?i:B)", "(?s:.)", "[a-cé-ü]", ""]
REPEATS = ["*", "+", "?", "*?", "+?", "??", "{2}", "{1,2}", "{0,2}?", "{2,}", "{,3}"]
PATTERNS = st.recursive(
    st.sampled_from(ATOMS),
    lambda inner: st.one_of(
        st.lists(inner, min_size=1, max_size=3).map("".join),
        st.lists(inner, min_size=1, max_size=3).map(lambda parts: f"(?:{'|'.join(parts)})"),
        st.tuples(inner, st.sampled_from(REPEATS)).map(lambda pair: f"({pair[0]}){pair[1]}")),
    max_leaves=6)
TEXTS = st.text(st.sampled_from("aaabbcBé\n1ü "), max_size=8)


def ends(lexer: Lexer, text: str, start: int = 0) -> list[int]:
    """Where the lexeme of terminal 0 that starts at a character may end, in the whole text as given: byte offsets."""
    data = text.encode()
    at = len(text[:start].encode())
    lexeme: Lexeme | None = lexer.start(0, data[:at])
    found: list[tuple[int, int | None]] = []
    for offset in range(at, len(data)):
        read, byte = data[: offset + 1], data[offset]
        found = [(end, guard and lexer.step_guard(guard, byte, read)) for end, guard in found]
        found = [(end, guard) for end, guard in found if guard is not None]
        if lexeme is not None:
            lexeme = lexer.step(lexeme, byte, read)
        if lexeme is not None:
            found += [(offset + 1, guard) for _, guard in lexeme.ends]
    return [end for end, guard in found if guard is None or not lexer.fires_at_end(guard)]


@settings(max_examples=400, deadline=None)
@given(PATTERNS, st.lists(TEXTS, min_size=1, max_size=5))
def test_a_leftmost_first_lexeme_ends_where_re_ends(pattern: str, texts: list[str]) -> None:
    compiled = re.compile(pattern)
    assume(not compiled.fullmatch(""))
    lexer = Lexer([terminals.regex_first(code_of(pattern))], [])
    for text in texts:
        match = compiled.match(text)
        assert ends(lexer, text) == ([len(match.group().encode())] if match else []), text


@settings(max_examples=400, deadline=None)
@given(PATTERNS, st.lists(TEXTS, min_size=1, max_size=5))
def test_a_set_lexeme_ends_wherever_the_whole_matches(pattern: str, texts: list[str]) -> None:
    compiled = re.compile(pattern)
    lexer = Lexer([terminals.regex_set(code_of(pattern))], [])
    for text in texts:
        whole = [end for end in range(1, len(text) + 1) if compiled.fullmatch(text[:end])]
        assert ends(lexer, text) == [len(text[:end].encode()) for end in whole], text


EMPTY_BODIES = [
    r"x(|a)*", r"x(a??)*", r"x(a?)*", r"x(?:|a|ab)*b", r"x(?:(?:a|)(?:|b))*", r"x(?:(?:|a)(?:b|))*", r"x(?:a*?b??)*",
    r"x(?:a*b*)*?b", r"x(?:|a|ab){0,3}", r"x(?:a|){0,3}b?", r"x(?:|a){2,3}b", r"x(?:a??|b)+?", r"x(?:(?:|a)+|b)*",
    r"x((?:a|b??)(?:|ab))*", r"x(?:(?:a|)(?:ab|)(?:|b))*b", r"x(?:(?:(?:|b)a?)*|ab)*?(?:ab|b)?",
]


@pytest.mark.parametrize("pattern", EMPTY_BODIES)
def test_loops_over_what_may_be_empty_end_where_those_of_re_end(pattern: str) -> None:
    lexer, compiled = Lexer([terminals.regex_first(regex_front.to_code(pattern))], []), re.compile(pattern)
    for size in range(6):
        for letters in product("ab", repeat=size):
            text = "x" + "".join(letters)
            match = compiled.match(text)
            assert ends(lexer, text) == ([match.end()] if match else []), text


@settings(max_examples=150, deadline=None)
@given(PATTERNS, st.lists(TEXTS, min_size=1, max_size=5), st.sampled_from(["kernel", "reference"]))
def test_from_regex_is_fullmatch_and_prefixes_are_partial_matches(pattern: str, texts: list[str],
                                                                  engine: str) -> None:
    code_of(pattern)
    grammar = Grammar.from_regex(pattern)
    for text in texts:
        assert grammar.accepts(text, engine=engine) == (re.fullmatch(pattern, text) is not None), text
        partial = regex.fullmatch(pattern, text, partial=True) is not None
        assert grammar.accepts_prefix(text, engine=engine) == partial, text


def code_of(pattern: str) -> bytes:
    try:
        code = regex_front.to_code(pattern)
    except LimitError:
        assume(False)
    assume(len(code) < 20_000)
    return code


CLASSES = [
    (r"\w", 0), (r"\W", 0), (r"\d", 0), (r"\s", 0), (r"\w", re.ASCII), ("k", re.IGNORECASE), ("[^k]", re.IGNORECASE),
    ("[a-z]", re.IGNORECASE), ("[^a-zß\u017f]", re.IGNORECASE), (".", 0), (".", re.DOTALL), (r"[^\W\d]", re.ASCII),
    ("ǆ", re.IGNORECASE), ("İ", re.IGNORECASE), ("é", re.IGNORECASE | re.ASCII), ("[\u0390-\u03b0]", re.IGNORECASE),
    ("ﬅ", re.IGNORECASE), ("[^ς]", re.IGNORECASE), (r"[\s\S]", 0), ("[b-df]", 0),
]


@pytest.mark.parametrize(("pattern", "flags"), CLASSES)
def test_a_class_holds_the_characters_that_re_says(pattern: str, flags: int) -> None:
    ((operator, value),) = regex_front._parser.parse(pattern, flags)
    found = regex_front.characters(operator, regex_front._frozen(value), flags | re.UNICODE * (not flags & re.ASCII))
    compiled = re.compile(pattern, flags)
    expected = {point for point in range(0x110000) if compiled.match(chr(point))}
    assert {point for low, high in found for point in range(low, high + 1)} == expected


@pytest.mark.parametrize("ranges", [((0, 0x10FFFF),), ((0x7F, 0x80),), ((0x7FF, 0x800),), ((0xFFFF, 0x10000),),
                                    ((0xD7FF, 0xE000),), ((0x41, 0x5A), (0x3B1, 0x3C9), (0x1F600, 0x1F64F))])
def test_code_points_are_spelled_in_utf8_and_nothing_else_is(ranges: tuple[tuple[int, int], ...]) -> None:
    lexer = Lexer([terminals.regex_set(terminals.code_points(ranges))], [])
    points = {point for low, high in ranges for point in (low, (low + high) // 2, high)} - set(range(0xD800, 0xE000))
    for point in points:
        assert ends(lexer, chr(point)) == [len(chr(point).encode())]
    for outside in {point for low, high in ranges for point in (low - 1, high + 1)}:
        inside = any(low <= outside <= high for low, high in ranges)
        if 0 <= outside <= 0x10FFFF and not 0xD800 <= outside < 0xE000 and not inside:
            assert ends(lexer, chr(outside)) == []
    for malformed in (b"\xc0\x80", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xff", b"\x80"):
        assert not takes(lexer, malformed)


def takes(lexer: Lexer, data: Iterable[int]) -> bool:
    lexeme = lexer.start(0)
    for byte in data:
        following = lexer.step(lexeme, byte)
        if following is None:
            return False
        lexeme = following
    return bool(lexeme.ends)


REFUSED = [
    (r"(a)\1", "back-reference", 4), ("(?P<x>a)(?P=x)", "back-reference", 9), ("(a)?(?(1)b|c)", "conditional", 5),
    (r"[(?<=x](?<=a(?=b))b", "lookbehind with a lookaround inside", 8),
]


@pytest.mark.parametrize(("pattern", "message", "column"), REFUSED)
def test_what_cannot_be_masked_is_refused_with_its_place(pattern: str, message: str, column: int) -> None:
    with pytest.raises(UnsupportedError, match=message) as caught:
        Grammar.from_regex(pattern)
    assert (caught.value.line, caught.value.column) == (1, column)


@pytest.mark.parametrize(("pattern", "column"), [("a(b", 2), ("a[b", 2), ("*a", 1), ("a{3,2}", 3), ("(?P<1>a)", 5)])
def test_a_malformed_pattern_is_an_error_with_its_place(pattern: str, column: int) -> None:
    with pytest.raises(GrammarError, match="not a regular expression") as caught:
        Grammar.from_regex(pattern)
    assert caught.value.column == column


@pytest.mark.parametrize("pattern", ["(" * 5000 + ")" * 5000, "(?:a?){99999}", "(?:(?:a?b?){9}){9}c{4294967295}"])
def test_a_huge_pattern_is_a_limit(pattern: str) -> None:
    with pytest.raises((LimitError, GrammarError)):
        Grammar.from_regex(pattern)


@pytest.mark.parametrize("pattern", ["^ab$", r"\Aab\Z", "ab$", "^ab"])
def test_anchors_at_the_ends_say_what_fullmatch_says_anyway(pattern: str) -> None:
    assert Grammar.from_regex(pattern).accepts("ab", engine="reference")
    assert not Grammar.from_regex(pattern).accepts("ab\n", engine="reference")


LOOKAROUNDS = [
    r'".*?(?<!\\)(\\\\)*?"', r"a[^b]+(?<=c)d", r"x(?:ab|ac)(?<!b)", r"q\w*(?<![0-9])z?", r"a.{0,2}(?<!a)b",
    r"a(?!b)\w+", r"a(?=[bc])(?:b|cd|q)*?d", r"x(?![a-c])(a|b\w|[^x])*?q", r"a(?!a)(?:a?b|a{2}c|\w{0,2}d)",
    r"x(?=a)a*?(?:a|ad)", r"x(?=a)a*(?:a|ad)", r"x(?=[ab])(?:b??)(?:a|ab)??(?:a|b)",
    r"/(?!/)(\\/|\\\\|[^/])*?/", r"q(?!(?i:A))(?=\w).",
]


@settings(max_examples=600, deadline=None)
@given(st.sampled_from(LOOKAROUNDS), st.text(st.sampled_from('"\\abcdAxqz1/'), max_size=9))
def test_lookaround_of_one_character(pattern: str, text: str) -> None:
    text = pattern[0] + text
    match = re.match(pattern, text)
    assert ends(Lexer([terminals.regex_first(code_of(pattern))], []), text) == ([match.end()] if match else [])


LOOKS = ["(?=a)", "(?!a)", "(?=ab)", "(?!ab)", "(?=a*b)", "(?!.*b)", "(?<=a)", "(?<!a)", "(?<=ab)", "(?<!ba)",
         r"\b", r"\B", "^", "$", "(?m:^)", "(?m:$)", r"\A", r"\Z", "(?=(?!aa).b)", r"(?=a\b)", "(?!a(?<=ba)|b)",
         "(?=(?>a*)b)"]
GROUPS = ["(?>a|ab)", "(?>a*)", "a*+", "a?+", "(?:ab)*+", "(?>a*?b)", "(?>(?>a|ab)b?|a)", "(?>b|(?=a)ab?)",
          "(?:a|b){1,2}+"]
AROUND = st.recursive(
    st.sampled_from([*LOOKS, *LOOKS, *GROUPS, *ATOMS[:-1]]),
    lambda inner: st.one_of(
        st.lists(inner, min_size=1, max_size=4).map("".join),
        st.lists(inner, min_size=1, max_size=3).map(lambda parts: f"(?:{'|'.join(parts)})"),
        inner.map(lambda part: f"(?>{part})"),
        st.tuples(inner, st.sampled_from(["=", "!"])).map(lambda pair: f"(?{pair[1]}{pair[0]})"),
        st.tuples(inner, st.sampled_from(REPEATS)).map(lambda pair: f"({pair[0]}){pair[1]}")),
    max_leaves=7)


def around(pattern: str) -> bytes:
    try:
        return code_of(pattern)
    except UnsupportedError:
        assume(False)
        raise


@settings(max_examples=400, deadline=None)
@given(AROUND, st.lists(TEXTS, min_size=1, max_size=5), st.integers(0, 3))
def test_what_looks_around_ends_where_re_ends(pattern: str, texts: list[str], start: int) -> None:
    compiled = re.compile(pattern)
    lexer = Lexer([terminals.regex_first(around(pattern))], [])
    for text in texts:
        match = compiled.match(text, start)
        assume(match is None or match.end() > start or start > len(text))
        expected = [len(text[: match.end()].encode())] if match and match.end() > start else []
        assert ends(lexer, text, start) == expected, (text, start)


@settings(max_examples=150, deadline=None)
@given(AROUND, st.lists(TEXTS, min_size=1, max_size=5), st.sampled_from(["kernel", "reference"]))
def test_from_regex_is_fullmatch_for_what_looks_around(pattern: str, texts: list[str], engine: str) -> None:
    around(pattern)
    try:
        grammar = Grammar.from_regex(pattern)
        grammar.accepts("", engine=engine)
    except (GrammarError, LimitError):
        assume(False)
    for text in texts:
        whole = re.fullmatch(pattern, text) is not None
        assert grammar.accepts(text, engine=engine) == whole, text
        for end in range(len(text) + 1 if whole else 0):
            assert grammar.accepts_prefix(text[:end], engine=engine), (text, end)


def test_a_pattern_that_matches_nothing_is_an_error() -> None:
    with pytest.raises(GrammarError, match="no text at all"):
        Grammar.from_regex(r"a[^\s\S]")
