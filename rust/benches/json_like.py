"""Mask and accept times on a hand-made JSON program: `python benches/json_like.py TOKENIZER.tiktoken [set|first]`.

Needs numpy and tiktoken. The first round starts with cold tables.
"""

from __future__ import annotations

import base64
import json
import random
import struct
import sys
import time

import numpy as np
import tiktoken
from trellis_kernel import Grammar, Vocabulary

INF = 0xFFFFFFFF
PATTERN = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+"


def lit(data: bytes) -> bytes:
    return b"\0" + data


def text(data: bytes) -> bytes:
    return b"L" + struct.pack("<H", len(data)) + data


def cls(values: object) -> bytes:
    bits = bytearray(32)
    for value in values:  # type: ignore[attr-defined]
        bits[value >> 3] |= 1 << (value & 7)
    return b"C" + bytes(bits)


def cat(*parts: bytes) -> bytes:
    return b"".join(parts) + b"." + struct.pack("<H", len(parts))


def alt(*parts: bytes) -> bytes:
    return b"".join(parts) + b"|" + struct.pack("<H", len(parts))


def rep(part: bytes, low: int, high: int) -> bytes:
    return part + b"{" + struct.pack("<IIB", low, high, 1)


def non_ascii() -> bytes:
    def r(low: int, high: int) -> bytes:
        return cls(range(low, high + 1))

    c = r(0x80, 0xBF)
    return alt(cat(r(0xC2, 0xDF), c), cat(r(0xE0, 0xE0), r(0xA0, 0xBF), c), cat(r(0xE1, 0xEC), c, c),
               cat(r(0xED, 0xED), r(0x80, 0x9F), c), cat(r(0xEE, 0xEF), c, c), cat(r(0xF0, 0xF0), r(0x90, 0xBF), c, c),
               cat(r(0xF1, 0xF3), c, c, c), cat(r(0xF4, 0xF4), r(0x80, 0x8F), c, c))


HEX = cls(b"0123456789abcdefABCDEF")
CHARACTER = alt(cls(set(range(0x20, 0x80)) - set(b'"\\')), non_ascii(),
                cat(text(b"\\"), alt(cls(b'"\\/bfnrt'), cat(text(b"u"), HEX, HEX, HEX, HEX))))


def program(kind: bytes) -> tuple[list[bytes], bytes, bytes]:
    digit = cls(b"0123456789")
    string = kind + cat(text(b'"'), rep(CHARACTER, 0, INF), text(b'"'))
    number = kind + cat(rep(text(b"-"), 0, 1), alt(text(b"0"), cat(cls(b"123456789"), rep(digit, 0, INF))),
                        rep(cat(text(b"."), rep(digit, 1, INF)), 0, 1),
                        rep(cat(cls(b"eE"), rep(cls(b"+-"), 0, 1), rep(digit, 1, INF)), 0, 1))
    blank = kind + rep(cls(b" \n\t\r"), 1, INF)
    terminals = [string, number, *map(lit, (b"true", b"false", b"null", b"{", b"}", b"[", b"]", b",", b":")), blank]
    # State 0: a value; 1: after it. 2..6 an object, 7..9 an array.
    edges = [(0, 1, t, 1) for t in range(5)] + [
        (0, 1, 5, 2), (2, 1, 6, 1), (2, 1, 0, 3), (3, 1, 10, 4), (4, 2, 0, 5), (5, 1, 6, 1), (5, 1, 9, 6), (6, 1, 0, 3),
        (0, 1, 7, 7), (7, 1, 8, 1), (7, 2, 0, 8), (8, 1, 8, 1), (8, 1, 9, 9), (9, 2, 0, 8)]
    return terminals, b"".join(struct.pack("<4I", *edge) for edge in edges), bytes(i == 1 for i in range(10))


def value(rng: random.Random, depth: int) -> object:
    kind = rng.randrange(8 if depth < 4 else 4)
    if kind < 2:
        words = ["hello ", "wörld ", "日本", '"q"', "\\n", "x", "foo_bar ", "\n"]
        return "".join(rng.choice(words) for _ in range(rng.randrange(8)))
    if kind == 2:
        return rng.choice([rng.randrange(10**6), rng.random() * 1e4, -3, 1e-9])
    if kind == 3:
        return rng.choice([True, False, None])
    if kind < 6:
        return [value(rng, depth + 1) for _ in range(rng.randrange(5))]
    return {rng.choice(["name", "id", "größe", "a b"]) + str(i): value(rng, depth + 1) for i in range(rng.randrange(5))}


def main() -> None:
    with open(sys.argv[1], "rb") as file:
        tokens = [base64.b64decode(line.split()[0]) for line in file]
    kind = {"set": b"\1", "first": b"\2"}[sys.argv[2] if len(sys.argv) > 2 else "set"]
    n = len(tokens)
    tokens += [b""] * 256
    clock = time.perf_counter_ns
    start = clock()
    vocabulary = Vocabulary(tokens, list(range(n, n + 256)), [n + 1])
    print(f"vocabulary: {(clock() - start) / 1e6:.0f} ms, {vocabulary.memory_bytes() / 1e6:.1f} MB")
    terminals, edges, finals = program(kind)
    start = clock()
    grammar = Grammar.general(vocabulary, terminals, [str(i) for i in range(12)], edges, finals, bytes(4), 0, [11])
    print(f"compile: {(clock() - start) / 1e6:.2f} ms")
    encoding = tiktoken.Encoding("x", pat_str=PATTERN, special_tokens={},
                                 mergeable_ranks={token: i for i, token in enumerate(tokens[:n])})
    rng = random.Random(1)
    documents = [encoding.encode(json.dumps(value(rng, 0), ensure_ascii=rng.random() < 0.3,
                                            indent=rng.choice([None, 2]))) for _ in range(200)]
    print(f"{sum(map(len, documents))} tokens")
    bitmask = np.zeros((1, vocabulary.words), np.int32)
    for budget in (None, 5000):
        for turn in range(2):
            fills, accepts = [], []
            for ids in documents:
                matcher = grammar.matcher(budget)
                for token in [*ids, n + 1]:
                    a = clock()
                    matcher.fill_bitmask(bitmask)
                    b = clock()
                    accepted = matcher.accept(token)
                    c = clock()
                    assert accepted and bitmask[0, token >> 5] >> (token & 31) & 1, tokens[token]
                    fills.append((b - a) / 1e3)
                    accepts.append((c - b) / 1e3)
            for name, times in (("fill", fills), ("accept", accepts)):
                p50, p99, p999 = np.percentile(times, [50, 99, 99.9])
                print(f"max_tokens {budget} round {turn} {name:6} avg {np.mean(times):.2f} p50 {p50:.2f} p99 {p99:.1f} "
                      f"p99.9 {p999:.1f} max {max(times):.0f} µs")
    print(grammar.stats(), f"{vocabulary.memory_bytes() / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
