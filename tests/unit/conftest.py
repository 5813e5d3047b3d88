"""Sample domain objects for the tests of the store and of everything above it."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from app.domain.call import Address, AddressType, Call, CallDirection, CallStatus
from app.domain.conference import Conference, Conferencecall, ConferencecallStatus, ConferenceStatus, ConferenceType
from app.domain.customer import AccessKey, Agent, Customer, Permission, RingMethod
from app.domain.events import EventRecord
from app.domain.flow import Action, Activeflow, ActiveflowStatus, StoredFlow
from app.domain.groupcall import Groupcall, GroupcallStatus
from app.domain.ids import new_id
from app.domain.line import Extension, Number, NumberType, OutboundConfig, Trunk
from app.domain.queue import Queue, Queuecall, QueuecallStatus
from app.domain.recording import Recording, RecordingStatus
from app.domain.speaking import Speaking, SpeakingStatus
from app.domain.transcribe import Direction, ReferenceType, Transcribe, TranscribeStatus
from app.domain.transcript import SpeechEvent, Transcript, Word
from app.domain.webhook import DeliveryStatus, WebhookDelivery
from app.store import Store, open_store


class Samples:
    """Makes valid objects; every keyword replaces a field. Moments go up by a second from a fixed start."""

    def __init__(self) -> None:
        self._moment = datetime(2026, 1, 20, 12, 0, 0, tzinfo=UTC)

    def moment(self) -> datetime:
        self._moment += timedelta(seconds=1)
        return self._moment

    def _fields(self, **fields: Any) -> dict[str, Any]:
        moment = self.moment()
        return {"id": new_id(), "tm_create": moment, "tm_update": fields.get("tm_create", moment)} | fields

    def customer(self, **fields: Any) -> Customer:
        return Customer(**self._fields(**({"name": "ours"} | fields)))

    def agent(self, customer_id: str, **fields: Any) -> Agent:
        defaults = {"username": new_id(), "password_hash": "x", "name": "", "permission": Permission.CUSTOMER_ADMIN}
        return Agent(customer_id=customer_id, **self._fields(**(defaults | fields)))

    def queue(self, customer_id: str, **fields: Any) -> Queue:
        return Queue(customer_id=customer_id, **self._fields(**({"name": "support"} | fields)))

    def queuecall(self, queue: Queue, **fields: Any) -> Queuecall:
        defaults = {"reference_id": new_id(), "status": QueuecallStatus.WAITING}
        return Queuecall(customer_id=queue.customer_id, queue_id=queue.id, **self._fields(**(defaults | fields)))

    def access_key(self, customer_id: str, **fields: Any) -> AccessKey:
        defaults = {"name": "key", "token_hash": new_id(), "token_prefix": "vb_abcdefgh"}
        return AccessKey(customer_id=customer_id, **self._fields(**(defaults | fields)))

    def call(self, customer_id: str, **fields: Any) -> Call:
        defaults = {
            "direction": CallDirection.INCOMING,
            "status": CallStatus.PROGRESSING,
            "source": Address(target="alice"),
            "destination": Address(AddressType.TEL, "+15551234567"),
        }
        return Call(customer_id=customer_id, **self._fields(**(defaults | fields)))

    def groupcall(self, customer_id: str, **fields: Any) -> Groupcall:
        defaults = {
            "status": GroupcallStatus.PROGRESSING,
            "source": Address(target="alice"),
            "destinations": (Address(AddressType.TEL, "+15551234567"), Address(target="bob@host")),
            "ring_method": RingMethod.RING_ALL,
        }
        return Groupcall(customer_id=customer_id, **self._fields(**(defaults | fields)))

    def flow(self, customer_id: str, **fields: Any) -> StoredFlow:
        defaults = {"name": "a flow", "actions": (Action(new_id(), "answer"),)}
        return StoredFlow(customer_id=customer_id, **self._fields(**(defaults | fields)))

    def conference(self, customer_id: str, **fields: Any) -> Conference:
        defaults = {"type": ConferenceType.CONFERENCE, "status": ConferenceStatus.PROGRESSING, "name": "a room"}
        return Conference(customer_id=customer_id, **self._fields(**(defaults | fields)))

    def conferencecall(self, conference: Conference, **fields: Any) -> Conferencecall:
        defaults = {"reference_id": new_id(), "status": ConferencecallStatus.JOINED}
        made = self._fields(**(defaults | fields))
        return Conferencecall(customer_id=conference.customer_id, conference_id=conference.id, **made)

    def recording(self, customer_id: str, **fields: Any) -> Recording:
        defaults = {
            "reference_type": ReferenceType.CALL,
            "reference_id": new_id(),
            "status": RecordingStatus.RECORDING,
        }
        return Recording(customer_id=customer_id, **self._fields(**(defaults | fields)))

    def number(self, customer_id: str, **fields: Any) -> Number:
        defaults = {"number": f"+899{int(self.moment().timestamp()) % 10**9:09d}", "type": NumberType.VIRTUAL}
        return Number(customer_id=customer_id, **self._fields(**(defaults | fields)))

    def extension(self, customer_id: str, **fields: Any) -> Extension:
        defaults = {"extension": new_id(), "username": new_id(), "password": "secret", "domain_name": "phones.test"}
        return Extension(customer_id=customer_id, **self._fields(**(defaults | fields)))

    def trunk(self, customer_id: str, **fields: Any) -> Trunk:
        defaults = {"name": "a trunk", "domain_name": new_id()}
        return Trunk(customer_id=customer_id, **self._fields(**(defaults | fields)))

    def outbound_config(self, customer_id: str, **fields: Any) -> OutboundConfig:
        return OutboundConfig(customer_id=customer_id, **self._fields(**fields))

    def speaking(self, customer_id: str, **fields: Any) -> Speaking:
        defaults = {
            "reference_type": "call",
            "reference_id": new_id(),
            "language": "en-US",
            "status": SpeakingStatus.ACTIVE,
        }
        return Speaking(customer_id=customer_id, **self._fields(**(defaults | fields)))

    def delivery(self, customer_id: str, **fields: Any) -> WebhookDelivery:
        defaults = {
            "seq": 1,
            "order_key": new_id(),
            "event_type": "call_created",
            "uri": "https://receiver.test/hook",
            "method": "POST",
            "body": '{"type":"call_created","data":{"id":"x"}}',
            "status": DeliveryStatus.PENDING,
            "tm_next": self.moment(),
        }
        return WebhookDelivery(customer_id=customer_id, **self._fields(**(defaults | fields)))

    def record(self, customer_id: str, **fields: Any) -> EventRecord:
        defaults: dict[str, Any] = {
            "seq": 0,
            "type": "call_created",
            "body": '{"type":"call_created","data":{"id":"x"}}',
            "topics": (f"customer_id:{customer_id}:call:x", f"customer_id:{customer_id}:call:call_created:x"),
            "tm_create": self.moment(),
        }
        return EventRecord(customer_id=customer_id, **(defaults | fields))

    def activeflow(self, customer_id: str, **fields: Any) -> Activeflow:
        defaults = {
            "flow_id": new_id(),
            "status": ActiveflowStatus.RUNNING,
            "reference_type": "call",
            "reference_id": new_id(),
        }
        return Activeflow(customer_id=customer_id, **self._fields(**(defaults | fields)))

    def transcribe(self, customer_id: str, **fields: Any) -> Transcribe:
        defaults = {
            "reference_type": ReferenceType.CALL,
            "reference_id": new_id(),
            "status": TranscribeStatus.PROGRESSING,
            "language": "en-US",
            "direction": Direction.BOTH,
            "engine": "moonshine",
            "model": "tiny-en",
        }
        return Transcribe(customer_id=customer_id, **self._fields(**(defaults | fields)))

    def transcript(self, transcribe: Transcribe, **fields: Any) -> Transcript:
        words = (
            Word("hello", timedelta(milliseconds=8991), timedelta(milliseconds=9200), 0.97),
            Word("there", timedelta(microseconds=9_250_400), timedelta(seconds=9, milliseconds=600), None),
        )
        defaults: dict[str, Any] = {
            "direction": Direction.IN,
            "message": "hello there",
            "offset": timedelta(seconds=8, microseconds=991_840),
            "duration": timedelta(milliseconds=610),
            "engine": "moonshine",
            "model": "tiny-en",
            "confidence": 0.5,
            "words": words,
        }
        made = self._fields(**(defaults | fields))
        del made["tm_update"]
        return Transcript(customer_id=transcribe.customer_id, transcribe_id=transcribe.id, **made)

    def speech(self, transcribe: Transcribe, **fields: Any) -> SpeechEvent:
        made = self._fields(direction=Direction.IN, streaming_id=new_id(), tm_event=self.moment(), **fields)
        del made["tm_update"]
        return SpeechEvent(customer_id=transcribe.customer_id, transcribe_id=transcribe.id, **made)


@pytest.fixture
def samples() -> Samples:
    return Samples()


@pytest.fixture
def database_url(tmp_path: Path) -> str:
    """An empty SQLite file; CALLSCRIBE_TEST_DATABASE_URL puts an empty PostgreSQL database in its place."""
    return os.environ.get("CALLSCRIBE_TEST_DATABASE_URL") or f"sqlite:///{tmp_path}/state/callscribe.db"


@pytest.fixture
async def store(database_url: str) -> AsyncIterator[Store]:
    async with open_store(database_url) as opened:
        yield opened


@pytest.fixture
async def customer(store: Store, samples: Samples) -> Customer:
    return await store.customers.insert(samples.customer())


@pytest.fixture
async def stranger(store: Store, samples: Samples) -> Customer:
    return await store.customers.insert(samples.customer(name="theirs"))
