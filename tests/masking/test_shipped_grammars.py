"""Every file in grammars/: what it accepts and refuses, what Lark says of that, and what an independent reader does.

The readers are json, csv, datetime and pydantic, markdown-it, and so on: nothing that knows our grammars.
"""

from __future__ import annotations

import ast
import csv
import io
import json
import json.decoder
import re
import sqlite3
import tomllib
import warnings
from collections.abc import Callable, Iterator
from datetime import date, datetime, time, timedelta
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from pydantic import TypeAdapter

from trellis.errors import GrammarError
from trellis.masking import Grammar, Vocabulary
from trellis.masking.walk import Walker
from trellis.models.nano.model import NanoModel
from trellis.schema import yaml_text

ROOT = Path(__file__).parents[2]
ENGINE = "kernel"
NAMES = sorted(path.stem for path in (ROOT / "grammars").glob("*.lark"))
CASES = [(name, parser) for name in NAMES for parser in ("earley", "lalr")
         if parser in (ROOT / "grammars" / f"{name}.lark").read_text(encoding="utf-8").split("Parser", 1)[1][:24]]


@cache
def shipped(name: str, parser: str) -> Grammar:
    return Grammar.from_lark(ROOT / "grammars" / f"{name}.lark", parser=parser)


@cache
def nano() -> Vocabulary:
    return NanoModel().vocabulary


@pytest.fixture(autouse=True)
def _kernel() -> None:
    pytest.importorskip("trellis_kernel")


def lark_parses(grammar: Grammar, text: str) -> bool:
    try:
        grammar.parse(text)
    except GrammarError:
        return False
    return True


@pytest.mark.parametrize("name", NAMES)
def test_a_grammar_says_what_it_is_and_has_fixtures(name: str) -> None:
    text = (ROOT / "grammars" / f"{name}.lark").read_text(encoding="utf-8")
    assert re.match(r"// \S.*\n//\n(// .*\n)+", text)
    assert re.search(r"Parsers?: (earley, lalr|earley|lalr)\.\n", text)
    assert {"accept", "reject"} <= set(fixtures(name))


def fixtures(name: str) -> dict[str, Any]:
    return tomllib.loads((ROOT / "fixtures" / "grammars" / f"{name}.toml").read_text(encoding="utf-8"))


@pytest.mark.parametrize(("name", "parser"), CASES)
def test_fixtures(name: str, parser: str) -> None:
    grammar, read = shipped(name, parser), READERS.get(name)
    for text in fixtures(name)["accept"]:
        assert lark_parses(grammar, text), f"the fixture is wrong: Lark refuses {text!r}"
        assert grammar.accepts(text), text
        assert all(grammar.accepts_prefix(text.encode()[:end]) for end in range(len(text.encode()))), text
        if read:
            read(grammar, text)
    for text in fixtures(name)["reject"]:
        assert not lark_parses(grammar, text), f"the fixture is wrong: Lark parses {text!r}"
        assert not grammar.accepts(text), text


@pytest.mark.parametrize(("name", "parser"), CASES)
def test_random_walks_are_read_by_lark_and_by_the_reader(name: str, parser: str) -> None:
    grammar = shipped(name, parser)
    walker = Walker(grammar.compile(nano(), engine=ENGINE), seed=len(name))
    for _ in range(WALKS):
        text = walker.text(50).decode()
        assert lark_parses(grammar, text), text
        if name in READERS:
            READERS[name](grammar, text)


WALKS = 25


def documents(name: str) -> Iterator[str]:
    if name == "jsonl":
        for path in (ROOT / "fixtures").rglob("*.jsonl"):
            yield path.read_text(encoding="utf-8")
    elif name == "json":
        for path in [*(ROOT / "fixtures").rglob("*.json"), ROOT / "src/trellis/models/nano/model.json"]:
            text = path.read_text(encoding="utf-8")
            if len(text) < 30_000 and path.name != "broken.json":
                yield text
    elif name == "markdown_table":
        for path in [ROOT / "README.md", *(ROOT / "docs").glob("*.md")]:
            yield from re.findall(r"(?:^\|.*\|\n)+", path.read_text(encoding="utf-8"), re.M)
    elif name == "yaml":
        for text in documents("json"):
            yield "\n".join(yaml_text.lines(json.loads(text))) + "\n"
    elif name == "python_expression":
        yield from sorted(set(expressions(Path(json.decoder.__file__).read_text(encoding="utf-8"))))


def expressions(source: str) -> Iterator[str]:
    """The expressions on one line of a module, less what the grammar leaves out."""
    for node in ast.walk(ast.parse(source)):
        for part in ast.iter_child_nodes(node):
            text = ast.get_source_segment(source, part) if isinstance(part, ast.expr) else None
            left_out = isinstance(part, ast.Starred | ast.Slice | ast.Yield)
            if text and not left_out and not re.search(r'\n|"""|[fF]["\']|\byield\b|\\[^\\\'"abfnrtvx0-7]', text):
                yield text


@pytest.mark.parametrize("parser", ["earley", "lalr"])
@pytest.mark.parametrize("query", [
    "SELECT {} FROM t", "SELECT a {} FROM t", "SELECT a AS {} FROM t", "SELECT a FROM {} JOIN u USING ({})",
    "SELECT a FROM t {}", "SELECT t.{} FROM t", "SELECT {}.a FROM t", "SELECT {}(a) FROM t",
    "WITH {} AS (SELECT 1) SELECT 1", "SELECT 1 ORDER BY {}", "SELECT sum(a) {} FROM t"])
def test_a_keyword_is_a_name_where_sqlite_takes_it_for_one(query: str, parser: str) -> None:
    grammar = shipped("sql_select", parser)
    accepted = [word for word in fixtures("sql_select")["keywords"] if grammar.accepts(query.replace("{}", word))]
    assert {"row", "first", "key"} <= set(accepted)
    for word in accepted:
        read_sql(grammar, query.replace("{}", word))


@pytest.mark.parametrize("parser", ["earley", "lalr"])
def test_a_budget_holds_where_the_nearest_ending_is_behind_lookaheads(parser: str) -> None:
    """Keywords are kept from names by lookaheads, which lead the search for one token's ending astray."""
    from trellis.masking import allocate_bitmask, allowed_tokens

    bitmask = allocate_bitmask(1, nano().size)
    for text in (b'{"', b'{8', b'{   "', b"- {"):
        matcher = shipped("python_expression", parser).compile(nano()).matcher(50)
        assert matcher.accept_bytes(text) == len(text)
        matcher.fill_bitmask(bitmask)
        assert len(allowed_tokens(bitmask[0])) > 10


@pytest.mark.parametrize("name", ["json", "jsonl", "markdown_table", "python_expression", "yaml"])
def test_real_documents_are_accepted(name: str) -> None:
    texts = list(documents(name))
    assert len(texts) > 1
    parser = "lalr" if (name, "lalr") in CASES else "earley"
    for text in texts:
        assert shipped(name, parser).accepts(text), text[:300]


# Readers
# -------------------------------------------------------------------------------------------------------

def leaves(grammar: Grammar, text: str, rule: str) -> list[str]:
    """The texts under each node of a rule, in order."""
    return ["".join(node.children) for node in grammar.parse(text).find_data(rule)]


def read_json(_: Grammar, text: str) -> None:
    json.loads(text)


def read_jsonl(_: Grammar, text: str) -> None:
    for line in text.removesuffix("\n").split("\n"):
        json.loads(line)


def read_csv(grammar: Grammar, text: str) -> None:
    rows = list(csv.reader(io.StringIO(text, newline=""), strict=True))
    records = [node for node in grammar.parse(text).children if hasattr(node, "data")]
    fields = [["".join(cell.children) for cell in record.children] for record in records]
    written = [[cell[1:-1].replace('""', '"') if cell[:1] == '"' else cell for cell in row] for row in fields]
    assert [row for row in rows if row not in ([], [""])] == [row for row in written if row != [""]]


def read_tsv(grammar: Grammar, text: str) -> None:
    rows = list(csv.reader(io.StringIO(text, newline=""), delimiter="\t", quoting=csv.QUOTE_NONE))
    header, *records = grammar.parse(text).children
    assert rows[0] == [str(name) for name in header.children]
    assert rows[1:] == [[str(cell) if isinstance(cell, str) else "".join(cell.children) for cell in record.children]
                        for record in records]


def read_iso8601(grammar: Grammar, text: str) -> None:
    kind = grammar.parse(text).data
    shape = kind if kind == "date_time" else grammar.parse(text).children[0].data
    readers: dict[str, Callable[[str], Any]] = {
        "date": date.fromisoformat, "time": time.fromisoformat, "date_time": datetime.fromisoformat,
        "duration": TypeAdapter(timedelta).validate_python}
    readers[shape](text)


def read_markdown(grammar: Grammar, text: str) -> None:
    from markdown_it import MarkdownIt

    tokens = MarkdownIt("commonmark").enable("table").parse(text)
    kinds = [token.type for token in tokens]
    assert (kinds[0], kinds[-1], kinds.count("table_open")) == ("table_open", "table_close", 1)
    cells = [after.content for token, after in pairwise(tokens)
             if token.type in ("th_open", "td_open")]
    written = [re.sub(r"\\\|", "|", cell) for cell in leaves(grammar, text, "cell")]
    assert cells == written


def read_yaml(grammar: Grammar, text: str) -> None:
    from ruamel.yaml import YAML

    tree = grammar.parse(text)
    if any(len(set(map(key_text, node.children[::2]))) < len(node.children) // 2 for node in tree.find_data("mapping")):
        return  # a key comes twice
    meant = meaning(tree.children[0])
    assert YAML(typ="safe", pure=True).load(text) == meant
    try:
        import yaml
    except ImportError:
        return
    assert yaml.safe_load(text) == meant


def key_text(node: Any) -> str:
    return str(meaning(node))


def meaning(node: Any) -> Any:
    """What a tree of yaml.lark says."""
    kind, parts = str(node.data), node.children
    if kind == "mapping":
        return {key_text(parts[i]): meaning(parts[i + 1]) for i in range(0, len(parts), 2)}
    if kind == "sequence":
        return [meaning(part) for part in parts]
    if kind in ("key", "string"):
        return json.loads(parts[0]) if parts[0][0] == '"' else str(parts[0])
    return {"number": lambda: json.loads(parts[0]), "true": lambda: True, "false": lambda: False, "null": lambda: None,
            "empty_mapping": dict, "empty_sequence": list}[kind]()


def read_sql(_: Grammar, text: str) -> None:
    try:
        sqlite3.connect(":memory:").execute(f"EXPLAIN {text}")  # a query may never end
    except (sqlite3.Error, sqlite3.Warning) as error:  # tables and columns do not exist
        said = str(error)
    else:
        said = ""
    assert not re.search("syntax error|incomplete input|unrecognized token", said), (text, said)


def read_python(_: Grammar, text: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SyntaxWarning)
        ast.parse(text.strip(" \t"), mode="eval")


READERS: dict[str, Callable[[Grammar, str], None]] = {
    "json": read_json, "jsonl": read_jsonl, "csv": read_csv, "tsv": read_tsv, "iso8601": read_iso8601,
    "markdown_table": read_markdown, "yaml": read_yaml, "sql_select": read_sql, "python_expression": read_python,
}
