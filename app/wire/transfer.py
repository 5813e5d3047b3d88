"""A transfer as JSON (contract 3.2, and the fields of VoIPBIN's own)."""

from app.domain.ids import ZERO_ID
from app.domain.timestamps import NEVER, format_timestamp
from app.domain.transfer import Transfer, TransferType
from app.wire.address import AddressBody, address_body
from app.wire.forms import Body, Id, Timestamp


class TransferBody(Body):
    """A transfer that has begun; it is not kept: its calls tell how it gets on."""

    id: Id
    customer_id: Id
    type: TransferType
    transferer_call_id: Id
    transferee_addresses: tuple[AddressBody, ...]
    transferee_call_id: Id
    groupcall_id: Id = ZERO_ID
    confbridge_id: Id = ZERO_ID
    tm_create: Timestamp
    tm_update: Timestamp
    tm_delete: Timestamp = NEVER


def transfer_body(transfer: Transfer) -> TransferBody:
    """Return the JSON body of a transfer."""
    return TransferBody(
        id=transfer.id,
        customer_id=transfer.customer_id,
        type=transfer.type,
        transferer_call_id=transfer.transferer_call_id,
        transferee_addresses=tuple(address_body(each) for each in transfer.transferee_addresses),
        transferee_call_id=transfer.transferee_call_id or ZERO_ID,
        tm_create=format_timestamp(transfer.tm_create),
        tm_update=format_timestamp(transfer.tm_create),
    )
