"""A webhook delivery as data: one event on its way to one address, until it is there or given up (contract 7)."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class DeliveryStatus(StrEnum):
    """Where a delivery is in its life; `failed` = given up, it can be sent again."""

    PENDING = "pending"
    DELIVERED = "delivered"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class WebhookDelivery:
    """One event for one receiver. Its `id` is sent along, the same at every attempt.

    `order_key`: deliveries of one receiver that share it go out one after the other in the order of `seq`, which is
    the event's (see EventRecord). `body` is the exact text that is signed and sent. `tm_next` is when it is tried next.
    `tm_resend` is when it was last told to be sent again: the hours until it is given up count from there.
    """

    id: str
    customer_id: str
    seq: int
    order_key: str
    event_type: str
    uri: str
    method: str
    body: str
    status: DeliveryStatus
    tm_create: datetime
    tm_update: datetime
    tm_next: datetime
    attempts: int = 0
    last_error: str = ""
    tm_delivered: datetime | None = None
    tm_resend: datetime | None = None
    tm_delete: datetime | None = None
