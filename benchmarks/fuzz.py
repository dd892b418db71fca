"""Fuzz the loading of grammars and streams of steps over masks, for as long as one likes.

    python benchmarks/fuzz.py grammar --seconds 300 --seed 0
    python benchmarks/fuzz.py stream --seconds 300 --seed 0
    python benchmarks/fuzz.py twin --seconds 300 --seed 0

The targets are in ``tests/masking/fuzzing.py``; a case depends on its seed alone. Prints how much was done, and all
that is wrong with its seed; the exit status is 1 when something is. A case that hangs where no signal reaches it ends
the run with a traceback.
"""

from __future__ import annotations

import argparse
import faulthandler
import importlib
import sys
import time
from contextlib import suppress
from pathlib import Path
from random import Random

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "masking"))
SECONDS = 10  # of the processor, for one case
HANG = 120  # seconds of the clock on the wall


def main() -> int:
    fuzzing = importlib.import_module("fuzzing")
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("target", choices=fuzzing.TARGETS)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int, default=0, help="the first seed")
    parser.add_argument("--count", type=int, default=sys.maxsize, help="how many seeds at most")
    arguments = parser.parse_args()
    fuzz, seed, begun = fuzzing.Fuzz(SECONDS), arguments.seed, time.monotonic()
    slowest = (0.0, seed)
    with suppress(KeyboardInterrupt):
        while time.monotonic() - begun < arguments.seconds and seed - arguments.seed < arguments.count:
            before, started = len(fuzz.found), time.process_time()
            faulthandler.dump_traceback_later(HANG, exit=True)
            fuzzing.TARGETS[arguments.target](fuzz, Random(seed))
            slowest = max(slowest, (time.process_time() - started, seed))
            for found in fuzz.found[before:]:
                print(f"seed {seed}: {found.what}", found.case, sep="\n", flush=True)
            seed += 1
    faulthandler.cancel_dump_traceback_later()
    print(f"{arguments.target}: seeds {arguments.seed} to {seed - 1}, {time.monotonic() - begun:.0f} s, wrong: "
          f"{len(fuzz.found)}, slowest case {slowest[0]:.1f} s of the processor (seed {slowest[1]})\n")
    print("\n".join(f"{count:>9,}  {what}" for what, count in sorted(fuzz.counts.items())))
    return 1 if fuzz.found else 0


if __name__ == "__main__":
    sys.exit(main())
