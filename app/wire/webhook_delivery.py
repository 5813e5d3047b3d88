"""A webhook delivery as JSON (our addition): what was sent where, or why it was not."""

import json

from app.domain.timestamps import format_timestamp
from app.domain.webhook import DeliveryStatus, WebhookDelivery
from app.wire.forms import Body, Id, Timestamp, timestamp_or_never


class WebhookDeliveryBody(Body):
    """One event for one receiver; `payload` is what is sent, `seq` the event's place among all."""

    id: Id
    customer_id: Id
    seq: int
    event_type: str
    uri: str
    method: str
    status: DeliveryStatus
    attempts: int
    last_error: str
    payload: dict[str, object]
    tm_next: Timestamp
    tm_delivered: Timestamp
    tm_resend: Timestamp
    tm_create: Timestamp
    tm_update: Timestamp
    tm_delete: Timestamp


def webhook_delivery_body(delivery: WebhookDelivery) -> WebhookDeliveryBody:
    """Return the JSON body of a webhook delivery."""
    return WebhookDeliveryBody(
        id=delivery.id,
        customer_id=delivery.customer_id,
        seq=delivery.seq,
        event_type=delivery.event_type,
        uri=delivery.uri,
        method=delivery.method,
        status=delivery.status,
        attempts=delivery.attempts,
        last_error=delivery.last_error,
        payload=json.loads(delivery.body),
        tm_next=format_timestamp(delivery.tm_next),
        tm_delivered=timestamp_or_never(delivery.tm_delivered),
        tm_resend=timestamp_or_never(delivery.tm_resend),
        tm_create=format_timestamp(delivery.tm_create),
        tm_update=format_timestamp(delivery.tm_update),
        tm_delete=timestamp_or_never(delivery.tm_delete),
    )
