"""``trellis mask``: what a grammar allows at a place in a text, token by token."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from trellis.cli.grammar import Parser, Parsers, Start, default_vocabulary, show_refusal
from trellis.cli.report import stderr, write
from trellis.errors import UsageError

if TYPE_CHECKING:
    from trellis.masking import Grammar, Matcher, Vocabulary


def mask(
    file: Annotated[Path, typer.Argument(help="A .lark file, or a .json file with a JSON Schema.")],
    text: Annotated[str, typer.Option(help="What was written so far.")] = "",
    tokenizer: Annotated[
        Path | None,
        typer.Option(help="A tokenizer.json, tiktoken, tekken or SentencePiece file; the built-in model's without it."),
    ] = None,
    start: Start = "start",
    parser: Parsers = Parser.earley,
    token: Annotated[
        list[int] | None, typer.Option("--token", help="Say whether this token id is allowed, and why not; repeatable.")
    ] = None,
    top: Annotated[int, typer.Option(min=0, help="How many of the allowed tokens to list.")] = 20,
    max_tokens: Annotated[int | None, typer.Option(min=1, help="A budget for what follows, the end included.")] = None,
) -> None:
    """What may come next: the allowed tokens on standard output, the terminals and counts on standard error.

    Each line has a token id and the token as a JSON string. Exit code 1 when the text itself is refused.
    """
    from trellis.masking import Vocabulary, allocate_bitmask, allowed_tokens

    grammar = _grammar(file, start, parser)
    vocabulary = default_vocabulary() if tokenizer is None else Vocabulary.from_tokenizer(tokenizer)
    matcher = grammar.compile(vocabulary).matcher(max_tokens)
    data = text.encode("utf-8", "surrogatepass")
    if matcher.accept_bytes(data) < len(data):
        show_refusal(grammar, text)
        raise typer.Exit(1)
    row = allocate_bitmask(1, vocabulary.size)
    matcher.fill_bitmask(row)
    allowed = [int(token_id) for token_id in allowed_tokens(row[0])]
    _summary(matcher, vocabulary, len(allowed))
    for token_id in token or ():
        stderr().print(Text(matcher.explain(token_id)))
    shortest = sorted(allowed, key=lambda token_id: (len(vocabulary.tokens[token_id]), token_id))[:top]
    for token_id in shortest:
        write(f"{token_id}\t{json.dumps(vocabulary.tokens[token_id].decode('utf-8', 'replace'), ensure_ascii=False)}")


def _grammar(file: Path, start: str, parser: Parser) -> Grammar:
    from trellis.masking import Grammar

    if file.suffix != ".json":
        return Grammar.from_lark(file, start=start, parser=parser.value)
    try:
        schema = json.loads(file.read_bytes())
    except OSError as error:
        raise UsageError(f"{file}: {error.strerror or error}") from error
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{file} is no JSON: {error}") from error
    return Grammar.from_json_schema(schema)


def _summary(matcher: Matcher, vocabulary: Vocabulary, allowed: int) -> None:
    console = stderr()
    forced = matcher.forced_bytes()
    ending = "yes" if matcher.can_end else f"no; a shortest ending: {matcher.witness().decode(errors='replace')!r}"
    facts = [("expected", ", ".join(matcher.expected) or "the end"),
             ("allowed", f"{allowed:,} of {vocabulary.size:,} tokens"),
             ("may end", ending),
             *([("forced", repr(forced.decode("utf-8", "replace")))] if forced else [])]
    for name, fact in facts:
        console.print(Text.assemble((f"{name}: ", "bold"), fact))
