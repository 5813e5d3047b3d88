"""The table of commands. Each imports its parts when it runs, so that `callscribe --help` is quick."""

import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from app.cli.call import place_call
from app.errors import CallscribeError

app = typer.Typer(
    name="callscribe",
    help="Self-hosted telephony: call flows on a real Asterisk, every call transcribed offline, split by direction.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command("call")(place_call)


@app.command()
def serve() -> None:
    """Serve until Ctrl-C: API, SIP, flows, transcripts. Settings are environment variables CALLSCRIBE_*."""
    from app.cli.serve import run_server

    run_server()


@app.command()
def demo() -> None:
    """Place one real call in an instance of its own and show its transcripts."""
    from app.cli.demo import run_demo

    run_demo()


@app.command("set-up")
def set_up() -> None:
    """Install what is missing: Asterisk, speech models."""
    from app.cli.set_up import install_everything

    install_everything()


@app.command()
def doctor() -> None:
    """Say what is missing for a call to be answered and transcribed, and how to get it."""
    from app.cli.doctor import examine

    raise typer.Exit(examine())


@app.command()
def openapi(
    to: Annotated[
        Path | None, typer.Option("--write", metavar="FILE", help="Write this file instead of printing.")
    ] = None,
) -> None:
    """Print or write the OpenAPI document of the API, as a running server shows it at /openapi.json."""
    from app.cli.openapi import show_openapi

    show_openapi(to)


@app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": []})
def bench(context: typer.Context) -> None:
    """Load this machine with calls by SIPp and say how many it carries; `callscribe bench --help` says more."""
    from app.cli.bench import run_bench

    run_bench(context.args)


def run() -> None:
    """Run; an expected failure is one clear line and exit code 2, without a traceback."""
    from app.cli.customers import customers_app
    from app.cli.flows import flows_app
    from app.cli.models import models_app

    app.add_typer(customers_app, name="customers")
    app.add_typer(models_app, name="models")
    app.add_typer(flows_app, name="flows")
    try:
        app()
    except CallscribeError as error:
        Console(stderr=True, highlight=False, soft_wrap=True).print(f"callscribe: {error.message}", markup=False)
        sys.exit(2)
