"""The command line, in process: what stands on standard output and standard error, and the exit code."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from trellis.cli import main
from trellis.cli.lazy import COMMANDS, loaded


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    code = main([*map(str, arguments)])
    out, err = capsys.readouterr()
    return code, out, err


SENTENCE = "Extract the contact: Maria Lopez can be reached at maria.lopez@example.org or +34 555 0182."


def test_generate_prints_one_line_of_json(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = run(
        capsys, "generate", SENTENCE, "--fields", "name, email, phone", "--model", "trellis/nano", "--temperature", "0"
    )
    assert code == 0
    assert list(json.loads(out)) == ["name", "email", "phone"]
    assert out.count("\n") == 1
    assert "accepted" in err
    assert "mask" in err


def test_quiet_says_nothing_on_standard_error(capsys: pytest.CaptureFixture[str]) -> None:
    code, _, err = run(
        capsys, "generate", "Is it good?", "--choice", "yes", "--choice", "no", "--model", "trellis/nano", "-q"
    )
    assert (code, err) == (0, "")


def test_the_default_model_is_said(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TRELLIS_MODEL", raising=False)
    code, out, err = run(capsys, "generate", "Is it good?", "--choice", "yes", "--choice", "no")
    assert code == 0
    assert out.strip() in ("yes", "no")
    assert "trellis/nano" in err


@pytest.mark.parametrize("how", [("--regex", "[0-9]{3}"), ("--fields", "n: int, mood: good|bad, tags: list[str]")])
def test_preview_asks_no_model(capsys: pytest.CaptureFixture[str], how: tuple[str, str]) -> None:
    code, out, _ = run(capsys, "generate", "the prompt", *how, "--preview", "--model", "no/such")
    assert code == 0
    assert "the prompt" in out


def test_every_way_to_name_a_type(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    schema = tmp_path / "schema.json"
    schema.write_text(
        '{"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"], "additionalProperties": false}'
    )
    grammar = tmp_path / "greeting.lark"
    grammar.write_text('start: ("hi" | "hello") " " NAME\nNAME: /[a-z]{2,5}/\n')
    (tmp_path / "shapes_of_test.py").write_text("from typing import Literal\nMood = Literal['good', 'bad']\n")
    monkeypatch.chdir(tmp_path)
    common = ("--model", "trellis/nano", "-q")
    code, out, _ = run(capsys, "generate", "x", "--schema", str(schema), *common)
    assert code == 0
    assert isinstance(json.loads(out)["n"], int)
    code, out, _ = run(capsys, "generate", "x", "--grammar", str(grammar), *common)
    assert code == 0
    assert out.startswith(("hi ", "hello "))
    code, out, _ = run(capsys, "generate", "x", "--type", "shapes_of_test:Mood", *common)
    assert out.strip() in ("good", "bad")
    code, out, _ = run(capsys, "generate", "x", "--regex", "[0-9]{3}-[a-f]", *common)
    assert code == 0
    assert len(out.strip()) == 5


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("generate", "x"), "says what to make"),
        (("generate", "x", "--fields", "a", "--regex", "b"), "--fields and --regex"),
        (("generate", "x", "--fields", "a b c"), "is no field"),
        (("generate", "x", "--fields", "a: nothing"), "is no type"),
        (("generate", "x", "--fields", "a", "--model", "nobody/home"), "nobody"),
        (("generate", "x", "--schema", "missing.json"), "missing.json"),
        (("generate", "x", "--type", "missing_module:Name"), "missing_module"),
        (("generate", "x", "--regex", "("), "("),
        (("grammar", "check", "missing.lark"), "missing.lark"),
        (("repair", "missing.json"), "missing.json"),
        (("repair", "-o", "x", "a", "b"), "one input"),
    ],
)
def test_a_wrong_call_is_exit_code_2(
    capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], words: str
) -> None:
    code, out, err = run(capsys, *arguments)
    assert (code, out) == (2, "")
    assert words in err
    assert "Traceback" not in err


def test_grammar_check(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    good = tmp_path / "good.lark"
    good.write_text('start: "a" start? "b"\n')
    assert run(capsys, "grammar", "check", str(good))[0] == 0
    assert run(capsys, "grammar", "check", str(good), "--parser", "lalr", "--text", "aabb")[0] == 0
    code, _, err = run(capsys, "grammar", "check", str(good), "--text", "aabbb")
    assert code == 1
    assert "character 5" in err
    assert err.endswith("\naabbb\n    ^\n")
    code, _, err = run(capsys, "grammar", "check", str(good), "--text", "aab")
    assert code == 1
    assert "too early, after character 3" in err
    assert err.endswith("\naab\n   ^\n")
    lines = tmp_path / "lines.lark"
    lines.write_text('start: "one\\n" "two\\n"\n')
    code, _, err = run(capsys, "grammar", "check", str(lines), "--text", "one\ntoo")
    assert code == 1
    assert err.endswith("\ntoo\n ^\n")


def test_a_malformed_grammar_is_shown_with_a_caret(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    bad = tmp_path / "bad.lark"
    bad.write_text('start: "a" b\nb: ("x" | \n')
    code, _, err = run(capsys, "grammar", "check", str(bad))
    assert code == 2
    assert "line 2" in err
    assert "^" in err


def test_repair(capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    broken, fine = tmp_path / "broken.json", tmp_path / "fine.json"
    broken.write_text("```json\n{'a': [1, 2,], // numbers\n \"b\": True\n```")
    fine.write_text('{"a": 1}')
    code, out, _ = run(capsys, "repair", str(broken))
    assert code == 0
    assert json.loads(out) == {"a": [1, 2], "b": True}
    code, out, err = run(capsys, "repair", "--explain", "--check", str(broken))
    assert (code, out) == (1, "")
    assert "2:2" in err
    assert run(capsys, "repair", "--check", str(fine)) == (0, "", "")
    assert run(capsys, "repair", "--in-place", str(broken), str(fine))[0] == 0
    assert json.loads(broken.read_text()) == {"a": [1, 2], "b": True}
    assert fine.read_text() == '{"a": 1}'


def test_what_cannot_be_repaired_is_exit_code_3(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    prose = tmp_path / "prose.txt"
    prose.write_text("I am sorry, I cannot do that.")
    code, out, err = run(capsys, "repair", "--format", "json", str(prose))
    assert (code, out) == (3, "")
    assert "error" in err


@pytest.mark.parametrize("command", [(), ("generate",), ("repair",), ("grammar",), ("grammar", "check")])
def test_every_command_has_help(capsys: pytest.CaptureFixture[str], command: tuple[str, ...]) -> None:
    code, out, _ = run(capsys, *command, "--help")
    assert code == 0
    assert "Usage" in out
    assert command[:1] == ("grammar",) or "Exit codes: 0 done" in out


def test_hints_name_options(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    code, _, err = run(capsys, "generate", "x", "--fields", "name", "--model", "trellis/nano", "--max-tokens", "2")
    assert code == 2 or code == 5
    assert "hint: a larger --max-tokens; or go without masks: --mode prompt" in err


def test_a_file_is_named_once(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(capsys, "repair", "missing.json") == (2, "", "error: missing.json: No such file or directory\n")


def test_it_is_a_module_too() -> None:
    done = subprocess.run([sys.executable, "-m", "trellis", "--version"], capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stdout.split()[0]) == (0, "trellis")


@pytest.mark.parametrize("name", COMMANDS)
def test_the_list_of_commands_says_what_a_command_says(name: str) -> None:
    """Commands are loaded when they are called, and the list is written apart from them."""
    said = (loaded(name).help or "").split("\n\n")[0]
    assert " ".join(said.split()) == COMMANDS[name].help


def test_help_loads_no_command() -> None:
    code = "import sys, trellis.cli; trellis.cli.main(['--help']); print('trellis.cli.repair' in sys.modules)"
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ended.stdout.splitlines()[-1] == "False"
