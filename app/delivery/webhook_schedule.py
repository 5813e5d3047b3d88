"""When a webhook delivery is tried again, and when it is given up."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from app.delivery.webhook_request import Outcome
from app.domain.webhook import DeliveryStatus, WebhookDelivery


@dataclass(frozen=True, slots=True)
class RetrySchedule:
    """Waits of 1, 2, 4 ... seconds, 10 min at most, each a quarter more or less at random, for `max_hours`.

    A receiver that says when (Retry-After) is asked then, but at least once in `longest_wait_seconds`.
    """

    max_hours: float = 24.0
    first_seconds: float = 1.0
    limit_seconds: float = 600.0
    longest_wait_seconds: float = 3600.0
    draw: Callable[[], float] = random.random

    def after(self, delivery: WebhookDelivery, outcome: Outcome, moment: datetime) -> WebhookDelivery:
        """Return `delivery` as it is after an attempt that ended at `moment`."""
        tried = replace(delivery, attempts=delivery.attempts + 1, last_error=outcome.error, tm_update=moment)
        if not outcome.error:
            return replace(tried, status=DeliveryStatus.DELIVERED, tm_delivered=moment)
        end = (delivery.tm_resend or delivery.tm_create) + timedelta(hours=self.max_hours)
        if outcome.is_final or moment >= end:
            return replace(tried, status=DeliveryStatus.FAILED)
        wait = self._wait_seconds(tried.attempts)
        if outcome.retry_after_seconds is not None:
            wait = min(max(wait, outcome.retry_after_seconds), self.longest_wait_seconds)
        return replace(tried, tm_next=min(moment + timedelta(seconds=wait), end))

    def _wait_seconds(self, attempts: int) -> float:
        doubled: float = self.first_seconds * 2 ** min(attempts - 1, 40)
        return min(doubled, self.limit_seconds) * (0.75 + self.draw() / 2)
