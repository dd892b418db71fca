"""Large and hostile JSON Schemas: what they cost, beside llguidance where it is installed.

    python benchmarks/fetch_tokenizers.py && python benchmarks/json_schema_stress.py

Columns: milliseconds to lower and compile and to make the first mask (CPU time of this thread), the same for half the
size (linear growth is a factor of 2), kilobytes of schema; then what llguidance takes. Hostile schemas end in a typed
error or within their limits; the error is shown (``schema_bombs.py`` has them).
"""

from __future__ import annotations

import json
import multiprocessing
import time
from collections.abc import Callable
from typing import Any

from masking import END, llama3
from schema_bombs import BOMBS
from trellis.errors import TrellisError
from trellis.masking.bitmask import allocate_bitmask
from trellis.masking.grammar import Grammar
from trellis.masking.vocabulary import Vocabulary

Schema = dict[str, Any]
PATIENCE = 10  # seconds for the peer, which has limits of its own for some of these only


def properties(n: int) -> Schema:
    return {"type": "object", "properties": {f"property {i}": {"type": "string"} for i in range(n)},
            "additionalProperties": False}


def required(n: int) -> Schema:
    return {**properties(n), "required": [f"property {i}" for i in range(n)]}


def enum(n: int) -> Schema:
    return {"enum": [f"value {i * 7919 % n:06d} of many" for i in range(n)]}


def deep(n: int) -> Schema:
    schema: Schema = {"type": "integer"}
    for _ in range(n):
        schema = {"type": "object", "properties": {"a": schema}, "required": ["a"], "additionalProperties": False}
    return schema


def megabytes(n: int) -> Schema:
    kinds = [{"type": "string", "maxLength": 40}, {"type": "integer", "minimum": 0}, {"enum": ["a", "b", "c"]},
             {"type": "array", "items": {"$ref": "#/$defs/d0"}}, {"type": ["boolean", "null"]}]
    definitions = {f"d{i}": {"type": "object", "description": "a record " * 8, "properties": {
        f"field {i} {j}": {"description": f"field {j}", **kinds[j % 5]} for j in range(10)},
        "required": [f"field {i} 0"], "additionalProperties": False} for i in range(n)}
    return {"$defs": definitions, "type": "object",
            "properties": {name: {"$ref": f"#/$defs/{name}"} for name in definitions}, "additionalProperties": False}


def lengths(n: int) -> Schema:
    return {"type": "string", "pattern": "^[a-z]+(-[a-z0-9]+)*$", "maxLength": n}


LARGE: list[tuple[str, Callable[[int], Schema], int]] = [
    ("optional properties", properties, 5_000), ("required properties", required, 5_000),
    ("values of an enum", enum, 20_000), ("levels", deep, 300), ("definitions (3 MB)", megabytes, 3_400),
    ("characters of a pattern", lengths, 2_000)]


class Peers:
    """Both engines over Llama 3's vocabulary."""

    def __init__(self) -> None:
        encoding = llama3()
        end = encoding.encode_single_token(END)
        tokens = [encoding.decode_single_token_bytes(i) for i in range(encoding.n_vocab)]
        special = [i for i in range(encoding.n_vocab) if encoding.is_special_token(i)]
        self.vocabulary = Vocabulary(tokens, special_ids=special, eos_ids=[end])
        self.bits = allocate_bitmask(1, len(tokens))
        self.tokenizer: Any = None
        try:
            import llguidance.tiktoken as peer
        except ImportError:
            return
        self.tokenizer = peer.lltokenizer_from_encoding(encoding, n_vocab=len(tokens), eos_token=end)

    def ours(self, schema: Schema) -> None:
        Grammar.from_json_schema(schema).compile(self.vocabulary).matcher().fill_bitmask(self.bits)

    def theirs(self, schema: Schema) -> None:
        from llguidance import LLMatcher

        matcher = LLMatcher(self.tokenizer, LLMatcher.grammar_from_json_schema(json.dumps(schema)))
        if matcher.is_error():
            raise ValueError(matcher.get_error())
        matcher.unsafe_compute_mask_ptr(self.bits.ctypes.data, self.bits.nbytes)


def timed(run: Callable[[Schema], None], schema: Schema) -> tuple[float, str]:
    """Milliseconds, and the error if there was one."""
    start, error = time.thread_time(), ""
    try:
        run(schema)
    except TrellisError as raised:
        error = f"{type(raised).__name__}: {raised.message}"
    except Exception as raised:  # the peer's
        error = f"{type(raised).__name__}: {raised}"
    return (time.thread_time() - start) * 1e3, " ".join(error.split())[:110]


def main() -> None:
    peers = Peers()
    timed(peers.ours, properties(2))
    print("| schema | kB | ms | ms at half the size | llguidance ms |\n|:--|--:|--:|--:|--:|")
    for name, make, size in LARGE:
        half, (full, error) = timed(peers.ours, make(size // 2))[0], timed(peers.ours, make(size))
        cells = [f"{len(json.dumps(make(size))) / 1e3:,.0f}", f"{full:,.1f}{' ' + error if error else ''}",
                 f"{half:,.1f}", peer(peers, make(size))]
        print(f"| {size:,} {name} | " + " | ".join(cells) + " |", flush=True)
    print("\n| hostile | ms | ends in | llguidance ms |\n|:--|--:|:--|--:|")
    for bomb in BOMBS:
        spent, error = timed(peers.ours, bomb.schema)
        print(f"| {bomb.name} | {spent:,.1f} | {error or 'a mask'} | {peer(peers, bomb.schema)} |", flush=True)


def peer(peers: Peers, schema: Schema) -> str:
    if peers.tokenizer is None:
        return "-"
    processes = multiprocessing.get_context("fork")
    here, there = processes.Pipe(duplex=False)
    child = processes.Process(target=lambda: there.send(timed(peers.theirs, schema)))
    child.start()
    found = here.recv() if here.poll(PATIENCE) else None
    child.kill()
    child.join()
    if found is None:
        return f"more than {PATIENCE * 1000:,}"
    spent, error = found
    return f"{spent:,.1f}{' ' + error[:60] if error else ''}"


if __name__ == "__main__":
    main()
