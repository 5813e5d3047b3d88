"""Loopback addresses that nobody else uses, so that two benchmarks can run side by side on one machine.

A block is the 254 addresses of 127.0.N.0/24. Whoever takes one holds it with a socket on its last address, for SIPp is
bound to the others only while a load runs; blocks in which any other program is bound (an older benchmark, that holds
nothing) are left out too.
"""

import re
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

NUMBERS: Final = range(1, 255)
HELD_PORT: Final = 16999
_HELD_HOST: Final = 254
PROBE_HOST: Final = 250
_TABLES: Final = tuple(Path("/proc/net") / name for name in ("udp", "tcp", "raw"))
_LOCAL: Final = re.compile(r"^\s*\d+: ([0-9A-F]{8}):", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Blocks:
    """Block numbers (N of 127.0.N.x) of callers and callees."""

    callers: int
    callees: int

    def caller(self, pair: int) -> str:
        """The address from which pair `pair` calls."""
        return f"127.0.{self.callers}.{pair + 1}"

    def callee(self, pair: int) -> str:
        """The address at which pair `pair` answers."""
        return f"127.0.{self.callees}.{pair + 1}"

    @property
    def probe(self) -> str:
        """The address from which the probe calls."""
        return f"127.0.{self.callers}.{PROBE_HOST}"


def read_blocks_in_use(table: str) -> set[int]:
    """Block numbers of the local addresses in a table of /proc/net (proc(5): hexadecimal, little-endian)."""
    addresses = (bytes.fromhex(found)[::-1] for found in _LOCAL.findall(table))
    return {address[2] for address in addresses if address[:2] == b"\x7f\x00"}


def blocks_in_use() -> set[int]:
    """Blocks in which some program of this machine is bound now."""
    return set().union(*(read_blocks_in_use(path.read_text()) for path in _TABLES if path.exists()))


@contextmanager
def open_blocks() -> Iterator[Blocks]:
    """Take the first two free blocks; OSError when there are none. They are free again on leaving."""
    used = blocks_in_use()
    held: list[tuple[int, socket.socket]] = []
    try:
        for number in NUMBERS:
            if number in used:
                continue
            holder = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            try:
                holder.bind((f"127.0.{number}.{_HELD_HOST}", HELD_PORT))
            except OSError:  # taken since we looked
                holder.close()
                continue
            held.append((number, holder))
            if len(held) == 2:
                break
        if len(held) < 2:
            raise OSError("no two blocks of 127.0.N.x are free: other programs are bound in all of them")
        yield Blocks(held[0][0], held[1][0])
    finally:
        for _, holder in held:
            with suppress(OSError):
                holder.close()
