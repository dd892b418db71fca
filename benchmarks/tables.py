"""Made-up answers in CSV with mistakes: a row's schema, the rows that were meant, the table as a model wrote it."""

from __future__ import annotations

import csv
import io
import random
import re
from collections.abc import Callable
from typing import Any

from mistakes import NUMBER, TEXT, TRUTH, WHOLE, Answer, Schema, closed, listed

NAMES = ["Ada Lovelace", "O'Brien", "Jean-Luc Picard", 'Bob "Bobby" Tables', "Zo\u00eb", "Li Wei", "N. N."]
NOTES = [
    "plain words",
    "Smith, John (Dr.)",
    'She said "no"',
    "12 High St, rear entrance",
    "see https://example.org/a?b=1,2",
    "50% off, today only",
    "first line\nsecond line",
    "a; b; c",
    "C:\\temp",
    "caf\u00e9 \u2013 5 o'clock",
    "-",
    "x | y",
    "no",
    "007",
    "'quoted'",
    "ends with a comma,",
]
CITIES = ["London", "Paris, France", "S\u00e3o Paulo", "New York", "Berlin"]
CODES = ["007", "A-1", "1e5", "12-34", "X9", "0042"]


def number(r: random.Random) -> float:
    """An amount with cents."""
    return round(r.uniform(0.5, 5000), 2)


COLUMNS: dict[str, tuple[Schema, Callable[[random.Random], Any]]] = {
    "name": (TEXT, lambda r: r.choice(NAMES)),
    "city": (TEXT, lambda r: r.choice(CITIES)),
    "note": (TEXT, lambda r: r.choice(NOTES)),
    "code": (TEXT, lambda r: r.choice(CODES)),
    "date": (TEXT, lambda r: f"2024-{r.randint(1, 12):02}-{r.randint(1, 28):02}"),
    "age": (WHOLE, lambda r: r.randint(1, 99)),
    "quantity": (WHOLE, lambda r: r.randint(0, 20_000)),
    "unit_price": (NUMBER, number),
    "total": (NUMBER, number),
    "paid": (TRUTH, lambda r: r.random() < 0.5),
    "status": ({"enum": ["open", "in_progress", "done"]}, lambda r: r.choice(["open", "in_progress", "done"])),
    "rating": ({"type": ["integer", "null"]}, lambda r: r.choice([None, 1, 5])),
}
Rows = list[dict[str, Any]]


def plain(value: Any) -> str:
    """A cell's text."""
    return "" if value is None else str(value).lower() if isinstance(value, bool) else str(value)


def table(
    rows: Rows, delimiter: str = ",", cell: Callable[[Any], str] = plain, quoting: Any = csv.QUOTE_MINIMAL
) -> str:
    """Sound CSV."""
    out = io.StringIO()
    writer = csv.writer(out, delimiter=delimiter, quoting=quoting, lineterminator="\n")
    writer.writerow(rows[0])
    writer.writerows([cell(value) for value in row.values()] for row in rows)
    return out.getvalue()


def unquoted(rows: Rows, r: random.Random, delimiter: str = ",", cell: Callable[[Any], str] = plain) -> str:
    """As if nothing ever needed quotes; line breaks apart."""
    flat = [[cell(value).replace("\n", " ") for value in row.values()] for row in rows]
    return "\n".join(delimiter.join(line) for line in [list(rows[0]), *flat]) + "\n"


def money(value: Any) -> str:
    """Numbers as people write them."""
    return f"${value:,.2f}" if isinstance(value, float) else f"{value:,}" if _whole(value) else plain(value)


def european(value: Any) -> str:
    """Numbers as Europeans write them."""
    return f"{value:.2f}".replace(".", ",") if isinstance(value, float) else plain(value)


def _whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _renamed(text: str, names: list[str]) -> str:
    """A header in words."""
    _, _, rest = text.partition("\n")
    return ",".join(name.replace("_", " ").title() for name in names) + "\n" + rest


def markdown(rows: Rows) -> str:
    """A Markdown table."""
    lines = [list(rows[0]), ["---"] * len(rows[0])]
    lines += [[plain(value).replace("\n", " ").replace("|", "/") for value in row.values()] for row in rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _shuffled(rows: Rows, r: random.Random) -> Rows:
    names = list(rows[0])
    r.shuffle(names)
    return [{name: row[name] for name in names} for row in rows]


MISTAKES: dict[str, Callable[[Rows, random.Random], str]] = {
    "none": lambda rows, r: table(rows),
    "fence": lambda rows, r: f"```csv\n{table(rows)}```",
    "fence not closed": lambda rows, r: f"Here you go:\n```csv\n{table(rows)}",
    "prose": lambda rows, r: f"Here is the table you asked for:\n\n{table(rows)}\nLet me know if you need more!\n",
    "prose with commas": lambda rows, r: (
        f"Sure, here it is, as CSV:\n\n{table(rows)}\nNote: dates, where missing, are made up.\n"
    ),
    "not quoted": unquoted,
    "semicolons": lambda rows, r: table(rows, ";"),
    "tabs": lambda rows, r: table(rows, "\t"),
    "pipes": lambda rows, r: table(rows, "|"),
    "Markdown": lambda rows, r: markdown(rows),
    "Markdown and prose": lambda rows, r: f"Here is the table:\n\n{markdown(rows)}\nHope this helps!",
    "all quoted": lambda rows, r: table(rows, quoting=csv.QUOTE_ALL),
    "spaces behind the commas": lambda rows, r: unquoted(rows, r, ", "),
    "quotes not doubled": lambda rows, r: table(rows).replace('""', '"'),
    "escaped quotes": lambda rows, r: table(rows).replace('""', '\\"'),
    "money": lambda rows, r: table(rows, cell=money),
    "money, not quoted": lambda rows, r: unquoted(rows, r, cell=money),
    "decimal commas": lambda rows, r: table(rows, ";", european),
    "decimal commas in quotes": lambda rows, r: table(rows, ",", european),
    "header in words": lambda rows, r: _renamed(table(rows), list(rows[0])),
    "no header": lambda rows, r: table(rows).split("\n", 1)[1],
    "other order": lambda rows, r: table(_shuffled(rows, r)),
    "sum at the end": lambda rows, r: table(rows) + "Total" + "," * (len(rows[0]) - 1) + "\n",
    "sum in words": lambda rows, r: f"{table(rows)}\nTotal: {len(rows)} rows\n",
    "trailing commas": lambda rows, r: (
        "\n".join(line + "," for line in table(one_line(rows)).split("\n") if line) + "\n"
    ),
    "blank lines": lambda rows, r: table(one_line(rows)).replace("\n", "\n\n"),
    "numbered": lambda rows, r: _numbered(rows),
    "yes and no": lambda rows, r: table(
        rows, cell=lambda v: ("yes" if v else "no") if isinstance(v, bool) else plain(v)
    ),
    "N/A": lambda rows, r: table(rows, cell=lambda v: "N/A" if v is None else plain(v)),
    "empty end left out": lambda rows, r: "\n".join(line.rstrip(",") for line in table(rows).split("\n")),
    "carriage returns": lambda rows, r: table(rows).replace("\n", "\r\n"),
    "typographic quotes": lambda rows, r: re.sub(r'(?<![^,\n])"([^"\n]*)"(?![^,\n])', "\u201c\\1\u201d", table(rows)),
    "single quotes": lambda rows, r: (
        table(rows, cell=_single, quoting=csv.QUOTE_NONE) if _plainly(rows) else table(rows)
    ),
    "indented": lambda rows, r: re.sub(r"^(?=.)", "  ", table(one_line(rows)), flags=re.M),
    "header again": lambda rows, r: table(rows) + table(rows[:1]).split("\n")[0] + "\n",
    "bold header": lambda rows, r: re.sub(
        r"^.*", lambda m: ",".join(f"**{n}**" for n in m[0].split(",")), table(rows), count=1
    ),
}


def one_line(rows: Rows) -> Rows:
    """The rows with no line breaks in their cells."""
    return [{k: v.replace("\n", " ") if isinstance(v, str) else v for k, v in row.items()} for row in rows]


def _single(value: Any) -> str:
    return f"'{value}'" if isinstance(value, str) else plain(value)


def _plainly(rows: Rows) -> bool:
    return not any(re.search(r"[,'\"\n\\]", plain(value)) for row in rows for value in row.values())


def _numbered(rows: Rows) -> str:
    """A column of numbers before the table that nobody asked for."""
    lines = table(rows).split("\n")
    if any("\n" in plain(value) for row in rows for value in row.values()):
        return table(rows)
    return "\n".join([f"#,{lines[0]}", *(f"{at},{line}" for at, line in enumerate(lines[1:-1], 1))]) + "\n"


ONE_LINE = frozenset(
    {
        "not quoted",
        "spaces behind the commas",
        "Markdown",
        "Markdown and prose",
        "trailing commas",
        "blank lines",
        "indented",
        "money, not quoted",
    }
)


def table_answer(r: random.Random) -> Answer:
    """An answer in CSV with a mistake."""
    names = r.sample(list(COLUMNS), r.randint(2, 6))
    schema = listed(closed(**{name: COLUMNS[name][0] for name in names}))
    rows = [{name: COLUMNS[name][1](r) for name in names} for _ in range(r.randint(1, 6))]
    mistake = r.choice(list(MISTAKES))
    text = MISTAKES[mistake](rows, r)
    if mistake in ONE_LINE:
        rows = one_line(rows)
        if "Markdown" in mistake:
            rows = [{k: v.replace("|", "/") if isinstance(v, str) else v for k, v in row.items()} for row in rows]
    return Answer(schema, rows, text, mistake)
