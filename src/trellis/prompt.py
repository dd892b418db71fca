"""Layer 1: the prompt that tells a model the shape.

A template is Jinja text. It is given ``prompt`` (what the caller wrote), ``name`` and ``type`` (the output type, as
TypeScript-like interfaces unless the contract says otherwise) and ``examples`` (pairs that were checked against the
type when the template was made). ``preview()`` shows the exact messages, and nothing is added to them later but the
correction of a failed attempt.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cache, lru_cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Protocol

from trellis.errors import TemplateError
from trellis.result import FieldError, Message

if TYPE_CHECKING:
    from jinja2 import Environment
    from jinja2 import Template as JinjaTemplate

MAX_FEEDBACK_CHARACTERS = 2_000
"""Of a bad answer, so much is shown again; with ``MAX_FEEDBACK_ERRORS`` it bounds a correction prompt."""
MAX_FEEDBACK_ERRORS = 12


class Shape(Protocol):
    """What a prompt needs to know of a contract."""

    @property
    def name(self) -> str: ...
    @property
    def format(self) -> str: ...
    def type_text(self) -> str: ...
    def write(self, value: Any) -> str: ...


@dataclass(frozen=True)
class Example:
    """An input and the answer to it, as the model should write it."""

    input: str
    output: str


@dataclass(frozen=True)
class Template:
    """A prompt with its examples.

    Attributes:
        prompt: what to do, in the caller's words.
        examples: pairs of input text and value; each value must be of the output type.
        system: a system message, or an empty string.
        source: Jinja text to use instead of the one for the output's format.
        variables: more names for the template, and for ``prompt``, which is itself rendered when there are any.
    """

    prompt: str
    examples: Sequence[tuple[str, Any]] = ()
    system: str = ""
    source: str | None = None
    variables: dict[str, Any] = field(default_factory=dict)

    def messages(self, shape: Shape) -> tuple[Message, ...]:
        """The exact messages for an output type.

        Raises:
            TemplateError: the template does not render, or an example is not of the type.
        """
        prompt = _render(self.prompt, self.variables) if self.variables else self.prompt
        text = _render(
            self.source if self.source is not None else template_source(shape.format),
            {
                **self.variables,
                "prompt": prompt,
                "name": shape.name,
                "type": shape.type_text(),
                "examples": [_example(shape, i, *pair) for i, pair in enumerate(self.examples)],
            },
        ).rstrip()
        system = (Message("system", self.system),) if self.system else ()
        return (*system, Message("user", text))

    def preview(self, output_type: Any) -> str:
        """The exact prompt as text, one block for each message."""
        from trellis.contract import contract_of

        return preview(self.messages(contract_of(output_type)))


def messages_for(prompt: str | Sequence[Message] | Template, shape: Shape) -> tuple[Message, ...]:
    """The messages of a first attempt.

    A conversation keeps its turns; the shape is told at the end of its last one.

    Raises:
        TemplateError: the template does not render, or the conversation is empty or does not end with the user.
    """
    if isinstance(prompt, Template):
        return prompt.messages(shape)
    if isinstance(prompt, str):
        return Template(prompt).messages(shape)
    turns = tuple(prompt)
    if not turns or not all(isinstance(turn, Message) for turn in turns) or turns[-1].role != "user":
        raise TemplateError(
            "a conversation is a sequence of Message that ends with one of the user's", hint='Message("user", "...")'
        )
    return (*turns[:-1], *Template(turns[-1].content).messages(shape))


def preview(messages: Iterable[Message]) -> str:
    """Messages as text that a person can read."""
    return "\n\n".join(f"[{message.role}]\n{message.content}" for message in messages)


def correction(messages: tuple[Message, ...], raw: str, errors: Sequence[FieldError]) -> tuple[Message, ...]:
    """The first prompt again, the last bad answer (trimmed) and what is wrong with it.

    Its size does not depend on the number of attempts: earlier answers are left out, and each error is said once.
    """
    shown = raw if len(raw) <= MAX_FEEDBACK_CHARACTERS else raw[:MAX_FEEDBACK_CHARACTERS] + " [...]"
    unique = list(dict.fromkeys(str(error)[:300] for error in errors))
    left_out = len(unique) - MAX_FEEDBACK_ERRORS
    lines = [f"- {line}" for line in unique[:MAX_FEEDBACK_ERRORS]]
    if left_out > 0:
        lines.append(f"- and {left_out} more")
    feedback = "That answer is wrong:\n" + "\n".join(lines) + "\nAnswer again, with nothing but the corrected answer."
    return (*messages, Message("assistant", shown), Message("user", feedback))


@cache
def template_source(output_format: str) -> str:
    """The built-in Jinja text for ``"json"``, ``"yaml"``, ``"csv"`` or ``"text"``."""
    return files("trellis").joinpath("templates", f"{output_format}.j2").read_text(encoding="utf-8")


@cache
def _environment() -> Environment:
    """Sandboxed: a template may come from a file that somebody else wrote, and sees what it is given, nothing more."""
    from jinja2 import StrictUndefined
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    return ImmutableSandboxedEnvironment(undefined=StrictUndefined, autoescape=False, keep_trailing_newline=False)


@lru_cache(maxsize=64)
def _compiled(source: str) -> JinjaTemplate:
    return _environment().from_string(source)


def _render(source: str, names: dict[str, Any]) -> str:
    import jinja2

    try:
        return _compiled(source).render(names)
    except jinja2.TemplateSyntaxError as error:
        raise TemplateError(f"template, line {error.lineno}: {error.message}") from error
    except jinja2.UndefinedError as error:
        raise TemplateError(f"template: {error.message}", hint="pass it in Template(variables={...})") from error
    except Exception as error:  # whatever an expression in the template raises
        raise TemplateError(f"template: {type(error).__name__}: {error}") from error


def _example(shape: Shape, index: int, text: str, value: Any) -> Example:
    try:
        return Example(text, shape.write(value))
    except Exception as error:
        raise TemplateError(f"example {index} is not of type {shape.name}: {error}") from error
