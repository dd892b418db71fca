"""Special tokens of published tiktoken files, which hold none: found by the file's SHA-256.

The names and ids are those of the packages that publish the files: ``llama-models`` (Llama 3 and 4), ``tiktoken``
(OpenAI), ``dashscope`` (Qwen, first generation; later ones add names, so give theirs).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable


def _numbered(first: int, names: Iterable[str]) -> dict[str, int]:
    return {f"<|{name}|>": first + i for i, name in enumerate(names)}


def _reserved(prefix: str, first: int, last: int) -> list[str]:
    return [f"{prefix}reserved_special_token_{i}" for i in range(first, last + 1)]


def _llama_3() -> dict[str, int]:
    return _numbered(128_000, [
        "begin_of_text", "end_of_text", *_reserved("", 0, 1), "finetune_right_pad_id", "step_id", "start_header_id",
        "end_header_id", "eom_id", "eot_id", "python_tag", "image", *_reserved("", 2, 245)])


def _llama_4() -> dict[str, int]:
    text, vision, reasoning = "text_post_train_", "vision_", "reasoning_"
    return _numbered(200_000, [
        "begin_of_text", "end_of_text", "fim_prefix", "fim_middle", "fim_suffix",
        "header_start", "header_end", "eom", "eot", "step", *_reserved(text, 0, 5), "python_start", "python_end",
        "finetune_right_pad", *_reserved(text, 8, 68),
        "image_start", "image_end", *_reserved(vision, 0, 1), "tile_x_separator", "tile_y_separator",
        *_reserved(vision, 2, 5), "image", *_reserved(vision, 6, 6), "patch", *_reserved(vision, 7, 1047),
        *_reserved(reasoning, 0, 7), "reasoning_thinking_start", "reasoning_thinking_end", *_reserved("", 0, 903)])


def _qwen() -> dict[str, int]:
    return _numbered(151_643, ["endoftext", "im_start", "im_end", *(f"extra_{i}" for i in range(205))])


_FILES: dict[str, Callable[[], dict[str, int]]] = {
    "82e9d31979e92ab929cd544440f129d9ecd797b69e327f80f17e1c50d5551b55": _llama_3,
    "d0bdbaf59b0762c8c807617e2d8ea51420eb1b1de266df2495be755c8e0ed6ed": _llama_4,
    "b2b1b8dfb5cc5f024bafc373121c6aba3f66f9a5a0269e243470a1de16a33186": _qwen,
    # r50k_base, p50k_base, cl100k_base, o200k_base
    "306cd27f03c1a714eca7108e03d66b7dc042abe8c258b44c199a7ed9838dd930": lambda: {"<|endoftext|>": 50_256},
    "94b5ca7dff4d00767bc256fdd1b27e5b17361d7b8a5f968547f9f23eb70d2069": lambda: {"<|endoftext|>": 50_256},
    "223921b76ee99bde995b7ff738513eef100fb51d18c93597a113bcffe865b2a7": lambda: {
        "<|endoftext|>": 100_257, "<|fim_prefix|>": 100_258, "<|fim_middle|>": 100_259, "<|fim_suffix|>": 100_260,
        "<|endofprompt|>": 100_276},
    "446a9538cb6c348e3516120d7c08b09f57c36495e2acfffe59a5bf8b0cfb1a2d": lambda: {
        "<|endoftext|>": 199_999, "<|endofprompt|>": 200_018},
}


def special_tokens_of(data: bytes) -> dict[str, int]:
    """Names and ids of the special tokens that belong to a tiktoken file's contents; none when it is not known."""
    known = _FILES.get(hashlib.sha256(data).hexdigest())
    return known() if known else {}
