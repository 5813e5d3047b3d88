"""`/v1.0/transfers`: the peer of a live call gets another party to talk with (contract 3.2)."""

from __future__ import annotations

from typing import Annotated

from aiohttp import web
from pydantic import Field

from app.api.addresses import AddressField
from app.api.call_orders import MOST_DESTINATIONS
from app.api.keys import CONTEXT, IDENTITY
from app.api.request_body import BodyId, RequestBody, read_body
from app.api.responses import one
from app.api.route import Route, post
from app.domain.ids import new_id
from app.domain.timestamps import now
from app.domain.transfer import Transfer, TransferType
from app.errors import InvalidArgument
from app.wire.transfer import TransferBody, transfer_body


class TransferStart(RequestBody):
    """The body of POST /v1.0/transfers."""

    transfer_type: TransferType = Field(
        description="blind: the transferring party goes at once, its peer hears ringing; attended: its peer hears "
        "music while it talks with the new party, and has the new party when it hangs up"
    )
    transferer_call_id: BodyId = Field(description="The live call of the party that transfers its peer")
    transferee_addresses: Annotated[tuple[AddressField, ...], Field(min_length=1, max_length=MOST_DESTINATIONS)] = (
        Field(description="Who is rung, all at once; the first that answers is the new party")
    )


def routes() -> list[Route]:
    """Return the routes of transfers."""
    return [post("/v1.0/transfers", start_transfer, TransferBody, TransferStart, errors=(409, 503))]


async def start_transfer(request: web.Request) -> web.Response:
    """Transfer the peer of a connected call to somebody else; STATE_INVALID when the call talks with nobody."""
    asked, context, identity = await read_body(request, TransferStart), request.app[CONTEXT], request[IDENTITY]
    call = await context.store.calls.get(identity.customer_id, asked.transferer_call_id)
    if call is None or call.tm_delete is not None:
        raise InvalidArgument("transferer_call_id", "there is no call with this id")
    first_call_id = await context.transfers.start(call, asked.transfer_type, asked.transferee_addresses)
    begun = Transfer(
        new_id(),
        identity.customer_id,
        asked.transfer_type,
        call.id,
        asked.transferee_addresses,
        first_call_id,
        now(),
    )
    return one(transfer_body(begun))
