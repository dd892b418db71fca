"""What is no grammar, no schema, no vocabulary, or asks for more than there is: typed errors, and soon."""

from __future__ import annotations

import random
import re
import time
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from trellis.errors import (
    GrammarError,
    LimitError,
    MaskError,
    SchemaError,
    TrellisError,
    UsageError,
    VocabularyError,
)
from trellis.masking.bitmask import allocate_bitmask, allowed_tokens, apply_bitmask
from trellis.masking.grammar import Grammar
from trellis.masking.vocabulary import Vocabulary

ENGINES = ["kernel", "reference"]
BYTES = [bytes([byte]) for byte in range(256)]
NO_TEXTS: list[Any] = [None, 5, 3.5, [], {}, ("a",), object(), b'start: "a"']


@pytest.fixture(scope="module")
def vocabulary() -> Vocabulary:
    return Vocabulary([*BYTES, b"<end>", b"ab"], special_ids=[256], eos_ids=[256])


# Arguments of the wrong type ------------------------------------------------------------------------------------------

@pytest.mark.parametrize("value", NO_TEXTS, ids=repr)
def test_what_is_no_text_is_a_usage_error(value: Any) -> None:
    grammar = Grammar.from_lark('start: "a"\n')
    calls: list[Any] = [lambda: Grammar.from_lark(value), lambda: Grammar.from_regex(value),
                         lambda: grammar.parse(value),
                         lambda: grammar.accepted_prefix(value), lambda: grammar.compile(value),
                         lambda: Grammar.from_lark('start: "a"\n', parser=value)]
    if not isinstance(value, bytes):
        calls += [lambda: grammar.accepts(value), lambda: grammar.accepts_prefix(value, engine="reference")]
    for call in calls:
        with pytest.raises(UsageError):
            call()


@pytest.mark.parametrize("value", [None, 5, "abc", b"a", object()], ids=repr)
def test_choices_are_a_list(value: Any) -> None:
    with pytest.raises(UsageError, match="choices are a list"):
        Grammar.from_choices(value)


@pytest.mark.parametrize("value", [1, b"a", None, "a\ud800"], ids=ascii)
def test_choices_are_texts(value: Any) -> None:
    with pytest.raises(GrammarError, match="cannot be chosen"):
        Grammar.from_choices(["a", value])


@pytest.mark.parametrize("flags", [None, "i", -1, 2**40, re.LOCALE, re.DEBUG, True], ids=repr)
def test_flags_that_mean_nothing_here_are_refused(flags: Any, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(UsageError, match="flags"):
        Grammar.from_regex("a", flags)
    assert not capsys.readouterr().out


def test_start_is_one_name() -> None:
    with pytest.raises(UsageError, match="start"):
        Grammar.from_lark('start: "a"\n', start=["start"])  # type: ignore[arg-type]


# Grammar files --------------------------------------------------------------------------------------------------------

def test_a_byte_order_mark_is_no_part_of_a_grammar(tmp_path: Path) -> None:
    (tmp_path / "bom.lark").write_bytes(b'\xef\xbb\xbfstart: "a"\r\n     | "b"\r\n')
    for grammar in (Grammar.from_lark(tmp_path / "bom.lark"), Grammar.from_lark('\ufeffstart: "a" | "b"\n')):
        assert grammar.accepts("b", engine="reference")


def test_files_that_are_none_are_usage_errors(tmp_path: Path) -> None:
    (tmp_path / "latin.lark").write_bytes(b'start: "\xe9"\n')
    (tmp_path / "folder.lark").mkdir()
    for path in (tmp_path / "latin.lark", tmp_path / "folder.lark", tmp_path, Path("a\0b.lark")):
        with pytest.raises(UsageError, match="cannot read"):
            Grammar.from_lark(path)


def test_half_a_surrogate_pair_in_a_grammar_has_a_place() -> None:
    with pytest.raises(GrammarError, match="surrogate") as caught:
        Grammar.from_lark('start: "a"\n  | "\ud800"\n')
    assert (caught.value.line, caught.value.column) == (2, 6)
    str(caught.value).encode()


@pytest.mark.parametrize(("imported", "cited"), [("a: @\n", "a: @"), ("a: (\n", "a: (")])
def test_an_error_in_an_imported_file_shows_that_file(tmp_path: Path, imported: str, cited: str) -> None:
    (tmp_path / "below.lark").write_text(imported)
    (tmp_path / "top.lark").write_text('start: a\n%import .below.a\n')
    with pytest.raises(GrammarError, match=r"below\.lark|an imported file") as caught:
        Grammar.from_lark(tmp_path / "top.lark")
    assert caught.value.line == 1
    assert caught.value.context.startswith(cited)


def test_files_that_import_each_other_are_a_limit(tmp_path: Path) -> None:
    (tmp_path / "one.lark").write_text('%import .two.b\nstart: b\na: "a" b\n')
    (tmp_path / "two.lark").write_text('%import .one.a\nb: "b" a | "c"\n')
    with pytest.raises(LimitError, match="imports itself"):
        Grammar.from_lark(tmp_path / "one.lark")


def test_terminals_that_double_are_a_limit() -> None:
    chain = "".join(f"A{i}: A{i + 1} A{i + 1}\n" for i in range(60))
    with pytest.raises(LimitError, match="written out"):
        Grammar.from_lark(f'start: A0\n{chain}A60: "x"\n')
    assert Grammar.from_lark('start: A0\nA0: A1 A1\nA1: A2 A2\nA2: "x"\n').accepts("xxxx", engine="reference")


@pytest.mark.parametrize(("text", "parser", "message"), [
    ("start: " + "a " * 400 + '\na: "a"', "earley", "rule start has 400 symbols in a row"),
    ("start: " + " | ".join(f'"k{i}"' for i in range(20_000)), "lalr", "more than 10,000 strings"),
    ("start: r0\n" + "".join(f'r{i}: "(" r{i + 1} ")" | r{i + 1}\n' for i in range(99)) + 'r99: "a"', "lalr", "items"),
], ids=["long rule", "many alternatives", "chain"])
def test_what_lark_takes_minutes_for_is_a_limit(text: str, parser: str, message: str,
                                                monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("trellis.masking.lark_analysis.MAX_ITEMS", 20_000)
    with pytest.raises(LimitError, match=message) as caught:
        Grammar.from_lark(text, parser=parser)
    assert caught.value.hint


def test_warnings_of_cpython_stay_inside(recwarn: pytest.WarningsRecorder) -> None:
    assert Grammar.from_regex("[[a]").accepts("[", engine="reference")
    assert Grammar.from_lark("start: /[[a]/\n").accepts("[", engine="reference")
    assert not recwarn.list


# Schemas --------------------------------------------------------------------------------------------------------------

def _nested(depth: int) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": "null"}
    for _ in range(depth):
        schema = {"properties": {"a": schema}}
    return schema


def _same_twice(keyword: str, depth: int) -> dict[str, Any]:
    steps: dict[str, Any] = {f"d{i}": {keyword: [{"$ref": f"#/$defs/d{i + 1}"}] * 2} for i in range(depth)}
    return {"$defs": {**steps, f"d{depth}": {"type": "string"}}, "$ref": "#/$defs/d0"}


def _product(count: int, width: int) -> dict[str, Any]:
    return {"allOf": [{"anyOf": [{"properties": {f"p{i}_{j}": {"const": j}}, "required": [f"p{i}_{j}"]}
                                 for j in range(width)]} for i in range(count)]}


BAD_SCHEMAS: list[tuple[str, Any, type[TrellisError], str]] = [
    ("nested 100,000 deep", _nested(100_000), LimitError, "nested too deep"),
    ("a product of 200 choices", _product(200, 2), LimitError, "alternatives"),
    ("a product of wide choices", _product(8, 8), LimitError, "alternatives"),
    ("a huge decimal", {"type": "number", "maximum": Decimal("1e1000000")}, LimitError, "too many digits"),
    ("a tiny decimal", {"type": "number", "minimum": Decimal("1e-1000000")}, LimitError, "too many digits"),
    ("a huge integer", {"type": "integer", "minimum": 1 << 1_000_000}, LimitError, "too many digits"),
    ("an infinite length", {"maxLength": float("inf")}, SchemaError, "maxLength must be"),
    ("no number as length", {"minItems": float("nan")}, SchemaError, "minItems must be"),
    ("a property that is no name", {"properties": {5: {}}}, SchemaError, "must be strings"),
    ("a literal with a name that is none", {"const": {5: 1}}, SchemaError, "no JSON value"),
    ("a reference that is no URI", {"$ref": "http://[x#y"}, SchemaError, "is no URI"),
    ("a long index", {"anyOf": [{"$ref": "#/anyOf/" + "1" * 5000}]}, SchemaError, "leads to no schema"),
]


@pytest.mark.parametrize(("schema", "kind", "message"), [case[1:] for case in BAD_SCHEMAS],
                         ids=[case[0] for case in BAD_SCHEMAS])
def test_bad_schema(schema: Any, kind: type[TrellisError], message: str) -> None:
    started = time.process_time()
    with pytest.raises(kind, match=message):
        Grammar.from_json_schema(schema)
    assert time.process_time() - started < 10  # about a second; machines differ


def test_many_literals_meet_in_linear_time() -> None:
    started = time.process_time()
    texts = Grammar.from_json_schema({"allOf": [{"enum": [f"value {i}" for i in range(20_000)]},
                                                {"enum": [f"value {i}" for i in range(19_999, 40_000)]}]})
    objects = Grammar.from_json_schema({"enum": [{"a": i, "b": [i]} for i in range(2_000)] * 2})
    assert time.process_time() - started < 10
    assert texts.accepts('"value 19999"')
    assert not texts.accepts('"value 1"')
    assert objects.accepts('{"a":1999,"b":[1999]}')


def test_equal_literals_meet() -> None:
    grammar = Grammar.from_json_schema({"enum": [1, True, [1.0, {"a": None}], "1"],
                                        "allOf": [{"enum": [1.0, [1, {"a": None}], "x"]}]})
    assert grammar.accepts("1")
    assert grammar.accepts('[1.0,{"a":null}]')
    assert not grammar.accepts("true")
    assert not grammar.accepts('"1"')


def test_references_that_fan_out_and_in_again_are_no_bomb() -> None:
    for keyword in ("allOf", "anyOf"):
        assert Grammar.from_json_schema(_same_twice(keyword, 30)).accepts('"a"')
    with pytest.raises(SchemaError, match="no instance"):  # what is one of two is both
        Grammar.from_json_schema(_same_twice("oneOf", 30))


def test_integers_of_any_length_can_be_literals() -> None:
    grammar = Grammar.from_json_schema({"const": 10**5000})
    assert grammar.accepts("1" + "0" * 5000)
    assert not grammar.accepts("1" + "0" * 4999)


# Vocabularies ---------------------------------------------------------------------------------------------------------

BAD_VOCABULARIES: list[dict[str, Any]] = [
    {"tokens": None}, {"tokens": "abc"}, {"tokens": b"abc"}, {"tokens": {0: b"a"}}, {"tokens": ["a"]},
    {"tokens": [10**12]}, {"tokens": [None]}, {"tokens": BYTES, "eos_ids": None}, {"tokens": BYTES, "eos_ids": ["a"]},
    {"tokens": BYTES, "eos_ids": [1.0]}, {"tokens": BYTES, "special_ids": 5}, {"tokens": BYTES, "width": "x"},
    {"tokens": BYTES, "width": 300.5}, {"tokens": BYTES, "width": 10**12}, {"tokens": BYTES, "eos_ids": [-1]},
]


@pytest.mark.parametrize("arguments", BAD_VOCABULARIES, ids=lambda arguments: repr(arguments)[-40:])
def test_bad_vocabulary(arguments: dict[str, Any]) -> None:
    with pytest.raises((UsageError, VocabularyError)):
        Vocabulary(**{"eos_ids": [0], **arguments})


_BYTE_LEVEL = {"decoder": {"type": "ByteLevel"}}
BAD_TOKENIZERS: list[Any] = [
    {"model": {"type": "BPE", "vocab": [1, 2]}}, {"model": {"type": "Unigram", "vocab": [["a", -1.0], ["b"], 5]}},
    {"model": {"vocab": {"a": float("nan")}}, **_BYTE_LEVEL}, {"model": {"vocab": {"a": -5}}, **_BYTE_LEVEL},
    {"model": {"vocab": {"a": 2_000_000_000}}, **_BYTE_LEVEL}, {"model": {"vocab": {"a": 0}}, "added_tokens": [5]},
    {"model": {"vocab": {"a": 0}}, "added_tokens": [{"content": "x"}]},
    {"model": {"vocab": {"a": 0}}, "added_tokens": [{"id": -1, "content": "x"}], **_BYTE_LEVEL},
    {"model": {"vocab": {"a": 0}}, "added_tokens": [{"id": 10**11, "content": "x"}], **_BYTE_LEVEL},
    {"model": {"vocab": {"a": 0}}, "decoder": {"type": "Sequence", "decoders": 5}},
    {"config": {"default_vocab_size": 10**11, "default_num_special_tokens": 2}, "vocab": []},
    {"config": {"default_vocab_size": 2, "default_num_special_tokens": 10**11}, "vocab": []},
    {"config": {"default_vocab_size": 1, "default_num_special_tokens": -1}, "vocab": []},
    None, 5, [], "a\0b",
]


@pytest.mark.parametrize("tokenizer", BAD_TOKENIZERS, ids=lambda tokenizer: repr(tokenizer)[:50])
def test_bad_tokenizer(tokenizer: Any) -> None:
    with pytest.raises(VocabularyError):
        Vocabulary.from_tokenizer(tokenizer, eos_ids=[0], allow_missing_bytes=True)


@pytest.mark.parametrize("data", [b'{"a":' * 100_000, b"YQ== " + b"9" * 5000 + b"\n", b"YQ== 2000000000\n"],
                         ids=["nested", "a long rank", "a huge rank"])
def test_bad_tokenizer_file(data: bytes, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(data)
    with pytest.raises(VocabularyError):
        Vocabulary.from_tokenizer(tmp_path / "file", special_tokens={"<end>": 1}, allow_missing_bytes=True)


@pytest.mark.parametrize("special", [{"e": "x"}, {"e": -1}, {"e": 10**12}, {5: 7}, {"e": None}, {"e": 2.5}, ["a"]],
                         ids=repr)
def test_bad_special_tokens(special: Any, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"YQ== 0\nYg== 1\n")
    with pytest.raises(VocabularyError):
        Vocabulary.from_tokenizer(tmp_path / "file", special_tokens=special, eos_ids=[0], allow_missing_bytes=True)


# Matchers and bitmasks ------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("engine", ENGINES)
def test_buffers_that_are_no_bitmask_are_refused(engine: str, vocabulary: Vocabulary) -> None:
    matcher = Grammar.from_regex("a+").compile(vocabulary, engine=engine).matcher()
    words = allocate_bitmask(1, vocabulary.size).shape[1]
    read_only = np.zeros(words, np.int32)
    read_only.flags.writeable = False
    bad: list[Any] = [
        np.zeros(words, np.float32), np.zeros(words, np.int64), np.zeros(words, np.uint32),
        np.zeros(4 * words, np.uint8), np.zeros(words - 1, np.int32), np.zeros(words + 1, np.int32),
        np.zeros((1, 1, words), np.int32), np.zeros((2, words - 1), np.int32), np.zeros(2 * words, np.int32)[::2],
        np.zeros((words, 3), np.int32).T, np.zeros((0, words), np.int32), read_only, [0] * words, None, "x",
    ]
    for buffer in bad:
        with pytest.raises(MaskError):
            matcher.fill_bitmask(buffer)
    for row in (2, -1, 10**30):
        with pytest.raises(MaskError):
            matcher.fill_bitmask(allocate_bitmask(2, vocabulary.size), row)
    matcher.fill_bitmask(good := allocate_bitmask(2, vocabulary.size), 1)
    assert allowed_tokens(good[1]).tolist() == [97]


@pytest.mark.parametrize("engine", ENGINES)
def test_ids_budgets_and_counts_out_of_range(engine: str, vocabulary: Vocabulary) -> None:
    compiled = Grammar.from_regex("a+").compile(vocabulary, engine=engine)
    matcher = compiled.matcher()
    for token_id in (-1, vocabulary.size, 10**30, -(10**30)):
        assert matcher.accept(token_id) is False
        assert "outside the vocabulary" in matcher.explain(token_id)
    for count in (-1, 1, 10**30):
        with pytest.raises(TrellisError, match=r"roll back|int too big"):
            matcher.rollback(count)
    for thing in NO_TEXTS[:1] + NO_TEXTS[2:]:
        with pytest.raises(UsageError):
            matcher.rollback(thing)
        with pytest.raises(UsageError):
            matcher.explain(thing)
        with pytest.raises(TrellisError):
            matcher.accept(thing)
    for budget in (-1, 0, 1):
        with pytest.raises(LimitError, match="max_tokens is"):
            compiled.matcher(budget)
    with pytest.raises(UsageError):
        compiled.matcher("a")  # type: ignore[arg-type]
    assert compiled.matcher(10**30).accept(97)
    assert matcher.accept(97)


@pytest.mark.parametrize("engine", ENGINES)
def test_steps_after_the_end_are_steps_of_the_history(engine: str, vocabulary: Vocabulary) -> None:
    matcher = Grammar.from_regex("ab").compile(vocabulary, engine=engine).matcher()
    assert matcher.accept(257)
    assert matcher.accept(256)
    assert matcher.accept(256)
    assert matcher.accept_bytes(b"a") == 0
    matcher.rollback(2)
    assert matcher.finished
    matcher.rollback(1)
    assert not matcher.finished
    assert matcher.can_end
    with pytest.raises(MaskError, match="roll back"):
        matcher.rollback(2)


def test_bitmasks_that_are_none() -> None:
    words = np.zeros(9, np.int32)
    calls: list[Any] = [
        lambda: allocate_bitmask(-1, 5), lambda: allocate_bitmask(1.5, 5),  # type: ignore[arg-type]
        lambda: allocate_bitmask(10**9, 10**9), lambda: allowed_tokens(None),  # type: ignore[arg-type]
        lambda: allowed_tokens(np.zeros(3)), lambda: apply_bitmask(None, words),  # type: ignore[arg-type]
        lambda: apply_bitmask([0.0] * 5, [0]), lambda: apply_bitmask(np.zeros(256, np.float32), np.zeros(9, np.int64)),
        lambda: apply_bitmask(np.broadcast_to(np.float32(0), (256,)), words),
    ]
    for call in calls:
        with pytest.raises(UsageError):
            call()


# Files that were damaged, and matchers in a storm ---------------------------------------------------------------------

TOKENIZERS = Path(__file__).parents[2] / "fixtures" / "tokenizers"


@pytest.mark.parametrize("seed", range(40))
def test_a_damaged_tokenizer_file_is_read_or_refused_in_our_words(seed: int, tmp_path: Path) -> None:
    drawn = random.Random(seed)
    data = bytearray(drawn.choice(sorted(TOKENIZERS.iterdir())).read_bytes())
    if drawn.random() < 0.3:
        del data[drawn.randrange(len(data)):]
    for _ in range(drawn.randrange(6)):
        data[drawn.randrange(len(data))] = drawn.randrange(256)
    (tmp_path / "damaged").write_bytes(data)
    refused = []
    try:
        Vocabulary.from_tokenizer(tmp_path / "damaged")
    except TrellisError as error:
        refused.append(error)
    assert all(error.hint for error in refused)


@pytest.mark.parametrize("engine", ENGINES)
def test_matchers_that_fork_and_roll_back_at_random_are_as_good_as_new(engine: str, vocabulary: Vocabulary) -> None:
    compiled = Grammar.from_lark('start: "(" start* ")" | /[a-c]+/').compile(vocabulary, engine=engine)
    drawn, row = random.Random(1), allocate_bitmask(1, vocabulary.size)[0]
    matchers: list[tuple[Any, list[int]]] = [(compiled.matcher(), [])]
    for _ in range(300):
        matcher, said = matchers[drawn.randrange(len(matchers))]
        move = drawn.random()
        if move < 0.2 and len(matchers) < 40:
            matchers.append((matcher.fork(), list(said)))
        elif move < 0.45 and said:
            count = drawn.randint(1, len(said))
            matcher.rollback(count)
            del said[-count:]
        elif move < 0.5:
            with pytest.raises(TrellisError):
                matcher.rollback(drawn.choice([-1, len(said) + 1, 10**30]))
        elif len(said) < 12 and not matcher.finished:
            matcher.fill_bitmask(row)
            said.append(drawn.choice(allowed_tokens(row)))
            assert matcher.accept(said[-1])
    for matcher, said in matchers:
        fresh = compiled.matcher()
        assert all(fresh.accept(token) for token in said)
        assert fresh.can_end == matcher.can_end
        if not fresh.finished:
            fresh.fill_bitmask(row)
            allowed = list(allowed_tokens(row))
            matcher.fill_bitmask(row)
            assert list(allowed_tokens(row)) == allowed
