"""One training example: a type, a text that tells a value of it, the real prompt for both, and the answer.

The prompt is made by ``trellis.prompt`` from the type's TypeScript rendering, so the model is trained on what it will
be given. ``example(seed)`` is a pure function of its arguments.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from answers import to_csv, to_json, to_yaml
from fields import Field, Schema
from kinds import KINDS, Kind, facts
from words import Draw

from trellis.prompt import Template, correction
from trellis.result import FieldError, Message
from trellis.schema.typescript import render

FORMATS = ("json", "yaml", "csv")
_SHARES = (0.7, 0.18, 0.12)


@dataclass(frozen=True)
class TypeShape:
    """What ``trellis.prompt`` needs to know of an output type."""

    name: str
    format: str
    schema: Schema

    @property
    def allows_unknown(self) -> bool:
        return False

    def type_text(self) -> str:
        return render(self.schema, self.name)

    def rendered(self, rendering: str) -> str:
        return self.type_text()

    def write(self, value: Any) -> str:
        return {"json": to_json, "yaml": to_yaml, "csv": to_csv}[self.format](value)

    def write_after(self, value: Any, data: Any) -> str:
        return self.write(value)


@dataclass(frozen=True)
class Example:
    kind: str
    shape: TypeShape
    messages: tuple[Message, ...]
    value: Any
    answer: str

    @property
    def schema(self) -> Schema:
        """The schema of the whole answer (for CSV, a list of rows)."""
        return {"type": "array", "items": self.shape.schema} if self.shape.format == "csv" else self.shape.schema


def example(seed: int | str, *, held_out: bool = False, output_format: str | None = None,
            plain: bool = False) -> Example:
    """The example of a seed.

    Args:
        seed: any number or text.
        held_out: draws names and numbers that no training example has.
        output_format: one of ``FORMATS`` instead of a drawn one.
        plain: neither a correction nor a prompt with examples in it.
    """
    draw = Draw(f"{seed}{held_out}", held_out)
    output_format = output_format or draw.rng.choices(FORMATS, _SHARES)[0]
    kind_name = draw.choice((*KINDS, "facts"))
    if output_format != "csv" and draw.chance(0.05):
        return _choice_example(draw, output_format) if draw.chance(0.6) else _single_example(draw, output_format)
    plan = _Plan(draw, facts(draw) if kind_name == "facts" else KINDS[kind_name], output_format)
    text, value = plan.text_and_value()
    prompt = _wording(draw, plan.kind, text, plan.many)
    examples: list[tuple[str, Any]] = []
    if not plain and draw.chance(0.04):
        examples = [plan.text_and_value(most=1)]
    system = draw.choice(("You are a careful assistant.", "Answer exactly.",
                          "You extract data from text.")) if draw.chance(0.05) else ""
    messages = Template(prompt, examples=examples, system=system).messages(plan.shape)
    answer = plan.shape.write(value)
    if not plain and not examples and draw.chance(0.08):
        bad, errors = damaged(draw, plan.shape, value, answer)
        if bad != answer:
            messages = correction(messages, bad, errors)
    return Example(kind_name, plan.shape, messages, value, answer)


class _Plan:
    """What is decided once for all records of an example: the fields told, the type, the style of the text."""

    def __init__(self, draw: Draw, kind: Kind, output_format: str) -> None:
        self.draw, self.kind = draw, kind
        flat = output_format == "csv"
        self.many = flat or draw.chance(0.08)
        places = list(range(len(kind.fields)))
        if self.many:  # rows are short
            places = [i for i in places if not self._is_list(kind.fields[i])]
        told = draw.sample(places, min(len(places), draw.between(2, 5 if self.many else 7)))
        if places[0] not in told and draw.chance(0.9):
            told.insert(0, places[0])
        self.told = told
        asked = [i for i in told if draw.chance(0.85)] or told[:1]
        absent = [i for i in places if i not in told and kind.fields[i].phrases != ("{}",)]
        self.absent = draw.sample(absent, min(len(absent), draw.choice((0, 0, 0, 1, 1, 2))))
        order = asked + self.absent
        if draw.chance(0.3):
            order.sort()
        else:
            draw.rng.shuffle(order)
        self.schemas = {i: kind.fields[i].schema(draw) for i in {*told, *order}}
        self.marks = {i: self._mark(i in self.absent) for i in order}
        self.keys = self._keys(order, camel=draw.chance(0.2))
        self.group = self._group(order) if not self.many and draw.chance(0.4) else None
        self.order = order
        self.style = draw.choice(("prose", "prose", "prose", "labels", "labels", "inline"))
        self.joins = draw.chance(0.4)
        self.joined = [(form, {int(place) for place in re.findall(r"{(\d+)}", form)}) for form in kind.joined]
        self.joint = draw.choice(("\n", "\n", "; ", ", ", " | ")) if not self.many else draw.choice((", ", "; ", " | ",
                                                                                                     " "))
        self.shape = self._shape(output_format)

    @staticmethod
    def _is_list(field: Field) -> bool:
        return field.schema(Draw(0)).get("type") == "array"

    def _mark(self, absent: bool) -> str:
        """Whether a field may be left out (``?``), may be null, both, or neither."""
        if absent:
            return self.draw.choice(("?", "null", "?null"))
        return self.draw.choice(("?", "null", "?null")) if self.draw.chance(0.2) else ""

    def _keys(self, order: list[int], camel: bool) -> dict[int, str]:
        keys: dict[int, str] = {}
        for i in order:
            names = [name for name in self.kind.fields[i].names if name not in keys.values()]
            key = names[0] if names and self.draw.chance(0.4) else self.draw.choice(names or [f"field_{i}"])
            keys[i] = key
        if camel:
            keys = {i: key.split("_")[0] + "".join(part.capitalize() for part in key.split("_")[1:]) for i,
                    key in keys.items()}
        return keys

    def _group(self, order: list[int]) -> tuple[str, list[int]] | None:
        groups = [(name, [i for i in order if i in members]) for name, members in self.kind.groups]
        groups = [(name, members) for name, members in groups if len(members) >= 2 and name not in self.keys.values()]
        return self.draw.choice(groups) if groups else None

    def _property(self, i: int) -> Schema:
        schema = {key: value for key, value in self.schemas[i].items() if not key.startswith("_")}
        if self.draw.chance(0.08):
            said = self.kind.fields[i].note or self.kind.fields[i].names[0].replace("_", " ")
            schema["description"] = self.draw.choice(("{}", "the {}", "The {}",
                                                      f"{{}} of the {self.kind.names[0]}")).format(said)
        if "null" in self.marks[i]:
            inner = {key: value for key, value in schema.items() if key != "description"}
            outer = {key: value for key, value in schema.items() if key == "description"}
            schema = {"anyOf": [inner, {"type": "null"}], **outer}
        return schema

    def _shape(self, output_format: str) -> TypeShape:
        draw = self.draw
        properties: dict[str, Schema] = {}
        required: list[str] = []
        definitions: dict[str, Schema] = {}

        def named(name: str, schema: Schema) -> Schema:
            if draw.chance(0.4):
                return schema
            definitions[name] = schema
            return {"$ref": f"#/$defs/{name}"}

        def record(order: list[int]) -> Schema:
            own = {self.keys[i]: self._property(i) for i in order}
            return {"type": "object", "properties": own,
                    "required": [self.keys[i] for i in order if "?" not in self.marks[i]],
                    "additionalProperties": False}

        grouped = set(self.group[1]) if self.group else set()
        for i in self.order:
            if i in grouped:
                if self.group and self.group[0] not in properties:
                    properties[self.group[0]] = named(_pascal(self.group[0]), record(self.group[1]))
                    required.append(self.group[0])
                continue
            schema = self._property(i)
            item = self.schemas[i].get("_item")
            if item and "items" in schema:
                schema["items"] = named(item, {**schema["items"], "additionalProperties": False})
            properties[self.keys[i]] = schema
            if "?" not in self.marks[i]:
                required.append(self.keys[i])
        row = {"type": "object", "properties": properties, "required": required, "additionalProperties": False}
        name = _pascal(draw.choice(self.kind.names)) if draw.chance(0.8) else draw.choice(("Answer", "Output", "Record",
                                                                                           "Result"))
        if self.many and output_format != "csv":
            item = name if name != "Answer" else "Item"
            name = draw.choice((f"{item}s", f"{item}List", "Answer", f"list[{item}]"))
            row = {"type": "array", "items": {"$ref": f"#/$defs/{item}"}, "$defs": {item: row}}
        elif definitions:
            row["$defs"] = definitions
        return TypeShape(name, output_format, row)

    def text_and_value(self, most: int = 4) -> tuple[str, Any]:
        if not self.many:
            return self._record()
        rows = [self._record() for _ in range(min(most, self.draw.choice((1, 2, 2, 3, 3, 4))))]
        joint = self.draw.choice(("\n", "\n- ", "\n\n"))
        text = joint.join(text.replace("\n", " ") for text, _ in rows)
        return ("- " if joint == "\n- " else "") + text, [value for _, value in rows]

    def _record(self) -> tuple[str, dict[str, Any]]:
        drawn = {i: self.kind.fields[i].value(self.draw, self.schemas[i]) for i in self.told}
        values: dict[str, Any] = {}
        grouped = set(self.group[1]) if self.group else set()
        flat = self.shape.format == "csv"
        for i in self.order:
            target = values.setdefault(self.group[0], {}) if self.group and i in grouped else values
            if i in drawn:
                target[self.keys[i]] = drawn[i][0]
            elif flat or "null" in self.marks[i]:
                target[self.keys[i]] = None
        return self._text({i: said for i, (_, said) in drawn.items()}), values

    def _text(self, said: dict[int, str]) -> str:
        draw = self.draw
        order = list(said)
        if self.style == "prose":
            if not self.many and draw.chance(0.5):
                draw.rng.shuffle(order)
            order.sort(key=lambda i: i != 0 or draw.chance(0.2))
            parts = self._joined(order, said)
            parts += [draw.choice(self.kind.fields[i].phrases).format(said[i]) for i in order]
            if not self.many and draw.chance(0.3):
                parts.insert(draw.between(0, len(parts)), draw.choice(_FILLERS))
            return " ".join(part[0].upper() + part[1:] for part in parts)
        if self.style == "inline":
            lead = draw.choice(self.kind.fields[order[0]].phrases).format(said[order[0]]).rstrip(".")
            rest = [draw.choice(self.kind.fields[i].phrases).format(said[i]).rstrip(".") for i in order[1:]]
            rest = [part if part.startswith("I ") else part[:1].lower() + part[1:] for part in rest]
            return (f"{lead} ({', '.join(rest)})." if rest and draw.chance(0.5) else ", ".join((lead, *rest)) + ".")
        labelled = []
        for i in order:
            field = self.kind.fields[i]
            label = (field.names[0] if draw.chance(0.6) else draw.choice(field.names)).replace("_", " ")
            label = label.capitalize() if self.joint == "\n" or draw.chance(0.3) else label
            labelled.append(said[i] if field.phrases == ("{}",
                                                         ) else f"{label}{': ' if self.joint != ' ' else ' '}{said[i]}")
        return self.joint.join(labelled)

    def _joined(self, order: list[int], said: dict[int, str]) -> list[str]:
        """Perhaps one sentence that tells several fields, which are taken out of the order."""
        fitting = [(form, places) for form, places in self.joined if places <= set(order)]
        if not fitting or not self.joins:
            return []
        form, places = self.draw.choice(fitting)
        order[:] = [i for i in order if i not in places]
        return [form.format(*(said.get(i, "") for i in range(len(self.kind.fields))))]


_FILLERS = ("Thanks a lot!", "Best wishes.", "See you soon.", "Let me know.", "Have a nice day!",
            "Sorry for the trouble.",
            "Please answer soon.", "It is raining here.", "Hello there!", "We look forward to it.", "No more for now.")


def _wording(draw: Draw, kind: Kind, text: str, many: bool) -> str:
    name = draw.choice(kind.names)
    name = (name + "s") if many else name
    form = draw.choice((
        "Extract the {name}: {text}", "Extract the {name}:\n{text}", "Extract the {name} from this text.\n\n{text}",
        "{text}",
        "{text}", "Read this message and give the {name}.\n\n{text}", "What is the {name} in this text?\n{text}",
        'Extract the {name} from "{text}"', "Text:\n{text}", "{text}\n\nGive the {name}.",
        "Find the {name} in the text below.\n\n{text}",
        "Turn this into a {name}: {text}", "Message: {text}\n\nExtract the {name}.",
        '"""\n{text}\n"""\nExtract the {name}.',
        "Please read this and fill in the {name}: {text}", "Get the {name} from: {text}", "Extract: {text}",
    ))
    return form.format(name=name, text=text)


def _pascal(name: str) -> str:
    return "".join(part[:1].upper() + part[1:] for part in name.replace("_", " ").split())


_LABELS = (
    (("positive", "negative", "neutral"), (("I love this {}.", "The {} is great!", "Wonderful {}."),
                                           ("I hate this {}.", "The {} is terrible.",
     "Awful {}."), ("The {} is okay.", "The {} is average.", "So so, this {}."))),
    (("billing", "technical", "shipping"), (("The invoice for my {} is wrong.", "I was charged twice for the {}."),
                                            ("The {} keeps crashing.",
     "My {} does not start."), ("Where is my {}?", "The {} has not arrived."))),
    (("yes", "no"), (("I would buy the {} again.", "The {} works."),
                     ("I would not buy the {} again.", "The {} does not work."))),
)


def _single_example(draw: Draw, output_format: str) -> Example:
    """One field of a text as a bare type."""
    kind = KINDS[draw.choice(list(KINDS))]
    told = draw.sample(range(len(kind.fields)), draw.between(1, 4))
    field = kind.fields[told[0]]
    schema = field.schema(draw)
    value, said = field.value(draw, schema)
    others = [(other, other.value(draw, other.schema(draw))[1]) for other in (kind.fields[i] for i in told[1:])]
    sentences = [draw.choice(one.phrases).format(words) for one, words in [(field, said), *others]]
    draw.rng.shuffle(sentences)
    asked = draw.choice(field.names).replace("_", " ")
    form = draw.choice(("What is the {}? {}", "{1}\n\nGive the {0}.", "Extract the {}: {}"))
    prompt = form.format(asked, " ".join(sentences))
    definitions = {}
    if "_item" in schema:
        definitions = {"$defs": {schema["_item"]: {**schema["items"], "additionalProperties": False}}}
        schema["items"] = {"$ref": f"#/$defs/{schema['_item']}"}
    schema = {key: value for key, value in schema.items() if not key.startswith("_")} | definitions
    shape = TypeShape(draw.choice((_pascal(asked), "Answer", "Output")), output_format, schema)
    return Example("single", shape, Template(prompt).messages(shape), value, shape.write(value))


def _choice_example(draw: Draw, output_format: str) -> Example:
    """One of a few words, as a bare type."""
    labels, texts = draw.choice(_LABELS)
    place = draw.between(0, len(labels) - 1)
    text = draw.choice(texts[place]).format(draw.product())
    form = draw.choice(("Classify: {}", "{}", "What is said here?\n{}", "Is it {labels}? {}"))
    prompt = form.format(text, labels=" or ".join(labels))
    name = draw.choice(("Label", "Answer", "Category", "Sentiment"))
    shape = TypeShape(name, output_format, {"enum": draw.sample(labels, len(labels)), "type": "string"})
    return Example("choice", shape, Template(prompt).messages(shape), labels[place], shape.write(labels[place]))


def damaged(draw: Draw, shape: TypeShape, value: Any, answer: str) -> tuple[str, Sequence[FieldError]]:
    """A wrong answer and what a validator would say of it."""
    if shape.format == "json" and draw.chance(0.3):
        at = draw.between(len(answer) // 2, len(answer) - 1)
        bad = draw.choice((answer[:at], answer[:at] + answer[at + 1:], answer.replace('":', '":"', 1), "{" + answer))
        try:
            json.loads(bad)
        except json.JSONDecodeError as error:
            return bad, [FieldError("", f"{draw.choice(('not JSON', 'no valid JSON', 'syntax error'))}: {error}")]
    many = isinstance(value, list)
    rows = [dict(row) for row in value] if many else [dict(value)]
    where = draw.between(0, len(rows) - 1)
    row, errors = rows[where], []
    pointer = f"/{where}" if many else ""
    for key in draw.sample(list(row), min(len(row), draw.between(1, 2))):
        old, place = row[key], f"{pointer}/{key}"
        if isinstance(old, str) and draw.chance(0.4):
            row[key] = draw.choice((old[:-1], old + draw.choice("sx1"), draw.proper()))
            errors.append(FieldError(place, draw.choice(("not in the text", "this is not what the text says",
                                                         "wrong value"))))
        elif isinstance(old, bool) or (isinstance(old, str) and draw.chance(0.3)):
            row[key] = None if shape.format == "csv" else draw.between(0, 9)
            kind = "boolean" if isinstance(old, bool) else "string"
            errors.append(FieldError(place, f"Input should be a valid {kind}"))
        elif isinstance(old, (int, float)) and not isinstance(old, bool):
            row[key] = f"{old} {draw.choice(('pieces', 'EUR', 'kg'))}"
            kind, a = ("integer", "an") if isinstance(old, int) else ("number", "a")
            errors.append(FieldError(place, f"Input should be a valid {kind}, unable to parse string as {a} {kind}"))
        elif shape.format != "csv" and draw.chance(0.5):
            row[key + "_"] = old
            errors.append(FieldError(f"{place}_", "Extra inputs are not permitted"))
        elif shape.format != "csv":
            del row[key]
            errors.append(FieldError(place, "Field required"))
    if not row:
        return answer, errors
    return shape.write(rows if many else row), errors
