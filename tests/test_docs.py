"""The code in docs/ is run: the Python blocks of a page top to bottom, what they print held against the block below;
the commands each in a folder that has the files which they name."""

import re
import shlex
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

import trellis
from trellis.cli import main
from trellis.testing import FakeServer, answer

ROOT = Path(__file__).parent.parent
PAGES = sorted((ROOT / "docs").glob("*.md"))
BLOCK = re.compile(r"^```python\n(.*?)^```\n(?:```text\n(.*?)^```\n)?", re.DOTALL | re.MULTILINE)
SHELL = re.compile(r"^```sh\n(.*?)^```$", re.DOTALL | re.MULTILINE)


class Person(BaseModel):
    name: str


GIVEN: dict[str, dict[str, Any]] = {
    "log.md": {"trellis": trellis, "Person": Person},
    "models.md": {"trellis": trellis, "schema": {"type": "integer"}},
    "repair.md": {"schema": {"type": "array"}, "chunks": ["[1, 2", "3]"]},
}
"""What the blocks of a page take for granted."""
PRINTS_NOTHING = ("grammars.md", "log.md", "models.md", "repair.md")
RUN = [page for page in PAGES if BLOCK.search(page.read_text(encoding="utf-8"))]


def text_of(page: Path) -> str:
    return page.read_text(encoding="utf-8")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Where a reader is who has tried the pages before: with a server, a log, a tokenizer, a schema."""
    for name in ("fixtures", "grammars", "src"):
        (tmp_path / name).symlink_to(ROOT / name)
    shutil.copy(ROOT / "src" / "trellis" / "models" / "nano" / "tokenizer.json", tmp_path)
    (tmp_path / "schema.json").write_text('{"type": "integer"}')
    (tmp_path / "records.ndjson").write_text("{'a': 1}\n[2,]\n")
    (tmp_path / "outputs").mkdir()
    (tmp_path / "outputs" / "1.json").write_text("{'a': 1}")
    shutil.copy(ROOT / "fixtures" / "cli" / "broken.json", tmp_path)
    session = trellis.Session(model=trellis.ScriptedModel(['{"name":"Ann",}']), log=tmp_path / "run.jsonl")
    trellis.generate_structured("Who is it?", Person, session=session)
    monkeypatch.chdir(tmp_path)
    with FakeServer([answer('{"name":"Ann"}')] * 3) as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.base_url)
        monkeypatch.setenv("OPENAI_API_KEY", "none")
        yield tmp_path


@pytest.mark.parametrize("page", RUN, ids=lambda page: page.name)
def test_python_blocks(page: Path, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("trellis_kernel")
    text = text_of(page)
    if "import openai" in text or '"openai/' in text:
        pytest.importorskip("openai")
    names: dict[str, object] = {"__name__": "__docs__", **GIVEN.get(page.name, {})}
    if page.name == "models.md":
        names.update(small_transformer())
    capsys.readouterr()
    for found in BLOCK.finditer(text):
        line = text.count("\n", 0, found.start()) + 1
        exec(compile("\n" * line + found[1], page.name, "exec"), names)
        printed = capsys.readouterr().out
        if page.name not in PRINTS_NOTHING:
            assert printed.rstrip() == (found[2] or "").rstrip(), f"{page.name}, line {line}"


def small_transformer() -> dict[str, Any]:
    """A model of transformers, its tokenizer and a prompt."""
    transformers = pytest.importorskip("transformers")
    tokenizers = pytest.importorskip("tokenizers")
    torch = pytest.importorskip("torch")
    inner = tokenizers.Tokenizer.from_file("tokenizer.json")
    tokenizer = transformers.PreTrainedTokenizerFast(tokenizer_object=inner, eos_token="<|end|>")
    config = transformers.GPT2Config(vocab_size=len(tokenizer), n_embd=8, n_layer=1, n_head=1, n_positions=256,
                                     eos_token_id=tokenizer.eos_token_id)
    return {"tokenizer": tokenizer, "model": transformers.GPT2LMHeadModel(config),
            "prompts": {"input_ids": torch.tensor([[5, 6]]), "attention_mask": torch.tensor([[1, 1]])}}


COMMANDS = [(page.name, line) for page in PAGES for block in SHELL.findall(text_of(page))
            for line in block.splitlines()]


@pytest.mark.parametrize(("page", "command"), COMMANDS)
def test_command(page: str, command: str, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    program, *words = shlex.split(command, comments=True)
    assert program == "trellis"
    expected = re.search(r"# exit code (\d)", command)
    assert main(words) == (int(expected[1]) if expected else 0)
    assert "".join(capsys.readouterr()) or {"--check", "--in-place"} & set(words)


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
