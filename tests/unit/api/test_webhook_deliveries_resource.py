"""`/v1.0/webhook_deliveries`: showing what failed, and sending it again."""

from typing import Any

import pytest

from app.domain.customer import Customer
from app.domain.ids import new_id
from app.domain.webhook import DeliveryStatus, WebhookDelivery
from app.store import Store
from tests.unit.delivery.receiver import delivery

ROOT = "/v1.0/webhook_deliveries"


@pytest.fixture
async def rows(store: Store, client: Any) -> list[WebhookDelivery]:
    made = []
    for seq, status in enumerate(["pending", "delivered", "failed", "failed"], 1):
        row = delivery(
            client.customer_id, "http://x.example/", seq, status=DeliveryStatus(status), attempts=3, last_error="why"
        )
        made.append(await store.webhook_deliveries.insert(row))
    return made


async def test_lists_by_status_in_pages(client: Any, rows: list[WebhookDelivery]) -> None:
    def ids(answer: Any) -> list[str]:
        return [row["id"] for row in answer.json["result"]]

    newest_first = [row.id for row in reversed(rows)]
    assert ids(await client.get(ROOT)) == newest_first
    assert ids(await client.get(ROOT, status="failed")) == newest_first[:2]
    assert ids(await client.get(ROOT, status="pending")) == [rows[0].id]
    first = await client.get(ROOT, status="failed", page_size="1")
    rest = await client.get(ROOT, status="failed", page_size="1", page_token=first.json["next_page_token"])
    assert ids(first) + ids(rest) == newest_first[:2]
    shown = first.json["result"][0]
    assert (shown["last_error"], shown["attempts"], shown["payload"]["type"]) == ("why", 3, "call_created")
    error = await client.refused("GET", ROOT, 400, "INVALID_REQUEST_PARAMETER", params={"status": "lost"})
    assert error["details"] == [{"field": "status"}]


async def test_one_is_sent_again(client: Any, live: Any, store: Store, rows: list[WebhookDelivery]) -> None:
    pending, delivered, failed, _ = rows
    await client.refused("POST", f"{ROOT}/{pending.id}/resend", 409, "STATE_INVALID")
    assert live.woken == 0
    for row in (delivered, failed):
        answer = await client.post(f"{ROOT}/{row.id}/resend")
        assert (answer.status, answer.json["id"], answer.json["status"]) == (200, row.id, "pending")
        assert (await client.get(f"{ROOT}/{row.id}")).json == answer.json
    assert live.woken == 2
    again = await store.webhook_deliveries.get_by_id(failed.id)
    assert again is not None
    assert (again.attempts, again.body, again.tm_resend) == (0, failed.body, again.tm_next)


async def test_all_failed_ones_are_sent_again(
    client: Any, live: Any, store: Store, stranger: Customer, rows: list[WebhookDelivery]
) -> None:
    theirs = await store.webhook_deliveries.insert(delivery(stranger.id, "http://x/", status=DeliveryStatus.FAILED))
    assert (await client.post(f"{ROOT}/resend")).json == {"resent": 2}
    assert live.woken == 1
    assert (await client.post(f"{ROOT}/resend")).json == {"resent": 0}
    assert live.woken == 1
    assert await store.webhook_deliveries.get_by_id(theirs.id) == theirs
    for method, path in (("GET", f"{ROOT}/{theirs.id}"), ("POST", f"{ROOT}/{theirs.id}/resend")):
        await client.refused(method, path, 403, "PERMISSION_DENIED")
        await client.refused(method, path.replace(theirs.id, new_id()), 404, "RESOURCE_NOT_FOUND")
        await client.refused(method, path.replace(theirs.id, "x"), 400, "INVALID_ID")
