"""Layer 1: the prompt that tells a model the shape.

A template is Jinja text. It is given ``prompt`` (what the caller wrote), ``name`` and ``type`` (the output type, in the
rendering that was chosen), ``unknown`` (whether the type allows ``Unknown``) and ``examples`` (pairs that were checked
against the type). ``preview()`` shows the exact messages with their tokens, and nothing is added to them later but what
a strategy says about a failed attempt.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence, Sized
from dataclasses import dataclass, field
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any, Protocol

from trellis.errors import TemplateError, UsageError, looking_at_arguments, shown
from trellis.result import FieldError, Message

if TYPE_CHECKING:
    from jinja2 import Environment
    from jinja2 import Template as JinjaTemplate

    from trellis.contract import Contract, Rendering

MAX_FEEDBACK_CHARACTERS = 2_000
"""Of a bad answer, so much is shown again; with ``MAX_FEEDBACK_ERRORS`` it bounds a correction prompt."""
MAX_FEEDBACK_ERRORS = 12
MAX_REPEATED = 1_000_000
"""What ``*`` in a template may make of a text or a list, in items."""
MAX_EXPONENT = 100


class Shape(Protocol):
    """What a prompt needs to know of a contract."""

    @property
    def name(self) -> str: ...
    @property
    def format(self) -> str: ...
    @property
    def allows_unknown(self) -> bool: ...
    def rendered(self, rendering: Any) -> str: ...
    def write_after(self, value: Any, data: Any) -> str: ...


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
        examples: pairs of input text and value; each value must be of the output type. With ``reasoning``, the third of
            each is the text that leads to the value.
        system: a system message, or an empty string.
        source: Jinja text to use instead of the one for the output's format.
        variables: more names for the template, and for ``prompt``, which is itself rendered when there are any.
        rendering: how the type is shown: ``"typescript"``, ``"json_schema"``, ``"yaml"`` or ``"example"``.
        reasoning: whether the answer starts with a field for the model's reasoning (JSON and YAML); the value is the
            rest, and ``attempt.data["reasoning"]`` has it. ``Draft`` thinks in a request of its own instead.
    """

    prompt: str
    examples: Sequence[tuple[str, Any] | tuple[str, Any, str]] = ()
    system: str = ""
    source: str | None = None
    variables: dict[str, Any] = field(default_factory=dict)
    rendering: Rendering = "typescript"
    reasoning: bool = False

    def messages(self, shape: Shape) -> tuple[Message, ...]:
        """The exact messages for an output type.

        Raises:
            TemplateError: the template does not render, or an example is not of the type.
        """
        self._check()
        prompt = render(self.prompt, self.variables) if self.variables else self.prompt
        text = render(
            self.source if self.source is not None else template_source(shape.format),
            {
                **self.variables,
                "prompt": prompt,
                "name": shape.name,
                "type": self._type(shape),
                "unknown": shape.allows_unknown,
                "examples": [_example(shape, i, *example) for i, example in enumerate(self.examples)],
            },
        ).rstrip()
        system = (Message("system", self.system),) if self.system else ()
        return (*system, Message("user", text))

    def _type(self, shape: Shape) -> str:
        text = shape.rendered(self.rendering)
        return text if shape.format == "text" else _LEADS[self.rendering] + text

    def _check(self) -> None:
        for name, text in (("prompt", self.prompt), ("system", self.system),
                           ("source", "" if self.source is None else self.source)):
            if not isinstance(text, str):
                raise TemplateError(f"Template({name}=...) is text, not {type(text).__name__}")
        if self.rendering not in _LEADS:
            raise TemplateError(f"rendering={shown(self.rendering)} is no rendering",
                                hint=f"one of {', '.join(_LEADS)}")
        if not isinstance(self.variables, dict) or not all(isinstance(name, str) for name in self.variables):
            raise TemplateError("Template(variables=...) is a dict from names to values")
        if not isinstance(self.examples, list | tuple):
            raise TemplateError(f"Template(examples=...) is a list of pairs, not {type(self.examples).__name__}",
                                hint='examples=[("input text", value)]')
        for index, example in enumerate(self.examples):
            if not isinstance(example, list | tuple) or len(example) not in (2, 3) or not isinstance(example[0], str):
                raise TemplateError(f"example {index} is no pair of an input text and a value",
                                    hint='examples=[("input text", value)]')
            if len(example) == 3 and not isinstance(example[2], str):
                raise TemplateError(f"the reasoning of example {index} is text, not {type(example[2]).__name__}")
            if self.reasoning and len(example) < 3:
                raise TemplateError(f"example {index} does not show the reasoning that answers are to start with",
                                    hint='examples=[("input text", value, "what leads to it")]')

    def preview(self, output_type: Any, *, count: Callable[[str], int] | None = None) -> Preview:
        """The exact prompt and its tokens, with those of the type in each rendering.

        Args:
            output_type: as in ``generate_structured``.
            count: counts the tokens of a text (``lambda text: len(tokenizer.encode(text))``); an estimate if not given.
        """
        with looking_at_arguments():
            shape = shape_of(self, output_type)
            messages = self.messages(shape)
        counted = count or estimated_tokens
        names = () if shape.format == "text" else tuple(_LEADS)
        renderings: dict[str, int] = {name: counted(shape.rendered(name)) for name in names}
        return Preview(messages, sum(counted(message.content) for message in messages), renderings, count is not None)


@dataclass(frozen=True)
class Preview:
    """What a model would be sent.

    Attributes:
        messages: the exact messages.
        tokens: how many tokens they have, without what the chat format adds.
        renderings: how many the type has in each rendering.
        exact: whether they were counted by the caller's tokenizer, not estimated.
    """

    messages: tuple[Message, ...]
    tokens: int
    renderings: dict[str, int]
    exact: bool

    @property
    def text(self) -> str:
        """The messages as text, one block for each."""
        return preview(self.messages)

    def __str__(self) -> str:
        type_ = ", ".join(f"{name} {tokens}" for name, tokens in self.renderings.items())
        return (f"{self.text}\n\n({'' if self.exact else 'about '}{self.tokens} tokens"
                f"{f'; the type as {type_}' if type_ else ''})")


_LEADS: dict[Rendering, str] = {"typescript": "", "json_schema": "Its JSON Schema: ", "yaml": "Its outline:\n",
                                "example": "Its form, by example: "}


def estimated_tokens(text: str) -> int:
    """About as many tokens as a large model's tokenizer makes of a text: words up to seven letters, up to three digits,
    one or two signs."""
    pieces = re.findall(r" ?[^\W\d_]+|\d{1,3}|[^\w\s]{1,2}|_|\s+", text)
    return sum(-(-len(piece) // 8) if piece.strip() else 1 for piece in pieces)


def shape_of(prompt: Any, output_type: Any) -> Contract[Any]:
    """The contract of a type as a prompt asks for it: with reasoning first, where a template wants that.

    Raises:
        UsageError: no contract can be made of the type.
    """
    from trellis.contract import contract_of
    from trellis.contract.reasoning import reasoned

    contract = contract_of(output_type)
    return reasoned(contract) if isinstance(prompt, Template) and prompt.reasoning else contract


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
    turns = tuple(prompt) if isinstance(prompt, Iterable) else ()
    if not turns or not all(isinstance(turn, Message) for turn in turns) or turns[-1].role != "user":
        raise TemplateError(
            "a prompt is text, a Template, or a conversation: a sequence of Message that ends with one of the user's",
            hint='[Message("system", "..."), Message("user", "...")]',
        )
    return (*turns[:-1], *Template(turns[-1].content).messages(shape))


def preview(messages: Sequence[Message]) -> str:
    """Messages as text that a person can read.

    Raises:
        TemplateError: they are no messages.
    """
    if not isinstance(messages, list | tuple) or not all(isinstance(message, Message) for message in messages):
        raise TemplateError("preview takes messages", hint="Template(...).preview(output_type) shows a template's")
    return "\n\n".join(f"[{message.role}]\n{message.content}" for message in messages)


ANSWER_AGAIN = "Answer again, with nothing but the corrected answer."


def correction(messages: tuple[Message, ...], raw: str, errors: Sequence[FieldError],
               wanted: str = ANSWER_AGAIN) -> tuple[Message, ...]:
    """The first prompt again, the last bad answer (trimmed), what is wrong with it, and what is wanted now.

    Its size does not depend on the number of attempts: earlier answers are left out, and each error is said once.
    """
    shown = _sendable(raw if len(raw) <= MAX_FEEDBACK_CHARACTERS else raw[:MAX_FEEDBACK_CHARACTERS] + " [...]")
    unique = list(dict.fromkeys(_sendable(_one_line(str(error)[:300])) for error in errors))
    left_out = len(unique) - MAX_FEEDBACK_ERRORS
    lines = [f"- {line}" for line in unique[:MAX_FEEDBACK_ERRORS]]
    if left_out > 0:
        lines.append(f"- and {left_out} more")
    feedback = "That answer is wrong:\n" + "\n".join(lines) + f"\n{wanted}"
    return (*messages, Message("assistant", shown), Message("user", feedback))


def patch_wanted(type_text: str) -> str:
    """What a correction asks for when only the wrong fields are wanted."""
    return ("Correct these fields only: answer with minified JSON of type Patch and nothing else, from the JSON "
            f"pointer of each field to its right value.\n{type_text}")


def _one_line(text: str) -> str:
    """A validator may quote the answer, and an answer may hold lines that look like somebody else's."""
    return re.sub(r"\s*[\r\n\u2028\u2029]\s*", " ", text)


def _sendable(text: str) -> str:
    """Text that has a form in UTF-8: an answer may escape one half of a surrogate pair."""
    return text.encode("utf-8", "backslashreplace").decode()


@cache
def template_source(output_format: str) -> str:
    """The built-in Jinja text for ``"json"``, ``"yaml"``, ``"csv"`` or ``"text"``."""
    from importlib.resources import files

    return files("trellis").joinpath("templates", f"{output_format}.j2").read_text(encoding="utf-8")


@cache
def _environment() -> Environment:
    """Sandboxed: a template may come from a file that somebody else wrote, and sees what it is given, nothing more."""
    from jinja2 import StrictUndefined
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    class Environment(ImmutableSandboxedEnvironment):
        """With bounds on the operators that make much out of little: ``"a" * 10**10`` would fill the memory."""

        intercepted_binops = frozenset(["*", "**"])

        def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
            if operator == "**" and (not isinstance(right, int | float) or abs(right) > MAX_EXPONENT):
                raise OverflowError(f"an exponent above {MAX_EXPONENT}")
            for one, other in ((left, right), (right, left)):
                if operator == "*" and isinstance(one, Sized) and len(one) * other > MAX_REPEATED:
                    raise OverflowError(f"more than {MAX_REPEATED} repetitions")
            return super().call_binop(context, operator, left, right)

    return Environment(undefined=StrictUndefined, autoescape=False, keep_trailing_newline=False)


@lru_cache(maxsize=64)
def _compiled(source: str) -> JinjaTemplate:
    return _environment().from_string(source)


def render(source: str, names: dict[str, Any]) -> str:
    """Jinja text with these names.

    Raises:
        TemplateError: it does not render.
    """
    import jinja2

    try:
        return _compiled(source).render(names)
    except jinja2.TemplateSyntaxError as error:
        raise TemplateError(f"template, line {error.lineno}: {error.message}",
                            hint="templates are Jinja; {% raw %}...{% endraw %} keeps braces as they are") from error
    except jinja2.UndefinedError as error:
        raise TemplateError(f"template: {error.message}", hint="pass it in Template(variables={...})") from error
    except Exception as error:  # whatever an expression in the template raises
        raise TemplateError(f"template: {type(error).__name__}: {error}") from error


def _example(shape: Shape, index: int, text: str, value: Any, reasoning: str = "") -> Example:
    try:
        return Example(text, shape.write_after(value, {"reasoning": reasoning}))
    except UsageError as error:
        row = "{...}" if shape.name == "Answer" else f"{shape.name}(...)"
        hint = (f"an example for Csv({shape.name}) is a list of rows: [{row}]" if shape.format == "csv" else
                "the second of an example's pair is a value of the output type")
        raise TemplateError(f"example {index} is not of type {shape.name}: {error.message}", hint=hint) from None
    except Exception as error:
        raise TemplateError(f"example {index} is not of type {shape.name}: {error}") from error
