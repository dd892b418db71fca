"""The vocabulary of a model that llama-cpp-python has loaded, out of its GGUF file."""

from __future__ import annotations

import ctypes
from collections.abc import Mapping
from typing import Any

from trellis.masking.token_table import TokenTable


def is_model(value: Any) -> bool:
    """Whether the value is a ``llama_cpp.Llama``."""
    return type(value).__module__.split(".")[0] == "llama_cpp" and hasattr(value, "ctx")


def read(model: Any, special_tokens: Mapping[str, int]) -> TokenTable:
    """The table, with the model's own encoder; every token that ends a generation for llama.cpp ends an output."""
    import llama_cpp

    vocabulary = llama_cpp.llama_model_get_vocab(model.model)
    hidden = llama_cpp.LLAMA_TOKEN_ATTR_CONTROL | llama_cpp.LLAMA_TOKEN_ATTR_UNKNOWN
    tokens: list[bytes] = []
    special: dict[str, int] = {}
    unused: set[int] = set()
    for token_id in range(llama_cpp.llama_vocab_n_tokens(vocabulary)):
        piece = _piece(llama_cpp, vocabulary, token_id)
        attributes = llama_cpp.llama_vocab_get_attr(vocabulary, token_id)
        if attributes & hidden:
            name = piece.decode("utf-8", "replace")
            special[name if name and name not in special else f"token {token_id}"] = token_id
        elif not piece or attributes & llama_cpp.LLAMA_TOKEN_ATTR_UNUSED:
            unused.add(token_id)
        tokens.append(piece)
    ends = tuple(token_id for token_id in range(len(tokens)) if llama_cpp.llama_vocab_is_eog(vocabulary, token_id))
    return TokenTable(tokens, {**special, **special_tokens}, frozenset(unused), ends,
                      encode=lambda text: list(model.tokenize(text.encode(), add_bos=False, special=False)),
                      leading_space=True)


def _piece(lib: Any, vocabulary: Any, token_id: int) -> bytes:
    """The bytes of a token; a special token's are its name."""
    size = 64
    while True:
        buffer = ctypes.create_string_buffer(size)
        length = lib.llama_token_to_piece(vocabulary, token_id, buffer, size, 0, True)
        if length >= 0:
            return bytes(buffer.raw[:length])
        size = -length
