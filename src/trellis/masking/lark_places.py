"""Where in the text of a Lark grammar something stands: Lark's own errors often do not say."""

from __future__ import annotations

import re
from typing import Any, NoReturn

from trellis.errors import GrammarError, LimitError, TrellisError
from trellis.masking import lark_hints

_NAMED = r"(?:(?:template|rule|terminal|terminals|token|used for)[ ({'\"]+|TerminalDef\('|\(|<)(?!in\b)([A-Za-z_]\w*)"

_TOKEN = re.compile(r"""Unexpected token Token\('\w+', ('(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*")\)\.?""")

# What Lark says without a place: its message, ours, and how the culprit is spelled in the grammar.
_SYMPTOMS = (
    (r"No such file or directory: '(?:.*/)?(\w+)\.lark'", "there is no grammar file {0}.lark to import",
     r"^%import\s+([\w./]*\b{0}\b)"),
    (r"Bad Range for .* \((-?\d+)\.\.(-?\d+) isn't allowed\)", "a repetition of {0} to {1} times is not possible",
     r"(~\s*{0}\s*\.\.\s*{1})"),
    (r"process rule \"range\"", "a range goes from one character to one other",
     r'("(?:"|[^"\n]{{2,}}")\s*\.\.|"[^"\n]*"\s*\.\.\s*"(?:"|[^"\n]{{2,}}"))'),
    (r"Empty terminals are not allowed", "Lark refuses the grammar: Empty terminals are not allowed (\"\")",
     r"(?<![\"\\])\"\"(?!\")"),
    (r"Terminals cannot be empty \(__IGNORE", "%ignore needs something to ignore", r"^%ignore"),
    (r"Aliasing not allowed in terminals", "a terminal cannot have an alias", r"^_*[A-Z][A-Z_0-9]*\b[^:\n]*:.*(->)"),
    (r"global flags not at the start", "flags for the whole of a regex have to stand behind it, as in /a/i",
     r"/(\(\?[a-zA-Z]+\))"),
    (r"unicodeescape", "a literal has a malformed escape",
     r"(\\(?:x(?![0-9A-Fa-f]{{2}})|u(?![0-9A-Fa-f]{{4}})|U(?!00[01][0-9A-Fa-f]{{5}})))"),
    (r"Nothing was imported from grammar `([\w.]+)`", "nothing is imported from {0}", r"^%import\s+({0})"),
    (r"bad escaping", "a literal ends in the middle of an escape", r'(?<!\\)\\(?:\\\\)*["/]'),
)

_WAYS = 6  # of a conflict that a message lists


class Places:
    """Finds rules and terminals in the text of a grammar, for messages."""

    def __init__(self, text: str, source: str = "<string>") -> None:
        self.text = text
        self.source = source

    def check_characters(self) -> None:
        """Refuse what Lark trips over or no UTF-8 text contains."""
        found = re.search("[\0\ud800-\udfff]", self.text)
        if found is None:
            return
        line, column = self.line_column(found.start())
        what = "a NUL" if found[0] == "\0" else f"half of a surrogate pair, U+{ord(found[0]):04X},"
        shown = re.sub("[\0\ud800-\udfff]", "\N{REPLACEMENT CHARACTER}", self.text)
        hint = r"write it as \x00" if found[0] == "\0" else "no UTF-8 text contains it"
        raise GrammarError(f"{what} stands in the grammar", line=line, column=column, source=shown, hint=hint)

    def definition(self, name: str, number: int = 0) -> int | None:
        """Offset of the ``number``-th definition of a rule or terminal."""
        head = rf"^[ \t]*(?:%(?:override|extend|declare)[ \t]+)?[?!]*({re.escape(name)})\b"
        found = list(re.finditer(head, self.text, re.MULTILINE))
        return found[number].start(1) if len(found) > number else None

    def use(self, name: str, after: int = 0) -> int | None:
        """Offset of the first use of a name, outside strings and comments as far as a regex can tell."""
        for match in re.finditer(r'"(?:\\.|[^"\\\n])*"|//[^\n]*|/(?:\\.|[^/\\\n])+/|([A-Za-z_]\w*)', self.text):
            if match.group(1) == name and match.start() >= after:
                return match.start()
        return None

    def deepest(self) -> tuple[str | None, int | None, int | None]:
        """The rule or terminal with the most brackets in brackets, and line and column of the innermost."""
        depth, most, at = 0, 0, None
        for match in re.finditer(r'"(?:\\.|[^"\\\n])*"|//[^\n]*|/(?:\\.|[^/\\\n])+/|[][()]|\n(?!\s*\|)', self.text):
            if match[0] == "\n":
                depth = 0
            elif match[0] in "([":
                depth += 1
                if depth > most:
                    most, at = depth, match.start()
            else:
                depth -= match[0] in ")]"
        return (self._defined_at(at) if at is not None else None, *self.line_column(at))

    def line_column(self, offset: int | None) -> tuple[int | None, int | None]:
        """1-based."""
        if offset is None:
            return None, None
        return self.text.count("\n", 0, offset) + 1, offset - self.text.rfind("\n", 0, offset)

    def error(self, kind: type[TrellisError], message: str, name: str, *, pattern: Any = None,
              hint: str = "", limit: str = "grammar") -> TrellisError:
        """An error about a rule or terminal, with its place; ``limit`` for a LimitError."""
        offset = self.definition(name)
        raw = getattr(pattern, "raw", None) or ("" if name.isidentifier() else name)
        if offset is None and raw and raw in self.text:  # an anonymous terminal: find how it is written
            offset = self.text.index(raw)
        if offset is None:
            offset = self.use(name)
        line, column = self.line_column(offset)
        hint = hint or lark_hints.of_message(message, self.text)
        if issubclass(kind, LimitError):
            place = f" (line {line}, column {column})" if line is not None else ""
            return LimitError(message + place, limit=limit, hint=hint)
        made = kind if issubclass(kind, GrammarError) else GrammarError
        return made(message, line=line, column=column, source=self.text, rule=name, hint=hint)

    def reraise(self, error: Exception) -> NoReturn:
        """Lark's error as ours."""
        message = str(error).strip() or type(error).__name__
        first = message.splitlines()[0].rstrip(" :")
        stated = re.search(r",? (?:at|in)? ?line (\d+),? column (\d+)", message)
        if stated:
            self._stated(error, message, first, stated)
        if "at position" in first or first.startswith(("look-behind", "Cannot compile token")):
            self._bad_regex(error)
        if first.startswith("Using an undefined rule"):
            name = re.sub(r".*'(.*)'.*", r"\1", first)
            if self.use(name) is not None:
                raise self._refusal(error, f"the template {name} is used without arguments", self.use(name), name,
                                    f"write {name}{{...}}")
            self._no_start(error, name)
        if isinstance(error, SyntaxError) or "SyntaxError" in first:
            first = "a literal has a malformed escape"
        if "zero-width" in first:
            first = "a terminal may match the empty string, which Lark's lexers do not allow"
        for symptom, saying, spelling in _SYMPTOMS:
            found = re.search(symptom, message)
            if found:
                groups = [re.escape(group) for group in found.groups()]
                raise self._refusal(error, saying.format(*found.groups()), self._spelled(spelling.format(*groups)))
        ways = re.findall(r"<([A-Za-z_]\w*) : (.*)>", message)  # of a conflict
        if ways:
            shown = [f"{rule}: {symbols}".rstrip() for rule, symbols in sorted(ways)]
            first += " " + ", ".join(shown[:_WAYS]) + (f" and {len(shown) - _WAYS} more" if len(shown) > _WAYS else "")
        names = [rule for rule, _ in sorted(ways)] if ways else [
            *re.findall(_NAMED, message, re.IGNORECASE), *re.findall(r"'([A-Za-z_]\w*)'", message)]
        concerned = next((name for name in names if self.use(name) is not None), None)
        offset = None
        inside = re.search(r"NonTerminal\('(\w+)'\) in (\w+)", message)  # a rule in a terminal
        if inside:
            offset = self.use(inside[1], self.definition(inside[2]) or 0)
        elif concerned is not None:
            offset = self.definition(concerned, 1 if "more than once" in message else 0)
            if offset is None or "not defined" in message:
                offset = self.use(concerned)
        raise self._refusal(error, f"Lark refuses the grammar: {first}", offset, concerned,
                            'parser="earley" takes conflicts' if ways else "")

    def _refusal(self, error: Exception, message: str, offset: int | None, rule: str | None = None,
                 hint: str = "") -> GrammarError:
        if rule is None and offset is not None:
            rule = self._defined_at(offset)
        line, column = self.line_column(offset)
        refusal = GrammarError(message, line=line, column=column, source=self.text, rule=rule,
                               hint=hint or lark_hints.of_message(message, self.text))
        refusal.__cause__ = error
        return refusal

    def _no_start(self, error: Exception, name: str) -> NoReturn:
        """The start rule is missing; the place is that of the first rule there is."""
        first = re.search(r"^[?!]*(_*[a-z]\w*)(?=[^:\n\"/]*:)", self.text, re.MULTILINE)
        hint = f'name another rule: Grammar.from_lark(..., start="{first[1]}")' if first else f"define it: {name}: ..."
        raise self._refusal(error, f"the start rule {name} is not defined", first.start(1) if first else None, name,
                            hint) from error

    def _stated(self, error: Exception, message: str, first: str, stated: re.Match[str]) -> NoReturn:
        """An error for which Lark itself states the place, maybe in another file."""
        line, column = int(stated[1]), int(stated[2])
        file = re.search(r"line \d+ column \d+ in (.+?):?\s*$", first + "\n", re.MULTILINE)
        lines = message.split("\n")
        cited = lines[2] if len(lines) > 3 and not lines[1] else None  # that line of the file, or a part of it
        first = _TOKEN.sub(r"unexpected \1", first).replace(stated[0], "")
        source: str | None = self.text
        if file is not None:
            first = first.replace(f" in {file[1]}", "")
        own = self.text.split("\n")[line - 1 : line]
        if (file[1] != self.source) if file is not None else (cited is not None and (not own or cited not in own[0])):
            first += f" in {file[1]}" if file is not None else " in an imported file"
            source = "\n" * (line - 1) + cited if cited is not None and column <= 40 else None
        expected = sorted(re.findall(r"^\s*\* (\w+)", message, re.MULTILINE))  # Lark's order varies
        here = (source or "").split("\n")[line - 1 : line]
        hint = lark_hints.of_syntax(first, "".join(here), column, expected)
        before = sum(len(each) + 1 for each in self.text.split("\n")[: line - 1])
        rule = self._defined_at(before + column) if source is self.text else None
        raise GrammarError(f"not a Lark grammar: {first}", line=line, column=column, source=source, rule=rule,
                           hint=hint) from error

    def _spelled(self, spelling: str) -> int | None:
        """Offset of the first text like this (its group, if it has one)."""
        found = re.search(spelling, self.text, re.MULTILINE)
        return found.start(found.lastindex or 0) if found else None

    def _bad_regex(self, error: Exception) -> None:
        """Find the regex that CPython does not compile."""
        for match in re.finditer(r'"(?:\\.|[^"\\\n])*"|//[^\n]*|/((?:\\.|[^/\\\n])+)/([imslux]*)', self.text):
            before = f"(?{match.group(2)}:" if match.group(2) else ""
            try:
                re.compile(before + (match.group(1) or "") + (")" if before else ""))
            except (re.error, OverflowError) as wrong:
                offset = match.start(1) + min(max((getattr(wrong, "pos", None) or 0) - len(before), 0),
                                              len(match.group(1)))
                reason = getattr(wrong, "msg", None) or str(wrong)
                raise self._refusal(error, f"not a regular expression: {reason}", offset) from error
        for match in re.finditer(r'"(.)"\s*\.\.\s*"(.)"', self.text):
            if match[1] > match[2]:
                raise self._refusal(error, "a range of characters that ends before it begins", match.start())

    def _defined_at(self, offset: int) -> str | None:
        """The rule or terminal in whose definition an offset lies."""
        heads = list(re.finditer(r"^[?!]*([A-Za-z_]\w*)[^:\n]*:", self.text[:offset], re.MULTILINE))
        return heads[-1][1] if heads else None
