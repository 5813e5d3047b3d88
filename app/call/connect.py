"""Two parties talk with each other: the connections that live, made by flows, changed by transfers."""

import asyncio
from collections.abc import Sequence

from app.ari.ari import Ari
from app.call.connection import Connection
from app.call.live_call import LiveCall
from app.call.outbound import Outbound, OutgoingCall
from app.call.party import FAILED, ConnectOutcome, Party
from app.call.transfer import Adoption, Handover, TransferOrder
from app.errors import CallscribeError, StateInvalid
from app.logs import get_log
from app.owned_tasks import OwnedTasks

log = get_log("call")


class Connector:
    """Connects calls, and transfers them."""

    def __init__(self, ari: Ari, outbound: Outbound) -> None:
        self._ari = ari
        self._outbound = outbound
        self._live: dict[Connection, asyncio.Task[None]] = {}
        self._tasks = OwnedTasks("no call can be connected now: the program is ending")

    async def run(self) -> None:
        """Own the connections' tasks until cancelled; cancel only when no call lives."""
        await self._tasks.run()

    async def connect(self, caller: LiveCall, callees: Sequence[OutgoingCall]) -> ConnectOutcome:
        """Ring all callees at once and bridge the first that answers; return when the caller's peer has left.

        The callees' calls end with the caller's. A caller whose peer transfers it has another peer then. Raises
        LegGone when the caller hangs up first, or has transferred its peer.
        """
        return await self._open(caller, callees)

    async def talk(self, caller: LiveCall, peer: Party) -> ConnectOutcome:
        """Bridge a caller with a party that has answered already; as `connect` from there on."""
        return await self._open(caller, peer)

    async def part(self, call_id: str) -> None:
        """End the connection of a call: its flow goes on, its peer is hung up. Returns when that is begun."""
        connection = self.find(call_id)
        if connection is not None:
            task = self._live[connection]
            task.cancel()
            await asyncio.wait({task})

    def find(self, call_id: str) -> Connection | None:
        """Return the connection in which a call is, if any."""
        return next((each for each in self._live if each.find(call_id) is not None), None)

    async def transfer(self, order: TransferOrder) -> str:
        """Begin a transfer; the id of the first call that it makes. StateInvalid where the call does not talk."""
        return await self._of(order.leaving_id).order(order)

    async def join(self, first_id: str, second_id: str) -> None:
        """Connect the peers of two calls of the same party, which leaves both: an attended transfer by a telephone."""
        first, second = self._of(first_id), self._of(second_id)
        if first is second or not first.is_talking or not second.is_talking:
            raise StateInvalid("both calls must talk, each with another party")
        taken: asyncio.Future[Party] = asyncio.get_running_loop().create_future()
        await second.order(Handover(second_id, taken))
        newcomer = await taken
        try:
            await first.order(Adoption(first_id, newcomer))
        except CallscribeError:
            newcomer.let_go(FAILED)
            raise

    def _of(self, call_id: str) -> Connection:
        connection = self.find(call_id)
        if connection is None:
            raise StateInvalid("the call is not connected with another party")
        return connection

    async def _open(self, caller: LiveCall, peer: Party | Sequence[OutgoingCall]) -> ConnectOutcome:
        party = Party(caller)
        connection = Connection(self._ari, self._outbound, party)
        task = self._tasks.start(self._run(connection, peer), name=f"connection {caller.record.id}")
        self._live[connection] = task
        return await party.wait_out()

    async def _run(self, connection: Connection, peer: Party | Sequence[OutgoingCall]) -> None:
        try:
            await connection.run(peer)
        except Exception:
            # The isolation boundary between connections: its parties are let go, the others go on.
            log.exception("a connection failed")
        finally:
            del self._live[connection]
