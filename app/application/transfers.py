"""Transfers: ordered by the API, or asked for by a telephone (SIP REFER)."""

from __future__ import annotations

from collections.abc import Sequence

from app.application.dialling import Dialling
from app.ari.events import ReferTo
from app.call.connect import Connector
from app.call.live_call import LiveCall
from app.call.live_calls import LiveCalls
from app.call.transfer import TransferOrder
from app.domain.call import Address, AddressType, Call, CallDirection
from app.domain.transfer import TransferType
from app.errors import CallAlreadyHangup
from app.logs import get_log
from app.store.store import Store

log = get_log("call")


class Transfers:
    """Carries transfers out. `by_phone` is what LiveCalls calls for a REFER."""

    def __init__(self, live_calls: LiveCalls, connector: Connector, dialling: Dialling, store: Store) -> None:
        self._live_calls = live_calls
        self._connector = connector
        self._dialling = dialling
        self._store = store

    async def start(self, transferer: Call, kind: TransferType, destinations: Sequence[Address]) -> str:
        """Begin to transfer the peer of a live call to the first of `destinations` that answers; that call's id.

        CallAlreadyHangup, StateInvalid (it talks with nobody), InvalidArgument (no destination can be reached).
        """
        call = self._live_calls.find(transferer.id)
        if call is None:
            raise CallAlreadyHangup(f"the call {transferer.id} has ended")
        return await self._transfer(call, kind, destinations)

    async def by_phone(self, call: LiveCall, refer_to: ReferTo) -> bool:
        """A party asks for a transfer: only our own phones may, a stranger could call on its customer's cost."""
        if _own(call.record).type is not AddressType.EXTENSION:
            log.warning("a transfer was refused: not a phone of ours asks for it", call_id=call.record.id)
            return False
        if refer_to.destination_channel is not None:
            other = self._live_calls.find_by_channel(refer_to.destination_channel.id)
            if other is None or other.record.customer_id != call.record.customer_id:
                return False
            await self._connector.join(call.record.id, other.record.id)
            return True
        destination = await self._inside(call.record.customer_id, refer_to.requested_destination.destination)
        if destination is None:
            log.info("a transfer was refused: nothing answers the number", call_id=call.record.id)
            return False
        await self._transfer(call, TransferType.BLIND, (destination,))
        return True

    async def _transfer(self, call: LiveCall, kind: TransferType, destinations: Sequence[Address]) -> str:
        # The new party sees who is transferred, as with any PBX; the address of the one who goes is the fallback.
        shown = _own(call.peer.record if call.peer is not None else call.record)
        callees = await self._dialling.callees(call.record.customer_id, shown, destinations)
        log.info("a call is transferred", call_id=call.record.id, kind=kind.value)
        return await self._connector.transfer(TransferOrder(kind, call.record.id, callees))

    async def _inside(self, customer_id: str, dialled: str) -> Address | None:
        """Whom a phone can transfer to: another phone of its customer, or the outside by trunk."""
        extension = await self._store.extensions.find(customer_id, dialled)
        if extension is not None:
            return Address(AddressType.EXTENSION, extension.id, extension.extension, extension.name)
        return Address(AddressType.TEL, dialled) if dialled.startswith("+") and dialled[1:].isdigit() else None


def _own(record: Call) -> Address:
    """Return the address of a call's far party."""
    return record.source if record.direction is CallDirection.INCOMING else record.destination
