"""JSON Schema of a row to a program: which texts are CSV with a header line and rows whose cells are valid.

A row is one line (control characters and line breaks in quotes are left out), an empty cell is null, and no row is
blank as a whole, since readers drop such rows. Sound: every text reads back as rows that are valid.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from trellis.errors import UnsupportedError
from trellis.masking import regex_front
from trellis.masking import schema_front_multiples as multiples
from trellis.masking import schema_front_numbers as numbers
from trellis.masking import schema_front_strings as strings
from trellis.masking.program import AutomatonBuilder, GeneralProgram
from trellis.masking.schema_front_automata import terminal_of
from trellis.masking.terminals import alternate, code_points, literal, regex_set, text
from trellis.schema import pattern_reader, patterns
from trellis.schema.languages import automaton
from trellis.schema.minimal import minimal
from trellis.schema.normal import Normalizer, Relaxation
from trellis.schema.resolve import Place
from trellis.schema.scopes import with_document
from trellis.schema.shapes import Conjunction, Literals, Numbers, Objects, Strings

_CONTROL = r"\x00-\x1f\x7f-\x9f\u2028\u2029"  # some of them end a line for some readers
_PLAIN = regex_front.fullmatch_terminal(rf'[^",\s{_CONTROL}][^",{_CONTROL}]*')
_QUOTED = regex_front.fullmatch_terminal(rf'"(?:[^"{_CONTROL}]|"")*"')
# What may stand in a cell as it is, and between quotes, as ECMA-262 reads patterns of a schema.
_BARE_TEXT = pattern_reader.parse(rf'^[^",\s{_CONTROL}][^",{_CONTROL}]*$')
_QUOTED_TEXT = pattern_reader.parse(rf"^[^{_CONTROL}]*$")

Cells = list[tuple[tuple[bytes, ...], str, bool]]  # terminals, a name for messages, whether such a cell is never blank


class LoweredCsv(NamedTuple):
    """A row type's program, and what the program does not enforce (only when asked to relax)."""

    program: GeneralProgram
    relaxations: tuple[Relaxation, ...]


def compile_csv(row: Mapping[str, Any], columns: tuple[str, ...], *, relax: bool = False) -> LoweredCsv:
    """The program of the CSV texts whose rows are valid for a schema.

    Args:
        columns: the names in the header, in this order.
        relax: whether what cannot be enforced is left out of the masks and listed in ``relaxations``, or an error.

    Raises:
        UnsupportedError: something cannot be enforced.
        SchemaError: the schema is malformed.
    """
    return with_document(row, None, lambda document: _lowered(columns, Normalizer(document, relax=relax)))


def _lowered(columns: tuple[str, ...], normal: Normalizer) -> LoweredCsv:
    shape = normal.shape((Place(normal.document.root, ""),))
    objects = [case for case in shape if isinstance(case, Objects)]
    if len(objects) != 1:
        raise UnsupportedError(f"masks of CSV take one kind of row, not {len(objects)}",
                               hint='mode="prompt": it is checked after generation')
    if any(getattr(objects[0], restriction, ()) for restriction in ("some", "implied")):
        normal.refuse("masks of CSV cannot enforce dependencies between columns", objects[0].pointer)
    program = _table(columns, [_cells(normal, objects[0].member(column)) for column in columns])
    return LoweredCsv(program, tuple(dict.fromkeys(normal.relaxations)))


def _table(columns: tuple[str, ...], cells: list[tuple[Cells, bool]]) -> GeneralProgram:
    """The header, then rows: a state for each column and whether the row so far may be blank."""
    builder = AutomatonBuilder()
    table, start, end = builder.rule("the table"), builder.state(), builder.state()
    builder.set_start(table, start)
    builder.final(end)
    header = ",".join(_quoted(column) for column in columns)
    line, begin = builder.state(), builder.state()
    builder.terminal(start, literal(header.encode()), line, "the header")
    builder.terminal(line, literal(b"\n"), begin, "a line end")
    builder.epsilon(line, end)
    builder.epsilon(begin, end)
    at = {False: begin}  # keyed by whether something in the row is not blank
    for i, (choices, may_be_empty) in enumerate(cells):
        after = {filled: builder.state() for filled in (False, True)}
        for filled, state in at.items():
            for codes, name, is_filled in choices:
                before = state
                for code in codes[:-1]:
                    between = builder.state()
                    builder.terminal(before, code, between, name)
                    before = between
                builder.terminal(before, codes[-1], after[filled or is_filled], name)
            if may_be_empty:
                builder.epsilon(state, after[filled])
        if i == len(cells) - 1:
            builder.epsilon(after[True], line)
            break
        at = {}
        for filled, state in after.items():
            at[filled] = builder.state()
            builder.terminal(state, literal(b","), at[filled], ",")
    return builder.build(table)


def _cells(normal: Normalizer, conjunction: Conjunction) -> tuple[Cells, bool]:
    """The ways across a cell, and whether it may be empty."""
    found: dict[tuple[tuple[bytes, ...], str, bool], None] = {}
    empty = False
    texts: list[str] = []
    kinds: set[bool] = set()
    for case in normal.shape(conjunction):
        match case:
            case Literals(values):
                empty |= None in values
                given = [value for value in values if value is not None]
                kinds |= {isinstance(value, str) for value in given}
                texts += [value if isinstance(value, str) else json.dumps(value) for value in given]
                if len(kinds) > 1:
                    normal.refuse("a cell does not tell text from other values", case.pointer)
            case Numbers():
                name = "an integer" if case.integer else "a number"
                if case.multiples or case.unlike:
                    terminal = multiples.terminal(case._replace(pointer=""))
                    found |= {} if terminal is None else {((terminal,), name, True): None}
                elif (code := numbers.code(case)) is not None:
                    found[(regex_set(code),), name, True] = None
            case Strings():
                found |= dict.fromkeys(_texts(case))
                empty |= case.has("")
            case _:
                normal.refuse("lists and objects do not fit in a cell", case.pointer)
    for blank in (False, True):
        words = [_quoted(text).encode() for text in texts if blank == (not text.strip())]
        if words:
            found[(strings.one_of(words),), " or ".join(texts[:3]), not blank] = None
    return list(found), empty


def _texts(case: Strings) -> Cells:
    """The ways across a cell of text: bare where it can stand so, and in quotes."""
    if case._replace(pointer="") == Strings():
        return [((_PLAIN,), "text", True), ((_QUOTED,), "text in quotes", False)]
    found: Cells = [((literal(b'""'),), "no text", False)] if case.has("") else []
    bare, quoted = (_restricted(case, kind, spelled) for kind, spelled in ((_BARE_TEXT, _bare),
                                                                         (_QUOTED_TEXT, _doubled)))
    if bare is not None:
        found.append(((bare,), "text", True))
    if quoted is not None:
        found.append(((literal(b'"'), quoted, literal(b'"')), "text in quotes", False))
    return found


def _restricted(case: Strings, kind: patterns.Pattern, spelled: Callable[[patterns.Ranges], bytes | None]
                ) -> bytes | None:
    """The terminal of the texts of a case that are of a kind and not empty; None when there are none."""
    found = minimal(automaton(Strings(patterns=(*case.patterns, kind), forbidden=case.forbidden,
                                      excluded=case.excluded)))
    return None if found is None else terminal_of(found, spelled, low=max(case.minimum, 1), high=case.maximum)


def _bare(ranges: patterns.Ranges) -> bytes | None:
    """One character out of a set, as UTF-8 has it."""
    kept = [(max(low, start), min(high, end)) for low, high in ranges
            for start, end in ((0, 0xD7FF), (0xE000, 0x10FFFF)) if low <= end and high >= start]
    return code_points(patterns.normal_ranges(kept)) if kept else None


def _doubled(ranges: patterns.Ranges) -> bytes | None:
    """One character out of a set between quotes, where a quote is written twice."""
    others = [(max(low, start), min(high, end)) for low, high in ranges
              for start, end in ((0, 0x21), (0x23, 0x10FFFF)) if low <= end and high >= start]
    quote = [text(b'""')] if any(low <= 0x22 <= high for low, high in ranges) else []
    rest = _bare(tuple(others))
    ways = [*([] if rest is None else [rest]), *quote]
    return alternate(*ways) if ways else None


def _quoted(text: str) -> str:
    """A cell's text, in quotes where CSV needs them."""
    return '"' + text.replace('"', '""') + '"' if re.search(r'[",\r\n]|^\s|\s$|^$', text) else text
