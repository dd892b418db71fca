"""The command line as a clumsy user meets it: in processes of their own, with real streams; never a traceback."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import trellis
from trellis.cli import main

SOURCE = str(Path(trellis.__file__).parents[1])
TRELLIS = [sys.executable, "-c", "import sys; from trellis.cli import main; sys.exit(main())"]


def run(*arguments: str, shell: str = "", cwd: Path, **environment: str) -> tuple[int, str, str]:
    """A run of ``trellis``, with what a shell puts after it (redirections, a pipe)."""
    command = " ".join(f"'{part}'" for part in [*TRELLIS, *arguments]) + " " + shell
    done = subprocess.run(["bash", "-c", f"set -o pipefail; {command}"], cwd=cwd, capture_output=True, timeout=60,
                          env={**os.environ, "PYTHONPATH": SOURCE, **environment})
    return done.returncode, done.stdout.decode(), done.stderr.decode()


@pytest.mark.parametrize(("arguments", "shell", "code", "words"), [
    (("repair", "-"), "<&-", 2, "closed"),
    (("generate", "-", "--fields", "a", "--preview"), "<&-", 2, "closed"),
    (("generate", "-", "--fields", "a", "--preview"), "< binary", 2, "UTF-8"),
    (("repair", "broken.json"), "> /dev/full", 2, "No space"),
    (("repair", "broken.json"), ">&-", 2, "standard output is closed"),
    (("generate", "x", "--type", "bursting:X"), "", 2, "burst"),
    (("generate", "x", "--type", "unclosed:X"), "", 2, "SyntaxError"),
    (("generate", "x", "--type", "leaving:X"), "", 2, "SystemExit"),
    (("generate", "x", "--type", "..a:X"), "", 2, "relative"),
    (("generate", "x", "--fields", ""), "", 2, "no field"),
    (("repair", "broken.json", "--schema", "binary"), "", 2, "no JSON"),
    (("repair", "broken.json", "--schema", "deep.json"), "", 2, "no JSON"),
    (("repair", "broken.json", "--schema", "list.json"), "", 2, "no"),
    (("repair", "broken.json", "--schema", "schema.json"), "", 4, "'z' is a required property"),
    (("repair", "binary"), "", 3, "UTF-8"),
    (("repair", "nowhere.json"), "", 2, "No such file"),
])
def test_no_traceback_and_the_documented_exit_code(
    tmp_path: Path, arguments: tuple[str, ...], shell: str, code: int, words: str
) -> None:
    (tmp_path / "broken.json").write_text('{"a": 1,}')
    (tmp_path / "binary").write_bytes(b"\xff\xfe\x00")
    (tmp_path / "list.json").write_text("[]")
    (tmp_path / "deep.json").write_text("[" * 100_000)
    (tmp_path / "schema.json").write_text('{"required": ["z"]}')
    (tmp_path / "bursting.py").write_text("raise RuntimeError('burst')")
    (tmp_path / "unclosed.py").write_text("x = (")
    (tmp_path / "leaving.py").write_text("import sys; sys.exit(3)")
    got, _, said = run(*arguments, shell=shell, cwd=tmp_path)
    assert (got, "Traceback" in said) == (code, False), said
    assert words in said


def test_a_reader_that_goes_away_ends_it_in_silence(tmp_path: Path) -> None:
    (tmp_path / "big.json").write_text("[" + ",".join('"some text"' for _ in range(100_000)) + "]")
    code, out, said = run("repair", "big.json", shell="| true", cwd=tmp_path)
    assert (code, out, said) == (141, "", "")


def test_output_is_utf8_in_any_locale(tmp_path: Path) -> None:
    (tmp_path / "text.json").write_text("['grün']", encoding="utf-8")
    code, out, said = run("repair", "text.json", cwd=tmp_path, PYTHONIOENCODING="ascii")
    assert (code, out, said) == (0, '["grün"]\n', "")


def test_in_place_writes_through_a_link(tmp_path: Path) -> None:
    target, link = tmp_path / "target.json", tmp_path / "link.json"
    target.write_text("{'a': 1}")
    link.symlink_to(target)
    assert main(["repair", "--in-place", str(link)]) == 0
    assert link.is_symlink()
    assert target.read_text() == '{"a": 1}'


def test_a_schema_file_may_begin_with_a_byte_order_mark(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    schema, text = tmp_path / "schema.json", tmp_path / "text.json"
    schema.write_text('{"type": "object"}', encoding="utf-8-sig")
    text.write_text("{'a': 1}")
    assert main(["repair", str(text), "--schema", str(schema)]) == 0
    assert capsys.readouterr().out == '{"a": 1}\n'
