"""Webhook deliveries in the store: the outbox (ADR 0021)."""

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import ColumnElement, Subquery, func, literal, select, update

from app.domain.webhook import DeliveryStatus, WebhookDelivery
from app.store.pruning import delete_in_batches
from app.store.resource_table import MAX_PAGE_SIZE, ResourceTable
from app.store.schema import WEBHOOK_DELIVERIES
from app.store.uninterrupted import uninterrupted

_COLUMNS = WEBHOOK_DELIVERIES.c

# In the text of the statement: a parameter would keep the database from using the index of what is pending.
_IS_PENDING = _COLUMNS.status == literal(DeliveryStatus.PENDING, _COLUMNS.status.type, literal_execute=True)


class WebhookDeliveries(ResourceTable[WebhookDelivery]):
    """All deliveries: those that wait, and those that arrived or were given up and are still kept."""

    table = WEBHOOK_DELIVERIES
    kind = WebhookDelivery
    word = "webhook_delivery"

    async def list(
        self,
        customer_id: str,
        *,
        page_size: int = MAX_PAGE_SIZE,
        before: datetime | None = None,
        status: DeliveryStatus | None = None,
    ) -> tuple[WebhookDelivery, ...]:
        """Return one page, newest first, made before `before`, of the status that is given."""
        where: tuple[ColumnElement[bool], ...] = (_COLUMNS.customer_id == customer_id,)
        if status is not None:
            where += (_COLUMNS.status == status,)
        return await self._page(*where, page_size=page_size, before=before)

    async def due(self, moment: datetime, limit: int, *, without: Collection[str] = ()) -> tuple[WebhookDelivery, ...]:
        """Return what is to be sent at `moment`, by `seq`: of each receiver and order_key only the first that waits.

        What waits behind one that is tried again later waits with it; one that was given up holds nothing back.
        `without` are the addresses of receivers that are not asked for.
        """
        first = _first_in_line(without)
        query = select(WEBHOOK_DELIVERIES).join(first, _is_first(first))
        return await self._all(query.where(_COLUMNS.tm_next <= moment).order_by(_COLUMNS.seq).limit(limit))

    async def first_pending(self, uri: str, order_key: str) -> WebhookDelivery | None:
        """Return the first that waits for this receiver with this order_key, due or not."""
        query = select(WEBHOOK_DELIVERIES).where(_IS_PENDING, _COLUMNS.uri == uri, _COLUMNS.order_key == order_key)
        return await self._first(query.order_by(_COLUMNS.seq))

    @uninterrupted
    async def next_due(self, *, after: datetime | None = None) -> datetime | None:
        """Return when the next one is to be sent, which may be in the past; None when nothing waits.

        With `after` only those that are to be sent later than that count.
        """
        first = _first_in_line()
        query = select(func.min(_COLUMNS.tm_next)).select_from(WEBHOOK_DELIVERIES).join(first, _is_first(first))
        if after is not None:
            query = query.where(_COLUMNS.tm_next > after)
        async with self._access.reading() as connection:
            moment: datetime | None = (await connection.execute(query)).scalar()
        return moment

    @uninterrupted
    async def resend_failed(self, customer_id: str, moment: datetime) -> int:
        """Make all of the customer's that were given up wait again, as new ones from `moment` on; return how many."""
        given_up = update(WEBHOOK_DELIVERIES).where(
            _COLUMNS.customer_id == customer_id, _COLUMNS.status == DeliveryStatus.FAILED, _COLUMNS.tm_delete.is_(None)
        )
        again = {"status": DeliveryStatus.PENDING, "attempts": 0}
        moments = dict.fromkeys(("tm_next", "tm_resend", "tm_update"), moment)
        async with self._access.writing() as connection:
            return (await connection.execute(given_up.values(again | moments))).rowcount

    async def prune(
        self,
        before: datetime,
        *,
        over: Collection[DeliveryStatus] = (DeliveryStatus.DELIVERED, DeliveryStatus.FAILED),
    ) -> int:
        """Remove for good what came to one of these ends before `before`; return how many."""
        is_over = _COLUMNS.status.in_(over)
        return await delete_in_batches(
            self._access, _COLUMNS.id, select(_COLUMNS.id).where(is_over, _COLUMNS.tm_update < before)
        )


def _first_in_line(without: Collection[str] = ()) -> Subquery:
    first = select(_COLUMNS.uri, _COLUMNS.order_key, func.min(_COLUMNS.seq).label("seq"))
    if without:
        first = first.where(_COLUMNS.uri.not_in(without))
    return first.where(_IS_PENDING).group_by(_COLUMNS.uri, _COLUMNS.order_key).subquery("first")


def _is_first(first: Subquery) -> ColumnElement[bool]:
    return (
        _IS_PENDING
        & (_COLUMNS.uri == first.c.uri)
        & (_COLUMNS.order_key == first.c.order_key)
        & (_COLUMNS.seq == first.c.seq)
    )
