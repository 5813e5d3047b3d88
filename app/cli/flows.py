"""`callscribe flows`: check and try flow files, and write what is generated from the actions."""

from pathlib import Path
from typing import Annotated

import typer

import app.actions
from app.application.speech import FlowSpeech, LoadedWords, open_models
from app.cli.flow_findings import count_findings, print_findings
from app.errors import InvalidArgument
from app.flow.action_docs import render_action_docs
from app.flow.action_registry import ActionRegistry, IsSet, load_actions
from app.flow.executor import FlowLimits
from app.flow.flow_check import check_files
from app.flow.flow_folder import SCHEMA_NAME
from app.flow.schema import render_flow_schema
from app.flow.simulator import Script
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
        list[str] | None, typer.Option(help='What the caller says to each speech_receive; "" = nothing.')
    ] = None,
    variable: Annotated[
        list[str] | None, typer.Option(metavar="NAME=VALUE", help="A variable that the call begins with.")
    ] = None,
    number: Annotated[str, typer.Option(help="The number that was called; else the flow's first.")] = "",
) -> None:
    """Walk a flow without a telephone and print its path; time passes at once.

    The executor and most actions are the real ones; what needs other parties is only told. Exit code 1 when the file is
    broken.
    """
    from app.cli.simulate import read_variables, run_simulation

    if not set(digits) <= set(KEYS):
        raise InvalidArgument("--digits", f"expected only {KEYS}")
    settings = read_settings()
    script = Script(digits, tuple(say or ()), read_variables(variable or []), number)
    limits = FlowLimits(actions_per_activeflow=settings.flow_max_actions, stacks=settings.flow_max_stacks)
    try:
        is_good = run_simulation(file, _load_registry(settings.is_set), _open_speech(settings), script, limits)
    except OSError as error:
        raise InvalidArgument(str(file), f"no way to read it ({error.strerror}); expected a flow file") from None
    if not is_good:
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
