"""/v1.0/queues, /v1.0/queuecalls and /v1.0/transfers."""

from typing import Any

import pytest

from app.domain.events import EventType
from app.domain.ids import ZERO_ID, new_id
from app.domain.transfer import TransferType
from app.store import Store

TAG = new_id()


async def test_a_queue_is_made_changed_and_deleted(client: Any, told: Any, store: Store, samples: Any) -> None:
    flow = await store.flows.insert(samples.flow(client.customer_id))
    body = {"name": "support", "tag_ids": [TAG], "wait_flow_id": flow.id, "wait_timeout": 1000, "unknown": 1}
    made = (await client.post("/v1.0/queues", body)).json
    assert made["routing_method"] == "random"
    assert (made["tag_ids"], made["wait_flow_id"], made["wait_timeout"], made["service_timeout"]) == (
        [TAG],
        flow.id,
        1000,
        0,
    )
    changed = (await client.put(f"/v1.0/queues/{made['id']}", {"routing_method": "longest_idle"})).json
    assert (changed["routing_method"], changed["name"]) == ("longest_idle", "support")
    assert (await client.get("/v1.0/queues")).json["result"] == [changed]
    assert (await client.get(f"/v1.0/queues/{made['id']}")).json == changed
    assert (await client.delete(f"/v1.0/queues/{made['id']}")).status == 200
    await client.refused("GET", f"/v1.0/queues/{made['id']}", 404, "QUEUE_NOT_FOUND")
    assert [event.type for event in told] == [
        EventType.QUEUE_CREATED,
        EventType.QUEUE_UPDATED,
        EventType.QUEUE_DELETED,
    ]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("routing_method", "loudest"),
        ("wait_timeout", -1),
        ("service_timeout", 2**40),
        ("tag_ids", ["x"]),
        ("wait_flow_id", new_id()),
        ("name", "x" * 300),
    ],
)
async def test_wrong_values_are_named(client: Any, field: str, value: Any) -> None:
    error = await client.refused("POST", "/v1.0/queues", 400, "INVALID_ARGUMENT", json={field: value})
    assert error["details"][0]["field"].split(".")[0] == field


async def test_queuecalls_are_shown_kicked_and_deleted(client: Any, live: Any, store: Store, samples: Any) -> None:
    queue = await store.queues.insert(samples.queue(client.customer_id))
    other = await store.queues.insert(samples.queue(client.customer_id))
    stay = await store.queuecalls.insert(samples.queuecall(queue))
    await store.queuecalls.insert(samples.queuecall(other))
    listed = (await client.get("/v1.0/queuecalls", queue_id=queue.id)).json["result"]
    assert [row["id"] for row in listed] == [stay.id]
    assert len((await client.get("/v1.0/queuecalls")).json["result"]) == 2
    shown = (await client.get(f"/v1.0/queuecalls/{stay.id}")).json
    assert (shown["status"], shown["service_agent_id"]) == ("waiting", ZERO_ID)
    assert (await client.post(f"/v1.0/queuecalls/{stay.id}/kick")).json["status"] == "kicking"
    assert (await client.delete(f"/v1.0/queuecalls/{stay.id}")).json["status"] == "abandoned"
    assert live.did == ["kick", "delete_queuecall"]
    await client.refused("POST", f"/v1.0/queuecalls/{stay.id}/kick", 404, "QUEUECALL_NOT_FOUND")


async def test_a_transfer_begins(client: Any, live: Any, store: Store, samples: Any) -> None:
    call = await store.calls.insert(samples.call(client.customer_id))
    body = {
        "transfer_type": "attended",
        "transferer_call_id": call.id,
        "transferee_addresses": [{"type": "extension", "target_name": "1001"}],
    }
    made = (await client.post("/v1.0/transfers", body)).json
    assert (made["type"], made["transferer_call_id"], made["transferee_call_id"]) == (
        "attended",
        call.id,
        live.transfers.first_call_id,
    )
    assert live.asked[0]["kind"] is TransferType.ATTENDED
    for field, value in (("transfer_type", "warm"), ("transferee_addresses", []), ("transferer_call_id", new_id())):
        wrong = body | {field: value}
        error = await client.refused("POST", "/v1.0/transfers", 400, "INVALID_ARGUMENT", json=wrong)
        assert error["details"][0]["field"] == field
