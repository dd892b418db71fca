"""How masks grow: time against vocabulary, grammar, nesting and length; memory over many grammars; a batch in threads.

    python benchmarks/fetch_tokenizers.py && python benchmarks/growth.py [--steps 1000000]

Thread time in µs of mask + commit over Llama 3's vocabulary, as Python sees it. *Cold*: a fresh vocabulary and grammar.
``--steps`` adds a long run over ever new grammars, with the memory of the process beside that of the tables.
"""

from __future__ import annotations

import argparse
import json
import platform
import random
import resource
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from masking import END, llama3
from masking_cases import JSON
from trellis.masking import Grammar, Vocabulary, allocate_bitmask, fill_bitmasks

Encoding = Any


def fresh(vocabulary: Vocabulary, size: int | None = None) -> Vocabulary:
    """The same vocabulary without what grammars left there; or one of its first tokens and the special ones."""
    tokens = list(vocabulary.tokens)
    special, eos = set(vocabulary.special_ids), list(vocabulary.eos_ids)
    if size is not None:
        tokens, special, eos = [*tokens[:size], b"<end>"], {size}, [size]
    made = Vocabulary(tokens, special_ids=special, eos_ids=eos)
    Grammar.from_choices(["warm"]).compile(made)
    return made


def walk(compiled: Any, tokens: Sequence[int]) -> list[float]:
    """Microseconds of each mask + commit."""
    bitmask = allocate_bitmask(1, compiled.vocabulary.size)
    matcher, clock, times = compiled.matcher(), time.thread_time_ns, []
    for token in tokens:
        begun = clock()
        matcher.fill_bitmask(bitmask)
        taken = matcher.accept(token)
        times.append((clock() - begun) / 1000)
        if not taken:
            raise SystemExit(f"token {token} is refused")
    return times


def figures(cold: Sequence[float], warm: Sequence[float]) -> str:
    return (f"{np.mean(cold):,.1f} | {np.percentile(cold, 99):,.0f} | {np.mean(warm):,.2f} | "
            f"{np.percentile(warm, 99):,.1f}")


def table(title: str, first: str, rows: Iterator[tuple[str, str]]) -> None:
    print(f"\n## {title}\n\n| {first} | cold avg | cold p99 | warm avg | warm p99 |\n|--:|--:|--:|--:|--:|")
    for name, cells in rows:
        print(f"| {name} | {cells} |", flush=True)


def twice(grammar: Grammar, vocabulary: Vocabulary, tokens: Sequence[int]) -> str:
    compiled = grammar.compile(vocabulary)
    return figures(walk(compiled, tokens), walk(compiled, tokens))


def document(choose: random.Random, size: int) -> str:
    """JSON of so many records, as an array."""
    return json.dumps([{"id": i, "name": f"name {choose.randrange(10**6)}", "tags": ["a", "b"] * choose.randrange(3),
                        "ok": choose.random() < 0.5, "value": choose.random()} for i in range(size)])


def vocabularies(vocabulary: Vocabulary, text: str) -> Iterator[tuple[str, str]]:
    grammar = Grammar.from_lark(JSON)
    for size in (1_000, 4_000, 16_000, 64_000, 128_000):
        smaller = fresh(vocabulary, size)
        yield f"{size:,}", twice(grammar, smaller, list(greedy(smaller, text.encode())))


def greedy(vocabulary: Vocabulary, data: bytes) -> Iterator[int]:
    """The longest token that fits, again and again."""
    ids = {token: token_id for token_id, token in enumerate(vocabulary.tokens)}
    while data:
        size = next(size for size in range(min(16, len(data)), 0, -1) if data[:size] in ids)
        yield ids[data[:size]]
        data = data[size:]


def grammars(vocabulary: Vocabulary, encoding: Encoding) -> Iterator[tuple[str, str]]:
    for size in (10, 100, 1_000, 3_000):
        rules = "\n".join(f'r{i}: "key{i}" "=" (NUMBER | NAME) ";"' for i in range(size))
        text = f"start: ({' | '.join(f'r{i}' for i in range(size))})*\n{rules}\nNUMBER: /[0-9]+/\nNAME: /[a-z]+/\n"
        choose = random.Random(1)
        keys = [choose.randrange(size) for _ in range(60)]
        tokens = encoding.encode("".join(f"key{k}={k if k % 2 else 'abc'};" for k in keys))
        yield f"{size:,}", twice(Grammar.from_lark(text), fresh(vocabulary), tokens)


def depths(vocabulary: Vocabulary, encoding: Encoding, parser: str) -> Iterator[tuple[str, str]]:
    for depth in (10, 100, 1_000, 10_000):
        inner = '{"a": [1, true, "x"], "b": -2.5}'
        compiled = Grammar.from_lark(JSON, parser=parser).compile(fresh(vocabulary))
        opening = encoding.encode("[" * depth)
        tokens = [*opening, *encoding.encode(inner)]
        cold, warm = walk(compiled, tokens)[len(opening):], walk(compiled, tokens)[len(opening):]
        yield f"{parser}, {depth:,}", figures(cold, warm)


def lengths(vocabulary: Vocabulary, encoding: Encoding) -> Iterator[tuple[str, str]]:
    compiled = Grammar.from_lark(JSON).compile(fresh(vocabulary))
    tokens = encoding.encode(document(random.Random(2), 4_000))
    cold, warm = walk(compiled, tokens), walk(compiled, tokens)
    begin = 0
    for end in (1_000, 10_000, 30_000, 100_000):
        if end <= len(tokens):
            yield f"{begin:,} to {end:,}", figures(cold[begin:end], warm[begin:end])
        begin = end


def batch(vocabulary: Vocabulary, encoding: Encoding) -> None:
    """64 sequences of 64 grammars: cold masks made by one thread and by several."""
    print("\n## 64 matchers, a mask each\n\n| grammars | threads | cold, ms | warm, ms |\n|--:|--:|--:|--:|")
    size = vocabulary.size
    for count, threads in ((1, 1), (1, 2), (64, 1), (64, 2)):
        again = fresh(vocabulary)
        texts = [JSON.replace('"true"', f'"true{i}"') for i in range(count)]
        compiled = [Grammar.from_lark(text).compile(again) for text in texts]
        prefix = encoding.encode('{"a": [1, 2, {"b": "')
        matchers = [compiled[i % count].matcher() for i in range(64)]
        for i, matcher in enumerate(matchers):
            for token in prefix[:1 + i % len(prefix)]:
                matcher.accept(token)
        bitmask, clock = allocate_bitmask(64, size), []
        for _ in range(2):
            begun = time.perf_counter()
            fill_bitmasks(matchers, bitmask, threads=threads)
            clock.append(1000 * (time.perf_counter() - begun))
        print(f"| {count} | {threads} | {clock[0]:.1f} | {clock[1]:.2f} |", flush=True)


def long_run(vocabulary: Vocabulary, steps: int) -> None:
    """Random walks over grammars that nobody had before; each is dropped after 2,000 steps."""
    print("\n## A long run\n\n| steps | grammars | µs a step | vocabulary's tables, MB | process, MB |\n"
          "|--:|--:|--:|--:|--:|")
    choose, done, made, begun = random.Random(3), 0, 0, time.thread_time()
    bitmask = allocate_bitmask(1, vocabulary.size)
    checkpoint = max(steps // 10, 1)
    while done < steps:
        made += 1
        names = "|".join(sorted({f"k{choose.randrange(10**6)}" for _ in range(8)}))
        text = JSON.replace("pair: STRING", "pair: KEY").replace("NUMBER:", f'KEY: /"({names})"/\nNUMBER:')
        compiled = Grammar.from_lark(text, parser=choose.choice(("earley", "lalr"))).compile(vocabulary)
        for _ in range(20):
            matcher = compiled.matcher(300)
            while not matcher.finished and done < steps:
                matcher.fill_bitmask(bitmask)
                allowed = np.flatnonzero(np.unpackbits(bitmask.view(np.uint8), bitorder="little"))
                matcher.accept(int(choose.choice(allowed)))
                done += 1
                if done % checkpoint == 0:
                    tables = compiled.stats().get("vocabulary_bytes", 0) / 1e6
                    process = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3
                    print(f"| {done:,} | {made:,} | {1e6 * (time.thread_time() - begun) / done:.0f} | {tables:,.0f} | "
                          f"{process:,.0f} |", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=0, help="of the long run")
    arguments = parser.parse_args()
    encoding = llama3()
    vocabulary = Vocabulary.from_tokenizer(encoding, eos_ids=[encoding.encode_single_token(END)])
    print(f"{platform.machine()}, Python {platform.python_version()}, {time.strftime('%Y-%m-%d')}; µs of mask + commit")
    table("Tokens in the vocabulary", "tokens", vocabularies(vocabulary, document(random.Random(1), 20)))
    table("Rules in the grammar", "rules", grammars(vocabulary, encoding))
    for kind in ("earley", "lalr"):
        table(f"Arrays around the text, {kind}", "depth", depths(vocabulary, encoding, kind))
    table("Tokens before", "tokens", lengths(vocabulary, encoding))
    batch(vocabulary, encoding)
    if arguments.steps:
        long_run(fresh(vocabulary), arguments.steps)


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parent))
    main()
