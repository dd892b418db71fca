"""Six grammars that Lark and llguidance both read, each with documents: what ``masking.py`` measures on."""

from __future__ import annotations

import ast
import csv
import http
import inspect
import io
import json
import statistics
import textwrap
from pathlib import Path

ROOT = Path(__file__).parents[1]

JSON = r"""
start: value
value: object | array | STRING | NUMBER | "true" | "false" | "null"
object: "{" (pair ("," pair)*)? "}"
pair: STRING ":" value
array: "[" (value ("," value)*)? "]"
STRING: /"([^"\\\x00-\x1f]|\\(["\\\/bfnrt]|u[0-9a-fA-F]{4}))*"/
NUMBER: /-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?/
%ignore /[ \t\n\r]+/
"""

SQL = r"""
start: select ";"
select: "SELECT" columns "FROM" source join* where? group? order? limit?
columns: "*" | column ("," column)*
column: expression ("AS" NAME)?
source: NAME NAME?
join: ("LEFT" | "INNER")? "JOIN" source "ON" condition
where: "WHERE" condition
group: "GROUP" "BY" expression ("," expression)*
order: "ORDER" "BY" expression ("ASC" | "DESC")? ("," expression ("ASC" | "DESC")?)*
limit: "LIMIT" INTEGER
condition: comparison (("AND" | "OR") comparison)*
comparison: expression ("=" | "<>" | "<=" | ">=" | "<" | ">" | "LIKE") expression | "(" condition ")"
expression: term (("+" | "-" | "*" | "/") term)*
term: NAME ("." NAME)? | NAME "(" (expression ("," expression)* | "*") ")" | INTEGER | DECIMAL | STRING
NAME: /[a-z_][a-z0-9_]*/
INTEGER: /[0-9]+/
DECIMAL: /[0-9]+\.[0-9]+/
STRING: /'[^']*'/
%ignore /[ \n]+/
"""

ARITHMETIC = r"""
start: sum
sum: product (("+" | "-") product)*
product: power (("*" | "/") power)*
power: atom ("^" power)?
atom: NUMBER | "-" atom | NAME ("(" sum ("," sum)* ")")? | "(" sum ")"
NUMBER: /[0-9]+(\.[0-9]+)?/
NAME: /[a-z]+/
%ignore /[ ]+/
"""

CSV = r"""
start: row (NEWLINE row)* NEWLINE?
row: field ("," field)*
field: QUOTED | PLAIN
QUOTED: /"([^"]|"")*"/
PLAIN: /[^",\r\n]+/
NEWLINE: /\r?\n/
"""

CONFIG = r"""
start: (section | entry | NEWLINE)*
section: "[" KEY ("." KEY)* "]" NEWLINE
entry: KEY ("." KEY)* "=" value NEWLINE
value: STRING | NUMBER | "true" | "false" | array | table
array: "[" NEWLINE? (value ("," NEWLINE? value)*)? ","? NEWLINE? "]"
table: "{" (KEY "=" value ("," KEY "=" value)*)? "}"
KEY: /[A-Za-z0-9_-]+/ | /"[^"\n]*"/
STRING: /"([^"\\\n]|\\.)*"/
NUMBER: /-?[0-9]+(\.[0-9]+)?/
NEWLINE: /\n+/
%ignore /[ \t]+/
%ignore /#[^\n]*/
"""

PYTHON = r"""
start: test
test: or_test ("if" or_test "else" test)? | "lambda" (NAME ("," NAME)*)? ":" test
or_test: and_test ("or" and_test)*
and_test: not_test ("and" not_test)*
not_test: "not" not_test | comparison
comparison: sum (("<" | ">" | "==" | ">=" | "<=" | "!=" | "in" | "not" "in" | "is" | "is" "not") sum)*
sum: product (("+" | "-" | "|") product)*
product: factor (("*" | "/" | "%" | "//") factor)*
factor: ("+" | "-" | "~") factor | power
power: atom trailer* ("**" factor)?
trailer: "(" arguments? ")" | "[" subscript "]" | "." NAME
arguments: argument ("," argument)* ","?
argument: test comprehension? | NAME "=" test | "*" test | "**" test
subscript: test | test? ":" test? (":" test?)?
comprehension: "for" NAME ("," NAME)* "in" or_test ("if" or_test)*
atom: "(" (test (comprehension | ("," test)* ","?))? ")" | "[" (test (comprehension | ("," test)* ","?))? "]"
    | "{" (test (":" test)? (comprehension | ("," test (":" test)?)* ","?))? "}" | NAME | NUMBER | STRING+
NAME: /[A-Za-z_][A-Za-z0-9_]*/
NUMBER: /[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?/
STRING: /[rbf]?"([^"\\\n]|\\.)*"/ | /[rbf]?'([^'\\\n]|\\.)*'/
%ignore /[ ]+/
"""


def json_documents() -> list[str]:
    """The schema fixtures of this repository, pretty and compact."""
    data = json.loads((ROOT / "fixtures" / "masking" / "json_schema.json").read_text(encoding="utf-8"))
    parts = list(data.values()) if isinstance(data, dict) else data
    return [json.dumps(part, indent=2 if at % 2 else None, ensure_ascii=False)[:20_000] for at, part in enumerate(parts)
            if len(json.dumps(part)) < 9_000][:12]


def csv_documents() -> list[str]:
    """HTTP's status codes as rows."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["code", "name", "phrase", "description"])
    writer.writerows([status.value, status.name, status.phrase, status.description or "-"]
                     for status in http.HTTPStatus)
    return [out.getvalue()]


def python_documents() -> list[str]:
    """The expressions of two modules of the standard library, as ``ast.unparse`` writes them."""
    found = []
    for module in (statistics, textwrap):
        for node in ast.walk(ast.parse(inspect.getsource(module))):
            if isinstance(node, ast.Assign | ast.Return | ast.Expr) and node.value is not None:
                text = ast.unparse(node.value)
                if 12 < len(text) < 200 and "\n" not in text and not isinstance(node.value, ast.Constant):
                    found.append(text)
    return found


SQL_DOCUMENTS = [
    "SELECT id, name FROM users WHERE age >= 18 AND city = 'Paris' ORDER BY name LIMIT 20;",
    "SELECT u.id, count(*) AS orders, sum(o.total) AS spent\nFROM users u LEFT JOIN orders o ON o.user_id = u.id\n"
    "WHERE o.created_at >= '2024-01-01' AND (u.country = 'DE' OR u.country = 'FR')\n"
    "GROUP BY u.id ORDER BY spent DESC, u.id ASC LIMIT 100;",
    "SELECT * FROM events e INNER JOIN devices d ON d.id = e.device_id WHERE e.kind <> 'ping' AND d.model LIKE 'X%';",
    "SELECT category, avg(price * quantity) AS mean_value, max(price) - min(price) AS spread FROM order_lines\n"
    "WHERE price > 0.5 AND quantity < 1000 GROUP BY category ORDER BY mean_value DESC LIMIT 10;",
    "SELECT p.title, a.last_name FROM papers p JOIN authors a ON a.paper_id = p.id WHERE p.year >= 2019 AND "
    "lower(p.title) LIKE '%parsing%' ORDER BY p.year DESC;",
]
ARITHMETIC_DOCUMENTS = [
    "3 + 4 * (2 - 1) / 7 ^ 2", "sqrt(b^2 - 4*a*c) / (2*a)", "-(x + 1) * (x - 1) + 2 * x ^ 3 - 0.25",
    "max(1, 2, 3) - min(4.5, 6.25) * sin(pi / 4) ^ 2 + cos(pi / 4) ^ 2", "((((1 + 2) * 3) - 4) / 5) ^ 6",
    "rate * (1 + rate) ^ months / ((1 + rate) ^ months - 1) * principal", "100000 * exp(-lambda * t) + 12.5 * t",
]


def documents() -> dict[str, tuple[str, list[str]]]:
    """By name: a grammar and its documents."""
    return {
        "json": (JSON, json_documents()), "sql": (SQL, SQL_DOCUMENTS), "arithmetic": (ARITHMETIC, ARITHMETIC_DOCUMENTS),
        "csv": (CSV, csv_documents()), "config": (CONFIG, [(ROOT / "pyproject.toml").read_text(encoding="utf-8")]),
        "python": (PYTHON, python_documents()),
    }
