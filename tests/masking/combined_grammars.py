"""The grammars of ``fixtures/grammars/combined.toml``."""

from __future__ import annotations

import shutil
import tomllib
from pathlib import Path
from typing import NamedTuple

from hard_grammars import Drawn

FOLDER = Path(__file__).parents[2] / "fixtures" / "grammars"


class Combined(NamedTuple):
    """A case: ``parsers`` are those of Lark's that take the grammar."""

    name: str
    grammar: str
    pieces: tuple[str, ...]
    start: str
    parsers: tuple[str, ...]

    def drawn(self, folder: Path) -> Drawn:
        """The case for a judge; what it imports is put into the folder."""
        imports = "%import ." in self.grammar
        if imports:
            shutil.copy(FOLDER / "imported" / "parts.lark", folder)
        return Drawn(self.name, self.grammar, self.pieces, self.start, str(folder) if imports else "")


def combined() -> list[Combined]:
    """All cases."""
    cases = tomllib.loads((FOLDER / "combined.toml").read_text(encoding="utf-8"))["case"]
    return [Combined(case["name"], case["grammar"], tuple(case["pieces"]), case.get("start", "start"),
                     tuple(case.get("parsers", ("earley", "lalr")))) for case in cases]
