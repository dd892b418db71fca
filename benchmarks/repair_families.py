"""Families of texts that are hard to repair, or long: what ``repair_growth.py`` doubles from 1 kB to 1 MB."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial

RECORD = """- id: 12345
  name: Ada Lovelace
  note: "She said \\"hello\\", then left."
  tags: [a, b, c]
  price: 12.5
  text: |
    First line: of two.
    Second line # no comment
  address:
    street: 12 High St
    city: London
"""
ROW = '12345,Ada Lovelace,"She said ""hello"", then left",12.5,true\n'


def repeated(piece: str, before: str = "", after: str = "") -> Callable[[int], str]:
    """A text of some size out of one piece."""
    return lambda size: before + piece * max(1, (size - len(before) - len(after)) // len(piece)) + after


def numbered(line: Callable[[int], str], before: str = "", after: str = "") -> Callable[[int], str]:
    """A text of some size out of numbered lines."""

    def make(size: int) -> str:
        parts, length, at = [before], len(before), 0
        while length < size:
            parts.append(line(at))
            length += len(parts[-1])
            at += 1
        return "".join(parts) + after

    return make


YAML: dict[str, Callable[[int], str]] = {
    "valid records": repeated(RECORD),
    "one error at the end": repeated(RECORD, after="- id: a: b\n"),
    "one error at the start": repeated(RECORD, before="- id: a: b\n"),
    "unclosed bracket at the end": repeated(RECORD, after="- id: [1, 2\n"),
    "unclosed bracket at the start": repeated(RECORD, before="- id: [1, 2\n"),
    "fence and prose": repeated(RECORD, "Here it is:\n```yaml\n", "```\nDone.\n"),
    "valid keys": numbered(lambda n: f"key{n}: value {n}\n"),
    "colons in every value": repeated("- title: Node: the API\n  b: x # y\n"),
    "colons under numbered keys": numbered(lambda n: f"key{n}: Node: the API\n"),
    "the same key": repeated("a: 1\n"),
    "bold": repeated("- a: **bold** text\n  b: @ada\n"),
    "tabs": repeated("- a: 1\n\tb: 2\n"),
    "bullets": repeated("* one: two\n\u2022 three\n"),
    "numbers": numbered(lambda n: f"{n + 1}. item: {n}\n", "list:\n"),
    "unclosed lists": repeated("- a: [1, 2\n  b: 3\n"),
    "unclosed quotes": repeated('- a: "text\n  b: 3\n'),
    "quotes in quotes": repeated('- a: "he said "no" to it"\n'),
    "one long unclosed list": repeated("1, ", "a: ["),
    "one long unclosed list over lines": repeated("  1,\n", "a: [\n"),
    "objects in a list, unclosed": repeated("{x: 1}, ", "a: ["),
    "one long unclosed quote": repeated("text ", 'a: "'),
    "quoted lines, unclosed": repeated("  text\n", 'a: "\n'),
    "opening brackets": repeated("["),
    "opening braces": repeated("{"),
    "opening braces on lines": repeated("{\n"),
    "closing brackets": repeated("]"),
    "dashes": repeated("- "),
    "dashes on lines": repeated("-\n"),
    "colons": repeated(":"),
    "colons and spaces": repeated(": "),
    "quotes": repeated('"'),
    "apostrophes": repeated("'"),
    "spaces": repeated(" ", "a: b", "c"),
    "blank lines": repeated("\n", "a: b", "c"),
    "hashes": repeated("#"),
    "comments": repeated("# comment\n", "a: 1\n", "b: c: d\n"),
    "pipes": repeated("|\n"),
    "backslashes": repeated("\\", 'a: "', '"'),
    "stars": repeated("*"),
    "ampersands": repeated("&a "),
    "anchors": numbered(lambda n: f"- &a{n} x\n- *a{n}\n"),
    "aliases of one": repeated("- *a\n", "- &a [1, 2]\n"),
    "own tags": repeated("- !x y\n"),
    "tags": repeated("- !!str y\n"),
    "explicit keys": numbered(lambda n: f"? k{n}\n: v\n"),
    "documents": repeated("---\na: 1\n"),
    "distinct documents": numbered(lambda n: f"---\na: {n}\nb: x y\n"),
    "distinct damaged documents": numbered(lambda n: f"---\na: {n}: x\nb: x y\n"),
    "fenced pieces": numbered(lambda n: f"```yaml\na: {n}\n```\n"),
    "bare fences": numbered(lambda n: f"```\nword {n}\n"),
    "document ends": repeated("a: 1\n...\n"),
    "deeper and deeper": lambda size: "".join(" " * n + "a:\n" for n in range(int(math.sqrt(2 * size)))),
    "stairs": repeated("a:\n  b:\n    c:\n      d: x: y\n"),
    "one column off": repeated("- a: 1\n   b: 2\n  c: 3\n"),
    "lines of text": repeated("some words of text\n", "a: x: y\nb:\n"),
    "lines of text at the margin": repeated("some words: of text\nand more\n"),
    "prose": repeated("This is a sentence, nothing else. ", "a: 1\n"),
    "prose in lines": repeated("This is a sentence, nothing else.\n", "a: b: 1\n"),
    "text in block, dedented": repeated("text of the block\n", "a: |\n  first\n", "b: 1\n"),
    "literal of long lines": repeated("  line: of text\n", "a: |\n", "b: c: d\n"),
    "JSON in one line": repeated('{"a": 1, "b": "x"}, ', "[", "{}]"),
    "JSON in lines": repeated('{"a": 1}\n'),
    "JSON, Python": repeated("{'a': True}, ", "[", "{}]"),
    "carriage returns": lambda size: repeated(RECORD)(size).replace("\n", "\r\n"),
    "no-break spaces": repeated("\u00a0\u00a0a: 1\n"),
    "control characters": repeated("a\x00: 1\n"),
    "Markdown table": repeated("| a | b |\n"),
    "assignments": numbered(lambda n: f"k{n} = v\n"),
    "keys without space": numbered(lambda n: f"k{n}:v\n"),
}
CSV: dict[str, Callable[[int], str]] = {
    "valid": repeated(ROW, "id,name,note,price,ok\n"),
    "one row too long": repeated(ROW, "id,name,note,price,ok\n", "1,2,3,4,5,6\n"),
    "one row too short": repeated(ROW, "id,name,note,price,ok\n1,2\n"),
    "rows too long": repeated("a,b,c\n", "x,y\n"),
    "rows too short": repeated("a\n", "x,y\n"),
    "open quotes": repeated('"a,b\n', "x,y\n"),
    "one open quote": repeated("a,b\n", 'x,y\n"'),
    "quotes": repeated('"'),
    "quotes and commas": repeated('",'),
    "commas": repeated(","),
    "commas on lines": repeated(",\n"),
    "inner quotes": repeated('"he said "no"",1\n', "x,y\n"),
    "prose with commas": repeated("Well, this is prose, nothing else.\n"),
    "prose": repeated("This is prose.\n"),
    "fences": repeated("```\n"),
    "fences with tables": repeated("```csv\na,b\n1,2,3\n```\n"),
    "Markdown table": repeated("| a | b |\n", "| x | y |\n|---|---|\n"),
    "pipes": repeated("|"),
    "tabs": repeated("a\tb\n"),
    "blank lines": repeated("\n", "a,b\n1,2\n", "3,4\n"),
    "long cells": repeated("x", "a,b\n1,", "\n"),
}

REPEATED = {
    "opening brackets": "[",
    "opening braces": "{",
    "parentheses": "(",
    "brackets and braces": "[{",
    "keys that open": '{"a":',
    "bare keys that open": "{a: [",
    "closing brackets": "]",
    "closing braces": "}",
    "closed, opened": "}{",
    "words and closers": "x}",
    "quotes": '"',
    "apostrophes": "'",
    "braces and quotes": '{"',
    "quotes and braces": '"}',
    "backticks": "`",
    "backslashes": "\\",
    "broken escapes": "\\u",
    "commas": ",",
    "colons": ":",
    "signs": "-",
    "digits": "1",
    "numbers": "1 ",
    "grouped numbers": "1,234,",
    "words": "word ",
    "lines of words": "some words\n",
    "literals": "True ",
    "empty objects": "{}",
    "doubled braces": "{{}}",
    "brackets in prose": "(see {x} and [y]) ",
    "bare members in prose": "{k: v} ",
    "strings": '"a" ',
    "typographic quotes": "“a” ",
    "slashes": "/",
    "comment marks": "/*",
    "line comments": "// {\n",
    "hashes": "#",
    "stars": "*",
    "dots": "...",
    "fences": "```\n",
    "labelled fences": "```json\n{\n",
    "fences in a line": "```json {",
    "tildes": "~~~\n",
    "reasoning blocks": "<think>{",
    "closed reasoning": "<think>{}</think>",
    "tags": "<a>",
    "open tags": "<a ",
    "spaces": " ",
    "lines": "\n",
    "no-break spaces": "\u00a0",
    "BOMs": "\ufeff",
    "calls": "f(",
    "calls of numbers": "f(1) ",
    "plus": '"a" + ',
    "records by line": '{"k": 1}\n',
    "records cut off": '{"k": 1, ',
    "half strings": '{"k": "v, ',
    "bullets": "- a: [\n",
    "dashes": "---\n",
    "anchors": "&a *a ",
    "pipes": "|a|",
    "surrogates": "\\ud83d",
}
"""Families that are one piece many times."""

RECORD_JSON = '{"id": {i}, "name": "Ada Lovelace", "note": "She said \\"hi\\".", "tags": ["a", "b"], "ok": true},\n'
LINES_JSON = ' {\n  "id": {i},\n  "name": "Ada Lovelace", // a name\n  "zip": null\n },\n'
FRAMED = {
    "one lost comma": ("[", RECORD_JSON, '{"a": 1 "b": 2}]'),
    "lost last bracket": ("[", RECORD_JSON, "{}"),
    "cut off": ("[", RECORD_JSON, '{"id": 5, "na'),
    "a fence and prose": ("Here it is:\n```json\n[", RECORD_JSON, "{}]\n```\nDone."),
    "records as Python shows them": ("[", "{'id': {i}, 'name': \"it's\", 'zip': None, 'ok': True},\n", "]"),
    "commented lines": ("[\n", LINES_JSON, "]"),
    "records in doubled braces": ("", '{{"id": 1}},', ""),
    "no closing quotes of keys": ('{"items": [', '{"id": "1", "name: "x},', ""),
    "records without closers": ("", '{"id":1,"name":"a"', ""),
    "records that run together": ("", '{"id": 1, "name": "x", ', ""),
    "fenced records": ('{"items": [', '```json\n{"id": 1, "name": "x"}\n```\n', ""),
    "sums": ('{"a": [', "1 + 2, ", "]}"),
    "bare members": ("{", "k{i}: some value,\n", "}"),
    "members without commas": ("{", '"k{i}": 1\n', "}"),
    "members without colons": ("{", '"k{i}" 1,\n', "}"),
    "inner quotes": ('{"a": "', 'she said "no" and ', '"}'),
    "inner quotes and commas": ('{"a": "', 'she said "no", "yes", ', '"}'),
    "objects with inner quotes": ("[", '{"k": "a "b" c"},', "]"),
    "joined strings": ('{"k": "a"', ' + "b"', "}"),
    "adjacent strings": ("[", '"a" "b" ', "]"),
    "strings without a closing quote": ("[", '{"k": "v, "b": "w"},\n', "]"),
    "strings without an opening quote": ("[", '{"k": v", "b": w"},\n', "]"),
    "keys without quotes and values": ("{", "k{i},", "}"),
    "trailing commas": ("[", '{"k": 1,},', "]"),
    "lost closers": ("[", '{"k": [1, 2},\n', "]"),
    "lost closers by line": ("{\n", ' "k{i}": {\n  "a": 1,\n', "}"),
    "surplus closers": ("[", '{"k": 1}},\n', "]"),
    "lost openers": ("[", '"k": 1},\n', "]"),
    "wrong closers": ("[", '{"k": [1, 2}], ', "]"),
    "Python": ("[", "{'k': None, 'b': 'it\\'s'}, ", "]"),
    "comments everywhere": ("[", '/* c */ {"k": 1 // d\n},', "]"),
    "the same key": ("{", '"k": 1,', "}"),
    "the same key without commas": ("{", '"k": 1 ', "}"),
    "raw line breaks": ('{"a": "', "line\n", '"}'),
    "control characters": ('{"a": "', "\x01\x02", '"}'),
    "Windows paths": ("[", '"C:\\Users\\new",', "]"),
    "words before keys": ("{", 'WORD "k{i}": 1, ', "}"),
    "objects in strings": ("[", '"a {"k": 1} b", ', "]"),
    "unclosed objects in strings": ("[", '"a {"k": ', "]"),
    "regular expressions in strings": ("[", """"^['"]([^'"]+)['"]", """, "]"),
    "deep indentation": ("", "{sp}- k:\n", ""),
    "nested and cut off": ("", '{"b": {"a": [', ""),
    "nested and closed": ("[", "[" * 400 + "1" + "]" * 400 + ",", "]"),
    "a fence in every string": ('{"a": "', "```json\n{}\n```\n", '"}'),
    "long numbers": ("[", "1234567890" * 3 + ".", "]"),
    "rows": ("a,b\n", '1,"x, y"\n', ""),
    "rows with inner quotes": ("a,b\n", '1,"x "y" z"\n', ""),
    "rows too long": ("a,b\n", "1,2,3\n", ""),
}
"""Families of a beginning, a piece many times (``{i}`` counts, ``{sp}`` indents), and an end."""


def text_of(family: str, size: int) -> str:
    """A text of a family of about ``size`` characters."""
    if family in REPEATED:
        piece = REPEATED[family]
        return piece * max(1, size // len(piece))
    begin, piece, end = FRAMED[family]
    parts, length, number = [begin], len(begin), 0
    while length < size:
        part = piece.replace("{i}", str(number)).replace("{sp}", " " * (number % 200))
        parts.append(part)
        length, number = length + len(part), number + 1
    return "".join([*parts, end])


JSON = {name: partial(text_of, name) for name in (*REPEATED, *FRAMED)}
