"""Who takes which port of `CALLSCRIBE_RTP_PORTS`, and how many calls they carry: pure arithmetic.

Asterisk takes a pair of ports for every RTP channel: a random `x & ~1` between `rtpstart` and `rtpend` for RTP and
x + 1 for RTCP (res/res_rtp_asterisk.c). So `rtpstart` must be even and `rtpend` odd, else the pair lies outside.
"""

import re
from dataclasses import dataclass

from app.errors import InvalidSetting

SETTING = "CALLSCRIBE_RTP_PORTS"
PAIRS_PER_CALL = 3
"""The call's own leg and the taps of its two directions."""

_LOWEST_PORT = 1024  # Asterisk takes no lower one
_HIGHEST_PORT = 65535
_MOST_SPARE_PAIRS = 8
_LEAST_ASTERISK_PAIRS = PAIRS_PER_CALL + 1
_RANGE = re.compile(r"\s*([0-9]{1,6})\s*-\s*([0-9]{1,6})\s*")


@dataclass(frozen=True, slots=True)
class RtpPorts:
    """The division of the range: our receiver's port (its odd neighbour stays unused), Asterisk's first and last."""

    receiver_port: int
    asterisk_start: int
    asterisk_end: int

    @property
    def pairs(self) -> int:
        """How many RTP channels Asterisk can have at once."""
        return (self.asterisk_end - self.asterisk_start + 1) // 2

    @property
    def spare_pairs(self) -> int:
        """Pairs that no call may reserve: a call that we refuse needs one to get far enough to be told so (503)."""
        return min(_MOST_SPARE_PAIRS, max(1, self.pairs // 10))


def divide_rtp_ports(text: str) -> RtpPorts:
    """Read `START-END` (inclusive) and divide it; InvalidSetting when it is no range or too small for one call."""
    match = _RANGE.fullmatch(text)
    if match is None:
        raise InvalidSetting(SETTING, f"{text!r} is not a range of ports; expected START-END such as 10000-20000")
    start, end = int(match[1]), int(match[2])
    if not _LOWEST_PORT <= start <= end <= _HIGHEST_PORT:
        raise InvalidSetting(
            SETTING,
            f"{start}-{end} is not a range of ports; expected {_LOWEST_PORT} <= START <= END <= {_HIGHEST_PORT}",
        )
    receiver_port = start + start % 2
    ports = RtpPorts(receiver_port, receiver_port + 2, end if end % 2 else end - 1)
    if ports.pairs < _LEAST_ASTERISK_PAIRS:
        raise InvalidSetting(
            SETTING,
            f"{start}-{end} is too small for one call; expected at least {2 + 2 * _LEAST_ASTERISK_PAIRS} ports from an "
            "even START, such as 10000-10009 (one call) or 10000-20000",
        )
    return ports


class PortBudget:
    """Counts the pairs that the calls hold, so that a call is refused before Asterisk runs out of ports.

    Asterisk itself picks the ports. For one thread: the event loop.
    """

    def __init__(self, ports: RtpPorts) -> None:
        self._free = ports.pairs - ports.spare_pairs
        self._reserved: dict[str, int] = {}

    @property
    def free_pairs(self) -> int:
        """How many pairs can still be reserved."""
        return self._free

    def reserve(self, call_id: str, pairs: int = PAIRS_PER_CALL) -> bool:
        """Reserve `pairs` more for the call; False, and nothing reserved, when so many are not free."""
        if pairs > self._free:
            return False
        self._free -= pairs
        self._reserved[call_id] = self._reserved.get(call_id, 0) + pairs
        return True

    def release(self, call_id: str) -> None:
        """Give back all pairs of the call; nothing happens for a call that holds none."""
        self._free += self._reserved.pop(call_id, 0)
