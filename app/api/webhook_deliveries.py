"""`/v1.0/webhook_deliveries`: what became of the events that go to webhooks, and sending them again (our addition)."""

from __future__ import annotations

from dataclasses import replace

from aiohttp import web
from pydantic import BaseModel, Field

from app.api.errors import InvalidRequestParameter
from app.api.keys import CONTEXT, IDENTITY
from app.api.ownership import own_present
from app.api.request_query import PATH_ID, page_query, path_id
from app.api.responses import one
from app.api.responses import page as answer_page
from app.api.route import Query, Route, get, page, post
from app.domain.timestamps import now
from app.domain.webhook import DeliveryStatus
from app.errors import StateInvalid
from app.wire.webhook_delivery import WebhookDeliveryBody, webhook_delivery_body

_STATUSES = [status.value for status in DeliveryStatus]
_STATUS = Query("status", {"type": "string", "enum": _STATUSES}, "Only deliveries of this status.")


class ResentBody(BaseModel):
    """How many deliveries are sent again."""

    resent: int = Field(description="deliveries that had failed and wait to be sent now")


def routes() -> list[Route]:
    """Return the routes of webhook deliveries."""
    root = "/v1.0/webhook_deliveries"
    return [
        page(root, list_deliveries, WebhookDeliveryBody, _STATUS),
        post(f"{root}/resend", resend_failed, ResentBody),
        get(f"{root}/{PATH_ID}", get_delivery, WebhookDeliveryBody),
        post(f"{root}/{PATH_ID}/resend", resend, WebhookDeliveryBody, errors=(404, 409)),
    ]


async def list_deliveries(request: web.Request) -> web.Response:
    """Show the webhook deliveries, newest first; `status=failed` are those that were given up."""
    wanted = page_query(request)
    rows = await request.app[CONTEXT].store.webhook_deliveries.list(
        request[IDENTITY].customer_id, page_size=wanted.size, before=wanted.before, status=_status(request)
    )
    return answer_page(rows, webhook_delivery_body)


async def get_delivery(request: web.Request) -> web.Response:
    """Show one webhook delivery: how often it was tried and what stood against it."""
    deliveries = request.app[CONTEXT].store.webhook_deliveries
    return one(webhook_delivery_body(await own_present(deliveries, path_id(request), request[IDENTITY])))


async def resend(request: web.Request) -> web.Response:
    """Send a failed or delivered one again, now, with the same id and body; 409 while it is pending."""
    context = request.app[CONTEXT]
    deliveries = context.store.webhook_deliveries
    delivery = await own_present(deliveries, path_id(request), request[IDENTITY])
    if delivery.status is DeliveryStatus.PENDING:
        raise StateInvalid("this delivery is pending: it is being sent, or tried again by itself")
    moment = now()
    waiting = replace(
        delivery,
        status=DeliveryStatus.PENDING,
        attempts=0,
        tm_next=moment,
        tm_resend=moment,
        tm_delivered=None,
        tm_update=moment,
    )
    await deliveries.update(waiting)
    context.webhooks.wake()
    return one(webhook_delivery_body(waiting))


async def resend_failed(request: web.Request) -> web.Response:
    """Send all failed deliveries again, now."""
    context = request.app[CONTEXT]
    resent = await context.store.webhook_deliveries.resend_failed(request[IDENTITY].customer_id, now())
    if resent:
        context.webhooks.wake()
    return one(ResentBody(resent=resent))


def _status(request: web.Request) -> DeliveryStatus | None:
    text = request.query.get("status", "")
    if not text:
        return None
    if text not in _STATUSES:
        raise InvalidRequestParameter("status", f"expected {', '.join(_STATUSES[:-1])} or {_STATUSES[-1]}")
    return DeliveryStatus(text)
