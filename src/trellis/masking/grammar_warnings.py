"""What a Lark grammar says that its author may not have meant: found before a model writes it.

Nothing here is an error, and nothing found is no proof: ambiguity is looked for in texts of random walks.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from contextlib import suppress
from importlib.util import find_spec
from typing import NamedTuple

from trellis.errors import TrellisError
from trellis.masking.grammar import Grammar
from trellis.masking.left_corner import CALL, EPSILON, TERMINAL
from trellis.masking.program import AutomatonBuilder, GeneralProgram, LalrProgram, Program, unpack
from trellis.masking.terminals import LITERAL, SPECIAL
from trellis.masking.vocabulary import Vocabulary
from trellis.masking.walk import Walker

WALKS = 60
WALK_TOKENS = 16  # short texts: the number of readings may double with each token
WALK_LEXEMES = 24
OFTEN = 20  # how often a lexeme is drawn for each time that one of its letters is
SECONDS = 5.0  # for walks of either kind; Lark may take its time over the readings of one text
NAMED = 5  # keywords in a message


class GrammarWarning(NamedTuple):
    """One of them: a short name of its kind, and what it is about."""

    kind: str
    message: str


def warnings_of(grammar: Grammar, vocabulary: Vocabulary) -> list[GrammarWarning]:
    """What may surprise in a grammar.

    Args:
        vocabulary: tokens for the walks.

    Raises:
        GrammarError: the grammar is not Lark's.
    """
    found = [*_joined_words(grammar.program), *_endless_white_space(grammar.program)]
    conflicts = grammar.conflicts()
    if conflicts:
        found.append(GrammarWarning("conflict", f"Lark prefers to read on where a rule could end: {conflicts[0]}"
                                    + (f" (and {len(conflicts) - 1} more)" if len(conflicts) > 1 else "")))
    return found + _ambiguous(grammar, vocabulary)


def _ambiguous(grammar: Grammar, vocabulary: Vocabulary) -> list[GrammarWarning]:
    if not isinstance(grammar.program, GeneralProgram):
        return []  # LALR has one reading of each text
    found: dict[str, str] = {}
    for tokens, length in (vocabulary, WALK_TOKENS), (_lexemes(grammar.program), WALK_LEXEMES):
        begun = time.monotonic()
        walker = Walker(grammar.compile(tokens, engine=_engine()))
        for _ in range(WALKS):
            if time.monotonic() - begun > SECONDS:
                break
            try:
                text = walker.text(length).decode()
                rule = grammar.ambiguous_rule(text)
            except TrellisError:  # a limit of the walk or of Lark's forest
                continue
            if rule and (rule not in found or len(text) < len(found[rule])):
                found[rule] = text
    return [GrammarWarning("ambiguity", f"rule {rule} reads a part of {text!r} in more than one way")
            for rule, text in found.items()]


def _lexemes(program: GeneralProgram) -> Vocabulary:
    """A shortest lexeme of each terminal: walks over these are all structure. Words begin with a blank, if they may."""
    blanks = any(_begins(program.terminals[index], b" ") for index in program.ignore)
    found = set[bytes]()
    for code in program.terminals:
        alone = _alone(code)
        if alone is not None:
            with suppress(TrellisError):  # a terminal that no text by itself belongs to
                witness = alone._bytewise(_engine()).witness()
                found |= {witness} if not blanks else {b" " + witness} if witness[-1:].isalnum() else {
                    witness, b" " + witness}
    letters = sorted({bytes([byte]) for lexeme in found for byte in lexeme})  # what ends a walk in time is spelled so
    tokens = [*letters, *sorted(found) * OFTEN]
    return Vocabulary([*tokens, b"<end>"], special_ids=[len(tokens)], eos_ids=[len(tokens)])


def _joined_words(program: Program) -> list[GrammarWarning]:
    """Keywords that letters may follow at once although white space is ignored."""
    if not _ignored(program):
        return []
    words = {index for index, code in enumerate(program.terminals) if _begins_word(code)}
    texts = {index: code[1:].decode("utf-8", "replace") for index, code in enumerate(program.terminals)
             if code[0] == LITERAL}
    after = words | {index for index, text in texts.items() if text[:1].isalnum()}
    pairs = _adjacent(program) if isinstance(program, GeneralProgram) else _adjacent_lalr(program, words, after)
    joined: dict[int, int] = {}
    for keyword, word in sorted(pairs):
        if texts.get(keyword, "")[-1:].isalpha() and word in after:
            joined.setdefault(keyword, word)
    if not joined:
        return []
    keyword, word = next(iter(joined.items()))
    text = texts[keyword]
    names = ", ".join(program.names[keyword] for keyword in list(joined)[:NAMED])
    more = f" and {len(joined) - NAMED} more" if len(joined) > NAMED else ""
    return [GrammarWarning("white space", f"{names}{more} may be followed by a word at once: "
                           f"{text + texts.get(word, 'x')!r} is read as {text!r} and {program.names[word]}; "
                           f"write keywords as /{text}\\b/")]


def _endless_white_space(program: Program) -> list[GrammarWarning]:
    names = [program.names[index] for index in _ignored(program)]
    if not names:
        return []
    return [GrammarWarning("white space", "what is ignored may go on without end: a model that only writes blanks is "
                           "stopped by its budget alone")]


def _ignored(program: Program) -> list[int]:
    """The terminals that may stand anywhere."""
    if isinstance(program, GeneralProgram):
        return list(program.ignore)
    return sorted({index for _, ignored, _ in program.scanners for index in ignored})


def _adjacent(program: GeneralProgram) -> set[tuple[int, int]]:
    """(terminal, terminal that may come next), whatever stands around a rule."""
    edges = unpack(program.edges, 4)
    starts = [state for (state,) in unpack(program.rule_starts)]
    out: dict[int, list[tuple[int, int, int]]] = {}
    inner: dict[int, list[int]] = {}  # states of a rule reach each other without a call
    for source, kind, argument, target in edges:
        out.setdefault(source, []).append((kind, argument, target))
        inner.setdefault(source, []).append(target)
    returns: dict[int, set[int]] = {}  # where a text goes on after a state that ends a rule
    for rule, start in enumerate(starts):
        behind = {target for _, kind, argument, target in edges if kind == CALL and argument == rule}
        for state in _reached([start], inner):
            if program.finals[state]:
                returns.setdefault(state, set()).update(behind)
    silent: dict[int, list[int]] = {state: list(targets) for state, targets in returns.items()}
    for source, moves in out.items():
        silent.setdefault(source, []).extend(
            target if kind == EPSILON else starts[argument] for kind, argument, target in moves if kind != TERMINAL)
    follows: dict[int, set[int]] = {}
    pairs: set[tuple[int, int]] = set()
    for _, kind, terminal, target in edges:
        if kind == TERMINAL:
            if target not in follows:
                follows[target] = {argument for state in _reached([target], silent)
                                   for kind, argument, _ in out.get(state, ()) if kind == TERMINAL}
            pairs |= {(terminal, after) for after in follows[target]}
    return pairs


def _adjacent_lalr(program: LalrProgram, words: set[int], after: set[int]) -> set[tuple[int, int]]:
    """(terminal, one of ``after`` that may come next), where the scanner has no word that it would rather read."""
    actions: dict[int, list[tuple[int, int, int]]] = {}
    for state, terminal, kind, argument in unpack(program.actions, 4):
        actions.setdefault(state, []).append((terminal, kind, argument))
    scanner_of = [scanner for (scanner,) in unpack(program.scanner_of)]
    return {(terminal, other)
            for state, moves in actions.items() if words.isdisjoint(program.scanners[scanner_of[state]][0])
            for terminal, kind, target in moves if kind == 0
            for other, _, _ in actions.get(target, ()) if other in after}


def _reached(begin: Iterable[int], moves: dict[int, list[int]]) -> set[int]:
    reached = set(begin)
    work = list(reached)
    while work:
        for target in moves.get(work.pop(), ()):
            if target not in reached:
                reached.add(target)
                work.append(target)
    return reached


def _begins_word(code: bytes) -> bool:
    """Whether a lexeme of a terminal that is no fixed text may begin with a letter, and go on with one."""
    if code[0] == LITERAL:
        return False
    return _begins(code, b"xx")


def _begins(code: bytes, text: bytes) -> bool:
    """Whether a lexeme of a terminal may begin like this."""
    alone = _alone(code)
    try:
        return alone is not None and alone.accepts_prefix(text, engine=_engine())
    except TrellisError:  # a terminal that no text by itself belongs to
        return False


def _alone(code: bytes) -> Grammar | None:
    """The grammar of one terminal; None for a special token."""
    if code[0] == SPECIAL:
        return None
    builder = AutomatonBuilder()
    rule, begin, end = builder.rule("one terminal"), builder.state(), builder.state()
    builder.set_start(rule, begin)
    builder.terminal(begin, code, end)
    builder.final(end)
    return Grammar(builder.build(rule), "one terminal")


def _engine() -> str:
    return "kernel" if find_spec("trellis_kernel") else "reference"
