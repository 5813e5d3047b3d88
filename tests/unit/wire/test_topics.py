"""Topics: prefix match, the two kinds, who may subscribe."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.customer import Identity, Permission
from app.domain.events import Event, EventType
from app.domain.ids import new_id
from app.wire.event import event_json, event_text
from app.wire.topics import Delivery, EventTopics, TopicSet, is_allowed, topics_of

CID = "12345678-1234-1234-1234-123456789012"
OTHER = "99999999-1234-1234-1234-123456789012"
ADMIN = Identity(CID, Permission.CUSTOMER_ADMIN, agent_id="aaaaaaaa-1234-1234-1234-123456789012")


def _wanted(event: Event, *subscribed: str) -> Delivery | None:
    topics = TopicSet()
    for topic in subscribed:
        topics.add(topic)
    return topics.delivery_of(topics_of(event))


def test_the_names_of_an_event(samples: Any) -> None:
    transcript = samples.transcript(samples.transcribe(CID))
    assert topics_of(Event(EventType.TRANSCRIPT_CREATED, transcript)) == EventTopics(
        (f"customer_id:{CID}:transcript:{transcript.id}",),
        f"customer_id:{CID}:transcript:transcript_created:{transcript.id}",
    )
    speech = samples.speech(samples.transcribe(CID))
    assert topics_of(Event(EventType.TRANSCRIBE_SPEECH_INTERIM, speech)) == EventTopics(
        (f"customer_id:{CID}:transcribe:{speech.id}",),
        f"customer_id:{CID}:transcribe:transcribe_speech_interim:{speech.id}",
    )


def test_prefixes_and_kinds(samples: Any) -> None:
    transcript = samples.transcript(samples.transcribe(CID))
    event = Event(EventType.TRANSCRIPT_CREATED, transcript)
    root = f"customer_id:{CID}"
    for topic in (root, f"{root}:", f"{root}:transcri", f"{root}:transcript:", f"{root}:transcript:{transcript.id}"):
        assert _wanted(event, topic) is Delivery.ENVELOPE
    bare = f"{root}:transcript:transcript_created"
    for topic in (bare, f"{bare}:", f"{bare}:{transcript.id}", f"{bare}:{transcript.id[:4]}"):
        assert _wanted(event, topic) is Delivery.BARE
    assert _wanted(event, bare, f"{root}:transcript:") is Delivery.ENVELOPE
    for topic in (
        f"{root}:transcript:*",
        f"{root}:transcribe:",
        f"{root}:call:",
        f"{root}:transcript:{new_id()}",
        f"{root}:transcript:transcript_deleted",
        f"{root}:transcribe:transcribe_created",
        f"customer_id:{OTHER}:transcript:",
    ):
        assert _wanted(event, topic) is None
    assert _wanted(event) is None


def test_unsubscribing_ends_exactly_that_topic(samples: Any) -> None:
    event = Event(EventType.CALL_CREATED, samples.call(CID))
    topics = TopicSet()
    root = f"customer_id:{CID}:call"
    for topic in (f"{root}:", f"{root}:", f"{root}:call_created"):
        topics.add(topic)
    assert len(topics) == 2
    topics.discard(root)
    assert topics.delivery_of(topics_of(event)) is Delivery.ENVELOPE
    topics.discard(f"{root}:")
    assert topics.delivery_of(topics_of(event)) is Delivery.BARE
    topics.discard(f"{root}:call_created")
    assert topics.delivery_of(topics_of(event)) is None


@pytest.mark.parametrize(
    ("topic", "is_expected"),
    [
        (f"customer_id:{CID}", True),
        (f"customer_id:{CID}:transcript:", True),
        (f"customer_id:{CID}:no such thing", True),
        (f"customer_id:{OTHER}:transcript:", False),
        (f"customer_id:{CID[:-1]}", False),
        (f"customer_id:{CID}0:call", False),
        ("customer_id:", False),
        ("customer_id", False),
        ("", False),
        (f"agent_id:{ADMIN.agent_id}:call:", True),
        (f"agent_id:{CID}:call:", False),
        (f"agent_id:{None}:call:", False),
        (f"owner_id:{CID}", False),
        (CID, False),
    ],
)
def test_who_may_subscribe(topic: str, is_expected: bool) -> None:
    assert is_allowed(topic, ADMIN) is is_expected


def test_an_agent_without_a_role_sees_only_its_own(samples: Any) -> None:
    agent = Identity(CID, Permission.CUSTOMER_AGENT, agent_id=ADMIN.agent_id)
    assert not is_allowed(f"customer_id:{CID}:call:", agent)
    assert is_allowed(f"agent_id:{ADMIN.agent_id}:call:", agent)
    key = Identity(CID, Permission.CUSTOMER_ADMIN, access_key_id=new_id())
    assert is_allowed(f"customer_id:{CID}:call:", key)
    assert not is_allowed("agent_id:None:call", key)


@given(st.text())
def test_any_text_is_a_topic_that_means_nothing(topic: str) -> None:
    known = EventTopics((f"customer_id:{CID}:call:x",), f"customer_id:{CID}:call:call_created:x")
    topics = TopicSet()
    topics.add(topic)
    is_prefix = any(name.startswith(topic) for name in (*known.by_resource, known.by_event_type))
    assert topics.delivery_of(known) is None or is_prefix
    assert is_allowed(topic, ADMIN) <= (CID in topic or str(ADMIN.agent_id) in topic)


def test_an_event_as_json(samples: Any) -> None:
    transcribe = samples.transcribe(CID)
    resources: dict[EventType, Any] = {
        EventType.CALL_HANGUP: samples.call(CID),
        EventType.ACTIVEFLOW_UPDATED: samples.activeflow(CID),
        EventType.TRANSCRIBE_DONE: transcribe,
        EventType.TRANSCRIPT_CREATED: samples.transcript(transcribe, message='quote " and 안녕'),
        EventType.TRANSCRIBE_SPEECH_INTERIM: samples.speech(transcribe, message="hel"),
    }
    for event_type, resource in resources.items():
        event = Event(event_type, resource)
        text = event_text(event)
        assert json.loads(text.envelope) == event_json(event)
        assert json.loads(text.bare) == event_json(event)["data"]
        assert event_json(event)["type"] == event_type.value
        assert event_json(event)["data"]["id"] == resource.id
