"""What servers of the chat-completions protocol add to it: their own fields for schemas and grammars, as data.

====================  =============================================================  ==================================
server                text types (``mode="mask"``)                                   schemas (``mode="native"``)
====================  =============================================================  ==================================
openai                no                                                             ``response_format``, strict subset
vllm                  ``structured_outputs``: choice, regex, grammar                 ``response_format``, any
vllm-guided (< 0.12)  ``guided_choice``, ``guided_regex``, ``guided_grammar``        ``guided_json``
sglang                ``regex`` (choices too), ``ebnf``                              ``response_format``, any
llama-server          ``grammar`` (regular expressions without lookaround)           ``response_format``, any
ollama                no                                                             ``response_format``, any, which it
                                                                                     makes its own ``format`` of
others                no                                                             ``response_format``, any
====================  =============================================================  ==================================

Lark grammars are sent in GBNF (``trellis.models.gbnf``), which all of these read.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from trellis.errors import UnsupportedError, UsageError, shown
from trellis.models.gbnf import gbnf_of
from trellis.models.lowering import ANY, OPENAI, Schema, Subset
from trellis.result import Mode

if TYPE_CHECKING:
    from trellis.masking.grammar import Grammar

Fields = dict[str, Any]
SERVER_MODES: tuple[Mode, ...] = ("native", "tools", "json", "prompt")
WITH_GRAMMARS: tuple[Mode, ...] = ("native", "mask", "tools", "json", "prompt")
"""A server's schema mode comes before its grammar field: for a schema they do the same, and every server has it."""


def response_format(name: str, schema: Schema) -> Fields:
    """The protocol's own schema mode."""
    return {"response_format": {"type": "json_schema",
                                "json_schema": {"name": name, "schema": schema, "strict": True}}}


@dataclass(frozen=True)
class Held:
    """The fields that hold an answer to a grammar, and what they do not hold it to, in words."""

    fields: Fields
    dropped: tuple[str, ...] = ()


def _no_grammar(grammar: Grammar) -> Held:
    raise UnsupportedError("this server takes no grammars", hint="one of vllm, sglang, llama-server does")


def _vllm(grammar: Grammar) -> Held:
    held = _named(grammar, "choice", "regex", "grammar")
    return Held({"structured_outputs": held.fields}, held.dropped)


def _vllm_guided(grammar: Grammar) -> Held:
    return _named(grammar, "guided_choice", "guided_regex", "guided_grammar")


def _sglang(grammar: Grammar) -> Held:
    if grammar.choices is not None:
        return Held({"regex": "|".join(map(re.escape, grammar.choices))})
    return _named(grammar, "", "regex", "ebnf")


def _llama(grammar: Grammar) -> Held:
    written = gbnf_of(grammar)
    return Held({"grammar": written.text}, written.dropped)


def _named(grammar: Grammar, choice: str, regex: str, rules: str) -> Held:
    """The server's field for what the grammar was made of."""
    if grammar.choices is not None:
        return Held({choice: list(grammar.choices)})
    if grammar.pattern is not None:
        return Held({regex: grammar.pattern})
    written = gbnf_of(grammar)
    return Held({rules: written.text}, written.dropped)


@dataclass(frozen=True)
class Dialect:
    """How one kind of server is spoken to.

    Attributes:
        subset: what its schema mode takes of JSON Schema.
        modes: what it can enforce, the best first.
        native: the fields of a request for a schema (its name, the lowered schema).
        grammar: the fields for a grammar.
        max_tokens: what it calls the limit on tokens.
    """

    subset: Subset = ANY
    modes: tuple[Mode, ...] = SERVER_MODES
    native: Callable[[str, Schema], Fields] = response_format
    grammar: Callable[[Grammar], Held] = _no_grammar
    max_tokens: str = "max_tokens"


DIALECTS: Mapping[str, Dialect] = MappingProxyType({
    "openai": Dialect(OPENAI, max_tokens="max_completion_tokens"),
    "openrouter": Dialect(OPENAI),
    "vllm": Dialect(modes=WITH_GRAMMARS, grammar=_vllm),
    "vllm-guided": Dialect(modes=WITH_GRAMMARS, grammar=_vllm_guided,
                           native=lambda _, schema: {"guided_json": schema}),
    "sglang": Dialect(modes=WITH_GRAMMARS, grammar=_sglang),
    "llama-server": Dialect(modes=WITH_GRAMMARS, grammar=_llama),
    "ollama": Dialect(),
    "other": Dialect(),
})
_HOSTS = {"openai.com": "openai", "azure.com": "openai", "openrouter.ai": "openrouter"}


def dialect_of(name: str | None, host: str) -> Dialect:
    """The dialect of a name, or else of a host.

    Raises:
        UsageError: there is no dialect of that name.
    """
    if name is None:
        name = next((dialect for end, dialect in _HOSTS.items() if f".{host}".endswith(f".{end}")), "other")
    if name not in DIALECTS:
        raise UsageError(f"dialect={shown(name)} is none", hint=f"one of {', '.join(DIALECTS)}")
    return DIALECTS[name]
