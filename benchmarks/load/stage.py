"""One Callscribe under load, with the flows that the loads dial and the addresses at which SIPp answers."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from app.cli.demo import find_free_port, find_free_udp_range
from app.settings import Settings
from benchmarks.load.addresses import Blocks, open_blocks
from benchmarks.load.plan import CALLS_PER_PAIR, MOST_CALLS, Flow
from benchmarks.load.processes import Usage, read_usage
from benchmarks.load.watcher import Watcher, open_watcher
from tests.asterisk.calls.instance import Instance, open_instance

MOST_PAIRS: Final = -(-MOST_CALLS // CALLS_PER_PAIR)
RTP_PORTS: Final = 2400
"""Asterisk's pairs for 200 two-sided calls, four each, and half as many again."""
SAMPLE_SECONDS: Final = 1.0
PROMPTS: Final = 100
"""Of some 11 s each: longer than any such load."""
PROMPT_TEXTS: Final = {
    "en-US": "Thank you for calling. This call is being transcribed for quality assurance. "
    "Please stay on the line, and one of our agents will talk to you in a moment.",
    "ko-KR": "전화해 주셔서 감사합니다. 이 통화는 품질 관리를 위해 기록됩니다. "
    "잠시만 기다려 주시면 상담원이 곧 연결됩니다.",
}


@dataclass(frozen=True, slots=True)
class Sample:
    """Everything at one moment."""

    usage: Usage
    live: int
    metrics: dict[str, float]


@dataclass(slots=True)
class Stage:
    """A running instance, its watcher, and where SIPp calls from and answers."""

    instance: Instance
    watcher: Watcher
    folder: Path
    callee_port: int
    blocks: Blocks
    steps: int = 0
    samples: list[Sample] = field(default_factory=list)

    def sample(self, sipp_pids: list[int], metrics: dict[str, float]) -> Sample:
        """Look at everything now; kept."""
        usage = read_usage(time.time(), self.instance.process.pid, sipp_pids)
        taken = Sample(usage, self.watcher.live(), metrics)
        self.samples.append(taken)
        return taken

    async def metrics(self) -> dict[str, float]:
        """All of `/metrics`, by name with labels."""
        async with self.instance.session.get(f"http://127.0.0.1:{self.instance.http_port}/metrics") as reply:
            return read_metrics(await reply.text())

    async def channels(self) -> int:
        """How many channels Asterisk has now."""
        return len(await self.instance.ari("/channels"))

    async def residue(self, timeout_seconds: float = 6.0) -> dict[str, Any]:
        """What is left of calls, once everything had its time to close."""
        left: dict[str, Any] = {}
        for _ in range(round(timeout_seconds / 0.2)):
            left = await self.instance.residue()
            if not any(left.values()):
                return {}
            await asyncio.sleep(0.2)
        return {name: value for name, value in left.items() if value}


@asynccontextmanager
async def open_stage(folder: Path, **settings: str) -> AsyncIterator[Stage]:
    """Start a Callscribe for loads; `settings` are more `CALLSCRIBE_...` variables."""
    callee_port = find_free_port()
    first = find_free_udp_range(RTP_PORTS)
    # The limit as operators have it: tests turn it off.
    delay_ms = Settings.model_fields["most_recognition_delay_ms"].default
    ports = {
        "CALLSCRIBE_RTP_PORTS": f"{first}-{first + RTP_PORTS - 1}",
        "CALLSCRIBE_MOST_RECOGNITION_DELAY_MS": str(delay_ms),
    }
    with open_blocks() as blocks:
        async with (
            open_instance(make_flows(blocks, callee_port), **(ports | settings)) as instance,
            open_watcher(instance) as watcher,
        ):
            yield Stage(instance, watcher, folder, callee_port, blocks)


def make_flows(blocks: Blocks, callee_port: int) -> dict[str, Any]:
    """The flow files, by name."""
    flows: dict[str, Any] = {}
    for pair in range(MOST_PAIRS):
        callee = {"type": "sip", "target": f"callee@{blocks.callee(pair)}:{callee_port}"}
        connect = {"type": "connect", "option": {"destinations": [callee]}}
        for flow, language in ((Flow.CONNECT_ENGLISH, "en-US"), (Flow.CONNECT_KOREAN, "ko-KR")):
            flows[f"connect-{flow}{pair:02}"] = _flow(flow, pair, language, [{"type": "transcribe_start"}, connect])
        start = {"type": "transcribe_start", "option": {"direction": "out"}}
        for flow, language in ((Flow.PROMPTS_ENGLISH, "en-US"), (Flow.PROMPTS_KOREAN, "ko-KR")):
            talk = {"type": "talk", "option": {"text": PROMPT_TEXTS[language]}}
            flows[f"prompts-{flow}{pair:02}"] = _flow(flow, pair, language, [start, *[talk] * PROMPTS])
        sleep = {"type": "sleep", "option": {"duration": 600_000}}
        flows[f"silent-{pair:02}"] = _flow(Flow.NO_TRANSCRIPTION, pair, "en-US", [sleep])
    digit = {"type": "digits_receive", "option": {"duration": 20_000, "length": 1}}
    talk = {"type": "talk", "option": {"text": PROMPT_TEXTS["en-US"]}}
    flows["probe"] = _flow(Flow.PROBE, 0, "en-US", [digit, talk])
    return flows


def _flow(flow: Flow, pair: int, language: str, actions: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "name": f"load {flow.name.lower()} {pair}",
        "numbers": [f"{flow}{pair:02}"],
        "language": language,
        "actions": [{"type": "answer"}, *actions],
    }


def read_metrics(text: str) -> dict[str, float]:
    """Prometheus' text form as numbers by name (with labels, as it is written)."""
    metrics = {}
    for line in text.splitlines():
        name, _, value = line.rpartition(" ")
        if name.startswith("callscribe_"):
            metrics[name] = float(value)
    return metrics
