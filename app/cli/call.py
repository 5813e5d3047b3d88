"""`callscribe call`: place one SIP call to a running Callscribe, speak a WAV file into it, keep what is heard."""

import asyncio
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from app.cli.caller import CallPlan, open_caller
from app.settings import Settings, read_settings

console = Console(highlight=False)


def place_call(
    to: Annotated[str, typer.Option("--to", help="a number (7001), or a whole SIP address (sip:7001@host:port)")],
    say: Annotated[Path | None, typer.Option(help="WAV file (16-bit PCM) to speak into the call")] = None,
    hear: Annotated[Path | None, typer.Option(help="WAV file to write what the other side says to")] = None,
    user: Annotated[str, typer.Option("--from", help="who calls: the SIP From user")] = "caller",
    delay: Annotated[float, typer.Option(min=0, help="seconds between the answer and the first word")] = 0.0,
    stay: Annotated[float, typer.Option(help="seconds to stay in the call after the last word")] = 1.0,
    codec: Annotated[str, typer.Option(help="pcmu, pcma or g722")] = "pcmu",
) -> None:
    """Place one SIP call and speak a WAV file into it. Exit code 1 when the call was not answered."""
    plan = CallPlan(
        uri=sip_uri(to, read_settings()),
        say=say,
        hear=hear,
        user=user,
        codec=codec.lower(),
        delay_seconds=delay,
        stay_seconds=stay,
    )
    raise typer.Exit(asyncio.run(follow_call(plan)))


def sip_uri(to: str, settings: Settings) -> str:
    """A dialled number as an address at this instance; a whole address stays as it is."""
    if to.startswith("sip:"):
        return to
    host = "127.0.0.1" if settings.sip_host in {"", "0.0.0.0"} else settings.sip_host  # noqa: S104
    return f"sip:{to}@{host}:{settings.sip_port}"


async def follow_call(plan: CallPlan) -> int:
    """Show the call's life on the terminal; 0 when it was answered, 1 when not."""
    begin = 0.0
    is_answered = False
    async with open_caller(plan) as caller:
        async for event in caller:
            begin = begin or event.at
            is_answered = is_answered or event.name == "answered"
            detail = f" {event.status} {event.reason}" if event.name == "ended" and event.status else ""
            console.print(f"{event.at - begin:8.3f}  {event.name.replace('_', ' ')}{detail}")
        await caller.finish()
    if not is_answered:
        console.print(f"not answered: {plan.uri}")
    elif plan.hear:
        console.print(f"what was heard: {plan.hear}")
    return 0 if is_answered else 1
