"""`callscribe doctor`: what is missing for a call to be answered and transcribed, and how to get it."""

import asyncio
import json
import shutil
import urllib.error
import urllib.request

from rich.console import Console
from rich.table import Table

from app.application.speech import open_models
from app.ari.ari import open_ari
from app.asterisk.ports import is_port_bound
from app.asterisk.requirements import Finding, check_asterisk, check_local
from app.errors import CallscribeError, LanguageNotInstalled
from app.settings import Settings, read_settings

console = Console(highlight=False, soft_wrap=True)

DOCTOR_APPLICATION = "callscribe-doctor"


def examine() -> int:
    """Check everything, print a table; 0 when nothing is missing, 1 otherwise."""
    settings = read_settings()
    findings = check_machine(settings)
    table = Table(show_header=False, box=None, pad_edge=False)
    for finding in findings:
        mark = "[green]ok[/]" if finding.is_ok else "[red]missing[/]"
        table.add_row(mark, finding.name, finding.text + (f"\n→ {finding.remedy}" if finding.remedy else ""))
    console.print(table)
    faults = sum(not finding.is_ok for finding in findings)
    console.print("nothing is missing" if not faults else f"{faults} things are missing; see the arrows")
    return 1 if faults else 0


def check_machine(settings: Settings) -> list[Finding]:
    """All findings: Asterisk, ports, models, voices, disk, and the instance that runs, if one does."""
    running = ask_instance(settings)
    findings = (
        check_operators_asterisk(settings) if settings.ari_url else check_local(settings.install_dir, settings.home)
    )
    findings += [
        check_port(settings.http_host, settings.http_port, "HTTP", ("TCP",), "CALLSCRIBE_HTTP_PORT", running),
        check_port(settings.sip_host, settings.sip_port, "SIP", ("UDP", "TCP"), "CALLSCRIBE_SIP_PORT", running),
        *check_models(settings),
        check_voice(),
    ]
    if running is not None:
        missing = running["missing"]
        text = "; ".join(f"{each['part']}: {each['reason']}" for each in missing) or "answers and transcribes calls"
        findings.append(Finding("running instance", not missing, text, "see its log" if missing else ""))
    return findings


def ask_instance(settings: Settings) -> dict[str, list[dict[str, str]]] | None:
    """What `GET /health` of the instance at our HTTP port says; None when none runs there."""
    host = "127.0.0.1" if settings.http_host in {"", "0.0.0.0"} else settings.http_host  # noqa: S104
    try:
        with urllib.request.urlopen(f"http://{host}:{settings.http_port}/health", timeout=5) as reply:
            answer: dict[str, list[dict[str, str]]] = json.load(reply)
    except urllib.error.HTTPError as error:
        try:
            answer = json.load(error)
        except ValueError:
            return None
    except (OSError, ValueError):
        return None
    return answer if isinstance(answer, dict) and "missing" in answer else None


def check_port(
    host: str, port: int, name: str, kinds: tuple[str, ...], variable: str, running: object | None
) -> Finding:
    """Whether our own instance has the port, or could have it."""
    title = f"port {port} ({name})"
    if not any(is_port_bound(kind, host, port) for kind in kinds):
        return Finding(title, True, f"free on {host}")
    if running is not None:
        return Finding(title, True, "in use by the running Callscribe")
    return Finding(title, False, f"another program has it on {host}", f"end that program, or set {variable}")


def check_models(settings: Settings) -> list[Finding]:
    """One finding for every language that has a model, and for broken models."""
    library = open_models(settings)
    findings = [
        Finding("speech model", False, fault.message, "remove its folder, then: callscribe models install LANG")
        for fault in library.check()
    ]
    try:
        english = library.resolve("en")
    except LanguageNotInstalled as error:
        findings.append(Finding("speech model for English", False, error.message, "callscribe models install en-US"))
    else:
        findings.append(Finding("speech model for English", True, f"{english.engine} {english.name}"))
    others = [row.code for row in library.languages() if row.is_installed and not row.code.startswith("en")]
    text = ", ".join(others) or "none installed"
    findings.append(Finding("other languages", True, f"{text}; more with: callscribe models install LANG"))
    return findings


def check_voice() -> Finding:
    """Whether prompts in other languages than English can be spoken."""
    if shutil.which("espeak-ng"):
        return Finding("voices", True, "Piper for English, espeak-ng for the other languages")
    return Finding("voices", False, "espeak-ng is missing: only English prompts", "apt-get install espeak-ng")


def check_operators_asterisk(settings: Settings) -> list[Finding]:
    """Ask the operator's Asterisk over ARI for its version, modules and our application."""
    return asyncio.run(_ask_asterisk(settings))


async def _ask_asterisk(settings: Settings) -> list[Finding]:
    try:
        async with open_ari(settings.ari_url, settings.ari_user, settings.ari_password, DOCTOR_APPLICATION) as ari:

            async def query(path: str) -> object:
                return await ari.request("GET", path)

            return await check_asterisk(query, settings.ari_application)
    except CallscribeError as error:
        remedy = "CALLSCRIBE_ARI_URL, _ARI_USER, _ARI_PASSWORD; asterisk-config/README.md says what it must have"
        return [Finding("Asterisk's ARI", False, error.message, remedy)]
