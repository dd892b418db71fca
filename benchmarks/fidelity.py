"""Masks against Lark on generated grammars, for as long as one likes.

    python benchmarks/fidelity.py --seconds 600 --seed 0
    python benchmarks/fidelity.py --combined --seconds 600

Grammars are drawn from consecutive seeds (``tests/masking/hard_grammars.py``), a quarter of them also compared with the
slow engine; with ``--combined`` they are those of ``fixtures/grammars/combined.toml``, in turn. Prints how many checks
of each kind were run (also when it is interrupted), and every disagreement with its seed; the exit status is 1 when
there is one.
"""

from __future__ import annotations

import argparse
import importlib
import re
import sys
import time
from contextlib import suppress
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "masking"))
SECONDS = 6  # for one grammar
WIDE = re.compile(r"\\[wWdDsSbB]")  # classes of all of Unicode are too slow for the slow engine


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int, default=0, help="the first seed")
    parser.add_argument("--count", type=int, default=sys.maxsize, help="how many seeds at most")
    parser.add_argument("--kind", help="only this kind of grammar")
    parser.add_argument("--combined", action="store_true", help="the grammars with several directives, not drawn ones")
    arguments = parser.parse_args()
    hard, lark_judge = importlib.import_module("hard_grammars"), importlib.import_module("lark_judge")
    cases = importlib.import_module("combined_grammars").combined() if arguments.combined else []
    judge, seed, begun = lark_judge.Judge(SECONDS), arguments.seed, time.monotonic()
    with suppress(KeyboardInterrupt), TemporaryDirectory() as folder:
        while time.monotonic() - begun < arguments.seconds and seed - arguments.seed < arguments.count:
            drawn = cases[seed % len(cases)].drawn(Path(folder)) if cases else hard.draw(Random(seed), arguments.kind)
            for name in ("earley", "lalr"):
                before = len(judge.found)
                judge.examine(drawn, name, Random(seed), reference=seed % 4 == 0 and not WIDE.search(drawn.text))
                for found in judge.found[before:]:
                    print(f"seed {seed}, {drawn.kind}, {name}: {found.what}", found.where, found.grammar, sep="\n",
                          flush=True)
            seed += 1
    print(f"seeds {arguments.seed} to {seed - 1}, {time.monotonic() - begun:.0f} s, processor "
          f"{time.process_time():.0f} s, disagreements: {len(judge.found)}\n")
    print("\n".join(f"{count:>9,}  {what}" for what, count in sorted(judge.counts.items())))
    return 1 if judge.found else 0


if __name__ == "__main__":
    sys.exit(main())
