"""One of everything for a customer, and a right body for every route: what the walks over all routes start from."""

from __future__ import annotations

from copy import deepcopy
from pathlib import Path
from typing import Any

from app.api.route import Route
from app.domain.call import Address, AddressType
from app.domain.flow import Action
from app.domain.ids import new_id
from app.domain.recording import RecordingStatus
from app.domain.webhook import DeliveryStatus
from app.store import Store
from tests.unit.api.live_parts import LiveParts

MARK = "SEEN-BY-NO-STRANGER"
ADDRESS = {"type": "tel", "target": "+15551234567", "target_name": "x", "name": "y", "detail": "z"}
ACTION = {"type": "answer", "option": {}}


async def settle(store: Store, live: LiveParts, samples: Any, customer_id: str) -> dict[str, str]:
    """Store one of everything with MARK in its texts; return the ids by the word in the path (`calls`)."""
    party = Address(AddressType.SIP, "alice@host", name=MARK)
    flow = await store.flows.insert(samples.flow(customer_id, name=MARK, actions=(Action(new_id(), "answer"),)))
    call = await store.calls.insert(samples.call(customer_id, source=party, flow_id=flow.id))
    conference = await store.conferences.insert(samples.conference(customer_id, name=MARK))
    recording = await store.recordings.insert(
        samples.recording(customer_id, reference_id=call.id, status=RecordingStatus.ENDED)
    )
    Path(live.prompts / f"{recording.id}.wav").write_bytes(b"RIFF" + MARK.encode())
    transcribe = await store.transcribes.insert(samples.transcribe(customer_id, reference_id=call.id))
    await store.transcripts.insert(samples.transcript(transcribe, message=MARK))
    speaking = samples.speaking(customer_id, reference_id=call.id, voice_id=MARK)
    live.speakings.voices[speaking.id] = speaking
    member = await store.conferencecalls.insert(samples.conferencecall(conference, reference_id=call.id))
    queue = await store.queues.insert(samples.queue(customer_id, name=MARK))
    rows: dict[str, Any] = {
        "queues": queue,
        "queuecalls": await store.queuecalls.insert(samples.queuecall(queue, reference_id=call.id)),
        "agents": await store.agents.insert(samples.agent(customer_id, name=MARK)),
        "accesskeys": await store.access_keys.insert(samples.access_key(customer_id, name=MARK)),
        "groupcalls": await store.groupcalls.insert(samples.groupcall(customer_id, source=party)),
        "activeflows": await store.activeflows.insert(samples.activeflow(customer_id, flow_id=flow.id)),
        "numbers": await store.numbers.insert(samples.number(customer_id, name=MARK)),
        "extensions": await store.extensions.insert(samples.extension(customer_id, name=MARK)),
        "trunks": await store.trunks.insert(samples.trunk(customer_id, name=MARK)),
        "webhook_deliveries": await store.webhook_deliveries.insert(
            samples.delivery(customer_id, status=DeliveryStatus.FAILED, body=f'{{"type":"x","data":"{MARK}"}}')
        ),
    }
    return {word: row.id for word, row in rows.items()} | {
        "calls": call.id,
        "flows": flow.id,
        "conferences": conference.id,
        "conferencecalls": member.id,
        "recordings": recording.id,
        "recordingfiles": recording.id,
        "transcribes": transcribe.id,
        "transcripts": transcribe.id,
        "speakings": speaking.id,
    }


def path_of(route: Route, ids: dict[str, str]) -> str:
    """Return the route's path with the id of what it is about."""
    path = route.key[1]
    return path.replace("{id}", ids[path.split("/")[2]]) if "{id}" in path else path.replace("{key}", "x")


def good_body(route: Route, ids: dict[str, str]) -> dict[str, Any] | None:
    """Return a body that is right in all it holds, with every list and object that has fields of its own."""
    if route.body is None:
        return None
    body: dict[str, Any] = _GOOD.get(route.key, lambda ids: {})(ids)
    return deepcopy(body)


_ORDER = {"source": dict(ADDRESS), "destinations": [ADDRESS], "variables": {"a": "b"}}
_LOGIN = {"username": "nobody", "password": "x"}
_GOOD: dict[tuple[str, str], Any] = {
    ("POST", "/auth/login"): lambda ids: _LOGIN,
    ("POST", "/v1.0/auth/login"): lambda ids: _LOGIN,
    ("POST", "/v1.0/agents"): lambda ids: {"username": new_id(), "password": "x", "addresses": [ADDRESS]},
    ("PUT", "/v1.0/agents/{id}/addresses"): lambda ids: {"addresses": [ADDRESS]},
    ("PUT", "/v1.0/agents/{id}/password"): lambda ids: {"password": "x"},
    ("PUT", "/v1.0/agents/{id}/permission"): lambda ids: {"permission": 32},
    ("PUT", "/v1.0/agents/{id}/status"): lambda ids: {"status": "away"},
    ("PUT", "/v1.0/agents/{id}/tag_ids"): lambda ids: {"tag_ids": [new_id()]},
    ("POST", "/v1.0/calls"): lambda ids: _ORDER | {"actions": [ACTION]},
    ("POST", "/v1.0/calls/{id}/talk"): lambda ids: {"text": "hello", "language": "en-US"},
    ("POST", "/v1.0/groupcalls"): lambda ids: _ORDER | {"actions": [ACTION]},
    ("POST", "/v1.0/transfers"): lambda ids: {
        "transfer_type": "blind",
        "transferer_call_id": ids["calls"],
        "transferee_addresses": [ADDRESS],
    },
    ("POST", "/v1.0/queues"): lambda ids: {"name": "x", "tag_ids": [new_id()]},
    ("PUT", "/v1.0/queues/{id}"): lambda ids: {"name": "y", "tag_ids": [new_id()]},
    ("POST", "/v1.0/conferences"): lambda ids: {"name": "x"},
    ("POST", "/v1.0/conferences/{id}/transcribe_start"): lambda ids: {"language": "en-US"},
    ("POST", "/v1.0/speakings"): lambda ids: {
        "reference_type": "call",
        "reference_id": ids["calls"],
        "language": "en-US",
    },
    ("POST", "/v1.0/speakings/{id}/say"): lambda ids: {"text": "hello"},
    ("POST", "/v1.0/transcribes"): lambda ids: {
        "reference_type": "call",
        "reference_id": ids["calls"],
        "language": "en-US",
    },
    ("POST", "/v1.0/flows"): lambda ids: {"actions": [ACTION]},
    ("POST", "/v1.0/activeflows"): lambda ids: {"actions": [ACTION]},
    ("POST", "/v1.0/numbers"): lambda ids: {"number": "+12025550123"},
    ("POST", "/v1.0/extensions"): lambda ids: {"extension": "1001", "password": "a-long-password-1"},
    ("POST", "/v1.0/trunks"): lambda ids: {"domain_name": "provider.test"},
}
