"""``trellis grammar`` and ``trellis mask``, in process."""

import json
from pathlib import Path

import pytest

from trellis.cli import main
from trellis.masking import Grammar

pytest.importorskip("trellis_kernel")
ROOT = Path(__file__).parents[1]
JSON = ROOT / "grammars" / "json.lark"


def run(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    code = main([*map(str, arguments)])
    out, err = capsys.readouterr()
    return code, out, err


def test_check_warns(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    (tmp_path / "sum.lark").write_text('start: start "+" start | "n"\n')
    code, out, err = run(capsys, "grammar", "check", tmp_path / "sum.lark")
    assert (code, out) == (0, "")
    assert "ok: " in err
    assert "warning: ambiguity: rule start" in err


def test_check_shows_the_place_of_an_error(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    (tmp_path / "bad.lark").write_text('start: "a"\nother: (start\n')
    code, _, err = run(capsys, "grammar", "check", tmp_path / "bad.lark")
    assert code == 2
    assert "line 2" in err
    assert "^" in err.splitlines()[2]


def test_check_puts_a_caret_below_the_line_of_a_text(capsys: pytest.CaptureFixture[str]) -> None:
    code, _, err = run(capsys, "grammar", "check", JSON, "--text", '{"a":\n  1 2}')
    assert code == 1
    assert "line 2, column 5" in err
    assert err.splitlines()[-2:] == ["  1 2}", "    ^"]


@pytest.mark.parametrize("parser", ["earley", "lalr"])
def test_samples_belong_to_the_grammar_and_a_seed_draws_them_again(capsys: pytest.CaptureFixture[str],
                                                                   parser: str) -> None:
    call = ("grammar", "sample", JSON, "-n", "4", "--parser", parser, "--json", "--seed", "3")
    code, out, err = run(capsys, *call)
    assert (code, err) == (0, "")
    texts = [json.loads(line) for line in out.splitlines()]
    assert len(texts) == 4
    assert all(Grammar.from_lark(JSON).accepts(text) for text in texts)
    assert run(capsys, *call)[1] == out
    assert run(capsys, *call[:-1], "4")[1] != out


def test_samples_are_plain_text_by_default(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    (tmp_path / "one.lark").write_text('start: "only"\n')
    assert run(capsys, "grammar", "sample", tmp_path / "one.lark", "-n", "2")[1] == "only\nonly\n"


def test_mask_lists_what_may_come(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = run(capsys, "mask", JSON, "--text", '{"a": [1', "--top", "1000")
    assert code == 0
    tokens = [json.loads(line.split("\t")[1]) for line in out.splitlines()]
    assert "," in tokens
    assert "]" in tokens
    assert "a" not in tokens
    assert f"allowed: {len(tokens)} of 1,024 tokens" in err
    assert r"expected: NUMBER, RSQB, COMMA, /[ \t\n\r]+/" in err
    assert "a shortest ending: ']}'" in err


def test_mask_says_what_is_forced_and_why_a_token_is_refused(capsys: pytest.CaptureFixture[str],
                                                             tmp_path: Path) -> None:
    (tmp_path / "schema.json").write_text('{"type": "object", "properties": {"name": {"type": "integer"}}, '
                                          '"required": ["name"], "additionalProperties": false}')
    code, _, err = run(capsys, "mask", tmp_path / "schema.json", "--token", "5")
    assert code == 0
    assert "forced: '{\"name\":" in err
    assert "token 5 " in err
    assert "refused" in err


def test_mask_with_another_tokenizer(capsys: pytest.CaptureFixture[str]) -> None:
    path = ROOT / "fixtures" / "tokenizers" / "byte_fallback.model"
    code, out, err = run(capsys, "mask", JSON, "--text", "[tru", "--tokenizer", path)
    assert code == 0
    assert {line.split("\t")[1] for line in out.splitlines()} == {'"e"'}
    assert "of 640 tokens" in err


def test_mask_refuses_a_text_that_has_left_the_grammar(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = run(capsys, "mask", JSON, "--text", '{"a": ]')
    assert (code, out) == (1, "")
    assert err.splitlines()[-1] == "      ^"


@pytest.mark.parametrize(("arguments", "code"), [
    (("mask", "no/such.lark"), 2), (("mask", "no/such.json"), 2), (("mask", "README.md"), 2),
    (("mask", "grammars/json.lark", "--tokenizer", "README.md"), 2), (("grammar", "sample", "no/such.lark"), 2),
    (("mask", "grammars/json.lark", "--max-tokens", "1"), 5),
])
def test_wrong_calls(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...],
                     code: int) -> None:
    monkeypatch.chdir(ROOT)
    found, out, err = run(capsys, *arguments)
    assert (found, out) == (code, "")
    assert err.startswith("error: ")
