"""Token masks of Lark grammars over Llama 3's vocabulary, llguidance beside them in the same run.

    python benchmarks/fetch_tokenizers.py && python benchmarks/masking.py [--parser lalr] [NAME ...]

For each token of a document: the thread's time in mask + commit, as Python sees it, less what the clock itself takes.
*Cold*: a vocabulary that no grammar has used, a freshly compiled grammar, first pass over the documents. *Warm*: the
second pass. Both engines see the same tokens, and have to allow each of them. The limit for any engine is the copy of
a bitmask.
"""

from __future__ import annotations

import argparse
import base64
import platform
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from fetch_tokenizers import FOLDER
from masking_cases import documents
from trellis.masking import Grammar, Vocabulary, allocate_bitmask

PATTERN = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+"
           r"|\s+(?!\S)|\s+")
END = "<|eot_id|>"
SPECIAL = ["<|begin_of_text|>", "<|end_of_text|>", END, *(f"<|reserved_special_token_{i}|>" for i in range(253))]


class Engine(NamedTuple):
    """How to start over, and how to make a mask and take a token."""

    start: Callable[[], None]
    mask: Callable[[], Any]
    commit: Callable[[int], Any]
    allows: Callable[[int], bool]


def llama3() -> Any:
    """Llama 3's tokenizer as a ``tiktoken.Encoding``."""
    import tiktoken

    lines = (FOLDER / "llama_models" / "llama3" / "tokenizer.model").read_bytes().splitlines()
    ranks = {base64.b64decode(token): int(rank) for token, rank in (line.split() for line in lines if line)}
    return tiktoken.Encoding("llama3", pat_str=PATTERN, mergeable_ranks=ranks,
                             special_tokens={name: len(ranks) + i for i, name in enumerate(SPECIAL)})


def ours(grammar: Grammar, vocabulary: Vocabulary) -> Engine:
    """Trellis; ``grammar`` must not have been compiled for the vocabulary yet."""
    compiled = grammar.compile(vocabulary)
    bitmask = allocate_bitmask(1, vocabulary.size)
    matcher = compiled.matcher()

    def start() -> None:
        nonlocal matcher
        matcher = compiled.matcher()

    return Engine(start, lambda: matcher.fill_bitmask(bitmask), lambda token: matcher.accept(token),
                  lambda token: bool(int(bitmask[0, token // 32]) >> token % 32 & 1))


def llguidance(text: str, tokenizer: Any) -> Engine:
    """llguidance, by its fastest way to fill a bitmask."""
    from llguidance import LLMatcher

    matcher = LLMatcher(tokenizer, LLMatcher.grammar_from_lark(text))
    if matcher.is_error():
        raise ValueError(matcher.get_error())
    bitmask = allocate_bitmask(1, tokenizer.vocab_size)
    address, size = bitmask.ctypes.data, bitmask.nbytes
    return Engine(matcher.reset, lambda: matcher.unsafe_compute_mask_ptr(address, size), matcher.consume_token,
                  lambda token: bool(int(bitmask[0, token // 32]) >> token % 32 & 1))


def clock_cost() -> float:
    """Microseconds that a pair of clock readings takes."""
    clock = time.thread_time_ns
    return float(np.median([clock() - begun for begun in (clock() for _ in range(20_000))])) / 1000


def walk(engine: Engine, texts: list[list[int]], cost: float) -> tuple[np.ndarray[Any, Any], int]:
    """(microseconds of each mask + commit, tokens that were not allowed)"""
    clock, times, refused = time.thread_time_ns, [], 0
    mask, commit = engine.mask, engine.commit
    for tokens in texts:
        engine.start()
        for token in tokens:
            begun = clock()
            mask()
            masked = clock()
            allowed = engine.allows(token)
            committing = clock()
            if allowed:
                commit(token)
            times.append((masked - begun + clock() - committing) / 1000 - 2 * cost)
            if not allowed:
                refused += 1
                break
    return np.array(times), refused


def row(name: str, engine: str, phase: str, times: np.ndarray[Any, Any], refused: int) -> str:
    """One line of the table."""
    figures = [times.mean(), *np.percentile(times, [50, 90, 99]), times.max()]
    note = f" {refused} refused" if refused else ""
    return f"| {name} | {engine} | {phase} | {len(times)} | " + " | ".join(f"{x:.1f}" for x in figures) + f" |{note}"


def first_mask(make: Callable[[], Engine]) -> float:
    """Milliseconds from the grammar's text to its first mask."""
    begun = time.thread_time()
    engine = make()
    engine.mask()
    return 1000 * (time.thread_time() - begun)


def copy_limit(words: int) -> float:
    """Microseconds to copy a bitmask."""
    source, target = np.zeros(words, np.int32), np.zeros(words, np.int32)
    rounds = []
    for _ in range(2_000):
        begun = time.thread_time_ns()
        np.copyto(target, source)
        rounds.append((time.thread_time_ns() - begun) / 1000)
    return float(np.median(rounds))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", help="grammars; all by default")
    parser.add_argument("--parser", choices=("earley", "lalr"), default="earley")
    arguments = parser.parse_args()
    encoding = llama3()
    vocabulary = Vocabulary.from_tokenizer(encoding, eos_ids=[encoding.encode_single_token(END)])
    try:
        import llguidance.tiktoken as peer

        tokenizer = peer.lltokenizer_from_encoding(encoding, n_vocab=vocabulary.size,
                                                   eos_token=encoding.encode_single_token(END))
    except ImportError:
        tokenizer = None
        print("llguidance is not installed: no peer beside", file=sys.stderr)
    cost = clock_cost()
    limit = copy_limit(-(-vocabulary.size // 32))
    print(f"{platform.machine()}, Python {platform.python_version()}, {time.strftime('%Y-%m-%d')}; parser "
          f"{arguments.parser}; copying a bitmask of {vocabulary.size} tokens: {limit:.2f} µs; mask + commit in µs\n")
    print("| grammar | engine | | tokens | avg | p50 | p90 | p99 | max |\n|---|---|---|--:|--:|--:|--:|--:|--:|")
    totals: dict[tuple[str, str], list[np.ndarray[Any, Any]]] = {}
    firsts = []
    for name, (text, texts) in documents().items():
        if arguments.names and name not in arguments.names:
            continue
        tokens = [encoding.encode(document) for document in texts]
        begun = time.thread_time()
        grammar = Grammar.from_lark(text, parser=arguments.parser)
        loading = 1000 * (time.thread_time() - begun)
        fresh = Vocabulary(vocabulary.tokens, special_ids=vocabulary.special_ids, eos_ids=vocabulary.eos_ids)
        Grammar.from_choices(["warm"]).compile(fresh)  # the vocabulary's own tables belong to its load
        engines: dict[str, Callable[[], Engine]] = {"trellis": lambda g=grammar, v=fresh: ours(g, v)}  # type: ignore[misc]
        if tokenizer is not None:
            engines["llguidance"] = lambda t=text: llguidance(t, tokenizer)  # type: ignore[misc]
        milliseconds = {}
        for kind, make in engines.items():
            milliseconds[kind] = first_mask(make)
            if kind == "trellis":  # the first mask has warmed it
                again = Vocabulary(vocabulary.tokens, special_ids=vocabulary.special_ids, eos_ids=vocabulary.eos_ids)
                Grammar.from_choices(["warm"]).compile(again)
                engine = ours(grammar, again)
            else:
                engine = make()
            for phase in ("cold", "warm"):
                times, refused = walk(engine, tokens, cost)
                totals.setdefault((kind, phase), []).append(times)
                print(row(name, kind, phase, times, refused), flush=True)
        measured = " | ".join(f"{value:.2f}" for value in milliseconds.values())
        firsts.append(f"| {name} | {loading:.1f} | {measured} |")
    for (kind, phase), parts in totals.items():
        print(row("all", kind, phase, np.concatenate(parts), 0))
    print("\n| grammar | Lark loads it, ms | " + " | ".join(f"{kind}: compile and first mask, ms" for kind in engines)
          + " |\n|---|--:|" + "--:|" * len(engines))
    print("\n".join(firsts))


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parent))
    main()
