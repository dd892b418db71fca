"""The public face of layer 4: grammars, by what they are made from."""

from __future__ import annotations

import importlib
import os
import re
import threading
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from functools import cache
from typing import TYPE_CHECKING, Any, Literal, cast

from trellis.errors import GrammarError, LimitError, UnsupportedError, UsageError
from trellis.masking import regex_front, schema_kept, special, terminals
from trellis.masking.compiled import CompiledGrammar, Matcher, engine_errors
from trellis.masking.program import AutomatonBuilder, GeneralProgram, Program
from trellis.masking.reference import ReferenceGrammar
from trellis.masking.special import SpecialToken
from trellis.masking.vocabulary import Vocabulary

if TYPE_CHECKING:
    from trellis.masking.lark_front import LarkSource, Network

ENGINES = ("kernel", "reference")
KEPT_VOCABULARIES = 8  # compiled forms that a grammar keeps


class Grammar:
    """A language over bytes. Immutable; may be shared between threads, and pickled (what was compiled is left behind).

    Made by :meth:`from_lark`, :meth:`from_json_schema`, :meth:`from_regex` or :meth:`from_choices`.

    Attributes:
        program: what the engines walk.
        description: where the grammar comes from, for messages.
        text: the Lark grammar as it was written; None when the grammar is not Lark's.
        pattern: the regular expression that it was made of, None if it was not.
        choices: the texts that it was made of, None if it was not.
        relaxations: what a mask does not enforce, of :meth:`from_json_schema`: with ``on_unsupported="relax"`` what it
            cannot, and in any case names that are keywords but for upper and lower case (``maxlength``).
        in_order: JSON pointers of objects whose properties come in the schema's order although ``property_order="any"``
            was asked for: large ones of which many alternatives ask for different properties.
        special_tokens: names or ids of the special tokens that stand in the grammar.
    """

    def __init__(self, program: Program, description: str, *, relaxations: Iterable[Any] = (),
                 in_order: Iterable[str] = (), lark_source: LarkSource | None = None,
                 pattern: str | None = None, choices: tuple[str, ...] | None = None,
                 schema: Mapping[str, Any] | bool | bytes | None = None,
                 special_tokens: Iterable[SpecialToken] = ()) -> None:
        """``schema`` may be as ``schema_kept`` writes it."""
        self.program = program
        self.description = description
        self.text = None if lark_source is None else lark_source.text
        self.pattern, self.choices, self._schema = pattern, choices, schema
        self.relaxations, self.in_order = tuple(relaxations), tuple(in_order)
        self.special_tokens = tuple(special_tokens)
        self._lark_source = lark_source
        self._compiled: OrderedDict[tuple[Vocabulary, str], CompiledGrammar] = OrderedDict()
        self._lock = threading.Lock()

    @property
    def schema(self) -> Mapping[str, Any] | bool | None:
        """The JSON Schema that it was made of, None if it was not."""
        schema = self._schema
        if isinstance(schema, bytes):
            self._schema = schema = cast("Mapping[str, Any] | bool", schema_kept.schema_of(schema))
        return schema

    def __repr__(self) -> str:
        return f"Grammar({self.description})"

    def __getstate__(self) -> dict[str, Any]:
        return {key: value for key, value in self.__dict__.items() if key not in ("_compiled", "_lock")}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state, _compiled=OrderedDict(), _lock=threading.Lock())

    def __deepcopy__(self, memo: Any) -> Grammar:
        return self

    @classmethod
    def from_lark(cls, text_or_path: str | os.PathLike[str], start: str = "start", parser: str = "earley", *,
                  special_tokens: Mapping[str, SpecialToken] | None = None, max_seconds: float = 30.0) -> Grammar:
        """The texts that Lark parses.

        Args:
            text_or_path: a grammar, or a path to one (a path object, or one line that ends in ``.lark``).
            start: the rule that the whole text has to be.
            parser: ``"earley"`` (Lark's default, with its dynamic lexer) or ``"lalr"`` (with the contextual lexer).
            special_tokens: for each terminal that the grammar declares (``%declare``), the name or id of the special
                token that it is. Such a token never matches its text, and nothing looks across it.
            max_seconds: processor time that Lark and lowering may take; tenths of a second are usual.

        Raises:
            GrammarError: Lark does not load the grammar, or no text belongs to it.
            UnsupportedError: the grammar uses something that masks cannot enforce yet.
            LimitError: the grammar is too large or too deep, or loading it takes too long; names the rule or terminal.
        """
        from trellis.masking import lark_front

        tokens = special.checked(special_tokens)
        source = lark_front.load(text_or_path, start, parser, tuple(tokens), max_seconds)
        return cls(source.program, f"Lark grammar {source.name}, {parser}", lark_source=source,
                   special_tokens=tokens.values())

    @classmethod
    def from_regex(cls, pattern: str, flags: int = 0) -> Grammar:
        """The texts for which ``re.fullmatch(pattern, text, flags)`` finds a match.

        Raises:
            GrammarError: the pattern is malformed, or matches nothing.
            UnsupportedError: the pattern uses back-references, conditional groups, or a lookbehind that looks around.
        """
        terminal = regex_front.fullmatch_terminal(pattern, flags)
        builder = AutomatonBuilder()
        rule, begin, end = builder.rule(f"the regex {pattern}"), builder.state(), builder.state()
        builder.set_start(rule, begin)
        builder.terminal(begin, terminal, end, pattern)
        if terminal[0] == terminals.REGEX_FIRST and re.fullmatch(pattern, "", flags):
            builder.epsilon(begin, end)
        builder.final(end)
        try:
            return cls(builder.build(rule), f"regex {pattern!r}", pattern=None if flags else pattern)
        except GrammarError as error:
            raise GrammarError(f"no text at all belongs to the regex {pattern!r}") from error

    @classmethod
    def from_json_schema(cls, schema: Mapping[str, Any] | bool, *,
                         whitespace: Literal["compact", "none", "indented", "flexible"] = "compact",
                         formats: Literal["enforce", "annotate"] = "enforce",
                         property_order: Literal["schema", "any"] = "schema",
                         on_unsupported: Literal["error", "relax"] = "error",
                         registry: Mapping[str, Mapping[str, Any] | bool] | None = None,
                         max_seconds: float | None = None) -> Grammar:
        """The JSON texts whose value is valid against a schema. A schema that was seen before is not lowered again.

        Args:
            schema: a JSON Schema.
            whitespace: ``compact`` allows one blank after ``,`` and ``:``, ``none`` none, ``indented`` asks for line
                breaks and indentation as ``json.dumps(indent=...)`` has them (up to 64 blanks or 32 tabs),
                ``flexible`` allows up to 16 white-space characters around every bracket, comma and colon.
            formats: whether ``format`` restricts strings.
            property_order: ``schema`` for the schema's order of properties, ``any`` for any (but for ``in_order``).
            on_unsupported: with ``relax``, what cannot be enforced is left out and listed in ``relaxations``; values
                then have to be validated afterwards.
            registry: other documents that references may lead to, by their addresses.
            max_seconds: processor time that lowering may take; one second, and two for each megabyte of the schema,
                where it is not given.

        Raises:
            SchemaError: the schema is malformed, or nothing satisfies it.
            UnsupportedError: a keyword cannot be enforced.
            LimitError: the schema is too large or too deep, or lowering it takes too long.
        """
        from trellis.masking import schema_front

        options = (cls.__qualname__, whitespace, formats, property_order, on_unsupported, registry)
        written = schema_kept.bytes_of(schema, options)  # None: not to be kept
        known = schema_kept.find(written) if written else None
        if known is not None:
            return known
        if max_seconds is None:
            max_seconds = 1 + (len(written) / 500_000 if written else 2)
        lowered = schema_front.compile_schema(schema, whitespace=whitespace, formats=formats,
                                              property_order=property_order, on_unsupported=on_unsupported,
                                              registry=registry, max_seconds=max_seconds)
        grammar = cls(lowered.program, "JSON Schema", relaxations=lowered.relaxations, in_order=lowered.in_order,
                      schema=written or schema)
        if written:
            schema_kept.keep(written, grammar)
        return grammar

    @classmethod
    def from_choices(cls, values: Iterable[str]) -> Grammar:
        """Exactly these texts."""
        given = tuple(_listed(values))
        words = sorted({_choice(value) for value in given})  # in the order of their UTF-8 as well
        if not words:
            raise GrammarError("there is nothing to choose from", hint="give at least one text")
        return cls(_choices(words), f"{len(words)} choices", choices=given)

    def accepts(self, text: str | bytes, *, engine: str = "kernel") -> bool:
        """Whether a whole text belongs to the language."""
        matcher, data = self._bytewise(engine), _encoded(text)
        return data is not None and matcher.accept_bytes(data) == len(data) and matcher.can_end

    def accepts_prefix(self, text: str | bytes, *, engine: str = "kernel") -> bool:
        """Whether a text of the language begins like this (a character may be cut: give bytes then)."""
        matcher, data = self._bytewise(engine), _encoded(text)
        return data is not None and matcher.accept_bytes(data) == len(data)

    def accepted_prefix(self, text: str, *, engine: str = "kernel") -> int:
        """How many of the text's first characters some text of the language begins with."""
        matcher = self._bytewise(engine)
        if not isinstance(text, str):
            raise UsageError(f"a text is a string, not {type(text).__name__}")
        data = text.encode("utf-8", "surrogatepass")  # no language has the bytes of a lone surrogate
        return len(data[: matcher.accept_bytes(data)].decode("utf-8", "ignore"))

    def _bytewise(self, engine: str) -> Matcher:
        return self.compile(_byte_vocabulary(), engine=engine).matcher()

    def parse(self, text: str) -> Any:
        """Lark's tree (``lark.Tree``) of a text.

        Raises:
            GrammarError: the text does not belong to the language (line, column), or the grammar is not Lark's, or has
                special tokens.
        """
        if not isinstance(text, str):
            raise UsageError(f"a text is a string, not {type(text).__name__}")
        if self._lark_source is None:
            raise GrammarError(f"a {self.description} has no parse trees", hint="Grammar.from_lark has them")
        if self.special_tokens:
            raise GrammarError("a grammar with special tokens cannot parse text: they have none")
        return self._lark_source.parse(text)

    def to_lark(self, dialect: Literal["portable"] = "portable") -> str:
        """The language as Lark text.

        Args:
            dialect: ``portable`` is what ``lark`` itself, xgrammar and llguidance all read, with the same language
                (vLLM and SGLang take it). What masks do not enforce stands in comments at the top.

        Raises:
            UnsupportedError: the readers would not agree, or the dialect has no words for something; says what.
            LimitError: a terminal is too large to be written.
        """
        from trellis.masking.portable_lark import portable

        if dialect != "portable":
            raise UsageError(f"no dialect is called {dialect!r}", hint='the only one is "portable"')
        return portable(self.program, [f"not enforced: {it.pointer or '/'}: {it.reason}" for it in self.relaxations])

    def ambiguous_rule(self, text: str) -> str | None:
        """A rule that reads a part of a text in more than one way; None if none does.

        Raises:
            GrammarError: the grammar is not Lark's, or Lark does not parse the text.
            LimitError: there are too many readings.
        """
        if self._lark_source is None:
            raise GrammarError(f"a {self.description} has no rules", hint="Grammar.from_lark has them")
        return self._lark_source.ambiguous_rule(text)

    def conflicts(self) -> list[str]:
        """The conflicts of an LALR grammar that Lark resolves by reading on, in Lark's words.

        Raises:
            GrammarError: the grammar is not Lark's.
        """
        if self._lark_source is None:
            raise GrammarError(f"a {self.description} has no rules", hint="Grammar.from_lark has them")
        return self._lark_source.conflicts()

    def network(self) -> Network:
        """The rules as automata and the terminals as trees, for other notations of grammars.

        Raises:
            UnsupportedError: the grammar is not Lark's, or has special tokens.
        """
        if self._lark_source is None or self.special_tokens:
            raise UnsupportedError(f"a {self.description} has no rules to write in another notation" if not
                                   self.special_tokens else "special tokens have no form in other notations")
        return self._lark_source.network()

    def compile(self, vocabulary: Vocabulary, *, engine: str = "kernel") -> CompiledGrammar:
        """The grammar over the tokens of a vocabulary; kept, so that asking again costs nothing.

        Args:
            engine: ``"kernel"``, or ``"reference"`` (slow and simple, needs no kernel).

        Raises:
            MaskError: the kernel is not installed.
            GrammarError: the engine refuses the grammar.
            VocabularyError: a special token of the grammar is not in the vocabulary.
        """
        if not isinstance(vocabulary, Vocabulary):
            raise UsageError(f"a grammar is compiled for a Vocabulary, not {type(vocabulary).__name__}",
                             hint="Vocabulary.from_tokenizer(...) makes one")
        if engine not in ENGINES:
            raise UsageError(f"no engine is called {engine!r}", hint=f"one of {', '.join(ENGINES)}")
        key = (vocabulary, engine)
        with self._lock:
            compiled = self._compiled.get(key)
            if compiled is None:
                program = special.bind(self.program, self.special_tokens, vocabulary)
                raw = self._in_kernel(program, vocabulary) if engine == "kernel" else ReferenceGrammar(
                    program, vocabulary.tokens, vocabulary.special_ids, vocabulary.eos_ids)
                compiled = self._compiled[key] = CompiledGrammar(self, vocabulary, engine, raw)
                if len(self._compiled) > KEPT_VOCABULARIES:
                    self._compiled.popitem(last=False)
            self._compiled.move_to_end(key)
        return compiled

    def _in_kernel(self, program: Program, vocabulary: Vocabulary) -> Any:
        """The kernel's form; what is too large for it says which terminal that is, and where."""
        try:
            return _kernel_grammar(program, vocabulary)
        except LimitError as error:
            if getattr(error.__cause__, "args", ("",))[0] == "time":
                raise LimitError(f"compiling the grammar {error.message}", limit="seconds",
                                 hint="a simpler grammar: terminals without large repetitions") from error
            index = _too_large(program, vocabulary) if error.message.startswith(("a terminal", "a regex")) else None
            if index is None:
                raise
            name = program.names[index]
            message = f"terminal {name}: {error.message}"
            hint = error.hint or "repeat less in it, or put parts of it into rules"
            if self._lark_source is None:
                raise LimitError(message, limit=error.limit, hint=hint) from error
            raise self._lark_source.about(name, message, hint, error.limit) from error


def _encoded(text: str | bytes) -> bytes | None:
    """UTF-8; None for text with lone surrogates, which no language contains."""
    if isinstance(text, bytes):
        return text
    if not isinstance(text, str):
        raise UsageError(f"a text is a string or bytes, not {type(text).__name__}")
    try:
        return text.encode()
    except UnicodeEncodeError:
        return None


def _listed(values: Any) -> Iterable[Any]:
    if isinstance(values, (str, bytes)) or not isinstance(values, Iterable):
        raise UsageError(f"choices are a list of texts, not {type(values).__name__}")
    return values


def _choice(value: Any) -> str:
    if not isinstance(value, str) or _encoded(value) is None:
        raise GrammarError(f"{value!r} cannot be chosen: choices are texts, without halves of surrogate pairs")
    return value


@cache
def _byte_vocabulary() -> Vocabulary:
    return Vocabulary([*(bytes([byte]) for byte in range(256)), b"<end>"], special_ids=[256], eos_ids=[256])


def _choices(words: list[str]) -> GeneralProgram:
    """Sorted, distinct words as a trie: where words part, one literal for each way on."""
    builder = AutomatonBuilder()
    rule = builder.rule("choices")
    end = builder.state()
    builder.final(end)
    begin = builder.state()
    builder.set_start(rule, begin)
    work = [(begin, 0, len(words), 0)]  # state, words from..to, characters that they share so far
    while work:
        state, low, high, depth = work.pop()
        if len(words[low]) == depth:
            builder.epsilon(state, end)
            low += 1
        while low < high:
            first, last = words[low], low
            while last + 1 < high and words[last + 1][depth] == first[depth]:
                last += 1
            shared = _shared(first, words[last])
            target = end
            if last > low:
                target = builder.state()
                work.append((target, low, last + 1, shared))
            builder.terminal(state, terminals.literal(first[depth:shared].encode()), target, repr(first))
            low = last + 1
    return builder.build(rule)


def _shared(first: str, second: str) -> int:
    """How many characters two words have in common at the start."""
    for at, (left, right) in enumerate(zip(first, second, strict=False)):
        if left != right:
            return at
    return min(len(first), len(second))


def _too_large(program: Program, vocabulary: Vocabulary) -> int | None:
    """The first terminal that is too large for the kernel when it is all there is."""
    for index, code in enumerate(program.terminals):
        builder = AutomatonBuilder()
        rule, begin, end = builder.rule(""), builder.state(), builder.state()
        builder.set_start(rule, begin)
        builder.terminal(begin, code, end)
        builder.final(end)
        try:
            _kernel_grammar(builder.build(rule), vocabulary).matcher(None, 30.0)
        except LimitError:
            return index
        except Exception:
            continue
    return None


def _kernel_grammar(program: Program, vocabulary: Vocabulary) -> Any:
    kernel = vocabulary.kernel
    module = importlib.import_module("trellis_kernel")
    with engine_errors():
        if isinstance(program, GeneralProgram):
            return module.Grammar.general(kernel, program.terminals, program.names, program.edges, program.finals,
                                          program.rule_starts, program.start, program.ignore, program.names_once,
                                          program.names_counted, program.unique_opens, program.unique_ends)
        return module.Grammar.lalr(kernel, program.terminals, program.names, program.actions, program.gotos,
                                   program.rules, program.start, program.end, program.scanners, program.scanner_of,
                                   program.conflict_free)
