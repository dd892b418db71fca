"""The code in docs/ is run: the Python blocks of a page top to bottom, what they print held against the block below."""

import re
import shlex
from pathlib import Path

import pytest

from trellis.cli import main

ROOT = Path(__file__).parent.parent
PAGES = sorted((ROOT / "docs").glob("*.md"))
BLOCK = re.compile(r"^```python\n(.*?)^```\n(?:```text\n(.*?)^```\n)?", re.DOTALL | re.MULTILINE)
SHELL = re.compile(r"^```sh\n(.*?)^```$", re.DOTALL | re.MULTILINE)
RUN = [ROOT / "docs" / name for name in ("guide.md", "decoding.md", "grammars.md", "prompts.md", "strategies.md")]


def text_of(page: Path) -> str:
    return page.read_text(encoding="utf-8")


@pytest.mark.parametrize("page", RUN, ids=lambda page: page.name)
def test_python_blocks(page: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("trellis_kernel")
    text = text_of(page)
    if "import openai" in text:
        pytest.importorskip("openai")
    monkeypatch.chdir(ROOT)
    names: dict[str, object] = {"__name__": "__docs__"}
    assert BLOCK.search(text)
    for found in BLOCK.finditer(text):
        line = text.count("\n", 0, found.start()) + 1
        exec(compile("\n" * line + found[1], page.name, "exec"), names)
        printed = capsys.readouterr().out
        if page.name != "grammars.md":
            assert printed.rstrip() == (found[2] or "").rstrip(), f"{page.name}, line {line}"


COMMANDS = [line for block in SHELL.findall(text_of(ROOT / "docs" / "cli.md")) for line in block.splitlines()]


@pytest.mark.parametrize("command", COMMANDS)
def test_command(command: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(ROOT)
    program, *words = shlex.split(command, comments=True)
    assert program == "trellis"
    expected = re.search(r"# exit code (\d)", command)
    assert main(words) == (int(expected[1]) if expected else 0)
    assert "".join(capsys.readouterr()) or "--check" in words


def test_links_from_the_readme_lead_to_every_page() -> None:
    found, todo = set(), [ROOT / "README.md"]
    while todo:
        page = todo.pop()
        linked = {(page.parent / link).resolve() for link in re.findall(r"\]\(([^)#:]+\.md)\)", text_of(page))}
        todo += linked - found
        found |= linked
    assert [page.name for page in PAGES if page not in found] == []


def test_links_lead_somewhere() -> None:
    for page in [*PAGES, ROOT / "README.md"]:
        for link in re.findall(r"\]\(([^)#:]+)\)", text_of(page)):
            assert (page.parent / link).exists(), f"{page.name}: {link}"
