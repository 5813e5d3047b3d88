"""`python -m benchmarks.load`, which `callscribe bench`, `make bench` and `make bench-quick` run.

The last line on stdout is the summary as one JSON object; `report.json` and `report.html` lie in the folder `--to`.
"""

import argparse
import asyncio
import json
import signal
from pathlib import Path

from benchmarks.load.bench import run_bench
from benchmarks.load.choice import ENGINES, Choice
from benchmarks.load.plan import Kind


def read_choice(words: list[str] | None = None) -> Choice:
    """The command line as a choice."""
    parser = argparse.ArgumentParser(
        prog="callscribe bench", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    default = Choice()
    parser.add_argument("--quick", action="store_true", help="about five minutes, the same figures")
    parser.add_argument("--kind", action="append", choices=[str(kind) for kind in Kind], help="only this kind of load")
    parser.add_argument("--engine", action="append", choices=list(ENGINES), help="only this engine")
    parser.add_argument("--calls", type=int, help="calls at once; of the search: where it begins")
    parser.add_argument("--seconds", type=float, default=default.talk_seconds, help="how long a call talks")
    parser.add_argument("--soak-minutes", type=float, default=default.soak_minutes)
    parser.add_argument("--overload-minutes", type=float, default=default.overload_minutes)
    parser.add_argument("--most-trials", type=int, default=default.most_trials, help="steps of the search at most")
    parser.add_argument("--no-peer", action="store_true", help="neither the naive peer nor error rates without load")
    parser.add_argument("--to", type=Path, default=default.folder, metavar="FOLDER", help="where the report goes")
    options = parser.parse_args(words)
    return Choice(
        is_quick=options.quick,
        engines=tuple(options.engine or default.engines),
        kinds=tuple(Kind(kind) for kind in options.kind or ()),
        calls=options.calls,
        talk_seconds=options.seconds,
        soak_minutes=options.soak_minutes,
        overload_minutes=options.overload_minutes,
        has_peer=not options.no_peer,
        most_trials=options.most_trials,
        folder=options.to.absolute(),
    )


def main() -> None:
    """Measure, write the report, print the summary."""
    # Both end what was begun in order: calls hung up, Asterisk and the app stopped.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    report = asyncio.run(run_bench(read_choice()))
    print(json.dumps(report.summary(), ensure_ascii=False), flush=True)


if __name__ == "__main__":
    main()
