"""Secrets, taken out of what is logged: keys and tokens by their look, and the values of environment variables that are
named like secrets."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from typing import Any

from trellis.errors import UsageError, shown

PATTERNS: Mapping[str, tuple[tuple[str, ...], str]] = {
    "private-key": (("-----begin",),
                    r"-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)"),
    "api-key": (("sk-", "pk-", "rk-", "k_live_", "k_test_"),
                r"\b(?:sk|pk|rk)-[A-Za-z0-9_-]{16,}|\b(?:sk|pk|rk)_(?:live|test)_[A-Za-z0-9]{10,}"),
    "aws-key": (("akia", "asia"), r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b"),
    "google-key": (("aiza",), r"\bAIza[0-9A-Za-z_-]{35}"),
    "github-token": (("gh", "github_pat_"), r"\bgh[opsru]_[A-Za-z0-9]{20,}|\bgithub_pat_[A-Za-z0-9_]{20,}"),
    "gitlab-token": (("glpat-",), r"\bglpat-[A-Za-z0-9_-]{16,}"),
    "huggingface-token": (("hf_",), r"\bhf_[A-Za-z0-9]{20,}"),
    "slack-token": (("xox",), r"\bxox[a-z]-[A-Za-z0-9-]{10,}"),
    "jwt": (("eyj",), r"\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]+"),
    "bearer-token": (("bearer ",), r"(?i:(?<=\bbearer ))[A-Za-z0-9._~+/-]{12,}=*"),
    "url-password": (("://",), r"(?<=://)[^\s/:@]{1,256}:[^\s/@]{1,256}(?=@)"),
}
"""By what they are called: words of which one stands in the text in lower case where there is such a secret at all (to
look for them is a hundred times as fast), and the expression."""
_ASSIGNED = re.compile(r"""(?ix)(?:api[_-]?key|secret[_-]?key|client[_-]?secret|access[_-]?token|auth[_-]?token
                           |password|passwd)["']?\s*[:=]\s*(?:"(?P<quoted>[^"\n]{8,})"|["']?(?P<value>[^\s"',;]{8,}))""")
"""``password=...`` and its like; only the value goes."""
_ASSIGNED_WORDS = ("passw", "secret", "token", "apikey", "api_key", "api-key")
_SECRET_NAME = re.compile(r"(?i)(?:key|token|secret|password|passwd|credentials?)$")
_SHORTEST = 8
"""Characters of an environment variable's value that are taken for a secret at least: ``true`` is none."""

Span = tuple[int, int, str]


class Redactor:
    """Replaces secrets by ``[redacted:KIND]``.

    Args:
        patterns: more regular expressions (Python's ``re``); whatever one of them matches is redacted.
        environment: variables whose values are secrets if their names say so; default: those of this process, now.

    Raises:
        UsageError: a pattern is none.
    """

    def __init__(self, patterns: Iterable[str] = (), environment: Mapping[str, str] | None = None) -> None:
        named = os.environ if environment is None else environment
        values = sorted({value for name, value in named.items() if _SECRET_NAME.search(name)
                         and len(value) >= _SHORTEST}, key=len, reverse=True)
        self._rules = [(kind, words, re.compile(pattern)) for kind, (words, pattern) in PATTERNS.items()]
        self._rules += [("environment", (value.lower(),), re.compile(re.escape(value))) for value in values]
        self._shortest = _SHORTEST
        if isinstance(patterns, str):
            raise UsageError("redact is a list of regular expressions", hint='redact=[r"CUST-[0-9]+"]')
        for pattern in patterns:
            self._shortest = 0  # who knows how short a match is
            try:
                self._rules.append(("custom", ("",), re.compile(pattern)))
            except (re.error, TypeError) as error:
                raise UsageError(f"redact={shown(pattern)} is no regular expression: {error}") from error

    def spans(self, text: str) -> list[Span]:
        """Where secrets stand, in order and without overlap."""
        if len(text) < self._shortest:
            return []
        lower = text.lower()
        found = [(*match.span(), kind) for kind, words, rule in self._rules if any(word in lower for word in words)
                 for match in rule.finditer(text) if match[0]]
        if any(word in lower for word in _ASSIGNED_WORDS):
            found += [(*match.span(match.lastgroup or 0), "assigned") for match in _ASSIGNED.finditer(text)]
        kept: list[Span] = []
        for start, end, kind in sorted(found):
            if kept and start < kept[-1][1]:
                kept[-1] = (kept[-1][0], max(end, kept[-1][1]), kept[-1][2])
            else:
                kept.append((start, end, kind))
        return kept

    def text(self, text: str) -> str:
        return replaced(text, self.spans(text))

    def __call__(self, value: Any) -> Any:
        """A copy of JSON data with every text in it redacted, keys too."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, dict):
            return {self.text(key): self(member) for key, member in value.items()}
        if isinstance(value, list | tuple):
            return [self(member) for member in value]
        return value


def replaced(text: str, spans: list[Span]) -> str:
    """The text with each span replaced."""
    for start, end, kind in reversed(spans):
        text = f"{text[:start]}[redacted:{kind}]{text[end:]}"
    return text


def moved(offset: int, spans: list[Span]) -> int:
    """Where an offset of the text is in the replaced text; one inside a span is at its end."""
    shift = 0
    for start, end, kind in spans:
        if offset <= start:
            break
        shift += len(f"[redacted:{kind}]") - (end - start) + max(0, end - offset)
    return offset + shift
