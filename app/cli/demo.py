"""`callscribe demo`: one real SIP call to a flow, its transcripts live as they arrive, then read back in time order."""

import asyncio
import json
import os
import random
import shutil
import signal
import socket
import tempfile
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import typer
from rich.console import Console

from app.application.opening import open_application
from app.application.parts import Application
from app.cli.call import sip_uri
from app.cli.caller import CallPlan, open_caller
from app.domain.language import parse_language
from app.errors import CallscribeError, InvalidArgument, InvalidSetting
from app.logs import configure_logs
from app.settings import CHECKOUT, Settings, read_settings

console = Console(highlight=False, soft_wrap=True, emoji=False)

ENGLISH_SPEECH = Path("/usr/share/pocketsphinx/test/data/librivox/sense_and_sensibility_01_austen_64kb-0880.wav")
DONE_SECONDS = 15.0
PORTS_NEEDED = 40


@dataclass(frozen=True, slots=True)
class DemoPlan:
    """What the demo plays: which flow in which language, and what the caller says."""

    flow: Path
    language: str
    say: Path


def run_demo() -> None:
    """Place one real call and show its transcripts. Settings: DEMO_LANGUAGE, DEMO_FILE, DEMO_FLOW, KEEP=1."""
    settings = read_settings()
    plan = read_plan(settings)
    settings.home.mkdir(parents=True, exist_ok=True)
    home = Path(tempfile.mkdtemp(prefix="demo-", dir=settings.home))
    home.chmod(0o755)
    try:
        raise typer.Exit(asyncio.run(play_demo(plan, own_instance(settings, home, plan))))
    finally:
        shutil.rmtree(home, ignore_errors=True)


def read_plan(settings: Settings) -> DemoPlan:
    """Read the demo's environment variables; InvalidSetting names the one that is wrong."""
    try:
        language = parse_language(os.environ.get("DEMO_LANGUAGE") or "en-US")
    except ValueError as error:
        raise InvalidSetting("DEMO_LANGUAGE", str(error)) from None
    chosen = os.environ.get("DEMO_FILE")
    if not chosen and language.primary != "en":
        raise InvalidSetting("DEMO_FILE", f"expected a WAV file of speech in {language}; the demo brings only English")
    say = Path(chosen) if chosen else ENGLISH_SPEECH
    if not say.is_file():
        raise InvalidSetting("DEMO_FILE", f"{say} does not exist; expected a WAV file of speech")
    name = os.environ.get("DEMO_FLOW") or choose_flow(settings.flows, language.primary)
    flow = settings.flows / f"{name.removesuffix('.json')}.json"
    if not flow.is_file():
        names = ", ".join(sorted(path.stem for path in settings.flows.glob("*.json") if "schema" not in path.name))
        raise InvalidSetting("DEMO_FLOW", f"there is no flow {name!r} in {settings.flows}; there are: {names}")
    return DemoPlan(flow, str(language), say)


def choose_flow(folder: Path, primary: str) -> str:
    """The demo's own flow for English; for another language the first flow that is written in it, else that one."""
    for path in sorted(folder.glob("*.json")) if primary != "en" else ():
        written = json.loads(path.read_text("utf-8"))
        if isinstance(written, dict) and str(written.get("language", "")).split("-")[0] == primary:
            return path.stem
    return "demo"


def own_instance(settings: Settings, home: Path, plan: DemoPlan) -> Settings:
    """Settings of an instance of the demo's own: free ports, own state, one flow in the demo's language."""
    flows = home / "flows"
    flows.mkdir()
    flow = json.loads(plan.flow.read_text("utf-8"))
    if os.environ.get("DEMO_LANGUAGE"):
        flow["language"] = plan.language
        for action in flow.get("actions", []):
            if "language" in action.get("option", {}):
                action["option"]["language"] = plan.language
    flow.pop("$schema", None)
    (flows / plan.flow.name).write_text(json.dumps(flow), "utf-8")
    first = find_free_udp_range(PORTS_NEEDED)
    return settings.model_copy(
        update={
            "home": home,
            "flows": flows,
            "http_port": find_free_port(),
            "sip_port": find_free_port(),
            "rtp_ports": f"{first}-{first + PORTS_NEEDED - 1}",
            "database_url": "",
            "ari_port": 0,
            "access_key": "vb_" + os.urandom(24).hex(),
        }
    )


def find_free_port() -> int:
    """A port that is free for UDP and TCP on loopback now."""
    while True:
        with (
            socket.socket(socket.AF_INET, socket.SOCK_STREAM) as tcp,
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp,
        ):
            tcp.bind(("127.0.0.1", 0))
            port: int = tcp.getsockname()[1]
            try:
                udp.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port


def find_free_udp_range(count: int) -> int:
    """The even first port of `count` UDP ports in a row that are free on loopback now."""
    places = list(range(30000, 60000, count))
    # At random: two that look at the same moment shall not find the same ones.
    random.shuffle(places)
    for first in places:
        with ExitStack() as held:
            try:
                for port in range(first, first + count):
                    udp = held.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
                    udp.bind(("127.0.0.1", port))
            except OSError:
                continue
            return first
    raise InvalidArgument("ports", f"there are no {count} free UDP ports in a row between 30000 and 60000")


async def play_demo(plan: DemoPlan, settings: Settings) -> int:
    """Start the instance, call it, print; the exit code."""
    log_file = settings.home / "callscribe.log"
    with log_file.open("w", encoding="utf-8") as stream:
        configure_logs(level=settings.log_level_number, stream=stream)
        console.print("[bold]Callscribe demo[/]: starting Asterisk and the app …")
        try:
            async with AsyncExitStack() as stack:
                application = await stack.enter_async_context(open_application(settings))
                client = await stack.enter_async_context(open_client(settings, application))
                number = json.loads((settings.flows / plan.flow.name).read_text("utf-8"))["numbers"][0]
                code = await hold_conversation(client, plan, sip_uri(number, settings))
                if os.environ.get("KEEP") == "1":
                    await keep(settings, number)
                return code
        except CallscribeError as error:
            console.print(f"[red]the demo could not run:[/] {error.message}", markup=True)
            console.print(log_file.read_text("utf-8")[-3000:], markup=False)
            return 1


@dataclass(frozen=True, slots=True)
class Client:
    """What an API client has: a session with the key, the base address, its customer."""

    session: aiohttp.ClientSession
    base: str
    customer_id: str

    async def get(self, path: str, **query: str) -> Any:
        """GET a resource of the API."""
        async with self.session.get(f"{self.base}{path}", params=query) as reply:
            reply.raise_for_status()
            return await reply.json()


@asynccontextmanager
async def open_client(settings: Settings, application: Application) -> AsyncIterator[Client]:
    """An API client of the instance, as any integrator would write it."""
    headers = {"Authorization": f"Bearer {settings.access_key}"}
    base = f"http://127.0.0.1:{application.http_port}/v1.0"
    async with aiohttp.ClientSession(headers=headers) as session, session.get(f"{base}/customer") as reply:
        yield Client(session, base, (await reply.json())["id"])


async def hold_conversation(client: Client, plan: DemoPlan, uri: str) -> int:
    """Call, print transcripts as they arrive, read them back; 0 when the caller's words came through."""
    console.print(f"calling {uri}, saying {plan.say.name}\n")
    console.print("[bold]Live over the WebSocket[/] (offset, direction, text, engine)")
    transcribe_id = ""
    count = 0
    async with client.session.ws_connect(f"{client.base}/ws") as feed:
        topics = [f"customer_id:{client.customer_id}:{resource}:" for resource in ("transcript", "transcribe")]
        await feed.send_json({"type": "subscribe", "topics": topics})
        async with open_caller(CallPlan(uri, say=plan.say, delay_seconds=0.3, stay_seconds=4.0)) as caller:
            following = asyncio.create_task(caller.finish())
            reading = asyncio.create_task(_read_until_done(feed))
            await following
            if not any(event.name == "answered" for event in caller.events):
                reading.cancel()
                ended = caller.events[-1]
                console.print(f"[red]the call was not answered:[/] {ended.status} {ended.reason}")
                return 1
            transcribe_id, count = await asyncio.wait_for(reading, DONE_SECONDS)
    console.print(f"\n[bold]Read back over REST[/] GET /v1.0/transcripts?transcribe_id={transcribe_id}")
    page = await client.get("/transcripts", transcribe_id=transcribe_id)
    rows = sorted(page["result"], key=lambda row: row["offset_ms"])
    for row in rows:
        print_transcript(row)
    heard = sum(row["direction"] == "in" for row in rows)
    console.print(f"\n{len(rows)} transcripts, {heard} of the caller, {len(rows) - heard} of what the caller heard")
    if not heard or len(rows) != count:
        console.print("[red]the caller's words are missing[/]")
        return 1
    return 0


async def _read_until_done(feed: aiohttp.ClientWebSocketResponse) -> tuple[str, int]:
    count = 0
    async for message in feed:
        event = json.loads(message.data)
        if event["type"] == "transcript_created":
            count += 1
            print_transcript(event["data"])
        elif event["type"] == "transcribe_done":
            return event["data"]["id"], count
    raise CallscribeError("the WebSocket closed before the transcribe was done")


def print_transcript(row: dict[str, Any]) -> None:
    """One line: `HH:MM:SS.mmm  in|out  TEXT  [ENGINE MODEL]`; the time is the offset in the transcribe."""
    seconds, ms = divmod(row["offset_ms"], 1000)
    clock = f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}.{ms:03d}"
    line = f"{clock}  {row['direction']}  {row['message']}  [{row['engine']} {row['model']}]"
    console.print(line, markup=False)


async def keep(settings: Settings, number: str) -> None:
    """Stay up until Ctrl-C and say how to dial in."""
    console.print(f"\nstaying up: call [bold]{sip_uri(number, settings)}[/] with any softphone on this machine, or")
    console.print(
        f"  CALLSCRIBE_SIP_PORT={settings.sip_port} {CHECKOUT}/.venv/bin/callscribe call --to {number} --say F"
    )
    console.print(f"API http://127.0.0.1:{settings.http_port}/v1.0 with key {settings.access_key}; Ctrl-C ends it")
    stop = asyncio.Event()
    for number_of_signal in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number_of_signal, stop.set)
    await stop.wait()
