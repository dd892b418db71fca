"""A second generator of YAML answers with mistakes, built otherwise than ``mistakes.py``: the schema is made up, too.

Objects of random fields (texts, numbers, truths, choices, optional values, lists, objects, lists of objects, unions)
are filled with values that need quotes and get none, and are written by somebody who has never read the
specification. Then one or two mistakes are made on top.
"""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable
from typing import Any

from mistakes import NUMBER, TEXT, TRUTH, WHOLE, Answer, Schema, closed, listed

SUBJECTS = [
    "The parser", "Our API", "Stage 2", "It", "Ada's book", "user@example.org", "Alice & Bob", "C:\\temp",
    "v1.10",
]  # fmt: skip
VERBS = ["fails on", "needs", "isn't", "costs", "=>", "doesn't like", "calls `run()` in", "=", "|"]
OBJECTS = [
    "50% of cases", "#12", "'quoted' text", "\"yes\"", "{braces}", "[brackets]", "a, b & c", "*stars*",
    "\u201ccurly\u201d", "http://x.org:80/a#b", "12:30", "100%", "\u00fcber-\u00e4hnlich", "\u4f60\u597d",
    "~5", "no", "it!", "x | y", "$5",
]  # fmt: skip
HEADS = ["Note", "WARNING", "Re", "Step 1", "Q", "e.g.", "TODO(ada)", "10:30", "http"]
STARTS = [
    "- ", "* ", "# ", "> ", "| ", "! ", "@", "`x` ", "%", "& ", "&", "*", "!", "? ", ": ", "[x] ", "{y} ",
    "'a' ", "\"b\" ", "~", "#", "**b** ", ", ",
]  # fmt: skip
SHORT = [
    "yes", "no", "on", "off", "null", "~", "true", "12:30", "12:30:45", "2024-01-31", "1.10", "007", "1e5",
    "0x1A", "1_000", "+49 30 1234", "1/2", "N/A", "none", "3.0", ".5", "-", "--", "=", "<<", "12 %", "(none)",
    "[]", "{}", "A", "a:b", "#", "*", "'tis", "5'10\"", "x:", "[1, 2]", "2024-01-31T10:00:00Z",
]  # fmt: skip
FIELDS = [
    "name", "title", "summary", "owner", "phase", "reason", "kind_of_work", "place", "origin", "next_step",
    "remark", "version", "code",
]  # fmt: skip
COUNTS = ["count", "year", "size", "total", "weight", "score", "level"]
FLAGS = ["active", "is_public", "done", "verified"]
LISTS = ["tags", "steps", "aliases", "warnings", "sources"]
CHOICES = [
    ["low", "medium", "high"],
    ["bug", "feature", "chore"],
    ["Yes", "No", "Maybe"],
    ["on", "off"],
    ["A-1", "B-2"],
]
PARTS = ["author", "limits", "contact", "location"]
MANY = ["items", "events", "people", "changes"]


def words(r: random.Random) -> str:
    """A line of text."""
    kind = r.random()
    if kind < 0.25:
        return r.choice(SHORT)
    body = f"{r.choice(SUBJECTS)} {r.choice(VERBS)} {r.choice(OBJECTS)}"
    if kind < 0.45:
        return f"{r.choice(HEADS)}: {body}"
    if kind < 0.65:
        return r.choice(STARTS) + body
    return body + r.choice(["", ".", ":", "!", "?", ", too", ' (see "x")', " - really", "..."])


def maybe(r: random.Random) -> str:
    """A line of text that cannot be taken for nothing."""
    text = words(r)
    return text if len(text) > 4 and text[0] not in "#(" and text != "null" else "a word: " + text.strip("#~ ") + "."


def lines(r: random.Random) -> str:
    """Text of several lines."""
    parts = [words(r) for _ in range(r.randint(2, 4))]
    return "\n".join([*parts, f"{r.choice(HEADS)}: {r.choice(OBJECTS)}"]) + "\n"  # YAML cannot read all of it as it is


def optional(schema: Schema) -> Schema:
    """The schema or null."""
    return {"anyOf": [schema, {"type": "null"}]}


def field(r: random.Random, depth: int) -> tuple[str, Schema, Any]:
    """The name of a member, its schema and a value."""
    kind = r.random()
    if kind < 0.36:
        return r.choice(FIELDS), TEXT, words(r)
    if kind < 0.42:
        return "body", TEXT, lines(r)
    if kind < 0.5:
        return r.choice(COUNTS), WHOLE, r.randint(-5, 5000)
    if kind < 0.55:
        return r.choice(["price", "rate"]), NUMBER, round(r.uniform(-3, 5000), 2)
    if kind < 0.61:
        return r.choice(FLAGS), TRUTH, r.random() < 0.5
    if kind < 0.67:
        choices = r.choice(CHOICES)
        return r.choice(["status", "severity"]), {"enum": choices}, r.choice(choices)
    if kind < 0.72:
        return "note", optional(TEXT), r.choice([None, maybe(r)])
    if kind < 0.75:
        return "deadline", optional(WHOLE), r.choice([None, r.randint(1, 99)])
    if kind < 0.85 or depth > 2:
        return r.choice(LISTS), listed(TEXT), [words(r) for _ in range(r.randint(1, 4))]
    if kind < 0.88:
        return "sizes", listed(WHOLE), [r.randint(0, 99) for _ in range(r.randint(1, 4))]
    if kind < 0.93:
        schema, value = record(r, depth + 1)
        return r.choice(PARTS), schema, value
    if kind < 0.96:
        options = [closed(type={"const": "file"}, path=TEXT), closed(type={"const": "link"}, url=TEXT, hits=WHOLE)]
        values = [{"type": "file", "path": words(r)}, {"type": "link", "url": words(r), "hits": r.randint(0, 9)}]
        picked = [r.choice(values) for _ in range(r.randint(1, 3))]
        return "attachments", listed({"anyOf": options}), picked
    schema, _ = record(random.Random(seed := r.random()), depth + 1)
    values = [fill(schema, r) for _ in range(r.randint(1, 3))]
    return f"{r.choice(MANY)}", listed(schema), values if seed else []


def fill(schema: Schema, r: random.Random) -> Any:
    """A value of a schema."""
    if "enum" in schema:
        return r.choice(schema["enum"])
    if "const" in schema:
        return schema["const"]
    if "anyOf" in schema:
        picked = r.choice(schema["anyOf"])
        return maybe(r) if picked == TEXT else fill(picked, r)
    kind = schema["type"]
    if kind == "object":
        return {name: fill(inner, r) for name, inner in schema["properties"].items()}
    if kind == "array":
        return [fill(schema["items"], r) for _ in range(r.randint(1, 3))]
    simple = {
        "integer": r.randint(0, 999),
        "number": round(r.uniform(0, 99), 2),
        "boolean": r.random() < 0.5,
        "null": None,
    }
    return simple[kind] if kind in simple else words(r)


def record(r: random.Random, depth: int = 0) -> tuple[Schema, Any]:
    """An object's schema, and a value of it."""
    members: dict[str, Schema] = {}
    values: dict[str, Any] = {}
    for _ in range(r.randint(2, 6 - depth)):
        name, schema, value = field(r, depth)
        members[name], values[name] = schema, value
    return closed(**members), values


Style = dict[str, Any]


def scalar(value: Any, r: random.Random, style: Style) -> str:
    """A scalar on one line."""
    if value is None:
        return str(style.get("null", "null"))  # "N/A" and "None" may be texts: not where a text may stand
    if isinstance(value, bool):
        return str(style.get("true" if value else "false", str(value).lower()))
    if not isinstance(value, str):
        shown = f"{value:,}" if style.get("grouped") and abs(value) >= 1000 else str(value)
        return f'"{shown}"' if style.get("quoted numbers") else shown
    quote = style.get("quotes", "")
    if quote == "some":
        quote = r.choice(["", '"']) if '"' not in value and "\\" not in value else ""
    if quote == "right":
        return json.dumps(value, ensure_ascii=False)
    return f"{quote}{value}{quote}"


def written(value: Any, indent: int, r: random.Random, style: Style) -> list[str]:
    """The lines of an object or a list."""
    margin, found = " " * indent, []
    step = style.get("step", 2)
    mark = style.get("bullet", "-")
    if isinstance(value, list):
        for at, item in enumerate(value, 1):
            dash = f"{at}." if mark == "1." else mark
            if isinstance(item, dict):
                inner = written(item, indent + len(dash) + 1, r, style)
                found += [f"{margin}{dash} {inner[0].lstrip(' ')}", *inner[1:]]
            else:
                found.append(f"{margin}{dash} {scalar(item, r, style)}")
        return found
    for name, item in value.items():
        key = style.get("key", "{}").format(name) if "key" in style else name
        if style.get("titles"):
            key = name.replace("_", " ").title()
        if isinstance(item, dict | list) and item:
            if style.get("flow") and r.random() < 0.5:
                text = json.dumps(item, ensure_ascii=False, indent=r.choice([None, 2]))
                found.append(f"{margin}{key}: " + text.replace("\n", "\n" + margin))
            else:
                found.append(f"{margin}{key}:")
                flat = style.get("flat") and isinstance(item, list)
                found += written(item, indent + (0 if flat else step), r, style)
        elif isinstance(item, str) and item.endswith("\n"):
            found += block(key, item, margin, r, style)
        else:
            colon = style.get("colon", ": ")
            text = "null" if item is None and name == "note" and style.get("null") != "" else scalar(item, r, style)
            found.append(f"{margin}{key}{colon}{text}" if text else f"{margin}{key}:")
            if style.get("remarks") and not isinstance(item, str) and r.random() < 0.4:
                found[-1] += "  # as asked"
    return found


def block(key: str, text: str, margin: str, r: random.Random, style: Style) -> list[str]:
    """Text of several lines, with its mark or without."""
    parts = text.rstrip("\n").split("\n")
    inner = margin + style.get("inner", "  ")
    if style.get("no mark"):
        return [f"{margin}{key}:", *(inner + part for part in parts)]
    return [f"{margin}{key}: |", *(inner + part for part in parts)]


STYLES: dict[str, Style] = {
    "nothing quoted": {},
    "some quoted": {"quotes": "some"},
    "double quotes": {"quotes": '"'},
    "single quotes": {"quotes": "'"},
    "rightly quoted": {"quotes": "right"},
    "bold keys": {"key": "**{}**"},
    "quoted keys": {"key": '"{}"', "quotes": "right"},
    "code keys": {"key": "`{}`"},
    "titles": {"titles": True},
    "stars": {"bullet": "*"},
    "dots": {"bullet": "\u2022"},
    "numbered": {"bullet": "1."},
    "flat lists": {"flat": True},
    "three spaces": {"step": 3},
    "four spaces": {"step": 4},
    "yes and no": {"true": "yes", "false": "no"},
    "Python": {"true": "True", "false": "False", "null": "None"},
    "on and off": {"true": "on", "false": "off", "null": "~"},
    "empty for null": {"null": ""},
    "not available": {"null": "N/A"},
    "quoted numbers": {"quoted numbers": True},
    "grouped numbers": {"grouped": True},
    "remarks": {"remarks": True, "quotes": "right"},
    "JSON inside": {"flow": True},
    "no block mark": {"no mark": True},
    "equals": {"colon": " = "},
    "space before the colon": {"colon": " : "},
    "two spaces behind the colon": {"colon": ":  "},
    "tab behind the colon": {"colon": ":\t"},
    "block at the key": {"inner": ""},
    "block far in": {"inner": "        "},
}
LEADS = [
    "Here's the YAML you asked for:",
    "Sure!",
    "Certainly! Below is the result.",
    "Answer:",
    "**Result**",
    "# Output",
]
TAILS = [
    "Let me know if this works for you!",
    "Hope this helps :)",
    "*Note: values are estimates.*",
    "This follows the schema exactly: every field is there.",
    "Would you like me to change anything?",
]


def _off(text: str, r: random.Random) -> str:
    """One entry a column to the right or left."""
    rows = text.split("\n")
    inner = [i for i, row in enumerate(rows) if re.match(r" +[A-Za-z_]+: \S", row)]
    if not inner or "|" in text:
        return text
    at = r.choice(inner)
    rows[at] = " " + rows[at] if r.random() < 0.5 else rows[at][1:]
    return "\n".join(rows)


def _tabs(text: str, r: random.Random) -> str:
    return re.sub(r"^( +)", lambda m: "\t" * (len(m[1]) // 2) + " " * (len(m[1]) % 2), text, flags=re.M)


def _blank(text: str, r: random.Random) -> str:
    """Blank lines between the entries at the margin."""
    if "|" in text:
        return text
    return re.sub(r"\n(?=[A-Za-z])", "\n\n", text)


def _between(text: str, r: random.Random) -> str:
    """A remark between two entries at the margin."""
    places = [m.start() + 1 for m in re.finditer(r"\n(?=[A-Za-z_]+:)", text)]
    if not places or "|" in text:
        return text
    at = r.choice(places)
    return f"{text[:at]}\nNext, the remaining fields follow here.\n\n{text[at:]}"


MISTAKES: dict[str, Callable[[str, random.Random], str]] = {
    "": lambda t, r: t,
    "fence": lambda t, r: f"```{r.choice(['yaml', 'yml', 'YAML', '', 'text'])}\n{t}```",
    "fence and prose": lambda t, r: f"{r.choice(LEADS)}\n```yaml\n{t}```\n{r.choice(TAILS)}",
    "fence not closed": lambda t, r: f"{r.choice(LEADS)}\n\n```yaml\n{t}",
    "fence not opened": lambda t, r: f"{t}```\n\n{r.choice(TAILS)}\n",
    "lead": lambda t, r: f"{r.choice(LEADS)}\n\n{t}",
    "sign-off": lambda t, r: f"{t}\n{r.choice(TAILS)}\n",
    "lead and sign-off": lambda t, r: f"{r.choice(LEADS)}\n\n{t}\n{r.choice(TAILS)}",
    "indented": lambda t, r: re.sub(r"^(?=.)", "  ", t, flags=re.M),
    "markers": lambda t, r: f"---\n{t}...\n",
    "dashes around": lambda t, r: f"---\n{t}---\n",
    "a column off": _off,
    "tabs": _tabs,
    "blank lines": _blank,
    "a remark between": _between,
    "thinking": lambda t, r: f"<think>The user wants: YAML.\nkey: value?</think>\n{t}",
    "tags": lambda t, r: f"<yaml>\n{t}</yaml>",
    "carriage returns": lambda t, r: t.replace("\n", "\r\n"),
    "trailing spaces": lambda t, r: t if "|" in t else t.replace("\n", "  \n"),
    "wrapped": lambda t, r: "result:\n" + re.sub(r"^(?=.)", "  ", t, flags=re.M),
}


def careless_answer(r: random.Random) -> Answer:
    """An answer in YAML with mistakes."""
    schema, meant = record(r)
    if r.random() < 0.15:
        schema, meant = listed(schema), [meant, *(fill(schema, r) for _ in range(r.randint(0, 2)))]
    style, mistake = r.choice(list(STYLES)), r.choice(list(MISTAKES))
    text = "\n".join(written(meant, 0, r, STYLES[style])) + "\n"
    if style == "titles" and isinstance(meant, list):
        style = "nothing quoted"
        text = "\n".join(written(meant, 0, r, {})) + "\n"
    return Answer(schema, meant, MISTAKES[mistake](text, r), f"{style} | {mistake}")
