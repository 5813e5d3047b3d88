"""A transfer: one party of a conversation leaves the other one to somebody else (contract 3.2)."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from app.domain.call import Address


class TransferType(StrEnum):
    """`blind`: the transferring party goes at once; `attended`: it talks with the new one first, and goes then."""

    BLIND = "blind"
    ATTENDED = "attended"


@dataclass(frozen=True, slots=True)
class Transfer:
    """A transfer that has begun. `transferee_call_id` is the first call that was made for it."""

    id: str
    customer_id: str
    type: TransferType
    transferer_call_id: str
    transferee_addresses: tuple[Address, ...]
    transferee_call_id: str
    tm_create: datetime
