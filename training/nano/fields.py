"""Fields: by which names a type may ask for one, which schemas it may have, and how a text says its value."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from words import Draw

Schema = dict[str, Any]
Drawn = tuple[Any, str]  # the value of the answer, and its words in the text


@dataclass(frozen=True)
class Field:
    """One thing that a text can tell.

    Attributes:
        names: what a type may call it, in snake_case; the first also labels it in texts.
        schema: draws a schema.
        value: draws a value for a schema.
        phrases: sentences with ``{}`` for the value's words.
        note: a description that the schema may carry.
    """

    names: tuple[str, ...]
    schema: Callable[[Draw], Schema]
    value: Callable[[Draw, Schema], Drawn]
    phrases: tuple[str, ...]
    note: str = ""


MONTHS = ["January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
"December"]


def _string(draw: Draw) -> Schema:
    return {"type": "string"}


def text(names: str, make: Callable[[Draw], str], *phrases: str, note: str = "", form: str = "") -> Field:
    def schema(draw: Draw) -> Schema:
        if form and draw.chance(0.25):
            return {"type": "string", "format": form}
        if draw.chance(0.04):
            return {"type": "string", **draw.choice(({"minLength": 1}, {"maxLength": 80},
                                                     {"minLength": 2, "maxLength": 120}))}
        return {"type": "string"}

    def value(draw: Draw, schema: Schema) -> Drawn:
        made = make(draw)
        return made, made
    return Field(tuple(names.split()), schema, value, phrases, note)


def date(names: str, *phrases: str, note: str = "") -> Field:
    def schema(draw: Draw) -> Schema:
        return {"type": "string", "format": "date"} if draw.chance(0.6) else {"type": "string"}

    def value(draw: Draw, schema: Schema) -> Drawn:
        day = draw.date()
        said = say_date(draw, day)
        return (day.isoformat() if "format" in schema else said), said
    return Field(tuple(names.split()), schema, value, phrases, note)


def say_date(draw: Draw, day: dt.date) -> str:
    month = MONTHS[day.month - 1]
    short = month[:3]
    return draw.choice((day.isoformat(), day.isoformat(), f"{day.day} {month} {day.year}",
                        f"{month} {day.day}, {day.year}",
                        f"{day.day} {short} {day.year}"))


def money(names: str, *phrases: str, hi: int = 5000, note: str = "") -> Field:
    def schema(draw: Draw) -> Schema:
        return {"type": "number", **({"minimum": 0} if draw.chance(0.15) else {})}

    def value(draw: Draw, schema: Schema) -> Drawn:
        amount, said = draw.money(hi)
        return amount, draw.choice(("${}", "{} EUR", "€{}", "{} dollars", "{}", "£{}", "USD {}")).format(said)
    return Field(tuple(names.split()), schema, value, phrases, note)


def measure(names: str, unit: str, hi: int, *phrases: str) -> Field:
    def schema(draw: Draw) -> Schema:
        return {"type": "number"}

    def value(draw: Draw, schema: Schema) -> Drawn:
        if draw.chance(0.4):
            whole = draw.integer(1, hi)
            return whole, f"{whole} {unit}"
        said = draw.own(lambda: f"{draw.rng.random() ** 2 * hi + 0.1:.1f}")
        return float(said), f"{said} {unit}"
    return Field(tuple(names.split()), schema, value, phrases)


def count(names: str, hi: int, *phrases: str, lo: int = 1, note: str = "") -> Field:
    def schema(draw: Draw) -> Schema:
        return {"type": "integer", **({"minimum": lo} if draw.chance(0.15) else {})}

    def value(draw: Draw, schema: Schema) -> Drawn:
        number = draw.integer(lo, hi)
        return number, str(number)
    return Field(tuple(names.split()), schema, value, phrases, note)


def scale(names: str, *phrases: str) -> Field:
    def schema(draw: Draw) -> Schema:
        return {"type": "integer", **({"minimum": 1, "maximum": 5} if draw.chance(0.4) else {})}

    def value(draw: Draw, schema: Schema) -> Drawn:
        stars = draw.between(1, 5)
        return stars, str(stars)
    return Field(tuple(names.split()), schema, value, phrases)


def choice(names: str, options: dict[str, tuple[str, ...]], *phrases: str) -> Field:
    """One of several words; a text may say it in others."""
    def schema(draw: Draw) -> Schema:
        shown = draw.sample(list(options), draw.between(max(2, len(options) - 2), len(options)))
        return {"enum": shown, "type": "string"} if draw.chance(0.9) else {"type": "string"}

    def value(draw: Draw, schema: Schema) -> Drawn:
        if "enum" not in schema:
            word = draw.choice(list(options))
            return word, word
        word = draw.choice(schema["enum"])
        said = draw.choice((word, word, word.capitalize(), *options[word]))
        return word, said
    return Field(tuple(names.split()), schema, value, phrases)


def flag(names: str, yes: tuple[str, ...], no: tuple[str, ...]) -> Field:
    """A truth value; the words of the text are whole sentences."""
    def value(draw: Draw, schema: Schema) -> Drawn:
        truth = draw.chance(0.5)
        return truth, draw.choice(yes if truth else no)
    return Field(tuple(names.split()), lambda draw: {"type": "boolean"}, value, ("{}",))


def words(names: str, make: Callable[[Draw], str], *phrases: str) -> Field:
    """A list of strings."""
    def value(draw: Draw, schema: Schema) -> Drawn:
        items = [make(draw) for _ in range(draw.between(1, 4))]
        items = list(dict.fromkeys(items))
        return items, listing(draw, items)
    return Field(tuple(names.split()), lambda draw: {"type": "array", "items": {"type": "string"}}, value, phrases)


def listing(draw: Draw, items: list[str]) -> str:
    if len(items) == 1:
        return items[0]
    if draw.chance(0.5):
        return ", ".join(items)
    return ", ".join(items[:-1]) + " and " + items[-1]


def records(names: str, item: str, fields: tuple[Field, ...], patterns: tuple[str, ...], *phrases: str) -> Field:
    """A list of objects; a pattern names the fields by their first names, and those it does not name are not asked."""
    def schema(draw: Draw) -> Schema:
        pattern = draw.choice(patterns)
        told = [field for field in fields if "{" + field.names[0] + "}" in pattern]
        asked = told if draw.chance(0.7) else draw.sample(told, max(1, len(told) - 1))
        if draw.chance(0.4):
            asked = draw.sample(asked, len(asked))
        properties = {draw.choice(field.names): field.schema(draw) for field in asked}
        keys = {field.names[0]: key for field, key in zip(asked, properties, strict=True)}
        return {"type": "array", "items": {"type": "object", "properties": properties, "required": list(properties)},
                "_pattern": pattern, "_keys": keys, "_item": item}

    def value(draw: Draw, schema: Schema) -> Drawn:
        rows, said = [], []
        properties = schema["items"]["properties"]
        for _ in range(draw.choice((1, 2, 2, 2, 3, 3, 4))):
            row, words = {}, {}
            for field in fields:
                if "{" + field.names[0] + "}" in schema["_pattern"]:
                    key = schema["_keys"].get(field.names[0])
                    drawn, shown = field.value(draw, properties[key] if key else field.schema(draw))
                    words[field.names[0]] = shown
                    if key:
                        row[key] = drawn
            rows.append({key: row[key] for key in properties})
            said.append(schema["_pattern"].format(**words))
        if draw.chance(0.25):
            return rows, "\n" + "\n".join(f"- {line}" for line in said)
        return rows, ("; ".join(said) if draw.chance(0.3) else listing(draw, said))
    return Field(tuple(names.split()), schema, value, phrases)
