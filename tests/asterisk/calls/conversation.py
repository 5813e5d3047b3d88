"""What a caller says in a test: human speech cut together, with the truth of what was said when."""

import asyncio
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np

from app.cli.caller import Caller, CallPlan, open_caller
from app.cli.wav_file import write_wav
from app.domain.audio import SAMPLE_RATE, pcm_seconds
from app.domain.timestamps import parse_timestamp
from tests.asterisk.calls.instance import Instance
from tests.speech_files import SpokenFile, read_samples

GAP_SECONDS = 1.2
SLACK_SECONDS = 0.6


@dataclass(frozen=True)
class Said:
    """One file in the conversation: speech lasted from `start` to `end` seconds after the first sample.

    `earliest` is where the first sound is that could be speech: breath, a click, a soft beginning.
    """

    path: Path
    text: str
    earliest: float
    start: float
    end: float


@dataclass(frozen=True)
class Script:
    """A WAV file to speak, and the truth about it."""

    wav: Path
    said: list[Said]


def voiced_span(pcm: bytes) -> tuple[float, float, float]:
    """The first loud moment, and where speech begins and ends, in seconds, told without our detector.

    Speech = at least 100 of 140 ms within 25 dB of the loud parts; some files carry a click every 220 ms.
    """
    samples = np.frombuffer(pcm, "<i2").astype(np.float64)
    power = (samples[: len(samples) // 160 * 160].reshape(-1, 160) ** 2).mean(axis=1)
    level = 10 * np.log10(power + 1)
    is_loud = level > np.percentile(level, 95) - 25
    is_speech = np.convolve(is_loud, np.ones(7), "valid") >= 5
    first, last = np.flatnonzero(is_speech)[[0, -1]]
    start = first + np.flatnonzero(is_loud[first:])[0]
    end = last + np.flatnonzero(is_loud[last : last + 7])[-1] + 1
    return float(np.flatnonzero(is_loud)[0]) * 0.02, float(start) * 0.02, float(end) * 0.02


def write_script(files: list[SpokenFile], wav: Path, lead_seconds: float = 0.5) -> Script:
    """Put files one after the other with pauses; the recording ends right after the last word."""
    pcm = bytes(int(lead_seconds * SAMPLE_RATE) * 2)
    said = []
    for path, text in files:
        samples = read_samples(path)
        earliest, start, end = voiced_span(samples)
        at = pcm_seconds(pcm)
        said.append(Said(path, text, at + earliest, at + start, at + end))
        pcm += samples + bytes(int(GAP_SECONDS * SAMPLE_RATE) * 2)
    write_wav(wav, pcm[: int((said[-1].end + 0.06) * SAMPLE_RATE) * 2])
    return Script(wav, said)


@dataclass
class Conversation:
    """A call that was held: its script, its transcribe, and its transcripts in time order."""

    script: Script
    began: datetime
    ended: float
    call: dict[str, Any]
    transcribe: dict[str, Any]
    rows: list[dict[str, Any]]

    def direction(self, direction: str) -> list[dict[str, Any]]:
        return [row for row in self.rows if row["direction"] == direction]

    def text(self, direction: str) -> str:
        return " ".join(row["message"] for row in self.direction(direction))

    def moment(self, row: dict[str, Any]) -> float:
        """Seconds after the script's first sample at which the row's speech began."""
        at = parse_timestamp(self.transcribe["tm_create"]) + timedelta(milliseconds=row["offset_ms"])
        return (at - self.began).total_seconds()

    def heard_of(self, said: Said) -> list[dict[str, Any]]:
        """The rows of the caller whose middle lies in what was said there."""
        low, high = said.start - SLACK_SECONDS, said.end + SLACK_SECONDS
        return [row for row in self.direction("in") if low <= self.moment(row) + row["duration_ms"] / 2000 <= high]


def wall_time(monotonic: float) -> datetime:
    """A moment of the machine's monotonic clock as wall time."""
    return datetime.now(UTC) - timedelta(seconds=time.monotonic() - monotonic)


async def hold(instance: Instance, number: str, script: Script, user: str, stay_seconds: float = 0.3) -> Conversation:
    """Call, speak the script, hang up `stay_seconds` after the last word; wait for the end, read everything back."""
    plan = CallPlan(instance.sip_uri(number), say=script.wav, user=user, stay_seconds=stay_seconds)
    async with open_caller(plan) as caller:
        await caller.finish()
    return await read_back(instance, caller, script, user)


async def read_back(instance: Instance, caller: Caller, script: Script, user: str) -> Conversation:
    """Wait for the call's end at the server and read its resources over REST."""

    def has_ended(instance: Instance) -> bool:
        return any(data["source"]["target"] == user for data in instance.of_type("call_hangup"))

    await instance.wait_for(has_ended, 5, f"the end of the call of {user}")
    call = next(data for data in instance.of_type("call_hangup") if data["source"]["target"] == user)
    page = await instance.get("/transcribes", reference_type="call", reference_id=call["id"])
    transcribe = page["result"][0]
    rows: list[dict[str, Any]] = []
    token = ""
    while True:
        query = (
            {"transcribe_id": transcribe["id"], "page_token": token} if token else {"transcribe_id": transcribe["id"]}
        )
        page = await instance.get("/transcripts", **query)
        if not page["result"]:
            break
        rows += page["result"]
        token = page["next_page_token"]
        if not token:
            break
    rows.sort(key=lambda row: int(row["offset_ms"]))
    began = wall_time(caller.time_of("saying"))
    return Conversation(script, began, caller.time_of("ended"), call, transcribe, rows)


async def hold_all(instance: Instance, number: str, scripts: dict[str, Script]) -> list[Conversation]:
    """Hold several conversations at once, each by a caller of that name."""
    return list(await asyncio.gather(*(hold(instance, number, script, user) for user, script in scripts.items())))
