"""What to do about a grammar that Lark refuses: most of these are another notation's habits."""

from __future__ import annotations

import re
from difflib import get_close_matches

_WORDS = {"_NL": "the end of the line", "_OR": "|", "_NL_OR": "| on the next line", "_COLON": ":", "_RPAR": ")",
          "_RBRA": "]", "_RBRACE": "}", "_COMMA": ",", "_DOT": ".", "_TO": "->", "NUMBER": "a number",
          "RULE": "a name in lower case", "TERMINAL": "a name in capitals", "STRING": 'a "literal"',
          "REGEXP": "a /regex/", "_DOTDOT": "..", "_LPAR": "(", "_LBRA": "["}

_CASE = "names are all in lower case (rules) or all in capitals (terminals)"
_SLASH = r"a regular expression ends with its line; a slash within is written \/"
_TIMES = "repetitions are written item~3 or item~2..5, and ? * + for the usual ones"

# What stands before the place of a syntax error on its line, what stands there, and what to do.
_AT = (
    (r"\[[^\]\s]*$", r"[^\s\"/]*\]", "a class of characters is a regular expression: /[a-z]/"),
    (r"->", "", "an alias ends its alternative, and stands outside of parentheses"),
    (r"^[?!]*_*[A-Z]\w*$", r"[a-z]", _CASE),
    (r"^[?!]*_*[a-z]\w*$", r"[A-Z]", _CASE),
    (r"\b[a-z]+$", r"[A-Z]", _CASE),
    (r"\b[A-Z]+$", r"[a-z]", _CASE),
    (r"", r"'", 'literals stand in double quotes: "a"'),
    (r"", r'"[^"]*$', 'this " is not closed on its line; a quote within is written \\"'),
    (r"/[^/]*/[^/]*$", r"/", _SLASH),
    (r"", r"/[^/]*$", _SLASH),
    (r"^[^:\"/]*:?:?$", r"=|:", 'a definition is written name: "a" | "b"'),
    (r"", r";", "a definition ends with its line, without a semicolon"),
    (r"", r"[<>]", "names stand without angle brackets"),
    (r"^\s*$", r"%", "the directives are %import, %ignore, %declare, %extend and %override"),
    (r"", r"\{?\s*\d+\s*(,\s*\d*\s*)?\}", _TIMES),
    (r"\{$", r"\d", _TIMES),
    (r"\w$", r"-", "names are made of letters, digits and _"),
    (r"", r"\)", "no ( stands before this )"),
    (r"", r"\]", "no [ stands before this ]"),
    (r"\.$", r"\w", "a priority is a number: name.2"),
)

# What Lark, or we, say of it.
_SAID = (
    ("defined more than once", "join the alternatives with |; %extend and %override change what was imported"),
    ("Rules aren't allowed inside terminals",
     "terminals are made of terminals: write both names in capitals, or both in lower case"),
    ("Recursion in terminal", "only rules recurse: write the name in lower case"),
    ("match the empty string", "let it match at least one character, and write ? where it may be left out"),
    ("Empty terminals", "leave it out, or write an empty alternative of a rule"),
    ("no grammar file", "Lark has common, python, unicode and lark; %import .name.X is for a file beside this one"),
    ("nothing is imported", "say what: %import common.WORD, or %import common (WORD, INT)"),
    ("look-behind requires", "each way through a lookbehind has to be of the same length: (?<=a), (?<!ab)"),
    (r"bad escape \p", r"Python's re has no \p{...}: \w, \d and [^\W\d_] know Unicode"),
    ("not a regular expression", "what stands between slashes is written as for Python's re"),
    ("flags for the whole", "write /a/i, or (?i:a) for a part"),
    ("%ignore needs", 'as in %ignore " " or %ignore WS'),
    ("marked to ignore but were not defined", "define it, or import it: %import common.WS"),
    ("Cannot override", "what is overridden is defined or imported before"),
    ("Can't extend", "what is extended is defined or imported before"),
    ("number of template arguments", "give it as many arguments as it has parameters"),
    ("Template", 'templates are defined with their parameters: sep{item, mark}: item (mark item)*'),
    ("a range", 'as in "a".."z"'),
    ("ends before it begins", 'as in "a".."z"'),
    ("a repetition of", "the smaller number comes first: item~1..3"),
    ("cannot have an alias", "aliases name alternatives of rules"),
    ("no text at all", "add an alternative that ends"),
    ("malformed escape", r"\x has two hexadecimal digits, \u four, \U eight"),
    ("bad escaping", r"a backslash itself is written \\"),
    ("missing colon", 'a definition is written name: "a" | "b"'),
)
_COMMON = ("WS", "WS_INLINE", "NEWLINE", "WORD", "LETTER", "DIGIT", "INT", "SIGNED_INT", "NUMBER", "SIGNED_NUMBER",
           "FLOAT", "CNAME", "ESCAPED_STRING", "HEXDIGIT")


def of_message(message: str, text: str) -> str:
    """For an error that says what is wrong."""
    missing = re.search(r"(?:Rule|Terminal|rule|terminal) '(\w+)' used but not defined", message)
    if missing:
        return of_missing(missing[1], text)
    return next((hint for part, hint in _SAID if part in message), "")


def of_missing(name: str, text: str) -> str:
    """For a name that is used and not defined."""
    heads = re.findall(r"^[ \t]*[?!]*([A-Za-z_]\w*)[^:\n\"/]*:", text, re.MULTILINE)
    near = get_close_matches(name, [head for head in heads if head != name], 1)
    if near:
        return f"is it {near[0]}?"
    near = get_close_matches(name, _COMMON, 1, 0.75) if name.isupper() else []
    return f"is it Lark's own? %import common.{near[0]}" if near else f"define it: {name}: ..."


def of_syntax(message: str, line: str, column: int, expected: list[str]) -> str:
    """For an error where Lark stopped reading. ``column`` is 1-based; ``expected`` are Lark's names."""
    before, rest = line[: column - 1], line[column - 1 :]
    for left, right, hint in _AT:
        if re.search(left, before) and re.match(right, rest):
            return hint
    if expected:
        return f"Lark expects {' or '.join(_WORDS.get(word, word) for word in expected)}"
    return next((hint for part, hint in _SAID if part in message), "")
