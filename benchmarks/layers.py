"""What each layer is worth on the built-in model: 200 held-out prompts of each format, as a table.

    python benchmarks/layers.py [--count 200] [--resume outcomes.jsonl] [--out FOLDER]

The same as ``trellis bench layers --count 200``, which also takes another model, seed or temperature.
"""

import sys

from trellis.cli import main

if __name__ == "__main__":
    sys.exit(main(["bench", "layers", "--count", "200", *sys.argv[1:]]))
