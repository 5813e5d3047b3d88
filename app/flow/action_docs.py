"""The page about the actions, made from the registry."""

import json
from collections.abc import Iterator

from pydantic import BaseModel
from pydantic_core import PydanticUndefined

from app.domain.ids import ZERO_ID
from app.flow.action import NEVER, ActionSpec, LegState
from app.flow.action_registry import ActionRegistry
from app.flow.address_form import AddressForm
from app.flow.finding import find_model
from app.flow.option_forms import name_form
from app.flow.option_types import (
    FlowLanguageMark,
    HintsMark,
    NestedActionsMark,
    RecognitionMark,
    TargetMark,
    VariableMark,
    list_marked,
)
from app.flow.schema import Schema

_NEEDS = {None: "nothing", LegState.ALIVE: "a call", LegState.ANSWERED: "an answered call"}
_ADDRESS = AddressForm.__name__
_INTRODUCTION = """# Actions

Generated from the registry by `callscribe flows docs --write`; change the files in `app/actions`, not this page.

An action in a flow file is `{"type": ..., "option": {...}}`, with an optional `id` (a UUID or a name) and `next_id`
(the action that follows; without it, the next one in the list). Every text in `option` may hold `${name}`; the
variable's value at that moment takes its place, and an unknown name the empty text. A flow that has ended hangs its
call up.

## Errors

A flow is checked when it is saved: a file when it is loaded (`callscribe flows check` does it beforehand), and what
comes over the API (flows, and the actions of calls, groupcalls and activeflows). All findings are told at once, each
with its JSON path. An error refuses the flow, a warning does not; `POST` and `PUT /v1.0/flows` answer the warnings in
`warnings`. Of every action the check refuses

- an unknown `type`, an `id` that another action has, a `next_id` that no action has;
- an option that is missing though required, of another form than its table says, or out of its bounds. In a file also
  an unknown option; over the API that is kept and means nothing;
- a loop without an exit and without an action that waits.

It warns of actions to which nothing leads, of other loops without an exit, and of variables that nothing sets.

What only the run can know (a `${name}` in an option, a party that is not there, a server that does not answer) is
found when the action runs. Then the action *fails*: the log says which one and why, and the flow goes on with the next
action or ends, as the table says. An action that needs a call is skipped in a flow without one; one that needs an
answered call fails where it is not answered. `callscribe flows simulate FILE` shows the way of a flow without a
telephone.

## Overview
"""


def render_action_docs(registry: ActionRegistry) -> str:
    """Return the Markdown page: a table of all actions, then a section for each."""
    lines = [
        _INTRODUCTION,
        "| Action | What it does | Needs | The flow waits | When it fails, the flow |",
        "|---|---|---|---|---|",
    ]
    lines += [
        f"| [`{spec.name}`](#{spec.name}) | {spec.text.splitlines()[0]} | {_NEEDS[spec.needs]} "
        f"| {'yes' if spec.is_blocking else 'no'} | {spec.on_failure.value} |"
        for spec in registry
    ]
    for spec in registry:
        lines += ["", *_section(spec)]
    lines += ["", "## Addresses", "", "An address (`source`, `destinations`) is an object with these keys.", ""]
    lines += _table(AddressForm)
    return "\n".join(lines) + "\n"


def _section(spec: ActionSpec) -> Iterator[str]:
    yield f"## {spec.name}"
    yield ""
    yield spec.text
    if spec.options.model_fields:
        yield ""
        yield from _table(spec.options)
    for name, nested in _list_models(spec.options).items():
        if name != _ADDRESS:
            yield ""
            yield f"Each of `{nested[0]}` has these keys."
            yield ""
            yield from _table(nested[1])
    yield ""
    yield "Example:"
    yield ""
    yield "```json"
    example: dict[str, object] = {"type": spec.name}
    if spec.example:
        example["option"] = spec.example
    yield json.dumps(example, ensure_ascii=False)
    yield "```"
    yield ""
    yield "Errors:"
    yield ""
    yield from _list_errors(spec)


def _table(model: type[BaseModel]) -> Iterator[str]:
    schema = model.model_json_schema()
    yield "| Option | Form | Default | Meaning |"
    yield "|---|---|---|---|"
    for name, field in model.model_fields.items():
        key = field.alias or name
        part: Schema = schema["properties"][key]
        default = "required" if field.default is PydanticUndefined else _default(part.get("default", field.default))
        meaning = (field.description or "").replace("|", "\\|")
        is_nested = any(isinstance(mark, NestedActionsMark) for mark in field.metadata)
        form = f"list of at most {part['maxItems']} actions" if is_nested else name_form(part, schema)
        yield f"| `{key}` | {form} | {default} | {meaning} |"


def _default(value: object) -> str:
    """Return a default; None and the id of zeros stand for nothing."""
    return "none" if value in (None, ZERO_ID) else f"`{json.dumps(value)}`"


def _list_models(options: type[BaseModel]) -> dict[str, tuple[str, type[BaseModel]]]:
    """Return the models inside options by their name, each with the option that has it first."""
    found: dict[str, tuple[str, type[BaseModel]]] = {}
    for name, field in options.model_fields.items():
        model = find_model([field.annotation])
        if model is not None:
            found.setdefault(model.__name__, (field.alias or name, model))
    return found


def _list_errors(spec: ActionSpec) -> Iterator[str]:
    if refused := list(_list_refused(spec)):
        yield f"- The check refuses {'; '.join(refused)}."
    if warned := list(_list_warned(spec)):
        yield f"- The check warns of {'; '.join(warned)}."
    whens = ["the call is not answered"] if spec.needs is LegState.ANSWERED else []
    whens += [] if spec.fails == NEVER else [spec.fails]
    if whens:
        yield f"- It fails when {', or when '.join(whens)}. The flow then {spec.on_failure.value}."
    else:
        yield "- It cannot fail when it runs."


def _list_refused(spec: ActionSpec) -> Iterator[str]:
    required = [field.alias or name for name, field in spec.options.model_fields.items() if field.is_required()]
    if required:
        yield f"a missing {' or '.join(f'`{key}`' for key in required)}"
    for key in list_marked(spec.options, TargetMark):
        yield f"a target in `{key}` that is no action of this flow"
    for key in list_marked(spec.options, FlowLanguageMark):
        yield f"an empty `{key}` where the flow has no language"
    for key in list_marked(spec.options, NestedActionsMark):
        yield f"what is wrong inside `{key}`"
    if isinstance(spec.needs_setting, str) and spec.needs_setting:
        yield f"the action where the setting `{spec.needs_setting}` is not set"


def _list_warned(spec: ActionSpec) -> Iterator[str]:
    for key in list_marked(spec.options, RecognitionMark):
        yield f"a `{key}` without an installed speech model"
    for key in list_marked(spec.options, HintsMark):
        yield f"words in `{key}` that the model can never hear"
    for key in list_marked(spec.options, VariableMark):
        yield f"a `{key}` that nothing sets"
