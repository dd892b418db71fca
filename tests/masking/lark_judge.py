"""One grammar held to Lark: whole texts, their beginnings, and single tokens of random vocabularies.

Three ways to be wrong are looked for. *Unsound*: the mask lets a token or an end through, and Lark does not parse it
with the shortest ending that is promised for it. *Incomplete*: the mask refuses what some text that Lark parses goes on
with. *Refused*: Lark loads a grammar and we do not.
"""

from __future__ import annotations

import itertools
import logging
import traceback
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

from hard_grammars import Drawn
from lark import Lark, logger
from lark_sentences import sentences
from processor_clock import TimeIsUp, at_most

from trellis.errors import LimitError, TrellisError, UnsupportedError
from trellis.masking.bitmask import allocate_bitmask, allowed_tokens
from trellis.masking.compiled import Matcher
from trellis.masking.grammar import Grammar
from trellis.masking.vocabulary import Vocabulary

logger.setLevel(logging.CRITICAL)
LEXERS = {"earley": "dynamic", "lalr": "contextual"}
STEPS, TOKENS = 5, 24  # of a walk; tokens tried at each step


class Disagreement(NamedTuple):
    """What is wrong, with all that is needed to see it again."""

    what: str
    parser: str
    grammar: str
    where: str


class Judge:
    """Counts checks; collects disagreements.

    Attributes:
        seconds: for one grammar; 0 is no limit.
        texts: of one grammar that Lark is asked about.
        walks: of each grammar.
        counts: checks by name, and what became of the grammars.
        found: the disagreements.
    """

    def __init__(self, seconds: float = 0, texts: int = 160, walks: int = 3) -> None:
        self.seconds, self.texts, self.walks = seconds, texts, walks
        self.counts: Counter[str] = Counter()
        self.found: list[Disagreement] = []

    def examine(self, drawn: Drawn, parser: str, choose: Random, reference: bool = False,
                instead: str | None = None) -> None:
        """Check one grammar with one of Lark's parsers; ``reference`` compares whole masks with the slow engine too.

        After ``seconds`` the grammar is left; it is a disagreement if those went into the kernel (main thread only).
        Lark reads ``instead`` when it is given: to see that differences are found.
        """
        folder = drawn.folder and Path(drawn.folder, "grammar.lark")
        if folder:
            folder.write_text(drawn.text, encoding="utf-8")
        try:
            lark: Lark | None = Lark(drawn.text if instead is None else instead, parser=parser, lexer=LEXERS[parser],
                                     start=drawn.start, source_path=str(folder) if folder else None)
        except Exception:
            lark = None
        case = _Case(self, drawn, parser, choose, lark)
        try:
            with at_most(self.seconds):
                case.run(reference)
        except TimeIsUp as error:
            files = [frame.filename for frame in traceback.extract_tb(error.__traceback__)]
            where = next((name for name in ("/lark/", "masking/reference") for file in files if name in file), "")
            self.counts[f"grammars left after {self.seconds} s of the processor, in {where or 'the kernel'}"] += 1
            if not where:
                case.wrong(f"{self.seconds} s are up", [(frame.name, frame.lineno) for frame in
                                                   traceback.extract_tb(error.__traceback__)][-4:])


class _Case:
    def __init__(self, judge: Judge, drawn: Drawn, parser: str, choose: Random, lark: Lark | None) -> None:
        self.judge, self.drawn, self.parser, self.choose, self.lark = judge, drawn, parser, choose, lark
        self.known: dict[str, bool] = {}

    def count(self, what: str) -> None:
        self.judge.counts[what] += 1

    def wrong(self, what: str, where: Any) -> None:
        self.judge.found.append(Disagreement(what, self.parser, self.drawn.text, repr(where)))

    def parses(self, text: str | bytes) -> bool:
        """What Lark says of a text."""
        if isinstance(text, bytes):
            try:
                text = text.decode()
            except UnicodeDecodeError:
                return False
        if text not in self.known:
            assert self.lark is not None
            try:
                self.lark.parse(text)
                self.known[text] = True
            except Exception as error:
                # Lark's Earley gives up on the tree where it finds two ends of the text, over what is ignored.
                self.known[text] = "multiple start symbol items" in str(error)
            self.count("texts that Lark read")
        return self.known[text]

    def run(self, reference: bool) -> None:
        try:
            folder = self.drawn.folder
            grammar = Grammar.from_lark(Path(folder, "grammar.lark") if folder else self.drawn.text, self.drawn.start,
                                        self.parser)
            grammar.accepts("")
        except UnsupportedError as error:
            self.count("grammars refused, with a reason" if self.lark else "grammars that Lark refuses")
            if self.lark:
                self.count(f"reason: {error.message.splitlines()[0][:90]}")
            return
        except LimitError as error:
            self.count(f"grammars beyond a limit: {error.message[:60]}")
            return
        except TrellisError as error:
            self.refused(error)
            return
        except Exception as error:
            self.wrong(f"foreign exception {type(error).__name__}: {error}", "")
            return
        if self.lark is None:
            self.wrong("Lark refuses the grammar", "")
            return
        self.count("grammars")
        self.count(f"kind: {self.drawn.kind}, {self.parser}")
        try:
            self.texts(grammar)
            self.walks(grammar, reference)
        except LimitError as error:
            self.count(f"limits: {error.message[:60]}")
        except TrellisError as error:
            self.wrong(f"{type(error).__name__}: {error}", "")
        except Exception as error:
            self.wrong(f"foreign exception {type(error).__name__}: {error}", "")

    def refused(self, error: TrellisError) -> None:
        """A refusal without a wish for support: Lark must refuse too, or no text may parse."""
        self.count("grammars that Lark refuses" if self.lark is None else "grammars without a text")
        if self.lark is None:
            return
        for text in self.samples():
            try:
                if self.parses(text):
                    self.wrong(f"refused: {error.message[:200]}", text)
                    return
            except RecursionError:
                pass

    def samples(self) -> Iterator[str]:
        """Texts out of the grammar, all short texts over its pieces, then longer ones."""
        yield ""
        assert self.lark is not None
        for text in itertools.islice(sentences(self.lark, self.drawn.start, self.choose), self.judge.texts // 5):
            self.count("texts derived from the grammar" + (", which parse" if self.parses(text) else ""))
            yield text
        count, pieces = 0, self.drawn.pieces
        for length in itertools.count(1):
            if len(pieces) ** length > self.judge.texts:
                break
            for parts in itertools.product(pieces, repeat=length):
                yield "".join(parts)
                count += 1
        while count < self.judge.texts:
            yield "".join(self.choose.choice(pieces) for _ in range(self.choose.randint(2, 9)))
            count += 1

    def texts(self, grammar: Grammar) -> None:
        """Whole texts, near ones, and every beginning of those that parse."""
        tried = [*self.samples(), *self.walked(grammar)]
        tried += [self.damaged(text) for text in tried[-20:] for _ in range(2)]
        for text in tried:
            parses = self.parses(text)
            self.count("whole texts")
            if grammar.accepts(text) != parses:
                self.wrong(f"Lark {'parses' if parses else 'refuses'} the text, the mask does not agree", text)
                return
            if parses:
                data = text.encode()
                for end in range(len(data)):
                    self.count("beginnings")
                    if not grammar.accepts_prefix(data[:end]):
                        self.wrong("incomplete: Lark parses the text, its beginning is refused", (text, end))
                        return

    def walked(self, grammar: Grammar) -> Iterator[str]:
        """Random allowed beginnings with their shortest endings: Lark has to parse them."""
        for _ in range(self.judge.texts // 10):
            matcher, text = grammar._bytewise("kernel"), ""
            for _ in range(self.choose.randrange(8)):
                piece = self.choose.choice(self.drawn.pieces)
                if matcher.fork().accept_bytes(piece.encode()) == len(piece.encode()):
                    matcher.accept_bytes(piece.encode())
                    text += piece
            ending = matcher.witness()
            self.sound(text.encode(), ending)
            yield (text.encode() + ending).decode("utf-8", "replace")

    def damaged(self, text: str) -> str:
        at = self.choose.randint(0, len(text))
        return text[:at] + self.choose.choice(["", *self.drawn.pieces]) + text[at + self.choose.randint(0, 1):]

    def sound(self, text: bytes, ending: bytes) -> bool:
        self.count("endings")
        if not self.parses(text + ending):
            self.wrong("unsound: Lark does not parse the text with its promised ending", (text, ending))
            return False
        return True

    def walks(self, grammar: Grammar, reference: bool) -> None:
        """Single tokens at every step of a walk, against Lark and the step by bytes."""
        good = [text.encode() for text, parses in self.known.items() if parses]
        vocabulary = self.vocabulary(good)
        compiled = grammar.compile(vocabulary)
        if reference:
            try:
                grammar.compile(vocabulary, engine="reference")
            except TrellisError:
                reference = False
        for _ in range(self.judge.walks):
            matcher, text = compiled.matcher(), b""
            slow = grammar.compile(vocabulary, engine="reference").matcher() if reference else None
            for _ in range(STEPS):
                allowed = set(mask(matcher))
                if not self.step(matcher, text, allowed, vocabulary, good):
                    return
                if slow is not None:
                    try:
                        same = set(mask(slow)) == allowed and slow.can_end == matcher.can_end
                    except LimitError:
                        slow = None
                    else:
                        self.count("masks compared with the slow engine")
                        if not same:
                            differing = [vocabulary.tokens[token] for token in allowed ^ set(mask(slow))]
                            self.wrong("the engines differ", (text, differing))
                            return
                token = self.choose.choice(sorted(allowed))
                matcher.accept(token)
                if slow is not None:
                    slow.accept(token)
                if matcher.finished:
                    break
                text += vocabulary.tokens[token]
            self.budget(grammar, vocabulary)
        self.stream(grammar, vocabulary)

    def step(self, matcher: Matcher, text: bytes, allowed: set[int], vocabulary: Vocabulary,
             good: list[bytes]) -> bool:
        end = vocabulary.eos_ids[0]
        self.count("masks")
        if (end in allowed) != self.parses(text) or matcher.can_end != (end in allowed):
            self.wrong("the end of the output", (text, end in allowed))
            return False
        for sentence in good:  # what Lark parses is allowed
            if sentence.startswith(text):
                for token, data in enumerate(vocabulary.tokens[:end]):
                    if sentence.startswith(data, len(text)):
                        self.count("tokens that must be allowed")
                        if token not in allowed:
                            self.wrong("incomplete: a token of a text is refused", (text, data, sentence))
                            return False
        wanted = [token for token in allowed if token < end]
        trials = self.choose.sample(wanted, min(len(wanted), TOKENS // 2))
        trials += self.choose.sample(range(end), TOKENS // 2)
        for token in trials:
            fork, data = matcher.fork(), vocabulary.tokens[token]
            self.count("tokens")
            if fork.accept(token) != (token in allowed) or (
                    matcher.fork().accept_bytes(data) == len(data)) != (token in allowed):
                self.wrong("mask, accept and accept_bytes differ", (text, data))
                return False
            if token in allowed and not self.sound(text + data, fork.witness()):
                return False
        return True

    def budget(self, grammar: Grammar, vocabulary: Vocabulary) -> None:
        """A walk within a budget ends in time, in a text that Lark parses."""
        compiled = grammar.compile(vocabulary)
        limit = compiled.min_tokens() + self.choose.randint(0, 5)
        matcher, text, used = compiled.matcher(limit), b"", 0
        while not matcher.finished:
            token = self.choose.choice(mask(matcher))
            if not matcher.accept(token) or used > limit:
                self.wrong("a budget is not kept, or its mask and accept differ", (text, limit))
                return
            used += 1
            text += b"" if matcher.finished else vocabulary.tokens[token]
        self.count("walks within a budget")
        self.sound(text, b"")

    def stream(self, grammar: Grammar, vocabulary: Vocabulary) -> None:
        """A matcher that was led to and fro stands where one stands that took the straight way."""
        compiled, taken = grammar.compile(vocabulary), list[int]()
        matcher = compiled.matcher()
        for _ in range(30):
            act = self.choose.randrange(8)
            if act == 0 and taken:
                count = self.choose.randint(1, len(taken))
                matcher.rollback(count)
                del taken[-count:]
            elif act == 1:
                matcher, other = matcher.fork(), matcher
                other.accept(self.choose.randrange(vocabulary.size))
            elif act == 2:
                matcher.forced_bytes()
                matcher.witness()
            else:
                token = self.choose.choice(mask(matcher) if act < 6 else range(vocabulary.size + 3))
                if matcher.accept(token):
                    taken.append(token)
            self.count("steps to and fro")
        straight = compiled.matcher()
        if not all(straight.accept(token) for token in taken) or mask(straight) != mask(matcher) or (
                straight.can_end, straight.finished) != (matcher.can_end, matcher.finished):
            self.wrong("rollback, fork and the straight way differ", [vocabulary.tokens[token] for token in taken])

    def vocabulary(self, good: list[bytes]) -> Vocabulary:
        """Tokens cut from texts at any byte, joined pieces, every byte."""
        tokens = {bytes([byte]) for byte in range(256)}
        for text in self.choose.sample(good, min(len(good), 12)):
            for _ in range(6 if text else 0):
                at = self.choose.randrange(len(text))
                tokens.add(text[at : at + self.choose.randint(1, 6)])
        pieces = self.drawn.pieces
        tokens |= {"".join(self.choose.choice(pieces) for _ in range(self.choose.randint(2, 4))).encode()
                   for _ in range(16)}
        ordered = sorted(tokens)
        self.choose.shuffle(ordered)
        return Vocabulary([*ordered, b"<end>"], special_ids=[len(ordered)], eos_ids=[len(ordered)])


def mask(matcher: Matcher) -> list[int]:
    """The allowed tokens."""
    row = allocate_bitmask(1, matcher.compiled.vocabulary.size)
    matcher.fill_bitmask(row)
    return [int(token) for token in allowed_tokens(row[0])]
