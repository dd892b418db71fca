"""``generate_structured``: from a prompt and a type to a value of that type."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, NamedTuple, TypedDict, TypeVar, Unpack, get_args, overload

from trellis.contract import Contract, RepairLevel, checked_level, contract_of
from trellis.drive import adrive, drive
from trellis.errors import CapabilityError, UsageError, looking_at_arguments, shown
from trellis.models import Model, resolve_model
from trellis.prompt import Template, messages_for, shape_of
from trellis.result import Message, Mode, Result, Sampling
from trellis.runlog.record import Record, recorded, sampling_data
from trellis.session import Session, model_for
from trellis.strategy import FindModel, Flow, Retry, Strategy, Task, Validator, guarded

T = TypeVar("T")
Prompt = str | Sequence[Message] | Template

RETRY = Retry(2)
SAMPLING = Sampling()
LADDER: tuple[Mode, ...] = get_args(Mode)
"""Modes from the strongest to the weakest: mask, native, tools, json, prompt."""


class Options(TypedDict, total=False):
    """What may be said of a call besides its prompt and its type, as ``generate_structured`` describes it."""

    model: Any
    mode: Mode | Literal["auto"]
    strategy: Strategy
    sampling: Sampling
    validators: Sequence[Validator]
    repair: RepairLevel
    session: Session | None


@overload
def generate_structured(prompt: Prompt, output_type: type[T], **options: Unpack[Options]) -> Result[T]: ...
@overload
def generate_structured(prompt: Prompt, output_type: Any, **options: Unpack[Options]) -> Result[Any]: ...
def generate_structured(
    prompt: Prompt,
    output_type: Any,
    *,
    model: Any = None,
    mode: Mode | Literal["auto"] = "auto",
    strategy: Strategy = RETRY,
    sampling: Sampling = SAMPLING,
    validators: Sequence[Validator] = (),
    repair: RepairLevel = "normal",
    session: Session | None = None,
) -> Result[Any]:
    """Asks a model for a value of a type.

    Args:
        prompt: what to do: text, a conversation that ends with the user, or a ``Template``.
        output_type: a pydantic model, dataclass, TypedDict, Literal, Enum, scalar, list or Union of those, a JSON
            Schema as a dict, ``Regex``, ``Choice``, ``Csv``, ``Yaml``, or a ``Grammar``.
        model: ``"openai/NAME"`` or ``"openai:NAME"`` (or another known server), ``"trellis/nano"``, a ``Model``, an
            openai client, or a function from prompt to answer. ``None``: the session's, else ``$TRELLIS_MODEL``, else
            the built-in one, with a warning.
        mode: how the shape is enforced: ``"mask"`` (only tokens that fit), ``"native"`` (the server's schema mode),
            ``"tools"`` (a tool call), ``"json"`` (JSON mode), ``"prompt"`` (words alone); ``"auto"`` takes the first
            that model and type allow. What was enforced stands in ``result.enforced`` and in each attempt.
        strategy: how often and in what way the model is asked; ``Retry(2)`` makes two extra attempts at most.
        sampling: temperature, seed, max_tokens and so on.
        validators: called in order with the value; raise ValueError to refuse it, return another value to replace it.
        repair: how far an answer may be mended before it is refused.
        session: what this call shares with others: model, budget, log.

    Returns:
        The value with everything that led to it.

    Raises:
        UsageError: the call is wrong (a type without a schema, an unknown model, an impossible mode ...).
        GenerationError: no attempt was accepted; one subclass for each reason.
        ModelError: the model or its server failed.
        MaskError, GrammarError: the mask cannot be made; nothing goes on without one in silence.
    """
    call = prepare(prompt, output_type, model, mode, strategy, sampling, validators, repair, session)
    with call.record:
        return call.record.kept(drive(call.flow, call.model))


@overload
async def agenerate_structured(prompt: Prompt, output_type: type[T], **options: Unpack[Options]) -> Result[T]: ...
@overload
async def agenerate_structured(prompt: Prompt, output_type: Any, **options: Unpack[Options]) -> Result[Any]: ...
async def agenerate_structured(
    prompt: Prompt,
    output_type: Any,
    *,
    model: Any = None,
    mode: Mode | Literal["auto"] = "auto",
    strategy: Strategy = RETRY,
    sampling: Sampling = SAMPLING,
    validators: Sequence[Validator] = (),
    repair: RepairLevel = "normal",
    session: Session | None = None,
) -> Result[Any]:
    """``generate_structured``, awaitable."""
    call = prepare(prompt, output_type, model, mode, strategy, sampling, validators, repair, session)
    with call.record:
        return call.record.kept(await adrive(call.flow, call.model))


class Call(NamedTuple):
    """A call that was checked and can be driven."""

    task: Task[Any]
    flow: Flow[Any]
    model: Model
    record: Record


class Plan(NamedTuple):
    """All of a call but its prompt, checked."""

    contract: Contract[Any]
    model: Model
    mode: str
    strategy: Strategy
    sampling: Sampling
    validators: Sequence[Validator]
    level: RepairLevel
    session: Session
    warnings: list[str]

    def call(self, prompt: Prompt, model: Model | None = None) -> Call:
        """The call for a prompt, if need be on another model than the plan's.

        Raises:
            UsageError: there is no prompt in it.
        """
        contract = shape_of(prompt, self.contract)
        messages = messages_for(prompt, contract)
        found = self.model if model is None else model
        modes = modes_for(self.mode, found, contract)
        own = self.session.cached(found)
        record = recorded(self.session.log, messages, contract.write_after, model=found.name,
                          strategy=repr(self.strategy), modes=list(modes), type=contract.name, format=contract.format,
                          schema=contract.schema, repair=self.level, sampling=sampling_data(self.sampling))
        task = Task(contract, messages, modes, sampling=self.sampling, validators=self.validators, repair=self.level,
                    meter=self.session.meter, warnings=self.warnings, on_attempt=record.attempt, model=own,
                    find_model=finder(self.mode, own, self.session))
        return Call(task, guarded(self.strategy, task), own, record)


def prepare(
    prompt: Prompt, output_type: Any, model: Any, mode: str, strategy: Strategy, sampling: Sampling,
    validators: Sequence[Validator], repair: str, session: Session | None,
) -> Call:
    """Checks the arguments of ``generate_structured``, and finds what they name.

    Raises:
        UsageError: the call is wrong.
    """
    with looking_at_arguments():
        _check_kinds(strategy, sampling, validators, session)
        shared = Session() if session is None else session
        contract = contract_of(output_type)
        level = checked_level(repair)
        found, warnings = model_for(model, shared)
        return Plan(contract, found, mode, strategy, sampling, validators, level, shared, warnings).call(prompt)


def plan(
    output_type: Any, model: Any, mode: str, strategy: Strategy, sampling: Sampling, validators: Sequence[Validator],
    repair: str, session: Session,
) -> Plan:
    """``prepare`` for many prompts.

    Raises:
        UsageError: the call is wrong, whatever the prompt.
    """
    with looking_at_arguments():
        _check_kinds(strategy, sampling, validators, session)
        contract = contract_of(output_type)
        level = checked_level(repair)
        found, warnings = model_for(model, session)
        modes_for(mode, found, contract)
    return Plan(contract, found, mode, strategy, sampling, validators, level, session, warnings)


def finder(mode: str, own: Model, session: Session) -> FindModel:
    """Finds models for a strategy: the run's own in the run's mode where the type allows it, others in theirs."""

    def find(model: Any, contract: Contract[Any]) -> tuple[Model, Sequence[Mode]]:
        found = own if model is None else session.cached(resolve_model(model))
        try:
            return found, modes_for(mode if found is own else "auto", found, contract)
        except CapabilityError:
            return found, modes_for("auto", found, contract)

    return find


def _check_kinds(strategy: Any, sampling: Any, validators: Any, session: Any) -> None:
    if isinstance(strategy, type) or not callable(getattr(strategy, "run", None)):
        raise UsageError(f"strategy={shown(strategy)} is no strategy", hint="strategy=trellis.Retry(2)")
    if not isinstance(sampling, Sampling):
        raise UsageError(f"sampling={shown(sampling)} is no Sampling", hint="sampling=trellis.Sampling(temperature=0)")
    if session is not None and not isinstance(session, Session):
        raise UsageError(f"session={shown(session)} is no Session", hint="session=trellis.Session(...)")
    if not isinstance(validators, list | tuple) or not all(callable(validator) for validator in validators):
        raise UsageError("validators is a list of functions", hint="validators=[check]")


def _modes_of(model: Model, contract: Contract[Any]) -> tuple[Mode, ...]:
    learned = getattr(model, "modes_of", None)  # a ``LearningModel``; to ask isinstance takes longer than the rest
    return learned(contract.schema) if learned is not None else model.modes


def modes_for(mode: str, model: Model, contract: Contract[Any]) -> tuple[Mode, ...]:
    """The modes to try, the model's strongest first; a mode that was named stands alone.

    Raises:
        UsageError: there is no such mode.
        CapabilityError: the model, or the type, does not allow the mode.
    """
    suits = {
        "mask": True,
        "native": contract.format == "json",
        "tools": contract.format == "json",
        "json": contract.is_object,
        "prompt": True,
    }
    if not isinstance(mode, str) or mode not in ("auto", *LADDER):
        raise UsageError(f"mode={shown(mode)} is no mode", hint=f"auto, {', '.join(LADDER)}")
    offered = _modes_of(model, contract) if mode == "auto" else model.modes
    possible = tuple(known for known in offered if suits.get(known))
    if mode == "auto":
        return possible or ("prompt",)
    named: Mode = next(known for known in LADDER if known == mode)
    if named not in possible:
        whose = model.name if named not in model.modes else f"{contract.format} of type {contract.name}"
        raise CapabilityError(f"mode={named!r} is not possible with {whose}",
                              hint=f"possible: auto, {', '.join(possible)}")
    return (named,)
