"""`callscribe flows`: check flow files, and write what is generated from the actions."""

from pathlib import Path
from typing import Annotated

import typer

import app.actions
from app.flow.action_docs import render_action_docs
from app.flow.action_registry import ActionRegistry, load_actions
from app.flow.flow_check import check_files
from app.flow.flow_folder import SCHEMA_NAME
from app.flow.schema import render_flow_schema

flows_app = typer.Typer(no_args_is_help=True, help="Check flow files; write their schema and the page about actions.")

CHECKOUT = Path(app.actions.__file__).resolve().parents[2]


def _load_registry() -> ActionRegistry:
    return load_actions(app.actions)


@flows_app.command()
def check(
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", help="Flow files, or folders of them.")],
) -> None:
    """Check flow files: types, options, targets, loops, numbers that two of them want. Exit code 1 with findings."""
    report = check_files(files, _load_registry())
    for finding in report.findings:
        typer.echo(str(finding), err=True)
    for path in report.good:
        typer.echo(f"{path}: ok")
    if report.findings:
        typer.echo(f"{len(report.findings)} finding{'s' if len(report.findings) > 1 else ''}", err=True)
        raise typer.Exit(1)


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
