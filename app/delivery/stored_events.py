"""Reading stored events for a replay: from where it can be done, and page by page (contract 6, our addition)."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Protocol

from app.domain.events import EventRecord

_PAGE = 200
_READERS = 2  # of the store's connections: replays leave some for everything else


class EventTable(Protocol):
    """The stored events, as the store has them."""

    async def last_seq(self) -> int:
        """Return the number of the newest event, 0 when there is none."""
        ...

    async def oldest_seq(self) -> int | None:
        """Return the number of the oldest event that is kept."""
        ...

    async def since(self, customer_id: str, seq: int, limit: int) -> tuple[EventRecord, ...]:
        """Return the customer's first `limit` events after `seq`, oldest first."""
        ...

    async def floor_of_newest(self, customer_id: str, count: int) -> int:
        """Return the number after which the customer's newest `count` events are, 0 when it has no more."""
        ...


@dataclass(frozen=True, slots=True)
class Span:
    """What can be replayed: everything after `start`. `reason` is "" where that is all that was asked for."""

    start: int
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Page:
    """Some stored events in their order. All up to `end` have been read; `is_last` = there were no more."""

    records: tuple[EventRecord, ...]
    end: int
    is_last: bool


class StoredEvents:
    """The stored events for all connections, a few of which read at a time."""

    def __init__(self, table: EventTable) -> None:
        self._table = table
        self._turns = asyncio.Semaphore(_READERS)

    async def find_span(self, customer_id: str, since: object, most: int) -> Span:
        """Return what of the events after `since`, at most the newest `most`, there is; `since` may be anything."""
        async with self._turns:
            last = await self._table.last_seq()
            if not isinstance(since, int) or isinstance(since, bool) or since < 0:
                return Span(last, "since must be a whole number, 0 or more")
            if since > last:
                return Span(last, f"since is ahead: the last event here is {last}")
            oldest = await self._table.oldest_seq()
            floor = await self._table.floor_of_newest(customer_id, most)
        kept_from = last + 1 if oldest is None else oldest
        span = Span(since)
        if since < last and since < kept_from - 1:
            span = Span(kept_from - 1, f"events before {kept_from} are no longer kept")
        return span if floor <= span.start else Span(floor, f"there are more than {most} events after {span.start}")

    async def read(self, customer_id: str, after: int) -> Page:
        """Return the customer's next events after `after`."""
        async with self._turns:
            last = await self._table.last_seq()  # before the page: what it has not is not in the page's reach
            records = await self._table.since(customer_id, after, _PAGE)
        is_last = len(records) < _PAGE
        end = records[-1].seq if records else after
        return Page(records, max(end, last) if is_last else end, is_last)
