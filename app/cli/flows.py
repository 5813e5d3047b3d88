"""`callscribe flows`: check and try flow files, and write what is generated from the actions."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

import app.actions
from app.application.speech import FlowSpeech, LoadedWords, open_models
from app.cli.flow_findings import count_findings, print_findings
from app.domain.call import AnsweredBy
from app.errors import InvalidArgument
from app.flow.action_docs import render_action_docs
from app.flow.action_registry import ActionRegistry, IsSet, load_actions
from app.flow.executor import FlowLimits
from app.flow.flow_check import check_files
from app.flow.flow_folder import SCHEMA_NAME
from app.flow.schema import render_flow_schema
from app.flow.script import ConnectOutcome, QueueOutcome, Script
from app.settings import Settings, read_settings

flows_app = typer.Typer(
    no_args_is_help=True, help="Check and try flow files; write their schema and the page about actions."
)

KEYS = "0123456789ABCD*#"
CHECKOUT = Path(app.actions.__file__).resolve().parents[2]


def _load_registry(is_set: IsSet | None = None) -> ActionRegistry:
    return load_actions(app.actions, is_set)


@flows_app.command()
def check(
    files: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="[FILE...]", help="Flow files, or folders of them; none = the folder of CALLSCRIBE_FLOWS."
        ),
    ] = None,
) -> None:
    """Check flow files: types, options, targets, loops, variables, languages, hints, numbers that two of them want.

    All findings are shown at once. Exit code 1 with errors; warnings refuse nothing.
    """
    settings = read_settings()
    report = check_files(files or [settings.flows], _load_registry(settings.is_set), speech=_open_speech(settings))
    print_findings(report.findings)
    for path in report.good:
        typer.echo(f"{path}: ok")
    if report.findings:
        typer.echo(count_findings(report.findings), err=True)
    if report.has_errors:
        raise typer.Exit(1)


@flows_app.command("simulate")
def simulate_file(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The flow file.")],
    digits: Annotated[str, typer.Option(help="What the caller presses when the flow waits for digits.")] = "",
    say: Annotated[
        list[str] | None,
        typer.Option(help='What the caller says to each speech_receive and into a recording; "" = nothing.'),
    ] = None,
    variable: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=VALUE",
            help="A variable that the call begins with; with --no-call also one that begins with voipbin.",
        ),
    ] = None,
    number: Annotated[str, typer.Option(help="The number that was called; else the flow's first.")] = "",
    caller: Annotated[str, typer.Option("--from", help="Who calls: voipbin.call.source.target.")] = "simulation",
    connect: Annotated[
        list[ConnectOutcome] | None,
        typer.Option(help="How each connect ends, in turn; the last one stays. Else somebody answers."),
    ] = None,
    queue: Annotated[
        list[QueueOutcome] | None,
        typer.Option(help="How each queue_join ends, in turn; the last one stays. Else an agent answers."),
    ] = None,
    wait_flow: Annotated[
        str, typer.Option(metavar="NAME", help="The flow of the file's folder that callers hear in queues. Else music.")
    ] = "",
    pre_flow: Annotated[
        str, typer.Option(metavar="NAME", help="The flow of the file's folder that conference_join runs first.")
    ] = "",
    amd: Annotated[AnsweredBy, typer.Option(help="What amd finds.")] = AnsweredBy.HUMAN,
    fetch: Annotated[
        list[Path] | None,
        typer.Option(metavar="JSONFILE", help="What each fetch is answered, in turn: a list of actions. Else []."),
    ] = None,
    webhook: Annotated[
        list[Path] | None,
        typer.Option(metavar="JSONFILE", help="What each webhook_send is answered, in turn. Else {}."),
    ] = None,
    ai: Annotated[list[str] | None, typer.Option(help="What the language model answers, in turn.")] = None,
    at: Annotated[
        datetime | None,
        typer.Option(formats=["%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M"], help="When the call comes, UTC. Else now."),
    ] = None,
    hangup_after: Annotated[
        float | None, typer.Option(metavar="SECONDS", min=0, help="When the caller hangs up. Else never.")
    ] = None,
    no_call: Annotated[
        bool, typer.Option("--no-call", help="Run it without a call, as a flow that follows a recording.")
    ] = False,
) -> None:
    """Walk a flow without a telephone; print its path and what becomes of the variables. Time passes at once.

    The executor and all actions are the real ones. Nobody is called, and nothing is sent: what others do is chosen by
    the options. fetch_flow runs the other flows of the file's folder. Exit code 0 when the flow came to an end, 1 when
    the file is broken or a limit (of actions, of stacks) ended the flow, 2 for wrong options.
    """
    from app.cli.simulate import find_flows, name_flow, read_answers, read_variables, run_simulation

    if not set(digits) <= set(KEYS):
        raise InvalidArgument("--digits", f"expected only {KEYS}")
    settings = read_settings()
    registry = _load_registry(settings.is_set)
    find_flow = find_flows(file, registry)
    script = Script(
        digits=digits,
        said=tuple(say or ()),
        variables=read_variables(variable or [], has_call=not no_call),
        number=number,
        caller=caller,
        connects=tuple(connect or (ConnectOutcome.ANSWERED,)),
        queues=tuple(queue or (QueueOutcome.ANSWERED,)),
        wait_flow=name_flow("--wait-flow", wait_flow, find_flow),
        pre_flow=name_flow("--pre-flow", pre_flow, find_flow),
        answered_by=amd,
        fetched=read_answers("--fetch", fetch or []) or (b"[]",),
        replies=read_answers("--webhook", webhook or []) or (b"{}",),
        ai_answers=tuple(ai or ("An answer of the language model.",)),
        began=None if at is None else at.replace(tzinfo=UTC),
        has_call=not no_call,
        hangup_seconds=hangup_after,
        most_seconds=float(settings.max_call_seconds),
        find_flow=find_flow,
    )
    limits = FlowLimits(actions_per_activeflow=settings.flow_max_actions, stacks=settings.flow_max_stacks)
    if not run_simulation(file, registry, _open_speech(settings), script, limits):
        raise typer.Exit(1)


def _open_speech(settings: Settings) -> FlowSpeech:
    """What is known of the installed models; one is loaded when a flow has hints for it."""
    models = open_models(settings)
    speech = FlowSpeech(models)
    speech.find_words = LoadedWords(models).find
    return speech


@flows_app.command()
def schema(
    is_written: Annotated[bool, typer.Option("--write", help="Write the file instead of printing it.")] = False,
    to: Annotated[Path, typer.Option(help="The file that --write writes.")] = CHECKOUT / "flows" / SCHEMA_NAME,
) -> None:
    """Print or write the JSON Schema of flow files, for editors."""
    _print_or_write(render_flow_schema(_load_registry()), to if is_written else None)


@flows_app.command()
def docs(
    is_written: Annotated[bool, typer.Option("--write", help="Write the file instead of printing it.")] = False,
    to: Annotated[Path, typer.Option(help="The file that --write writes.")] = CHECKOUT / "docs" / "actions.md",
) -> None:
    """Print or write the page about all actions."""
    _print_or_write(render_action_docs(_load_registry()), to if is_written else None)


def _print_or_write(text: str, path: Path | None) -> None:
    if path is None:
        typer.echo(text, nl=False)
        return
    path.write_text(text, encoding="utf-8")
    typer.echo(f"{path}: written")
