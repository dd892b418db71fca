"""The Lark grammars of other packages, for the tests that hold masks to Lark on them.

    python benchmarks/fetch_grammars.py              # into $LARK_GRAMMARS, or ~/.cache/trellis-grammars

Tests are skipped where they are absent.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import tomllib
import zipfile
from pathlib import Path

FOLDER = Path(os.environ.get("LARK_GRAMMARS", Path.home() / ".cache" / "trellis-grammars"))
CASES = Path(__file__).parents[1] / "fixtures" / "grammars" / "packages.toml"


def main() -> None:
    for package in sorted({case["package"] for case in tomllib.loads(CASES.read_text(encoding="utf-8"))["grammar"]}):
        folder = FOLDER / package
        if folder.exists():
            continue
        with tempfile.TemporaryDirectory() as downloads:
            command = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "--only-binary", ":all:"]
            subprocess.run([*command, "-d", downloads, package], check=True)
            (wheel,) = Path(downloads).glob("*.whl")
            with zipfile.ZipFile(wheel) as archive:
                for name in archive.namelist():
                    if name.endswith(".lark"):
                        print(archive.extract(name, folder))


if __name__ == "__main__":
    main()
