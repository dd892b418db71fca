"""The values of damaged YAML: plain, quoted, block and flow scalars as models write them, made into what YAML reads."""

from __future__ import annotations

import re
from dataclasses import replace

from .edits import Change
from .rules import cost_of
from .schema_view import SchemaView
from .words import NOTHING
from .yaml_brackets import Brackets
from .yaml_frames import Frame, Pending, free_text, has_text, wants_scalar, wants_text
from .yaml_habits import WRAPS
from .yaml_lines import Line, comment_start, quoted
from .yaml_quotes import measured, plain_is_safe, read_mismatched, read_quoted, read_wrapped
from .yaml_standard import NotYaml, read_nodes

_HEADER = re.compile(r"(?:\|\||>>|[|>])(?:[+-]?[1-9]?|[1-9][+-]?)[ \t]*(?:#.*)?$")
_ODD_HEADER = re.compile(r"[|>][-+.,:;|>\"'\\ \t]{1,3}$")  # no words behind the mark
_QUOTED_LIST = re.compile(r"(?:\"[^\"\\\n]*\"|'[^'\n]*')(?:[ \t]*,[ \t]*(?:\"[^\"\\\n]*\"|'[^'\n]*'))+")
_REMARK = re.compile(r"(\S+)[ \t]+(//|<!--|/\*|<-|<=|\u2190|\u2014|\u2013|--|\(|\[).*")
_ASIDE = re.compile(r"(\S.*?\S|\S)[ \t]+(<!--.*-->|/\*.*\*/)")  # behind any value
_MARKED = re.compile(r"(\S.*?\S|\S)[ \t]+((//|<-|--)[ \t].*)")  # behind texts, where others have such a remark
_SAID = re.compile(
    r"(\"(?:[^\"\\\n]|\\.)*\"|'(?:[^'\n]|'')*')[ \t]*,?[ \t]+"
    r"(?:(?:\([^()]*\)|\[[^\[\]]*\])[,;]?|(?://|<-|--)[ \t][^\"]*)"
)
_ASKED = re.compile(
    r"(\"(?:[^\"\\\n]|\\.)*\"|'(?:[^'\n]|'')*'),?[ \t]+"
    r"(?:\((?:required|optional|default|string|text|number|integer|boolean|nullable|enum|verbatim|sic|exact|quoted"
    r"|as given|literal|unchanged)\b[^()]*\)[,;]?"
    r"|<!--.*-->|/\*.*\*/|(?://|<-)[ \t][^\"]*)"
)
_TICKED = re.compile(r"\[([ xX\u2713\u2714]?)\]")
_MARK_ALONE = re.compile(r"(?:!!?[A-Za-z][\w.:-]*|&\w+)")  # a tag or an anchor
_EMPHASIS = re.compile(r"(\*\*|__|\*|_|`|\*\*`|`\*\*)([^*`\n]+)(?:\1|`\*\*|\*\*`)")
_COMMAS = re.compile(r",[ \t]+|,(?=[^\s\d])")
_CLIPPED = re.compile(  # words that begin with an apostrophe
    r"'(?:\d0s\b|tis\b|twas\b|til\b|em\b|cause\b|bout\b|round\b|n'|n\b|kay\b|cos\b|neath\b|gainst\b|s\b|t\b)",
    re.I,
)
_WITHIN = re.compile(r"(?<=\w)'(?=\w)|''")  # a quote that closes nothing
_ONLY = re.compile(  # a text alone in brackets
    r"\[[ \t]*([^\W\d_][^\[\]{},:#\"\n]*[^\[\]{},:#\"'\s]|-?\d+(?:\.\d+)?"
    r"|\"(?:[^\"\\\n]|\\.)*\"|'(?:[^'\n]|'')*')[ \t]*\]"
)
_HALVES = 2  # texts with a quote at one end, from which on it is a habit
_FEW = 4  # words of an item of such a list
_OTHER_ENDS = ("'", '"', "\u201d", "\u2019")
_NOTHING = ("null", "~", "None")
_NOTHING_SAID = re.compile(r"(null|~|None)[ \t]+(?://|<!--|/\*|<-|--|\().*")  # with a remark
_MARKS = "\"'`\\\u201c\u201d\u201e\u2018"
_LITERALS = ("true", "false", "null")
_REST = re.compile(r"\s*\Z")
_TEXT = SchemaView.of({"type": "string"})


class Values(Brackets):
    """How a reading reads values."""

    def value(self, index: int, line: Line, at: int, view: SchemaView, frame: Frame) -> int:
        """Read the value that starts at an offset of a line; returns the next line."""
        self.pending = self.placed = None
        end = line.end
        head = self.text[at] if at < end else "#"
        if head == "#" and at < end and self._no_comment(index, view, frame):
            end = self._unseparated(at, end, view)
            if not self._half_quoted(at, end):
                self._scalar(at, end)
            return index + 1
        if head == "#" and (at == end or comment_start(self.text, at, end, has_text(view)) == at):
            self.pending, self.placed = Pending(frame, at, view), None
            self.comments += at < end
            self.doubtful = self.doubtful or (at < end and bool(view.types()) and has_text(view))
            return index + 1
        if head in "|>" and _HEADER.match(self.text, at, end):
            return self._block(index, at, view, frame)
        if head in "|>" and has_text(view) and _ODD_HEADER.match(self.text, at, end) and self._goes_in(index, frame):
            self.change("block_mark", at + 1, end, "")
            self.lines[index] = replace(line, end=at + 1)
            return self._block(index, at, view, frame)
        if "boolean" in view.types() and (ticked := _TICKED.fullmatch(self.text, at, end)) is not None:
            self.change("text_as_boolean", at, end, "true" if ticked[1].strip() else "false")
            return index + 1
        if head in "!&" and not wants_scalar(view) and _MARK_ALONE.fullmatch(self.text, at, end):
            self.change("markup", at, end, "")
            self.pending = Pending(frame, at, view)
            return index + 1
        if view.types() == {"array"} and _QUOTED_LIST.fullmatch(self.text, at, end):
            self.change("missing_opener", at, at, "[")
            self.change("missing_closer", end, end, "]")
            return index + 1
        if self.half_bracket(at, end, view):
            return index + 1
        if view.types() == {"array"} and self._in_commas(at, end, view):
            return index + 1
        if head == "\\" and end - at > 4 and self.text.startswith('\\"', at) and self.text.endswith('\\"', at + 2, end):
            self.change("escaped_quotes", at, end, quoted(self.text[at + 2 : end - 2].replace('\\"', '"')))
            return index + 1
        if head in self.habits.wraps:
            found = read_wrapped(self.text, at, end)
            if found is not None:
                self.changes += found
                return index + 1
        if head in "|>" and has_text(view):
            following = self.block_on_line(index, at, frame)
            if following is not None:
                return following
        if head in _MARKS and view.types() and (paired := read_mismatched(self.text, at, end)) is not None:
            self.changes += paired
            self.cost += paired[0].cost
            self.doubtful = self.doubtful or self.text.startswith(head * 2, at)  # or quotes of the text
            return index + 1
        if head in "\"'" and self.text.startswith(head * 3, at) and has_text(view):
            following = self.triple(index, at, frame)
            if following is not None:
                return following
        if head in "\"'":
            found = read_quoted(self.text, at, end)
            if found is not None:
                self.changes += found
                self.cost += sum(change.cost for change in found)
                self.raw = self.raw or any(change.rule in ("inner_quote", "bad_escape") for change in found)
                self.comments += self.text[end - 1] not in (head, ",")
                self.escapes = self.escapes or (not found and head == '"' and "\\" in self.text[at:end])
                return index + 1
            told = self.habits.quote == head or self.habits.quoted >= _HALVES
            said = (_SAID if told else _ASKED).fullmatch(self.text, at, end)
            if said is not None:  # a remark in parentheses, in a text that quotes everything
                behind = self.text[said.end(1) : end].lstrip()
                if behind[:1] in "([" and behind[1:2].isupper():  # (Ann) may have said it
                    self.doubtful = True
                    self.change("inner_quote", at, end, quoted(self.text[at:end]))
                else:
                    self.change("comment", said.end(1), end, "")
                    self.doubtful = self.doubtful or not (self.habits.quote == head or behind[:1] in "(</")
                return index + 1
            following = self._quoted_lines(index, at, frame)
            if following is not None:
                return following
        if head == "[" and wants_text(view) and (only := _ONLY.fullmatch(self.text, at, end)) is not None:
            self.change("list_as_single", at, only.start(1), "")
            if only[1][0] in "\"'":
                self.changes += read_quoted(self.text, *only.span(1)) or []
            self.changes.append(Change("list_as_single", only.end(1), end, "", 0.0))
            self.doubtful = self.doubtful or bool(self.naive) or only[1][0] not in "\"'"
            return index + 1
        if head in "[{" and not wants_text(view):
            following = self.brackets(index, at, view, frame)
            if following is not None:
                return following
        return self._plain(index, at, view, frame)

    def _goes_in(self, index: int, frame: Frame) -> bool:
        """Whether the next line stands farther in than the entries of a collection."""
        found = self.below(index)
        return found is not None and found[1].column > frame.column

    def _in_commas(self, at: int, end: int, view: SchemaView) -> bool:
        """Whether texts of few words each stand on a line, with commas between, where a list is due."""
        if not wants_text(view.item(0)) or view.item(0).values() or self.text[at] in "[{\"'|>&*!":
            return False
        parts = _COMMAS.split(self.text[at:end].rstrip(", "))
        if len(parts) < 2 or not all(part.strip() and len(part.split()) <= _FEW for part in parts):
            return False
        self.change("single_as_list", at, end, f"[{', '.join(quoted(part.strip()) for part in parts)}]")
        self.doubtful = True
        return True

    def _no_comment(self, index: int, view: SchemaView, frame: Frame) -> bool:
        """Whether ``#`` at the start of a value begins a text: one has to be there, and none is below."""
        if not wants_text(view) or "null" in view.types():
            return False
        found = self.below(index)
        return found is None or found[1].column <= frame.column or self.place(found[1])[1] is not None

    def _plain(self, index: int, at: int, view: SchemaView, frame: Frame) -> int:
        line = self.lines[index]
        is_text = free_text(view)
        end = at + len(self.text[at : comment_start(self.text, at, line.end, is_text)].rstrip())
        following = index + 1
        if not wants_scalar(view) or ("string" in view.types() and not self._chosen(view)):
            while following < len(self.lines) and self.continues(following, frame, view):
                following += 1
            while following > index + 1 and self.lines[following - 1].blank:
                following -= 1
        if following == index + 1:
            if end < line.end and is_text:
                self.remarks.append((at, end, line.end))
            else:
                self.comments += end < line.end
            end = self._unseparated(at, end, view)
            if "null" in view.types() and (nothing := _NOTHING_SAID.fullmatch(self.text, at, end)) is not None:
                self.change("comment", nothing.end(1), end, "")
                end = nothing.end(1)
            closed = self.text.endswith(("-->", "*/"), at, end) and wants_scalar(view)
            aside = _ASIDE.fullmatch(self.text, at, end) if closed else None
            if aside is not None:
                self.change("comment", aside.end(1), end, "")
                end = aside.end(1)
            if wants_scalar(view) and not is_text:
                at, end = self._bare_scalar(at, end, view)
            elif self._half_quoted(at, end):
                return following
            elif wants_scalar(view) and (marked := _MARKED.fullmatch(self.text, at, end)) is not None:
                self.marked.append((at, marked.end(1), end, marked[3]))
            word = self.text[at:end]
            if is_text and view.types():
                said = "null" in view.types() and word.casefold() in NOTHING and word not in _NOTHING
                self.doubtful = self.doubtful or said or word[-1:] == WRAPS.get(word[:1], " ")
            if word == "None" and "null" in view.types():
                self.changes.append(Change("literal", at, end, "null", 0.0 if self.literals else cost_of("literal")))
                self.cost += self.changes[-1].cost
                self.literals = True
            else:
                self._scalar(at, end)
            return following
        parts = [self.text[at : line.end], *(self.text[li.at : li.end] for li in self.lines[index + 1 : following])]
        last = self.lines[following - 1]
        regular = all(li.column > frame.out or li.blank for li in self.lines[index + 1 : following])
        if not regular or not all(plain_is_safe(part) for part in parts if part):
            self.change("yaml_text", at, last.end, quoted(_folded(parts)))
        return following

    @staticmethod
    def _chosen(view: SchemaView) -> bool:
        """Whether only choices may stand here, none of them of several lines."""
        return bool(view.values()) and not free_text(view)

    def one_line(self, at: int, end: int, view: SchemaView) -> None:
        """Read a scalar that ends with its line."""
        found = read_quoted(self.text, at, end) if self.text[at] in "\"'" else None
        if found is not None:
            self.changes += found
            self.cost += sum(change.cost for change in found)
            return
        end = self._unseparated(at, end, view)
        if not free_text(view):
            at, end = self._bare_scalar(at, end, view)
        if not self._half_quoted(at, end):
            self._scalar(at, end)

    def _unseparated(self, at: int, end: int, view: SchemaView) -> int:
        """Where a value ends, without a comma or semicolon that is none of it."""
        nothing = "null" in view.types() and self.text[at : end - 1] in _NOTHING
        if end - at > 1 and self.text[end - 1] in ",;" and (nothing or self._separated(self.text[end - 1], view)):
            self.change("trailing_comma", end - 1, end, "")
            return end - 1
        return end

    def _half_quoted(self, at: int, end: int) -> bool:
        """Whether a text lost its opening quote, among others that have theirs."""
        quote, inner = self.habits.quote, self.text[at : end - 1]
        halved = self.text[end - 1] == '"' and '"' not in inner
        if halved:
            quote = '"'
        if not quote or self.text[end - 1] != quote:
            return False
        number = inner.replace(".", "").replace(",", "").isdigit()
        if measured(self.text[at:end]) and not number:
            self.doubtful = self.doubtful or halved
            if not halved or self.habits.halves < _HALVES:
                return False
        self.doubtful = self.doubtful or number  # inches, written as no other text is
        if inner.count(quote) != inner.count("\\" + quote):
            return False
        self.change("missing_open_quote", at, end, quoted(inner.replace("\\" + quote, quote)))
        return True

    def _bare_scalar(self, at: int, end: int, view: SchemaView) -> tuple[int, int]:
        """A number, boolean or choice without marks around and a remark behind it; a cut off one is completed."""
        marked = _EMPHASIS.fullmatch(self.text, at, end)
        if marked is not None:
            self.change("markup", at, marked.start(2), "")
            self.changes.append(Change("markup", marked.end(2), end, "", 0.0))
            at, end = marked.span(2)
        remark = _REMARK.fullmatch(self.text, at, end)
        if remark is not None:
            self.change("comment", remark.end(1), end, "")
            self.marks.add(remark[2])
            self.doubtful = self.doubtful or remark[2] in ("(", "[", "<=")
            return at, remark.end(1)
        text = self.text[at:end]
        if "boolean" in view.types() and text and text not in _LITERALS and _REST.match(self.text, end):
            whole = [literal for literal in _LITERALS if literal.startswith(text)]
            if len(whole) == 1 and len(text) > 1:
                self.change("truncated_literal", end, end, whole[0][len(text) :])
                self.complete = False
        return at, end

    def _separated(self, mark: str, view: SchemaView) -> bool:
        """Whether a comma or semicolon at the end of a value is none of it."""
        return mark == self.habits.separator or (wants_scalar(view) and "string" not in view.types())

    def _quoted_lines(self, index: int, at: int, frame: Frame) -> int | None:
        """A quoted scalar whose quote is not closed on its line: it goes over several lines, or the quote was lost."""
        quote, line = self.text[at], self.lines[index]
        behind = self.text[at + 1 : line.end].replace("\\" + quote, "")
        if quote in (_WITHIN.sub("", behind) if quote == "'" else behind):
            return None  # words in quotes, and more words
        following = index + 1
        hash_line = 0  # the first line that may be a comment instead
        while following < len(self.lines):
            last = self.lines[following]
            if not self.continues(following, frame, _TEXT):
                if last.blank or self.text[last.at] != "#" or following > index + _FEW * _FEW:
                    break
                hash_line = hash_line or following
            following += 1
            if not last.blank and self.text[last.end - 1] == quote and self.text[last.end - 2] != "\\":
                self.doubtful = self.doubtful or bool(hash_line)
                if not hash_line and self._reads(at, last.end):
                    return following
                hash_line = 0
                break
        following = hash_line or following
        while following > index + 1 and self.lines[following - 1].blank:
            following -= 1
        last = self.lines[following - 1]
        parts = [self.text[at + 1 : line.end], *(self.text[li.at : li.end] for li in self.lines[index + 1 : following])]
        if following == index + 1 and parts[-1][-1:] in _OTHER_ENDS and parts[-1].count(parts[-1][-1]) == 1:
            parts[-1] = parts[-1][:-1]
            self.change("quote_style", at, last.end, quoted(_folded(parts)))
        elif parts[-1].endswith(quote):
            parts[-1] = parts[-1][:-1]
            self.change("inner_quote", at, last.end, quoted(_folded(parts)))
        elif quote == "'" and _CLIPPED.match(self.text, at, line.end) is not None:
            return None
        else:
            if quote == "'":
                self.doubtful = self.doubtful or (self.habits.quote != quote and "''" not in behind)
                parts = [part.replace("''", "'") for part in parts]
            self.complete = following < len(self.lines)
            if self.habits.separator and parts[-1].endswith(self.habits.separator):
                parts[-1] = parts[-1][:-1]
            self.change("missing_close_quote", at, last.end, quoted(_folded(parts)))
        return following

    def _reads(self, start: int, end: int) -> bool:
        try:
            read_nodes("- " + self.text[start:end].replace("\n", "\n  "))
        except NotYaml:
            return False
        return True

def _folded(parts: list[str]) -> str:
    """Lines of flowing text as one, as YAML folds them: a blank line is a line break."""
    result = ""
    for part in parts:
        if not part:
            result += "\n"
        else:
            result += part if not result or result.endswith("\n") else " " + part
    return result
