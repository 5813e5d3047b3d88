"""Sample domain objects for the tests of the store and of everything above it."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from app.domain.call import Address, AddressType, Call, CallDirection, CallStatus
from app.domain.customer import AccessKey, Agent, Customer, Permission
from app.domain.flow import Activeflow, ActiveflowStatus
from app.domain.ids import new_id
from app.domain.transcribe import Direction, ReferenceType, Transcribe, TranscribeStatus
from app.domain.transcript import SpeechEvent, Transcript, Word
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
