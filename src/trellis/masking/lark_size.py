"""How large Lark will make a grammar, before it does.

Lark writes a rule out in full: ``["a"] ["b"] ["c"]`` becomes eight alternatives, ``("a" | "b")~20`` a million; it puts
the text of terminals into one another, and makes a rule of each use of a template. A page of grammar can so ask for
more time and memory than there is. Here the sizes are only computed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

MAX_SYMBOLS = 300_000  # in the alternatives of all rules
MAX_CUBES = 40_000_000  # lengths of alternatives, cubed: the time of Lark's FOLLOW sets
LONG = 50  # symbols in an alternative that count as many
MAX_TEXT = 10_000_000  # characters of a grammar, comments included
MAX_WRITTEN = 500_000  # characters of its names, strings and regexes
MAX_NAMED = 100_000  # names
MAX_WORDS = 10_000  # strings and regexes in a grammar
MAX_TERMINAL = 500_000  # characters of one terminal, with those of the terminals that it uses
MAX_TERMINALS = 2_000_000  # of all terminals together
MAX_INSTANCES = 5_000  # rules that templates become
MAX_NAMES = 500_000  # characters in their names, which spell out their arguments
MAX_TIMES = 10**8  # that something has to be repeated
_NAIVE_REPEATS, _FACTOR = 50, 5  # Lark's thresholds
_CAP = 10**12  # sizes beyond are all the same
_MANY = "Grammar.from_choices takes any number of texts; a regex holds many alternatives"


class TooLarge(Exception):
    """A rule or terminal (``name``) that Lark should not be asked to write out, and what to do instead."""

    def __init__(self, name: str, message: str, hint: str = "give parts of it rules of their own", *,
                 limit: str = "grammar") -> None:
        super().__init__(message)
        self.name = name
        self.hint = hint
        self.limit = limit


class _Size(NamedTuple):
    """Of a part of a rule when it is written out: alternatives, symbols in all of them together and in the longest."""

    alternatives: int
    symbols: int
    longest: int

    def beside(self, other: _Size) -> _Size:
        return _Size(min(self.alternatives + other.alternatives, _CAP), min(self.symbols + other.symbols, _CAP),
                     max(self.longest, other.longest))

    def then(self, other: _Size) -> _Size:
        symbols = self.symbols * other.alternatives + other.symbols * self.alternatives
        return _Size(min(self.alternatives * other.alternatives, _CAP), min(symbols, _CAP),
                     min(self.longest + other.longest, _CAP))

    def times(self, count: int) -> _Size:
        """``count`` of them in a row."""
        if self.alternatives == 1:
            return _Size(1, min(self.symbols * count, _CAP), min(self.longest * count, _CAP))
        result = _EMPTY
        for _ in range(count):
            result = result.then(self)
            if result.symbols == _CAP:
                break
        return result


_EMPTY, _SYMBOL = _Size(1, 0, 0), _Size(1, 1, 1)


def check_terminals(text: str) -> None:
    """Raise :class:`TooLarge` for a text that is too long, and for a terminal that is when the terminals that it uses
    are put in their places.

    Reads the text, since Lark's loader does not come back from such terminals.
    """
    uses: dict[str, list[str]] = {}
    own: dict[str, int] = {}
    name, words, named, written = "", 0, 0, 0
    if len(text) > MAX_TEXT:
        raise TooLarge("", f"the grammar has more than {MAX_TEXT:,} characters", _MANY)
    for match in _WORDS.finditer(text):
        if match[0].startswith("//"):
            continue
        literal = match[0][0] in "\"/"
        words, named, written = words + literal, named + (not literal), written + len(match[0])
        if words > MAX_WORDS:
            raise TooLarge(name, f"the grammar has more than {MAX_WORDS:,} strings and regexes, which Lark takes "
                           "minutes to read", _MANY)
        if named > MAX_NAMED:
            raise TooLarge(name, f"the grammar has more than {MAX_NAMED:,} names, which Lark takes minutes to read")
        if written > MAX_WRITTEN:
            raise TooLarge(name, f"the names, strings and regexes of the grammar have more than {MAX_WRITTEN:,} "
                           "characters", _MANY)
        if match[1]:
            name = match[1]
            uses.setdefault(name, [])
        elif match[2] and match[2].isupper():
            uses.setdefault(name, []).append(match[2])
        own[name] = own.get(name, 0) + 1 + len(match[0]) * literal
    sizes: dict[str, int] = {}
    total = 0
    for terminal in filter(str.isupper, uses):
        trail = [terminal]
        while trail:
            current = trail[-1]
            inner = [use for use in uses.get(current, ()) if use not in sizes and use != current]
            if current not in sizes and inner and inner[0] not in trail:
                trail.append(inner[0])
                continue
            trail.pop()
            sizes[current] = own.get(current, 1) + sum(sizes.get(use, 1) for use in uses.get(current, ()))
            if sizes[current] > MAX_TERMINAL:
                raise TooLarge(current, f"terminal {current}, with the terminals that it uses written out, has more "
                               f"than {MAX_TERMINAL:,} characters")
            total += sizes[current]
            if total > MAX_TERMINALS:
                raise TooLarge(current, "the terminals, with the terminals that they use written out, have more than "
                               f"{MAX_TERMINALS:,} characters")


# Strings, comments, regexes; names that are defined (1), names that are used (2).
_WORDS = re.compile(r'"(?:\\.|[^"\\\n])*"|//[^\n]*|/(?:\\.|[^/\\\n])+/|'
                    r"([A-Za-z_]\w*)(?=\s*(?:\{[^}\n]*\})?\s*(?:\.\s*-?\d+)?\s*:)|([A-Za-z_]\w*)")


def check_rules(definitions: Mapping[str, Any]) -> None:
    """Raise :class:`TooLarge` for rules that Lark would write out at too great a length.

    Args:
        definitions: ``lark.load_grammar.Definition`` by name, of all rules and terminals.
    """
    rules = {name: definition for name, definition in definitions.items() if not definition.is_term}
    uses = _Templates(rules).uses
    total = cubes = 0
    for name, definition in rules.items():
        rule = _Rule(name)
        size = rule.size(definition.tree)
        total += (size.symbols + size.alternatives + rule.others) * uses[name]
        cubes += min(size.symbols, size.longest * size.alternatives) * size.longest**2 * uses[name]
        if cubes > MAX_CUBES and size.longest > LONG:
            raise TooLarge(name, f"rule {name} has {size.longest:,} symbols in a row, of which Lark takes minutes "
                           "to make a parser")
        if total > MAX_SYMBOLS:
            raise TooLarge(name, f"rule {name} is too large when its optional parts, groups and repetitions are "
                           f"written out: {_about(size.alternatives)} alternatives")


def _is_tree(part: Any) -> bool:
    """A tree of Lark's, not a symbol or token (only ``lark_front`` sees Lark)."""
    return hasattr(part, "data") and hasattr(part, "children")


def _about(count: int) -> str:
    return "more than 10**12" if count >= _CAP else f"{count:,}"


class _Rule:
    """The size of a rule, and of the rules that Lark makes of its loops (``others``)."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.others = 0

    def size(self, tree: Any) -> _Size:
        if not _is_tree(tree) or tree.data in ("template_usage", "literal", "range"):
            return _SYMBOL
        if tree.data == "expr":
            return self.repeated(self.size(tree.children[0]), str(tree.children[1]), tree.children[2:])
        if tree.data == "alias":
            return self.size(tree.children[0])
        sizes = [self.size(child) for child in tree.children]
        if tree.data == "maybe":
            return sizes[0].beside(_EMPTY)
        result = _Size(0, 0, 0) if tree.data == "expansions" else _EMPTY
        for size in sizes:
            result = result.beside(size) if tree.data == "expansions" else result.then(size)
        return result

    def repeated(self, body: _Size, operator: str, bounds: list[Any]) -> _Size:
        if operator == "?":
            return body.beside(_EMPTY)
        if operator in "+*":
            self.others += 2 * body.symbols + body.alternatives
            return _SYMBOL if operator == "+" else _SYMBOL.beside(_EMPTY)
        low, high = int(bounds[0]), int(bounds[-1])
        if low > high:
            return _SYMBOL  # Lark refuses it
        if low > MAX_TIMES:
            raise TooLarge(self.name, f"rule {self.name} has a repetition of at least {low:,} times, which no output "
                           "has", "repeat less")
        if high < _NAIVE_REPEATS:
            result = _Size(0, 0, 0)
            for count in range(low, high + 1):
                result = result.beside(body.times(count))
            return result
        for number in (low, high - low + 1):
            while number:  # Lark nests rules of up to five repetitions each
                self.others += sum(body.times(count).symbols for count in range(1, _FACTOR + 1))
                number //= 3
        return _Size(1, 2, 2)


class _Templates:
    """How often each rule is written out (``uses``): once, or a template once for each list of arguments."""

    def __init__(self, rules: Mapping[str, Any]) -> None:
        self.templates = {name: (rule.params, rule.tree) for name, rule in rules.items() if rule.params}
        self.uses = {name: 0 if rule.params else 1 for name, rule in rules.items()}
        self.known: dict[tuple[Any, ...], int] = {}  # a symbol or (template, arguments) -> its number
        self.lengths: list[int] = []  # of its name
        self.total = 0
        self.work: list[tuple[Any, Mapping[str, int]]] = [
            (rule.tree, {}) for rule in rules.values() if not rule.params]
        for tree, bound in self.work:  # grows
            for usage in tree.find_data("template_usage"):
                self.number(usage, bound)

    def number(self, argument: Any, bound: Mapping[str, int]) -> int:
        """A symbol, literal or use of a template, numbered; a new use of a template is work to do."""
        if _is_tree(argument) and argument.data == "value":
            argument = argument.children[0]
        if not _is_tree(argument) or argument.data != "template_usage":
            name = str(getattr(argument, "name", argument))
            return bound[name] if name in bound else self.kept((name,), len(name))
        template = str(getattr(argument.children[0], "name", ""))
        numbers = tuple(self.number(child, bound) for child in argument.children[1:])
        count = len(self.known)
        number = self.kept((template, *numbers), len(template) + sum(self.lengths[it] + 1 for it in numbers) + 1)
        if number == count and template in self.templates:
            params, tree = self.templates[template]
            self.uses[template] += 1
            self.total += self.lengths[number]
            if self.uses[template] > MAX_INSTANCES or self.total > MAX_NAMES:
                raise TooLarge(template, f"template {template} is used with more and more arguments without end")
            self.work.append((tree, dict(zip(params, numbers, strict=False))))
        return number

    def kept(self, key: tuple[Any, ...], length: int) -> int:
        if key not in self.known:
            self.known[key] = len(self.known)
            self.lengths.append(length)
        return self.known[key]
