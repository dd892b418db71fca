"""Lark grammars drawn from a seed, of the kinds that are hard to mask, with the letters that their texts are made of.

A grammar is a handful of rules over terminals of one kind (the trap that it is about), in the notation that people use:
EBNF, templates, imports, ``%extend``, priorities. Nothing here knows what a mask is.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import NamedTuple


class Drawn(NamedTuple):
    """A grammar: its kind, its text, and pieces that texts near its language are made of.

    Attributes:
        start: the start rule.
        folder: where its relative imports are looked for (it is written there), if it has any.
    """

    kind: str
    text: str
    pieces: tuple[str, ...]
    start: str = "start"
    folder: str = ""


Terminal = tuple[str, tuple[str, ...]]  # what stands right of the colon, pieces of what it matches


def draw(choose: Random, kind: str | None = None) -> Drawn:
    """A grammar of a kind, or of any."""
    kind = kind or choose.choice(KINDS)
    return Drawn(kind, *_MAKERS[kind](choose))


# Terminals, by the trap that they are about ---------------------------------------------------------------------------

PLAIN = ["/a/", "/b/", '"a"', '"b"', '"ab"', '"ba"', "/a+/", "/[ab]+/", '"c"', '","', '"aa"', "/[^a]/", "/./", "/ab?/",
         "/(ab)+/", "/a{1,2}/", '"b"~2', '("a"|"b")+', '"a" "b"?', '"a".."b"', '"é"', "/[é-ü]/"]
FIRST = ["/a|ab/", "/ab|a/", "/a|ab|abc/", "/(a|ab)(c|bcd)?/", "/(a|ab)*c?/", "/b|ba|bab/", "/(b|ba)(a|ab)/", "/a(|b)/",
         "/(?:|a)b/", "/(a|b|ab)+/", "/a(b|bc)?c?/"]
LAZY = ["/a+?b/", "/a*?b/", "/b??a/", "/a{1,3}?/", "/[ab]*?b/", "/.+?b/", "/(ab??)+/", "/a.*?b/", "/a+?/",
        "/(a|b)+?c?/"]
ATOMIC = ["/(?>a|ab)c?/", "/(?>ab?)b?/", "/a*+b?/", "/a++[ab]?/", "/a?+a/", "/(?:ab?)*+b?/", "/(?>a*?)b/",
          "/[ab]{1,2}+b/",
          "/(?>(?:a|b)+)c/", "/a(?>bc|b)c?/"]
AROUND = ["/a(?=b)/", "/a(?!b)/", "/a+(?=b|$)/", "/(?<=a)b+/", "/(?<!ab)a/", "/a(?=[^c]*c)/", "/b(?!.?a)/", "/(?=ab)a/",
          "/(?!aa)a+/", "/(?=.b)[ab]+/", "/a(?=b(?=c))b?/", "/a(?!b(?!c))/", "/(?<=b|c)a/", "/(?<![ab])b/", "/(?!b)./",
          "/a(?=.*c)/", "/[ab]+(?!c)/", "/(?:a(?!b)|ab)+/", "/a(?=b?c)b?/", "/(?<!a)b(?!a)/", "/(?=a.?b)a+/"]
BOUNDARY = [r"/\ba/", r"/a\b/", r"/[ab]+\b/", r"/\b[ab]+\b/", r"/a\B/", r"/\Bb/", r"/,\b/", r"/\b,/", "/^a/", "/a$/",
            "/^a|b/",
            r"/\Aa/", r"/b\Z/", "/(?m:^a)/", "/(?m:b$)/", r"/a\b,?/", r"/\w+\b/", r"/(?a:\ba)/"]
CASED = ['"a"i', '"ab"i', '"Ba"i', "/a+/i", "/[a-b]+/i", "/ab|b/i", '"s"i', '"ss"i', '"k"i', '"é"i', "/[é-ü]/i", '"i"i',
         '/ß/i', '"A"', "/(?i:a)b/", "/[^a]/i", '"µ"i']
UNICODE = [r"/\w/", r"/\d/", r"/\s/", r"/\W/", r"/\D/", r"/[^\W\d_]+/", r"/\w+/", "/[ａ-ｚ]/", r"/[^\x00-\x7f]/",
           r"/\S+/",
           r"/\d+/", "/[à-ÿ]+/", '"日本"', "/日|日本/", '"😀"', r"/[\U0001F600-\U0001F64F]/", r"/(?a:\w)/", r"/\u00e9/",
           "/./"]
LINES = [r"/\n/", r'"\n"', r"/\s/", r"/[^a]+/", "/./", "/.+/", "/.+/s", "/a.b/s", r"/a[\s\S]b/", r"/(\r?\n)+/",
         r"/#[^\n]*/",
         r"/#.*/", r"/a\n?/", r"/(?s:.)b/", r"/\n[ \t]*/", r"/a$/m", r"/^b/m"]
MIXED = [*PLAIN, *FIRST, *LAZY, *ATOMIC, *AROUND, *BOUNDARY]


def _pattern(choose: Random, patterns: list[str]) -> str:
    return choose.choice(patterns) if choose.random() < 0.75 else choose.choice(PLAIN)


def _priority(choose: Random, often: float = 0.25) -> str:
    return choose.choice([".1", ".2", ".-1", ".10"]) if choose.random() < often else ""


# Rules ----------------------------------------------------------------------------------------------------------------

def _expression(choose: Random, symbols: list[str], depth: int = 2) -> str:
    kind = choose.random()
    if depth == 0 or kind < 0.35:
        return choose.choice(symbols)

    def inner() -> str:
        return _expression(choose, symbols, depth - 1)

    if kind < 0.65:
        return " ".join(inner() for _ in range(choose.randint(2, 3)))
    if kind < 0.75:
        return f"({inner()} | {inner()})"
    if kind < 0.82:
        return f"[{inner()}]"
    return f"({inner()})" + choose.choice(["*", "+", "?", "?", "~2", "~1..2", "~0..2"])


def _rules(choose: Random, terminals: list[str], names: list[str], empty: float = 0.12) -> list[str]:
    lines = []
    for name in names:
        symbols = [*names, *terminals, *terminals, *terminals]
        ways = [_expression(choose, symbols) for _ in range(choose.randint(1, 3))]
        ways = [way + (f" -> {choose.choice('xyz')}" if choose.random() < 0.1 and name == "start" else "")
                for way in ways]
        if choose.random() < empty:
            ways.append("")
        head = choose.choice(["", "", "", "?", "!"]) + name
        lines.append(f"{head}{_priority(choose, 0.1)}: {' | '.join(ways)}")
    return lines


def _ignored(choose: Random, terminals: list[str]) -> list[str]:
    ignored = choose.choice(["", "", "", '" "', r"/\s+/", "/,/", "/,|c/", "/ +(?=a)/", "/[ ,]/", "one", "/c+|b/"])
    return [] if not ignored else [f"%ignore {choose.choice(terminals) if ignored == 'one' else ignored}"]


def _of(patterns: list[str], pieces: str, *, literals: tuple[str, ...] = ('"a"', '"b"', '","'), empty: float = 0.12,
        priorities: float = 0.2, ignored: bool = True) -> Callable[[Random], tuple[str, tuple[str, ...]]]:
    """Grammars whose terminals are drawn from a list."""
    def make(choose: Random) -> tuple[str, tuple[str, ...]]:
        names = [f"T{i}" for i in range(choose.randint(1, 3))]
        symbols = names + ([choose.choice(literals)] if choose.random() < 0.6 else [])
        lines = _rules(choose, symbols, ["start", *(f"r{i}" for i in range(choose.randint(0, 2)))], empty)
        lines += [f"{name}{_priority(choose, priorities)}: {_pattern(choose, patterns)}" for name in names]
        lines += _ignored(choose, names) if ignored else []
        return "\n".join(lines) + "\n", tuple(pieces)
    return make


def _nullable(choose: Random) -> tuple[str, tuple[str, ...]]:
    """Empty rules, cycles and left recursion, also hidden behind what may be empty."""
    names = ["start", *(f"r{i}" for i in range(choose.randint(1, 4)))]
    terminals = ['"a"', '"b"', "T0"]
    lines = []
    for name in names:
        ways = []
        for _ in range(choose.randint(1, 3)):
            way = [choose.choice(names) for _ in range(choose.randint(0, 2))]
            way.insert(choose.randint(0, len(way)), choose.choice([*terminals, choose.choice(names), ""]))
            ways.append(" ".join(part for part in way if part))
        if choose.random() < 0.4:
            ways.append(choose.choice(["", f"{choose.choice(terminals)}?", f"{choose.choice(names)}*"]))
        lines.append(f"{name}: {' | '.join(dict.fromkeys(ways))}")
    lines.append(f"T0: {choose.choice(['/a+/', '/ab?/', '/c/', '/a|ab/'])}")
    return "\n".join([*lines, *_ignored(choose, ["T0"])]) + "\n", ("a", "b", "c", " ")


def _keywords(choose: Random) -> tuple[str, tuple[str, ...]]:
    """Keywords that names could also be, in statements; LALR sees them by context."""
    insensitive = choose.choice(["", "", "i"])
    words = choose.sample(["if", "in", "int", "is", "i", "iff", "else", "el", "do"], choose.randint(2, 4))
    name = choose.choice([r"/[a-z]+/", r"/[a-z]\w*/", r"/\w+/", r"/[a-z]+/i", f"/(?!({'|'.join(words[:2])})\\b)[a-z]+/",
                          r"/[a-z]+(?=\W|$)/", r"/[a-z]+\b/", r"/[a-z]/", "/i[a-z]?/", '("a".."z")+'])
    quoted = [f'"{word}"{insensitive}' for word in words]
    if choose.random() < 0.3:
        quoted[0] = f"/{words[0]}\\b/"
    symbols = [*quoted, "NAME", "NAME", '"="', '";"']
    ways = [" ".join(choose.choice(symbols) for _ in range(choose.randint(1, 4))) for _ in range(choose.randint(2, 4))]
    whole = choose.choice(["statement+", "statement", 'statement (";" statement)*'])
    lines = [f"start: {whole}",
             f"statement: {' | '.join(ways)}", f"NAME{_priority(choose)}: {name}"]
    if choose.random() < 0.4:
        lines.append(f"KEY{_priority(choose, 0.5)}: {choose.choice(quoted)}")
        lines[1] += " | KEY NAME"
    if choose.random() < 0.7:
        lines.append(choose.choice(['%ignore " "', r"%ignore /\s+/", r"%ignore / +(?=[a-z])/"]))
    return "\n".join(lines) + "\n", (*words, " ", "=", ";", "x", "I", "n")


def _shifts(choose: Random) -> tuple[str, tuple[str, ...]]:
    """Conflicts that LALR resolves by shifting, lists and operators that share their beginnings."""
    grammar = choose.choice([
        'start: s\ns: "i" e s | "i" e s "e" s | e ";"\ne: "x" | e "+" e\n',
        'start: a b\na: "x"*\nb: "x" "y" | "y"\n',
        'start: e\ne: e "+" e | e "*" e | "-" e | "x"\n',
        'start: l\nl: "x" ("," "x")* ","? ";"?\n',
        'start: e\ne: "f" e* "x"? | "x" | "(" e ")"\n',
        'start: (p | q)+\np: "a" "b"?\nq: "b"? "c"\n',
        'start: t+\nt: N ("." N)? "."?\nN: /[01]+/\n',
        'start: c\nc: "x" | c "," "x" | "x" "," c\n',
        'start: a+ b\na: "a" ["b" a]\nb: "b" "c" | "c"\n',
        'start: x x?\nx: "a" x? "b"? | "b"\n',
        'start: l r | r\nl: "*" r | I\nr: l\nI: /[a-c]/\n',
        'start: A? B? A\nA: "a"\nB: "a" "b"?\n'])
    if choose.random() < 0.5:
        grammar += choose.choice(['%ignore " "\n', '%ignore /[ ,]/\n', r'%ignore /\s/' + "\n"])
    if choose.random() < 0.3:
        grammar = grammar.replace('"x"', choose.choice(['X', '"x"i', 'X']), choose.randint(1, 3))
        grammar += f"X{_priority(choose)}: {choose.choice(['/x/', '/x+/', '/x|xy/', '/[xy]/', '/x(?!y)/'])}\n"
    return grammar, ("x", "y", "i", "e", "+", ";", ",", "a", "b", "c", "*", "-", ".", "1", " ", "(", ")", "f")


def _composed(choose: Random) -> tuple[str, tuple[str, ...]]:
    """Terminals made of terminals: Lark joins them as text, flags and priorities and all."""
    parts = [choose.choice(["/a|b/", "/ab?/", '"a"', '"b"i', "/[ab]/", "/a|ab/", "/c/i", '"a"|"ab"', "/a+?/", "/b*a/",
                            "/(?=a)./", r"/\ba/", '"a".."c"', "/./s"]) for _ in range(3)]
    whole = [choose.choice(["P0 P1", "P0 P1?", "P0+", "(P0|P1)+", 'P0 "," P1', "P0~2", "P0~1..2 P2", "P0 | P1 P2",
                            "(P1 P0)*  P2", "P0 /b/", "P0 [P1]", "P2 P2", '"," P0*', "P0~0..1 P1", "/a/ P1 | P2 /b/"])
             for _ in range(2)]
    lines = [_rules(choose, ["T0", "T1", '","'], ["start"], 0.05)[0],
             *(f"P{i}{_priority(choose, 0.1)}: {part}" for i, part in enumerate(parts)),
             *(f"T{i}{_priority(choose)}: {part}" for i, part in enumerate(whole))]
    if choose.random() < 0.3:
        lines[0] += " | P0 T0"
    return "\n".join([*lines, *_ignored(choose, ["P1", "T1"])]) + "\n", ("a", "b", "c", ",", "B", " ")


def _templates(choose: Random) -> tuple[str, tuple[str, ...]]:
    """Templates of templates, ``%extend`` and ``%override`` of rules and terminals, imports."""
    item = choose.choice(['"a"', "T", 'pair{T, ","}', 'sep{T, ";"}', '(T | "b")', "opt{T}"])
    body = choose.choice([f'sep{{{item}, ","}}', f'"(" sep{{{item}, ","}} ")"', f"opt{{{item}}} T",
                          f'pair{{{item}, ":"}}', f'pair{{opt{{T}}, ","}} {item}', f"many{{{item}}}"])
    shapes = ["/a/", "/ab?/", "DIGIT", "/a|ab/", "INT", "CNAME", "ESCAPED_STRING"]
    lines = [f"start: {body}" + choose.choice(["", " | T T", ' | "b" start']),
             "sep{x, s}: x (s x)*", "pair{x, s}: x s x", "opt{x}: x?", 'many{x}: x | many{x} "," x',
             f"T{_priority(choose)}: {choose.choice(shapes)}"]
    lines += [f"%import common.{name}" for name in ("DIGIT", "INT", "CNAME", "ESCAPED_STRING", "WS_INLINE")]
    lines += choose.sample(['%extend T: "b"', '%override DIGIT: "0".."1"', '%extend start: T ";"', '%extend INT: "a"',
                            "%override CNAME: /[ab]\\w?/", "%ignore WS_INLINE", '%extend opt{x}: "b" x'],
                           choose.randint(0, 2))
    return "\n".join(lines) + "\n", ("a", "b", ",", ";", "0", "2", ":", "(", ")", '"', " ", "\\")


def _ignoring(choose: Random) -> tuple[str, tuple[str, ...]]:
    """Ignored terminals that overlap the others: comments, white space that is also asked for, newlines."""
    ignored = choose.sample([r"/#[^\n]*/", r"/\s+/", '" "', r"/[ \t]+/", r"/\n/", "COMMENT", "WS", r"/\/\/.*/",
                             r"/--.*?--/",
                             "A", r"/ +(?!b)/", "/a/"], choose.randint(1, 3))
    terminals = ["A", "B", choose.choice(["NL", '" "', '"#"', "WS", '"-"', "C"])]
    lines = _rules(choose, terminals, ["start", *(["r0"] if choose.random() < 0.5 else [])])
    lines += [f"A{_priority(choose)}: {choose.choice(['/a/', '/a+/', '/[a ]+/', '/a#?/', '/a|a b/', '/./'])}",
              f"B{_priority(choose)}: {choose.choice(['/b/', '/b */', '/[^a]/', '/b.*/', '/-b?/', '/(?<= )b/'])}",
              r"NL: /(\r?\n[ ]*)+/", r"COMMENT: /#[^\n]*/", r"C: /#c?/", r"WS: /[ \t\n]/+"]
    return "\n".join([*lines, *(f"%ignore {name}" for name in ignored)]) + "\n", ("a", "b", " ", "#", "-", "\n", "/")


def _priorities(choose: Random) -> tuple[str, tuple[str, ...]]:
    """Short terminals of high priority, and long ones that they cut off."""
    shapes = ["/a/", "/ab/", "/a+b/", "/[ab]+/", "/b/", "/.b/", "/abc?/", "/[a-c]/", '"ab"', '"a"', "/a|ab/", "/b+?/",
              "/(?=a)../",
              "/[ab]{2}/", '"abc"', "/c*a/"]
    names = [f"T{i}" for i in range(choose.randint(2, 4))]
    lines = _rules(choose, names, ["start", *(["r0", "r1"] if choose.random() < 0.5 else [])], 0.05)
    priorities = ["", ".1", ".2", ".5", ".-1", ".100"]
    lines += [f"{name}{choose.choice(priorities)}: {choose.choice(shapes)}" for name in names]
    return "\n".join([*lines, *_ignored(choose, names)]) + "\n", ("a", "b", "c", " ")


def _damaged(choose: Random) -> tuple[str, tuple[str, ...]]:
    """A grammar with a few wounds: mostly none at all any more, but it must be refused in good order."""
    drawn = draw(choose, choose.choice([kind for kind in KINDS if kind != "damaged"]))
    text = drawn.text
    for _ in range(choose.randint(1, 3)):
        at = choose.randint(0, len(text))
        until = min(len(text), at + choose.choice([0, 0, 1, 1, 2, 5]))
        text = text[:at] + choose.choice(["", "", text[until:until + 6], *_SCRAPS]) + text[until:]
    return text, drawn.pieces


_SCRAPS = ("|", "*", "+", "?", "~3", "~2..1", "(", ")", "[", "]", "{", "}", ":", ".9", "/", '"', "\\", "\n",
                                                          "%ignore ", "->", "!",
           "_", "T0", "start", "%import common.WS\n", "(?=", "(?<!", "\\b", "(?i)", "(?P<n>", "(?P=n)", "\\1", "i",
           "..", "//", "é",
           "\0", "{9}", "{2,1}", "*?", "*+", "[^", "]]", "$", "^", "\\Z", "(?#")


_MAKERS: dict[str, Callable[[Random], tuple[str, tuple[str, ...]]]] = {
    "plain": _of(PLAIN, "abc ,é"),
    "leftmost-first": _of(FIRST, "abcd"),
    "lazy": _of(LAZY, "abc "),
    "atomic and possessive": _of(ATOMIC, "abc"),
    "lookaround": _of(AROUND, "abc,"),
    "boundaries": _of(BOUNDARY, "ab, é\n"),
    "mixed": _of(MIXED, "abc ,"),
    "case-insensitive": _of(CASED, "aAbBsSſkKéÉiİıßẞµ", literals=('"a"i', '"A"', '"b"')),
    "unicode classes": _of(UNICODE, "aé1٣_ 日本😀,ａ", literals=('"a"', '"é"', '"日"')),
    "lines": _of(LINES, "ab#\n\r \t", literals=('"a"', r'"\n"', '"#"')),
    "nullable and recursive": _nullable,
    "keywords in context": _keywords,
    "preferred shifts": _shifts,
    "composed terminals": _composed,
    "templates, extend, override": _templates,
    "ignored terminals": _ignoring,
    "priorities": _priorities,
    "damaged": _damaged,
}
KINDS = tuple(_MAKERS)
