"""The README's code is run: every Python block and every ``trellis`` command that needs no set-up."""

import os
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from trellis.cli import main
from trellis.testing import FakeServer, answer

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
PYTHON = re.findall(r"^```python\n(.*?)^```$", README, re.DOTALL | re.MULTILINE)
COMMANDS = [
    line
    for block in re.findall(r"^```sh\n(.*?)^```$", README, re.DOTALL | re.MULTILINE)
    for line in block.splitlines()
    if line.startswith("trellis ")
]


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeServer]:
    """What the README's OpenAI-compatible block talks to."""
    with FakeServer([answer('{"name":"Maria Lopez","email":"maria.lopez@example.org","phone":null}')] * 3) as fake:
        monkeypatch.setenv("OPENAI_BASE_URL", fake.base_url)
        monkeypatch.setenv("OPENAI_API_KEY", "none")
        yield fake


@pytest.mark.parametrize("code", PYTHON, ids=[f"block{i + 1}" for i in range(len(PYTHON))])
def test_python_block(code: str, server: FakeServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    names: dict[str, Any] = {"__name__": "__readme__"}
    exec(compile(code, "README.md", "exec"), names)
    if 'model="trellis/nano"' in code:
        assert names["result"].value.model_dump() == {
            "name": "Maria Lopez", "email": "maria.lopez@example.org", "phone": "+34 555 0182"}


@pytest.mark.parametrize("command", COMMANDS)
def test_command(command: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(ROOT)
    assert main(shlex.split(command, comments=True)[1:]) == 0
    assert capsys.readouterr().out or "check" in command


def test_there_are_blocks_to_run() -> None:
    assert 'model="trellis/nano"' in PYTHON[0]
    assert len(PYTHON) >= 3
    assert len(COMMANDS) >= 2


def test_the_two_commands_stand_alone_on_a_line() -> None:
    for wanted in ("bin/trellis generate", "bin/pytest"):
        lines = [line for line in README.splitlines() if wanted in line]
        assert len(lines) == 1, wanted
        assert lines[0].startswith("python3 -m venv .venv && "), wanted


def test_the_file_map_is_true() -> None:
    section = README.split("## File map")[1].split("\n## ")[0]
    named = re.findall(r"^\| `([^`]+)`", section, re.MULTILINE)
    assert named
    assert [path for path in named if not (ROOT / path).exists()] == []
    missing = [
        entry
        for entry in os.listdir(ROOT / "src" / "trellis")
        if not entry.startswith(("_", "py.typed")) and not any(f"src/trellis/{entry}" in path for path in named)
    ]
    assert missing == []


def test_every_grammar_is_in_the_readme() -> None:
    assert [path.name for path in (ROOT / "grammars").glob("*.lark") if path.name not in README] == []
