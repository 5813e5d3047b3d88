"""Who may send now: a bounded number in all, fairly divided between receivers and between customers."""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass

from app.delivery.webhook_request import receiver_of
from app.domain.webhook import WebhookDelivery

_MOST_REMEMBERED = 10_000

Lane = tuple[str, str]
"""What keeps its order: deliveries to one address about one call."""


def lane_of(delivery: WebhookDelivery) -> Lane:
    """Return the lane that `delivery` is in."""
    return delivery.uri, delivery.order_key


@dataclass(frozen=True, slots=True)
class SlotLimits:
    """How many may be sent side by side: in all, to one receiver (host and port), for one customer.

    A receiver that did not answer the last time is asked with one at a time, and all such together have `silent` slots:
    those that hang do not take the time of those that answer.
    """

    total: int = 16
    receiver: int = 8
    customer: int = 12
    silent: int = 8


class WebhookSlots:
    """Counts what is in flight. One delivery of a lane at a time."""

    def __init__(self, limits: SlotLimits) -> None:
        self._limits = limits
        self._lanes: set[Lane] = set()
        self._receivers: Counter[str] = Counter()
        self._customers: Counter[str] = Counter()
        self._silent: OrderedDict[str, None] = OrderedDict()

    def __len__(self) -> int:
        return len(self._lanes)

    @property
    def has_room(self) -> bool:
        """Whether one more may be sent by anybody."""
        return len(self._lanes) < self._limits.total

    def holds(self, lane: Lane) -> bool:
        """Tell whether one of this lane is in flight."""
        return lane in self._lanes

    def choose(self, waiting: Iterable[WebhookDelivery]) -> WebhookDelivery | None:
        """Return the one to send next, None when none may: whose customer and receiver have least in flight, oldest."""
        if not self.has_room:
            return None
        open_ones = [delivery for delivery in waiting if self._admits(delivery)]
        return min(open_ones, key=self._rank) if open_ones else None

    def take(self, delivery: WebhookDelivery) -> None:
        """Note that `delivery` is on its way."""
        self._lanes.add(lane_of(delivery))
        self._receivers[receiver_of(delivery.uri)] += 1
        self._customers[delivery.customer_id] += 1

    def free(self, delivery: WebhookDelivery) -> None:
        """Note that `delivery` is on its way no more."""
        self._lanes.discard(lane_of(delivery))
        for counter, key in (
            (self._receivers, receiver_of(delivery.uri)),
            (self._customers, delivery.customer_id),
        ):
            counter[key] -= 1
            if not counter[key]:
                del counter[key]

    def note_answer(self, uri: str, *, is_silent: bool) -> None:
        """Note whether the receiver answered."""
        receiver = receiver_of(uri)
        self._silent.pop(receiver, None)
        if is_silent:
            self._silent[receiver] = None
            if len(self._silent) > _MOST_REMEMBERED:
                self._silent.popitem(last=False)

    def is_silent(self, uri: str) -> bool:
        """Tell whether the receiver did not answer the last time."""
        return receiver_of(uri) in self._silent

    def _admits(self, delivery: WebhookDelivery) -> bool:
        limits, receiver = self._limits, receiver_of(delivery.uri)
        if lane_of(delivery) in self._lanes or self._customers[delivery.customer_id] >= limits.customer:
            return False
        if receiver not in self._silent:
            return self._receivers[receiver] < limits.receiver
        asked = sum(count for each, count in self._receivers.items() if each in self._silent)
        return self._receivers[receiver] == 0 and asked < limits.silent

    def _rank(self, delivery: WebhookDelivery) -> tuple[int, int, int]:
        return self._customers[delivery.customer_id], self._receivers[receiver_of(delivery.uri)], delivery.seq
