"""`callscribe serve`: the whole application until SIGINT or SIGTERM."""

import asyncio
import signal

import uvloop
from rich.console import Console

from app.application.opening import open_application
from app.application.parts import Application
from app.logs import configure_logs, get_log
from app.settings import Settings, read_settings

console = Console(highlight=False, soft_wrap=True)
log = get_log("serve")


def run_server() -> None:
    """Serve; returns (exit code 0) when a signal has ended it in order."""
    settings = read_settings()
    configure_logs(level=settings.log_level_number)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(serve_until_signal(settings))


async def serve_until_signal(settings: Settings) -> None:
    """Open everything, wait for a signal, close everything; a signal during the opening ends it just as well."""
    serving = asyncio.current_task()
    assert serving is not None
    stop = asyncio.Event()
    is_open = False

    def end() -> None:
        stop.set()
        if not is_open:
            serving.cancel()

    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, end)
    try:
        async with open_application(settings) as application:
            is_open = True
            greet(settings, application)
            await stop.wait()
            console.print("ending: calls are hung up, last words are stored …")
    except asyncio.CancelledError:
        if not stop.is_set():
            raise
    console.print("ended")


def greet(settings: Settings, application: Application) -> None:
    """Say where things are; secrets that were made at the first start are shown this one time."""
    first = application.first_credentials
    if first.password or first.access_key:
        console.print("\nMade at this first start, and shown only now:", markup=False)
        console.print(f"  customer    {first.customer_id}\n  agent       {first.username}", markup=False)
        if first.password:
            console.print(f"  password    {first.password}", markup=False)
        if first.access_key:
            console.print(f"  access key  {first.access_key}", markup=False)
        console.print()
    console.print(f"API   http://{settings.http_host}:{application.http_port}/v1.0", markup=False)
    console.print(f"SIP   sip:NUMBER@{settings.sip_host}:{settings.sip_port} (UDP and TCP)", markup=False)
    for flow in application.flows:
        console.print(f"flow  {', '.join(flow.numbers):<6} {flow.name}", markup=False)
    console.print("Ctrl-C ends it", markup=False)
