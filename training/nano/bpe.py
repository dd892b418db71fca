"""Trains the tokenizer: byte-level BPE whose digits stand alone and whose words never hold a space.

A word is one run of letters, without the space before it, so that it has the same tokens in a sentence, after a quote
and at the start of a line: what a small model must learn most is to copy.

    python bpe.py --out tokenizer.json
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

from examples import example
from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers

SPECIAL = ("<|pad|>", "<|system|>", "<|user|>", "<|assistant|>", "<|end|>")
PATTERN = r"[\p{L}\p{M}]+|\p{N}|[^\p{L}\p{M}\p{N}]+"
VOCABULARY_SIZE = 1024


def train(texts: Iterator[str]) -> Tokenizer:
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([
        pre_tokenizers.Split(Regex(PATTERN), "isolated"),
        pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.train_from_iterator(texts, trainers.BpeTrainer(
        vocab_size=VOCABULARY_SIZE, special_tokens=list(SPECIAL),
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        max_token_length=12, show_progress=False))
    return tokenizer


def corpus(count: int) -> Iterator[str]:
    for seed in range(count):
        one = example(f"bpe{seed}")
        yield from (message.content for message in one.messages)
        yield one.answer


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--count", type=int, default=12_000)
    arguments = parser.parse_args()
    train(corpus(arguments.count)).save(str(arguments.out))
