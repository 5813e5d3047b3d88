"""How long after the end of the last word a transcript reaches a WebSocket client, on real calls.

`.venv/bin/python -m benchmarks.latency [--calls 1,8] [--language en-US] [--seconds 60]`: starts a Callscribe of its own
with the real Asterisk; callers speak human speech, sentence by sentence; prints p50 and p95 in ms as a table and as one
JSON line. "pieces" is how many transcripts one spoken file became: over 1 means that sentences were cut at pauses.
"""

import argparse
import asyncio
import json
import statistics
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tests.asterisk.calls.conversation import Conversation, hold_all, write_script
from tests.asterisk.calls.instance import Instance, open_instance
from tests.speech_files import SpokenFile, english_files, korean_files, read_samples


def flow(language: str) -> dict[str, Any]:
    """A flow that only listens."""
    sleep = {"type": "sleep", "option": {"duration": 3_600_000}}
    return {
        "name": "latency",
        "numbers": ["7000"],
        "language": language,
        "actions": [{"type": "answer"}, {"type": "transcribe_start"}, sleep],
    }


def choose(files: list[SpokenFile], first: int, seconds: float) -> list[SpokenFile]:
    """Files for one caller, another order for each, about `seconds` of them."""
    chosen: list[SpokenFile] = []
    length = 0.0
    while length < seconds:
        spoken = files[(first + len(chosen)) % len(files)]
        chosen.append(spoken)
        length += len(read_samples(spoken[0])) / 16000 + 1.2
    return chosen


def latencies(instance: Instance, conversation: Conversation) -> tuple[list[float], list[int]]:
    """Milliseconds from the end of each file's last word to the arrival of its last transcript; pieces per file."""
    arrived = {
        event["data"]["id"]: at
        for event, at in zip(instance.events, instance.arrived, strict=False)
        if event["type"] == "transcript_created"
    }
    began = time.monotonic() - (datetime.now(UTC) - conversation.began).total_seconds()
    delays, pieces = [], []
    for said in conversation.script.said:
        rows = conversation.heard_of(said)
        pieces.append(len(rows))
        if rows:
            delays.append((arrived[rows[-1]["id"]] - began - said.end) * 1000)
    return delays, pieces


async def measure(
    instance: Instance, files: list[SpokenFile], calls: int, seconds: float, name: str = "latency"
) -> dict[str, Any]:
    """Hold `calls` conversations at once."""
    with tempfile.TemporaryDirectory() as folder:
        scripts = {
            f"{name}-{calls}-{n}": write_script(
                choose(files, 3 * n, seconds), Path(folder) / f"{n}.wav", 0.5 + n * 0.37
            )
            for n in range(calls)
        }
        conversations = await hold_all(instance, "7000", scripts)
    delays, pieces = [], []
    for each in conversations:
        own_delays, own_pieces = latencies(instance, each)
        # The last file's end is the hang-up, 0.3 s after the last word: another path, not counted here.
        delays += own_delays[:-1]
        pieces += own_pieces[:-1]
    points = statistics.quantiles(delays, n=20)
    return {
        "calls": calls,
        "engine": conversations[0].transcribe["engine"],
        "utterances": len(delays),
        "p50_ms": round(points[9]),
        "p95_ms": round(points[18]),
        "max_ms": round(max(delays)),
        "pieces_per_file": round(sum(pieces) / len(pieces), 2),
    }


async def run(options: argparse.Namespace) -> None:
    """Measure each number of calls in one instance."""
    files = korean_files() if options.language.startswith("ko") else english_files()
    results = []
    async with open_instance({"latency": flow(options.language)}) as instance:
        await measure(instance, files, 1, 25.0, "warm")
        for calls in (int(word) for word in options.calls.split(",")):
            results.append(await measure(instance, files, calls, options.seconds))
            row = results[-1]
            print(
                f"{row['calls']:2} calls  {row['engine']:<9}  {row['utterances']:3} utterances  p50 {row['p50_ms']} ms "
                f" p95 {row['p95_ms']} ms  max {row['max_ms']} ms  pieces {row['pieces_per_file']}",
                flush=True,
            )
    print(json.dumps(results))


def main() -> None:
    """Read the command line and run."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--calls", default="1,8")
    parser.add_argument("--language", default="en-US")
    parser.add_argument("--seconds", type=float, default=60.0)
    asyncio.run(run(parser.parse_args()))


if __name__ == "__main__":
    main()
