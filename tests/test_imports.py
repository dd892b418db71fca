"""Who may import whom, read from the source; and what ``import trellis`` must not bring along."""

import ast
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

import trellis

SOURCE = Path(trellis.__file__).parent
EVERYWHERE = {"collector", "errors", "result"}  # what all parts may import; they import nothing but each other
ALLOWED = {
    "collector": set(),
    "errors": set(),
    "result": set(),
    "schema": set(),
    "repair": {"schema"},
    "masking": {"schema"},
    "prompt": {"contract"},
    "contract": {"schema", "repair", "masking"},
    "models": {"models", "masking", "schema"},
    "strategy": {"contract", "prompt", "models.base"},
    "deadline": set(),
    "drive": {"deadline", "models.base", "strategy"},
    "session": {"models", "strategy", "runlog", "store"},
    "store": {"models.base"},
    "stream": {"api", "contract", "deadline", "drive", "models.base", "repair", "schema", "session", "strategy"},
    "batch": {"api", "contract", "drive", "models", "session", "store", "strategy"},
    "api": {"session", "prompt", "strategy", "models", "contract", "drive", "runlog"},
    "runlog": {"plots"},
    "plots": set(),
    "bench": {"", "plots"},
    "testing": {"models"},
    "cli": {"", "api", "masking", "repair", "contract", "runlog", "bench"},
    "__main__": {"cli"},
}
LATE = {("prompt", "contract"), ("contract", "masking"), ("contract", "repair")}  # only inside functions
NETWORK = {"openai", "httpx", "httpx2", "http", "urllib", "socket", "requests", "aiohttp", "ssl"}
IO = NETWORK | {"os", "io", "pathlib", "asyncio", "subprocess", "tempfile", "shutil", "sys"}


class Import:
    def __init__(self, path: Path, module: str, inside: bool, typing_only: bool) -> None:
        self.part = path.relative_to(SOURCE).parts[0].removesuffix(".py")
        self.where = f"{path.relative_to(SOURCE)}: {module}"
        self.module, self.inside, self.typing_only = module, inside, typing_only

    @property
    def top(self) -> str:
        return self.module.split(".")[0]


def imports(path: Path) -> Iterator[Import]:
    """Every module that a file imports; ``from trellis.x import y`` is ``trellis.x.y`` where that is a module."""
    package = ("trellis", *path.relative_to(SOURCE).parts[:-1])

    def walk(node: ast.AST, inside: bool, typing_only: bool) -> Iterator[Import]:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.Import):
                for alias in child.names:
                    yield Import(path, alias.name, inside, typing_only)
            elif isinstance(child, ast.ImportFrom):
                base = ".".join(package[: len(package) - child.level + 1]) + "." if child.level else ""
                module = (base + (child.module or "")).rstrip(".")
                for alias in child.names:
                    is_module = (SOURCE.parent / Path(*module.split(".")) / alias.name).with_suffix(".py").exists()
                    yield Import(path, f"{module}.{alias.name}" if is_module else module, inside, typing_only)
            else:
                under_type_checking = isinstance(child, ast.If) and "TYPE_CHECKING" in ast.dump(child.test)
                function = isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef)
                yield from walk(child, inside or function, typing_only or under_type_checking)

    yield from walk(ast.parse(path.read_text(encoding="utf-8")), False, False)


ALL = [found for path in SOURCE.rglob("*.py") if path != SOURCE / "__init__.py" for found in imports(path)]
OURS = [found for found in ALL if found.top == "trellis"]
FOREIGN = [found for found in ALL if found.top != "trellis"]


def test_every_part_is_ruled() -> None:
    assert {found.part for found in ALL} <= set(ALLOWED)
    assert len(ALL) > 200


@pytest.mark.parametrize("part", ALLOWED)
def test_imports_go_one_way(part: str) -> None:
    allowed = ALLOWED[part] | EVERYWHERE | {part}
    wrong = [found.where for found in OURS if found.part == part and not found.typing_only
             and not any(f"{found.module}.".startswith(f"trellis.{one}." if one else "trellis.") for one in allowed)]
    assert wrong == []


def test_some_are_imported_only_where_they_are_used() -> None:
    early = [found.where for found in OURS if not found.inside and not found.typing_only
             for user, used in LATE if found.part == user and f"{found.module}.".startswith(f"trellis.{used}.")]
    assert early == []


def test_errors_import_nothing_of_trellis() -> None:
    assert [found.where for found in OURS if found.part in EVERYWHERE and found.module != "trellis.errors"] == []


def test_strategies_do_no_io() -> None:
    assert [found.where for found in FOREIGN if found.part == "strategy" and found.top in IO] == []


@pytest.mark.parametrize(("modules", "users"), [
    (NETWORK, {"models"}),
    ({"lark"}, {"masking"}),
    ({"trellis_kernel"}, {"masking"}),
    ({"typer", "rich"}, {"cli", "batch"}),
    ({"torch", "transformers", "ray", "vllm"}, {"masking", "models", "integrations"}),
])
def test_only_some_parts_see(modules: set[str], users: set[str]) -> None:
    assert {found.where for found in FOREIGN if found.top in modules and found.part not in users
            and found.module != "urllib.parse"} == set()


@pytest.mark.parametrize(("module", "files"), [
    ("lark", {"masking/lark_front.py", "masking/lark_analysis.py"}), ("re._", {"masking/regex_front.py"}),
    ("sre_", {"masking/regex_front.py"})])
def test_private_parts_are_seen_by_few_files(module: str, files: set[str]) -> None:
    users = {found.where.split(":")[0] for found in FOREIGN
             if f"{found.module}.".startswith(module) and not found.typing_only}
    assert users <= files


def test_import_is_quick_and_brings_nothing_heavy() -> None:
    code = "import sys, trellis; print(*sorted({name.split('.')[0] for name in sys.modules}))"
    started = time.monotonic()
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert time.monotonic() - started < 5
    heavy = {"numpy", "lark", "pydantic", "jsonschema", "jinja2", "openai", "asyncio", "typer", "rich", "ruamel",
             "regex", "trellis_kernel"}
    assert heavy & set(done.stdout.split()) == set()


@pytest.mark.parametrize(("arguments", "heavy"), [
    (["--help"], {"numpy", "lark", "jsonschema", "jinja2", "openai", "ruamel", "regex", "trellis_kernel"}),
    (["repair", "fixtures/cli/broken.json"], {"numpy", "lark", "jsonschema", "jinja2", "openai", "trellis_kernel"}),
])
def test_a_command_brings_only_what_it_needs(arguments: list[str], heavy: set[str]) -> None:
    code = (f"import sys; from trellis.cli import main; main({arguments!r})\n"
            "print(*sorted({name.split('.')[0] for name in sys.modules}), file=sys.stderr)")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True,
                          cwd=Path(__file__).parent.parent)
    assert heavy & set(done.stderr.split()) == set()
