"""A party of a connection: a call, and the moment when it is let go of."""

import asyncio
from dataclasses import dataclass

from app.call.live_call import LiveCall
from app.call.wait_any import wait_any
from app.domain.call import HangupReason
from app.errors import LegGone


@dataclass(frozen=True, slots=True)
class ConnectOutcome:
    """How a connect ended. `reason` is why nobody answered, or why the other party's call ended ("" while it lives)."""

    is_answered: bool
    reason: HangupReason
    call_id: str = ""


FAILED = ConnectOutcome(is_answered=False, reason=HangupReason.FAILED)
"""What a party is let go with when the connection broke or was ended by us."""


class Party:
    """One side of a connection; its flow waits with `wait_out`."""

    def __init__(self, call: LiveCall) -> None:
        self.call = call
        self._out: asyncio.Future[ConnectOutcome] = asyncio.get_running_loop().create_future()

    @property
    def is_gone(self) -> bool:
        """Whether it has hung up."""
        return self.call.is_gone

    def let_go(self, outcome: ConnectOutcome) -> None:
        """Its part in the connection is over: its flow goes on. A second time changes nothing."""
        if not self._out.done():
            self._out.set_result(outcome)

    async def wait_out(self) -> ConnectOutcome:
        """Return when it is let go of; LegGone when it has hung up."""
        await wait_any(asyncio.shield(self._out), self.call.wait_gone())
        if self.is_gone or not self._out.done():
            raise LegGone("the party has hung up while it was connected")
        return self._out.result()


Pair = tuple[Party, Party]
"""Two parties who talk with each other."""
