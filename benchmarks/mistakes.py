"""Made-up answers of a model, with the mistakes that models make: schema, what was meant, what was written.

The values are what people write: with colons, hashes, apostrophes, quotes, units and dates. ``yaml_answer`` writes them
as if nothing ever needed quoting, ``json_answer`` writes JSON and spoils it. What each mistake is taken from stands in
the literature on models' YAML and JSON (fences, prose, bold, tabs, bullets, lost quotes and brackets, wrapped roots).
"""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

Schema = dict[str, Any]
TEXT: Schema = {"type": "string"}
WHOLE: Schema = {"type": "integer"}
NUMBER: Schema = {"type": "number"}
TRUTH: Schema = {"type": "boolean"}


@dataclass(frozen=True)
class Answer:
    """What a model was asked for, what it meant, and what it wrote."""

    schema: Schema
    meant: Any
    text: str
    mistake: str


def listed(items: Schema) -> Schema:
    """The schema of an array."""
    return {"type": "array", "items": items}


def closed(**members: Schema) -> Schema:
    """The schema of an object with these members and no others."""
    return {"type": "object", "properties": members, "required": list(members), "additionalProperties": False}


LINES = [
    "Node.js Service: Order API",
    "Fix issue #12 in the parser",
    "**Important** read this first",
    "it's a wrap",
    'The "best" one so far',
    "Don't stop: it's fine",
    "@ada and @bob",
    "`ls -l` lists files",
    "> 5 items left",
    "- not a list",
    "[draft] release notes",
    "{name} is a placeholder",
    "50% off: today only",
    "* starred",
    "#general channel",
    "&co and sons",
    "!important",
    "| pipe text",
    "Re: Fwd: hello",
    "https://example.org/a?b=1#top",
    "C:\\Users\\ada\\notes.txt",
    "a, b, and c",
    "yes",
    "no",
    "null",
    "1.10",
    "012345",
    "12:30",
    "2024-01-31",
    "1e3",
    "true",
    '"Hello" she said',
    "'quoted' words here",
    "what? why: because",
    "Smith, John (Dr.)",
    "C# and F# are languages",
    "x = y + 1",
    "caf\u00e9 cr\u00e8me \u2013 \u20ac5",
    "Total: $1,234.50",
    "plain words only",
    "One",
    "ends with colon:",
    "tab\there",
    "emoji \U0001f600 here",
    "50%",
    "+1 555 0182",
    "key: value: other",
    "~home",
    "? unsure",
    "%TODO% later",
    "it is 5 o'clock: time to go",
    'She said: "it\'s late"',
    "(see note)",
    "Ada's book",
    "rock 'n' roll",
    "0x1F",
    "on",
    "3.0",
]
WORDS = [
    "red",
    "green",
    "blue apple",
    "C++",
    "no",
    "v1.0",
    "it's",
    "#1",
    "node: 20",
    "@home",
    "x-ray",
    "42",
    "a/b",
    "**new**",
]
NAMES = [
    "Ada Lovelace",
    "O'Brien",
    "Jean-Luc Picard",
    'Bob "Bobby" Tables',
    "Dr. No",
    "Yes",
    "Mary: the great",
    "Zo\u00eb",
]
KINDS = ["open", "in_progress", "done"]


def text(r: random.Random) -> str:
    """A line of text."""
    return r.choice(LINES)


def paragraph(r: random.Random) -> str:
    """Two or three lines of text."""
    return "\n".join(r.choice([line for line in LINES if "\t" not in line]) for _ in range(r.randint(2, 3))) + "\n"


def number(r: random.Random) -> float:
    """A price."""
    return round(r.uniform(0.5, 2000), 2)


def ticket(r: random.Random) -> tuple[Schema, Any]:
    """A flat object."""
    schema = closed(title=TEXT, reporter=TEXT, priority=WHOLE, status={"enum": KINDS}, urgent=TRUTH, note=TEXT)
    return schema, {
        "title": text(r),
        "reporter": r.choice(NAMES),
        "priority": r.randint(1, 5),
        "status": r.choice(KINDS),
        "urgent": r.random() < 0.5,
        "note": text(r),
    }


def product(r: random.Random) -> tuple[Schema, Any]:
    """An object with lists and numbers."""
    schema = closed(name=TEXT, price=NUMBER, stock=WHOLE, tags=listed(TEXT), code=TEXT)
    return schema, {
        "name": text(r),
        "price": number(r),
        "stock": r.randint(0, 5000),
        "tags": r.sample(WORDS, r.randint(1, 4)),
        "code": r.choice(["00123", "1e5", "0x10", "12-34", "7", "1.50", "no"]),
    }


def invoice(r: random.Random) -> tuple[Schema, Any]:
    """Objects in a list in an object, and an object beside it."""
    item = closed(description=TEXT, quantity=WHOLE, unit_price=NUMBER)
    schema = closed(number=TEXT, customer=closed(name=TEXT, address=TEXT, city=TEXT), items=listed(item), paid=TRUTH)
    items = [
        {"description": text(r), "quantity": r.randint(1, 9), "unit_price": number(r)} for _ in range(r.randint(1, 3))
    ]
    return schema, {
        "number": r.choice(["INV-001", "0042", "2024/7", "#77"]),
        "customer": {
            "name": r.choice(NAMES),
            "address": r.choice(["12 High St: rear", "Flat #3, 5 Main Rd", "1 O'Connell St"]),
            "city": r.choice(["London", "No", "S\u00e3o Paulo"]),
        },
        "items": items,
        "paid": r.random() < 0.5,
    }


def steps(r: random.Random) -> tuple[Schema, Any]:
    """A list of objects at the root."""
    schema = listed(closed(step=TEXT, detail=TEXT, minutes=WHOLE))
    return schema, [{"step": text(r), "detail": text(r), "minutes": r.randint(1, 90)} for _ in range(r.randint(1, 4))]


def review(r: random.Random) -> tuple[Schema, Any]:
    """Text of several lines, and a value that may be null."""
    schema = closed(summary=TEXT, body=TEXT, rating={"type": ["integer", "null"]}, pros=listed(TEXT), cons=listed(TEXT))
    return schema, {
        "summary": text(r),
        "body": paragraph(r),
        "rating": r.choice([None, 1, 5]),
        "pros": [text(r) for _ in range(r.randint(1, 3))],
        "cons": [text(r) for _ in range(r.randint(1, 2))],
    }


def settings(r: random.Random) -> tuple[Schema, Any]:
    """Deeper objects, and a map with free keys."""
    schema = closed(
        service=closed(host=TEXT, port=WHOLE, tls=closed(enabled=TRUTH, version=TEXT)),
        labels={"type": "object", "additionalProperties": TEXT},
        comment=TEXT,
    )
    return schema, {
        "service": {
            "host": r.choice(["localhost", "db.example.org:5432", "10.0.0.1"]),
            "port": r.randint(1, 65535),
            "tls": {"enabled": r.random() < 0.5, "version": r.choice(["1.2", "1.3", "v1"])},
        },
        "labels": {key: text(r) for key in r.sample(["team", "owner", "tier"], r.randint(1, 3))},
        "comment": text(r),
    }


KINDS_OF_ANSWER = [ticket, product, invoice, steps, review, settings]


# YAML


def plain(value: Any) -> str:
    """A scalar as somebody writes it who has never heard of quoting."""
    return "null" if value is None else str(value).lower() if isinstance(value, bool) else str(value)


def yaml_lines(value: Any, indent: str, r: random.Random, style: dict[str, Any]) -> list[str]:
    """The lines of a collection."""
    lines: list[str] = []
    step, bullet = style.get("step", "  "), style.get("bullet", "-")
    if isinstance(value, list):
        for at, item in enumerate(value):
            mark = f"{at + 1}." if bullet == "1." else bullet
            if isinstance(item, dict):
                inner = yaml_lines(item, indent + " " * (len(mark) + 1), r, style)
                lines.append(f"{indent}{mark} {inner[0].lstrip()}")
                lines += inner[1:]
            else:
                lines.append(f"{indent}{mark} {scalar(item, r, style)}")
        return lines
    for key, item in value.items():
        name = f"**{key}**" if style.get("bold") else key
        colon = style.get("colon", ":")
        if isinstance(item, dict | list):
            lines.append(f"{indent}{name}:")
            lines += yaml_lines(
                item, indent + (step if isinstance(item, dict) or not style.get("flat") else ""), r, style
            )
        elif isinstance(item, str) and "\n" in item:
            lines.append(f"{indent}{name}: |")
            lines += [f"{indent}{style.get('block', '  ')}{line}" for line in item.rstrip("\n").split("\n")]
        else:
            lines.append(f"{indent}{name}{colon} {scalar(item, r, style)}")
    return lines


def scalar(value: Any, r: random.Random, style: dict[str, Any]) -> str:
    """A scalar in the style of this answer."""
    if not isinstance(value, str):
        return str(value).title() if style.get("python") and isinstance(value, bool) else plain(value)
    if style.get("quotes") == '"' and "\t" not in value:
        return f'"{value}"'
    if style.get("quotes") == "'" and "\t" not in value:
        return f"'{value}'"
    return value


YAML_STYLES: dict[str, Callable[[random.Random], dict[str, Any]]] = {
    "nothing quoted": lambda r: {},
    "all in double quotes": lambda r: {"quotes": '"'},
    "all in single quotes": lambda r: {"quotes": "'"},
    "bold keys": lambda r: {"bold": True},
    "tabs": lambda r: {"step": "\t"},
    "bullets": lambda r: {"bullet": r.choice(["*", "\u2022", "1."])},
    "flat lists": lambda r: {"flat": True},
    "four spaces": lambda r: {"step": "    "},
    "Python literals": lambda r: {"python": True},
    "tab behind the colon": lambda r: {"colon": ":\t"},
}


def yaml_text(value: Any, r: random.Random, style: dict[str, Any]) -> str:
    """A document."""
    return "\n".join(yaml_lines(value, "", r, style)) + "\n"


SIGN_OFFS = [
    "Let me know if you need anything else!",
    "I hope this helps.",
    "Note: I assumed the defaults.",
    "Feel free to ask: I am happy to help.",
]
LEADS = ["Here is the YAML:", "Sure! Here's what you asked for:", "Of course.", "Based on the text, the answer is:"]


def _shift(text: str, r: random.Random) -> str:
    """One line a column off."""
    if "|" in text:  # in a text of several lines a column is a space
        return text
    lines = text.split("\n")
    inner = [i for i, line in enumerate(lines) if line.startswith("  ") and not line.lstrip().startswith("- ")]
    if inner:
        at = r.choice(inner)
        lines[at] = " " + lines[at]
    return "\n".join(lines)


YAML_WRAPS: dict[str, Callable[[str, random.Random], str]] = {
    "": lambda t, r: t,
    "fence": lambda t, r: f"```yaml\n{t}```",
    "prose and fence": lambda t, r: (
        f"{r.choice(LEADS)}\n\n```{r.choice(['yaml', 'yml', ''])}\n{t}```\n\n{r.choice(SIGN_OFFS)}"
    ),
    "prose": lambda t, r: f"{r.choice(LEADS)}\n\n{t}",
    "sign-off": lambda t, r: f"{t}\n{r.choice(SIGN_OFFS)}\n",
    "unclosed fence": lambda t, r: f"```yaml\n{t}",
    "closing fence alone": lambda t, r: f"{t}```\n",
    "markers": lambda t, r: f"---\n{t}---\n",
    "all indented": lambda t, r: "".join(f"    {line}\n" for line in t.rstrip("\n").split("\n")),
    "a line out of place": _shift,
}


def yaml_answer(r: random.Random) -> Answer:
    """An answer in YAML with mistakes."""
    schema, meant = r.choice(KINDS_OF_ANSWER)(r)
    style, wrap = r.choice(list(YAML_STYLES)), r.choice(list(YAML_WRAPS))
    body: Any = meant
    if r.random() < 0.06 and isinstance(meant, dict):
        body, wrap = {"result": meant}, "wrapped root"
    written = yaml_text(body, r, YAML_STYLES[style](r))
    return Answer(schema, meant, YAML_WRAPS[wrap](written, r) if wrap in YAML_WRAPS else written, f"{style} | {wrap}")


# JSON


def _at(text: str, mark: str) -> list[int]:
    """Offsets of a structural character, outside of strings."""
    found, inside, skip = [], False, False
    for at, letter in enumerate(text):
        if skip:
            skip = False
        elif inside and letter == "\\":
            skip = True
        elif letter == '"':
            inside = not inside
            if mark == '"':
                found.append(at)
        elif letter == mark and not inside:
            found.append(at)
    return found


def lose(mark: str) -> Callable[[str, random.Random], str]:
    """Leave out one structural character."""

    def spoil(text: str, r: random.Random) -> str:
        places = _at(text, mark)
        if not places:
            return text
        at = r.choice(places)
        return text[:at] + text[at + 1 :]

    return spoil


def _commas(text: str) -> str:
    """A comma behind the last member of everything."""
    for mark in "}]":
        for at in reversed(_at(text, mark)):
            text = text[:at] + "," + text[at:] if text[at - 1] not in "{[" else text
    return text


def _strings_for_numbers(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _strings_for_numbers(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_strings_for_numbers(item) for item in value]
    return str(value).lower() if isinstance(value, bool) else str(value) if isinstance(value, int | float) else value


JSON_MISTAKES: dict[str, Callable[[str, random.Random], str]] = {
    "prose and fence": lambda t, r: f"{r.choice(LEADS)}\n```json\n{t}\n```\n{r.choice(SIGN_OFFS)}",
    "prose": lambda t, r: f"{r.choice(LEADS)} {t}\n\n{r.choice(SIGN_OFFS)}",
    "inner quotes": lambda t, r: t.replace('\\"', '"'),
    "raw backslashes": lambda t, r: t.replace("\\\\", "\\"),
    "lost quote": lose('"'),
    "lost colon": lose(":"),
    "lost comma": lose(","),
    "lost brace": lose("}"),
    "lost bracket": lose("]"),
    "trailing commas": lambda t, r: _commas(t),
    "Python": lambda t, r: repr(json.loads(t)),
    "unquoted keys": lambda t, r: re.sub(r'"(\w+)":', r"\1:", t),
    "wrapped root": lambda t, r: json.dumps({r.choice(["result", "data", "answer"]): json.loads(t)}),
    "strings for numbers": lambda t, r: json.dumps(_strings_for_numbers(json.loads(t))),
    "raw line breaks": lambda t, r: re.sub(r"(?<!\\)\\n", "\n", t),
    "comments": lambda t, r: t.replace(",\n", ", // see above\n", 1),
    "single quotes": lambda t, r: t.replace('"', "'") if "'" not in t and '\\"' not in t else t,
    "no end": lambda t, r: t.rstrip().rstrip("]}").rstrip(),
}


def json_answer(r: random.Random) -> Answer:
    """An answer in JSON with a mistake."""
    schema, meant = r.choice(KINDS_OF_ANSWER)(r)
    mistake = r.choice(list(JSON_MISTAKES))
    written = json.dumps(meant, indent=r.choice([None, 2]), ensure_ascii=r.random() < 0.5)
    return Answer(schema, meant, JSON_MISTAKES[mistake](written, r), mistake)
