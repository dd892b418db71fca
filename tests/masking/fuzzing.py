"""Two fuzz targets: texts that were Lark grammars before they were damaged, and streams of steps over masks.

Nothing but a ``TrellisError`` may come out, no case may hang, and the ways to ask the same thing have to agree. What is
drawn depends on the seed alone.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from random import Random
from typing import NamedTuple

import lark
from hard_grammars import draw
from lark import logger
from lark_sentences import sentences
from processor_clock import TimeIsUp, at_most

from trellis.errors import LimitError, TrellisError
from trellis.masking.bitmask import allocate_bitmask, allowed_tokens
from trellis.masking.compiled import CompiledGrammar, Matcher
from trellis.masking.grammar import Grammar
from trellis.masking.grammar_warnings import warnings_of
from trellis.masking.vocabulary import Vocabulary

logger.setLevel(logging.CRITICAL)
SHIPPED = sorted((Path(__file__).parents[2] / "grammars").glob("*.lark"))
LARKS_OWN = sorted(Path(lark.__file__).parent.rglob("*.lark"))
PIECES = ['"', "/", "|", ":", "\n", "(", ")", "[", "]", "{", "}", "*", "+", "?", "~", "..", "->", "%ignore ",
          "%import ", "%declare ", "%override ", "%extend ", "start", "A", "a: ", "A: ", "!", "?", "_", ".", ".5", ",",
          "~0..3", "~99999", "i", "\\", "\\x", "\\u", '""', "/(?=/", "/(?<=a+)/", "(?i)", "\\b", "#", "//", "\t", "\r",
          "é", "\0", "\ud800", "\U0001F600", "-1", "common.WORD"]
WORDS = [b"a", b"b", b"ab", b"ba", b" ", b"\n", b'"', b'":', b"{", b"}", b"[", b",", b", ", b"12", b"-", b"null",
         b"true", b"select", b" from ", b"(", b")", b"T0", b"\xc3", b"\xa9", b"\xc3\xa9b", b"  - ", b"|", b"\r\n",
         b"\xff\xfe"]


_QUICK = ["plain", "leftmost-first", "lazy", "nullable and recursive", "keywords in context", "priorities"]  # engines


class Finding(NamedTuple):
    """What is wrong, and the case that shows it."""

    what: str
    case: str


class Fuzz:
    """Counts what was done, and collects what is wrong.

    Attributes:
        seconds: of the processor that one case may take; 0 is no limit (main thread only).
        counts: checks by name.
        found: what is wrong.
    """

    def __init__(self, seconds: float = 0) -> None:
        self.seconds = seconds
        self.counts: Counter[str] = Counter()
        self.found: list[Finding] = []

    def wrong(self, what: str, case: object) -> None:
        self.found.append(Finding(what, case if isinstance(case, str) else repr(case)))

    def clocked(self, case: str, act: Callable[[], None]) -> None:
        """Run one case; its end by the clock, and each foreign exception, is a finding."""
        try:
            with at_most(self.seconds):
                act()
        except LimitError as error:
            self.counts[f"limits: {error.limit}"] += 1
        except TrellisError as error:
            self.wrong(f"an error in the middle of a case: {type(error).__name__}: {error}", case)
        except TimeIsUp:
            self.wrong(f"{self.seconds} s are up", case)
        except Exception as error:
            self.wrong(f"foreign exception {type(error).__name__}: {error}", case)


# Damaged grammars -----------------------------------------------------------------------------------------------------

def grammar(fuzz: Fuzz, choose: Random) -> None:
    """A damaged grammar is loaded with both parsers or refused in our words; what loads can be masked."""
    text = _damaged(choose, *(_source(choose) for _ in range(2)))
    for parser in ("earley", "lalr"):
        fuzz.counts["damaged grammars, with each parser"] += 1
        fuzz.clocked(f"{parser}\n{text!r}", lambda parser=parser: _load(fuzz, text, parser, choose))  # type: ignore[misc]


def _source(choose: Random) -> str:
    if choose.random() < 0.5:
        return draw(choose).text
    return choose.choice(SHIPPED + LARKS_OWN).read_text(encoding="utf-8")


def _damaged(choose: Random, text: str, other: str) -> str:
    """One to four of: lines or characters deleted, doubled, swapped, pieces put in, another text spliced in."""
    for _ in range(choose.randint(1, 4)):
        lines = text.split("\n")
        line, act = choose.randrange(len(lines)), choose.randrange(9)
        at, size = choose.randint(0, len(text)), choose.randint(0, 4)
        if act == 0:
            del lines[line]
        elif act == 1:
            lines.insert(line, lines[line])
        elif act == 2:
            second = choose.randrange(len(lines))
            lines[line], lines[second] = lines[second], lines[line]
        elif act == 3:
            lines[line:line] = choose.sample(foreign := other.split("\n"), min(len(foreign), size))
        if act <= 3:
            text = "\n".join(lines)
        elif act == 4:
            text = text[:at] + text[at + size :]
        elif act == 5:
            text = text[:at] + text[at : at + size] * 2 + text[at + size :]
        elif act == 6:
            data = bytearray(text.encode("utf-8", "surrogatepass") or b" ")
            data[choose.randrange(len(data))] = choose.randrange(256)
            text = data.decode("utf-8", "replace")
        else:
            text = text[:at] + choose.choice(PIECES) + text[at + (size if act == 7 else 0) :]
    return text


def _load(fuzz: Fuzz, text: str, parser: str, choose: Random) -> None:
    vocabulary = _vocabulary(choose, text)
    try:
        loaded = Grammar.from_lark(text + "\n", parser=parser)
        compiled = loaded.compile(vocabulary)  # that no text belongs to a language may be seen only here
    except TrellisError as error:
        fuzz.counts["refused"] += 1
        _check_error(fuzz, error, text)
        if "no text" in error.message:
            _check_emptiness(fuzz, text + "\n", parser, choose)
        return
    fuzz.counts["loaded"] += 1
    if choose.random() < 0.1:  # takes seconds
        warnings_of(loaded, vocabulary)
    loaded.conflicts()
    _steps(fuzz, compiled, choose, 8, f"{parser}\n{text!r}")


def _check_error(fuzz: Fuzz, error: TrellisError, text: str) -> None:
    """It can be printed, and its place is in the text."""
    str(error).encode()
    line, column = getattr(error, "line", None), getattr(error, "column", None)
    if line is not None and "import" not in str(error):
        lines = (text + "\n").split("\n")
        if not 1 <= line <= len(lines) or not 1 <= (column or 1) <= len(lines[line - 1]) + 1:
            fuzz.wrong(f"a place outside the text: line {line}, column {column}: {error.message}", text)
    if line is not None:
        fuzz.counts["refused, with line and column"] += 1


def _check_emptiness(fuzz: Fuzz, text: str, parser: str, choose: Random) -> None:
    """Lark does not parse any of the texts that come out of the grammar's rules either."""
    try:
        judge = lark.Lark(text, parser=parser, lexer={"earley": "dynamic", "lalr": "contextual"}[parser])
    except Exception:
        fuzz.wrong("said to have no text; Lark refuses the grammar itself", text)
        return
    fuzz.counts["grammars without a text"] += 1
    for sentence in islice(sentences(judge, "start", choose), 60):
        fuzz.counts["texts that might belong to them"] += 1
        try:
            judge.parse(sentence)
        except Exception:
            continue
        fuzz.wrong(f"said to have no text; Lark parses {sentence!r}", f"{parser}\n{text}")
        return


# Streams of steps -----------------------------------------------------------------------------------------------------

def stream(fuzz: Fuzz, choose: Random) -> None:
    """Steps to and fro over a grammar that loads: mask, accept, accept_bytes, forks and budgets agree."""
    if choose.random() < 0.3:
        path = choose.choice(SHIPPED)
        text, parser = path.read_text(encoding="utf-8"), "earley" if path.stem == "yaml" else "lalr"
    else:
        text, parser = draw(choose).text, choose.choice(["earley", "lalr"])
    try:
        loaded = Grammar.from_lark(text, parser=parser)
        compiled = loaded.compile(_vocabulary(choose, text))
    except TrellisError:
        fuzz.counts["grammars that do not load"] += 1
        return
    fuzz.counts["streams"] += 1
    fuzz.clocked(f"{parser}\n{text}", lambda: _steps(fuzz, compiled, choose, 60, f"{parser}\n{text}"))
    fuzz.clocked(f"{parser}, a budget\n{text}", lambda: _budget(fuzz, compiled, choose, f"{parser}\n{text}"))


def _vocabulary(choose: Random, text: str) -> Vocabulary:
    """Every byte, some words, pieces of the grammar's own text (its keywords are among them), a duplicate, two ends."""
    data = text.encode("utf-8", "replace") or b" "
    tokens = {bytes([byte]) for byte in range(256)} | set(WORDS)
    for _ in range(60):
        at = choose.randrange(len(data))
        tokens.add(data[at : at + choose.randint(1, 7)])
    ordered = sorted(tokens)
    choose.shuffle(ordered)
    end = len(ordered)
    return Vocabulary([*ordered, b"<end>", b"<stop>", ordered[0]], special_ids=[end, end + 1], eos_ids=[end, end + 1])


def _steps(fuzz: Fuzz, compiled: CompiledGrammar, choose: Random, count: int, case: str) -> None:
    """A random way; at last a straight one has to stand where it stands."""
    vocabulary = compiled.vocabulary
    budget = compiled.min_tokens() + choose.randrange(count) if choose.random() < 0.3 else None
    matcher, taken = compiled.matcher(budget), list[int]()
    for _ in range(count):
        act = choose.randrange(10)
        fuzz.counts["steps"] += 1
        if act == 0 and taken:
            back = choose.randint(1, len(taken))
            matcher.rollback(back)
            del taken[-back:]
        elif act == 1:
            matcher, other = matcher.fork(), matcher
            other.accept(choose.randrange(vocabulary.size))
        elif act == 2:
            ending = matcher.witness()
            if budget is None and not matcher.finished:
                fork = matcher.fork()
                if fork.accept_bytes(ending) != len(ending) or not fork.can_end:
                    fuzz.wrong(f"the promised ending {ending!r} is none", (case, _shown(vocabulary, taken)))
        elif act == 3 and not matcher.finished:
            forced = matcher.forced_bytes(20)
            if budget is None and matcher.fork().accept_bytes(forced) != len(forced):
                fuzz.wrong(f"the forced bytes {forced!r} are refused", (case, _shown(vocabulary, taken)))
        else:
            allowed = mask(matcher)
            _compare(fuzz, matcher, set(allowed), choose, case, taken, budget)
            if not allowed and not matcher.finished:
                fuzz.wrong("an empty mask", (case, _shown(vocabulary, taken)))
            token = choose.choice(allowed) if allowed and act < 8 else choose.randrange(-1, vocabulary.size + 2)
            if matcher.accept(token):
                taken.append(token)
                if token not in allowed:
                    fuzz.wrong("accepted, though not allowed", (case, _shown(vocabulary, taken)))
    straight = compiled.matcher(budget)
    if not all(straight.accept(token) for token in taken) or mask(straight) != mask(matcher) or (
            straight.can_end, straight.finished) != (matcher.can_end, matcher.finished):
        fuzz.wrong("to and fro, and the straight way differ", (case, _shown(vocabulary, taken)))
    fuzz.counts["ways to and fro compared with the straight one"] += 1


def _compare(fuzz: Fuzz, matcher: Matcher, allowed: set[int], choose: Random, case: str, taken: list[int],
             budget: int | None) -> None:
    vocabulary = matcher.compiled.vocabulary
    fuzz.counts["masks"] += 1
    trials = [*choose.sample(range(vocabulary.size), 5), *choose.sample(sorted(allowed), min(5, len(allowed)))]
    for token in trials:
        fuzz.counts["tokens"] += 1
        data, special = vocabulary.tokens[token], token in vocabulary.special_ids
        if matcher.fork().accept(token) != (token in allowed):
            fuzz.wrong(f"mask and accept differ on {data!r}", (case, _shown(vocabulary, taken)))
        elif not special and budget is None and not matcher.finished and (
                matcher.fork().accept_bytes(data) == len(data)) != (token in allowed):
            fuzz.wrong(f"mask and accept_bytes differ on {data!r}", (case, _shown(vocabulary, taken)))
        matcher.explain(token)


def _budget(fuzz: Fuzz, compiled: CompiledGrammar, choose: Random, case: str) -> None:
    """A walk that takes the longest way there is ends within its budget."""
    limit = compiled.min_tokens() + choose.randint(0, 30)
    matcher = compiled.matcher(limit)
    ends = set(compiled.vocabulary.eos_ids)
    for _ in range(limit):
        allowed = mask(matcher)
        longer = [token for token in allowed if token not in ends]
        token = choose.choice(longer or allowed)
        if not matcher.accept(token):
            fuzz.wrong("mask and accept differ within a budget", case)
        if matcher.finished:
            break
    if not matcher.finished:
        fuzz.wrong(f"not finished after {limit} tokens", case)
    fuzz.counts["walks within a budget"] += 1


def twin(fuzz: Fuzz, choose: Random) -> None:
    """A drawn grammar's masks, from both engines."""
    drawn, parser = draw(choose, choose.choice(_QUICK)), choose.choice(["earley", "lalr"])
    try:
        loaded = Grammar.from_lark(drawn.text, parser=parser)
        vocabulary = _vocabulary(choose, drawn.text)
        quick, slow = (loaded.compile(vocabulary, engine=engine).matcher() for engine in ("kernel", "reference"))
    except TrellisError:
        fuzz.counts["grammars that do not load"] += 1
        return

    def walk() -> None:
        for _ in range(6):
            allowed = mask(quick)
            fuzz.counts["masks compared with the slow engine"] += 1
            if allowed != mask(slow) or quick.can_end != slow.can_end:
                fuzz.wrong("the engines differ", f"{parser}\n{drawn.text}")
                return
            if not allowed or quick.finished:
                return
            token = choose.choice(allowed)
            quick.accept(token)
            slow.accept(token)

    fuzz.clocked(f"{parser}, twin\n{drawn.text}", walk)


def _shown(vocabulary: Vocabulary, taken: list[int]) -> list[bytes]:
    return [vocabulary.tokens[token] for token in taken]


def mask(matcher: Matcher) -> list[int]:
    """The allowed tokens."""
    row = allocate_bitmask(1, matcher.compiled.vocabulary.size)
    matcher.fill_bitmask(row)
    return [int(token) for token in allowed_tokens(row[0])]


TARGETS: dict[str, Callable[[Fuzz, Random], None]] = {"grammar": grammar, "stream": stream, "twin": twin}
