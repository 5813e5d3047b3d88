"""Where events have to be sent: the customer's webhook, and an activeflow's own (contract 7)."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

from app.domain.customer import Customer
from app.domain.events import Event
from app.domain.flow import Activeflow

_MOST_ACTIVEFLOWS = 10_000


@dataclass(frozen=True, slots=True)
class WebhookTarget:
    """One receiver."""

    uri: str
    method: str


class WebhookTargets:
    """Kept in memory, because every event asks; it learns from the customers and activeflows that it is shown."""

    def __init__(self) -> None:
        self._customers: dict[str, WebhookTarget] = {}
        self._activeflows: OrderedDict[str, WebhookTarget] = OrderedDict()

    def learn(self, item: object) -> None:
        """Note the webhook of a customer or an activeflow as it is stored now; other objects have none."""
        if isinstance(item, Customer):
            self._customers.pop(item.id, None)
            if item.webhook_uri and item.tm_delete is None:
                self._customers[item.id] = WebhookTarget(item.webhook_uri, item.webhook_method or "POST")
        elif isinstance(item, Activeflow) and item.webhook_uri and item.id not in self._activeflows:
            # Kept beyond its end: the call's last events carry its id too.
            self._activeflows[item.id] = WebhookTarget(item.webhook_uri, item.webhook_method or "POST")
            if len(self._activeflows) > _MOST_ACTIVEFLOWS:
                self._activeflows.popitem(last=False)

    def of(self, event: Event) -> tuple[WebhookTarget, ...]:
        """Return who has to get `event`: the customer's webhook and, additionally, its activeflow's."""
        own = self._customers.get(event.customer_id)
        activeflow_id = (
            event.data.id if isinstance(event.data, Activeflow) else getattr(event.data, "activeflow_id", "")
        )
        of_flow = self._activeflows.get(activeflow_id)
        # Both can be the same receiver, which gets the event once.
        return tuple(dict.fromkeys(target for target in (own, of_flow) if target is not None))
