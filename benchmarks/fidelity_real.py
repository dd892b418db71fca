"""Masks of real grammars against Lark: sentences cut into tokens at random, and masked random walks, many of each.

    python benchmarks/fidelity_real.py --walks 1000

The grammars are those that other packages ship (``benchmarks/fetch_grammars.py`` gets them) and those in ``grammars/``.
A sentence that Lark parses has to be allowed token by token, and every walk has to end in a text that Lark parses.
"""

from __future__ import annotations

import argparse
import importlib
import logging
import sys
import time
import tomllib
from collections.abc import Iterator
from pathlib import Path
from random import Random

from trellis.errors import GrammarError, TrellisError
from trellis.masking.bitmask import allocate_bitmask, allowed_tokens
from trellis.masking.grammar import Grammar
from trellis.masking.vocabulary import Vocabulary

ROOT = Path(__file__).parents[1]
FIXTURES = ROOT / "fixtures" / "grammars"
BUDGET = 40  # tokens of a walk beyond the fewest
SECONDS = 60  # for one grammar with one parser
logging.getLogger("lark").setLevel(logging.CRITICAL)


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--walks", type=int, default=100, help="of each grammar")
    arguments.add_argument("--folder", type=Path, default=importlib.import_module("fetch_grammars").FOLDER)
    given = arguments.parse_args()
    totals, wrong = [0, 0], 0
    print("| grammar | parser | sentences cut, allowed | walks, parsed | disagreements |\n|---|---|--:|--:|--:|")
    for name, path, start, parser, texts in cases(given.folder):
        counts, bad = check(Grammar.from_lark(path, start=start, parser=parser), texts, given.walks)
        totals, wrong = [total + count for total, count in zip(totals, counts, strict=True)], wrong + len(bad)
        print(f"| {name} | {parser} | {counts[0]:,} | {counts[1]:,} | {len(bad)} |", flush=True)
        for one in bad[:3]:
            print(one, file=sys.stderr)
    print(f"| all | | {totals[0]:,} | {totals[1]:,} | {wrong} |")
    return 1 if wrong else 0


def cases(folder: Path) -> Iterator[tuple[str, Path, str, str, list[str]]]:
    """(name, file, start rule, parser, texts) of each grammar that is here and is masked."""
    for case in tomllib.loads((FIXTURES / "packages.toml").read_text(encoding="utf-8"))["grammar"]:
        package, *below = Path(case["path"]).parts
        found = importlib.util.find_spec(package) if package == "lark" else None
        places = [Path(place).joinpath(*below) for place in (found.submodule_search_locations or () if found else ())]
        path = next((place for place in [*places, folder / case["package"] / case["path"]] if place.exists()), None)
        if path is not None and "refused" not in case:
            for parser in case.get("parsers", ["earley", "lalr"]):
                yield f"{case['package']}: {path.name}", path, case["start"], parser, case["texts"]
    for path in sorted((ROOT / "grammars").glob("*.lark")):
        texts = tomllib.loads((FIXTURES / f"{path.stem}.toml").read_text(encoding="utf-8"))["accept"]
        for parser in ("earley", "lalr"):
            if parser in path.read_text(encoding="utf-8").split("Parser", 1)[1][:24]:
                yield f"grammars/{path.name}", path, "start", parser, texts


def check(grammar: Grammar, texts: list[str], walks: int) -> tuple[tuple[int, int], list[str]]:
    """(sentences that were cut, walks), and what went wrong."""
    choose, bad, begun = Random(3), list[str](), time.process_time()
    good = [text.encode() for text in texts if parses(grammar, text)]
    pieces = {text[at : at + choose.randint(1, 6)] for text in good for at in range(len(text))}
    tokens = sorted(pieces | {bytes([byte]) for byte in (*range(32, 127), 10, 0xC3, 0xA9)})
    end = len(tokens)
    compiled = grammar.compile(Vocabulary([*tokens, b"<end>"], special_ids=[end], eos_ids=[end]))
    row = allocate_bitmask(1, end + 1)
    cut = walked = 0
    for text in (good * -(-walks // max(len(good), 1)))[: max(walks, len(good))]:
        matcher, at = compiled.matcher(), 0
        while at < len(text):
            token = choose.choice([number for number, data in enumerate(tokens) if text.startswith(data, at)])
            matcher.fill_bitmask(row)
            if not (row[0, token // 32] >> token % 32 & 1 and matcher.accept(token)):
                bad.append(f"a token is refused: {text!r} at {at}: {tokens[token]!r}")
                break
            at += len(tokens[token])
        else:
            bad += [] if matcher.can_end else [f"the end is refused: {text!r}"]
        cut += 1
        if time.process_time() - begun > SECONDS / 2:
            break
    begun = time.process_time()
    while walked < walks and time.process_time() - begun < SECONDS / 2:
        matcher, text = compiled.matcher(compiled.min_tokens() + BUDGET), b""
        while not matcher.finished:
            matcher.fill_bitmask(row)
            token = int(choose.choice(allowed_tokens(row[0])))
            if not matcher.accept(token):
                bad.append(f"accept refuses what the mask allows: {text!r}, {token}")
                break
            text += b"" if token == end else tokens[token]
        walked += 1
        if not parses(grammar, text.decode("utf-8", "replace")):
            bad.append(f"Lark does not parse: {text!r}")
    return (cut, walked), bad


def parses(grammar: Grammar, text: str) -> bool:
    try:
        grammar.parse(text)
    except GrammarError as error:
        return "multiple start symbol items" in str(error)
    except TrellisError:
        return False
    return True


if __name__ == "__main__":
    sys.exit(main())
