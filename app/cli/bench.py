"""`callscribe bench`: load this machine with calls and say what it carries. The load harness is the checkout's own."""

import os
import sys
from collections.abc import Sequence
from typing import NoReturn

from app.errors import InvalidArgument
from app.settings import CHECKOUT

HARNESS = CHECKOUT / "benchmarks" / "load"


def run_bench(arguments: Sequence[str]) -> NoReturn:
    """Become the load harness with these arguments. It starts an instance of its own on free ports.

    InvalidArgument where there is no checkout: human speech, SIPp scenarios and their evaluation are not installed.
    """
    if not (HARNESS / "__main__.py").is_file():
        raise InvalidArgument("bench", f"the load harness is not in {HARNESS}; run it from a checkout of Callscribe")
    os.chdir(CHECKOUT)
    # In our place, so that a signal ends it, its calls and its Asterisk in order.
    os.execv(sys.executable, [sys.executable, "-m", "benchmarks.load", *arguments])  # noqa: S606 - our own program
