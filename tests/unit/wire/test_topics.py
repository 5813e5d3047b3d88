"""Topics: prefix match, the two kinds, who may subscribe."""

import json
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.customer import Identity, Permission
from app.domain.events import Event, EventRecord, EventType, Resource
from app.domain.ids import new_id
from app.wire.event import event_json, event_text, render_event, stored_event_text, with_seq
from app.wire.topics import (
    Delivery,
    EventTopics,
    TopicSet,
    is_allowed,
    is_event_type_topic,
    stored_topics,
    topics_of,
)

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
        (
            f"customer_id:{CID}:transcript:{transcript.id}",
            f"customer_id:{CID}:transcript:{transcript.transcribe_id}:{transcript.id}",
        ),
        (f"customer_id:{CID}:transcript:transcript_created:{transcript.id}",),
    )
    speech = samples.speech(samples.transcribe(CID))
    assert topics_of(Event(EventType.TRANSCRIBE_SPEECH_INTERIM, speech)) == EventTopics(
        (
            f"customer_id:{CID}:transcribe:{speech.id}",
            f"customer_id:{CID}:transcribe:{speech.transcribe_id}:{speech.id}",
        ),
        (f"customer_id:{CID}:transcribe:transcribe_speech_interim:{speech.id}",),
    )


def test_an_agents_calls_have_a_name_of_the_agent_too(samples: Any) -> None:
    agent_id = new_id()
    for event_type, make in (
        (EventType.CALL_RINGING, samples.call),
        (EventType.GROUPCALL_CREATED, samples.groupcall),
    ):
        item = make(CID, owner_type="agent", owner_id=agent_id)
        word = event_type.resource
        assert topics_of(Event(event_type, item)) == EventTopics(
            (f"customer_id:{CID}:{word}:{item.id}", f"agent_id:{agent_id}:{word}:{item.id}"),
            (
                f"customer_id:{CID}:{word}:{event_type.value}:{item.id}",
                f"agent_id:{agent_id}:{word}:{event_type.value}:{item.id}",
            ),
        )
        event = Event(event_type, item)
        assert _wanted(event, f"agent_id:{agent_id}") is Delivery.ENVELOPE
        assert _wanted(event, f"agent_id:{agent_id}:{word}:{event_type.value}") is Delivery.BARE
        assert _wanted(event, f"agent_id:{new_id()}:{word}:") is None
        nobodys = Event(event_type, make(CID, owner_id=agent_id))
        assert topics_of(nobodys).by_resource == (f"customer_id:{CID}:{word}:{nobodys.data.id}",)


def test_one_can_subscribe_to_one_transcribe(samples: Any) -> None:
    mine, other = samples.transcribe(CID), samples.transcribe(CID)
    root = f"customer_id:{CID}"
    for transcribe, is_wanted in ((mine, True), (other, False)):
        transcript = Event(EventType.TRANSCRIPT_CREATED, samples.transcript(transcribe))
        speech = Event(EventType.TRANSCRIBE_SPEECH_STARTED, samples.speech(transcribe))
        done = Event(EventType.TRANSCRIBE_DONE, transcribe)
        assert (_wanted(transcript, f"{root}:transcript:{mine.id}") is Delivery.ENVELOPE) is is_wanted
        for event in (speech, done):
            assert (_wanted(event, f"{root}:transcribe:{mine.id}") is Delivery.ENVELOPE) is is_wanted


@pytest.mark.parametrize("event_type", EventType)
def test_every_event_type_is_told_from_a_resource(event_type: EventType) -> None:
    root = f"customer_id:{CID}:{event_type.resource}"
    assert is_event_type_topic(f"{root}:{event_type.value}")
    assert is_event_type_topic(f"{root}:{event_type.value}:{new_id()}")
    assert not is_event_type_topic(f"{root}:{new_id()}")
    assert not is_event_type_topic(root)


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
    known = EventTopics((f"customer_id:{CID}:call:x",), (f"customer_id:{CID}:call:call_created:x",))
    topics = TopicSet()
    topics.add(topic)
    is_prefix = any(name.startswith(topic) for name in (*known.by_resource, *known.by_event_type))
    assert topics.delivery_of(known) is None or is_prefix
    assert is_allowed(topic, ADMIN) <= (CID in topic or str(ADMIN.agent_id) in topic)


def _resources(samples: Any) -> dict[EventType, Any]:
    """Return an event of every resource."""
    transcribe, room = samples.transcribe(CID), samples.conference(CID, data={"a": [1, "}"]})
    return {
        EventType.CALL_HANGUP: samples.call(CID, owner_type="agent", owner_id=new_id()),
        EventType.GROUPCALL_HANGUP: samples.groupcall(CID),
        EventType.FLOW_UPDATED: samples.flow(CID),
        EventType.ACTIVEFLOW_UPDATED: samples.activeflow(CID),
        EventType.RECORDING_FINISHED: samples.recording(CID),
        EventType.CONFERENCE_CREATED: room,
        EventType.CONFERENCECALL_JOINED: samples.conferencecall(room),
        EventType.TRANSCRIBE_DONE: transcribe,
        EventType.TRANSCRIPT_CREATED: samples.transcript(transcribe, message='quote " and 안녕'),
        EventType.TRANSCRIBE_SPEECH_INTERIM: samples.speech(transcribe, message="hel"),
        EventType.NUMBER_CREATED: samples.number(CID),
        EventType.EXTENSION_CREATED: samples.extension(CID),
        EventType.TRUNK_CREATED: samples.trunk(CID),
        EventType.AGENT_STATUS_UPDATED: samples.agent(CID),
        EventType.QUEUE_CREATED: samples.queue(CID),
        EventType.QUEUECALL_SERVICED: samples.queuecall(samples.queue(CID)),
        EventType.CUSTOMER_UPDATED: samples.customer(id=CID),
    }


def test_every_resource_has_an_event(samples: Any) -> None:
    kinds = {type(resource) for resource in _resources(samples).values()}
    assert kinds == set(get_args(Resource))


def test_an_event_as_json(samples: Any) -> None:
    for event_type, resource in _resources(samples).items():
        event = Event(event_type, resource)
        text = event_text(event)
        assert json.loads(text.envelope) == event_json(event)
        assert json.loads(text.bare) == event_json(event)["data"]
        assert event_json(event)["type"] == event_type.value
        assert event_json(event)["data"]["id"] == resource.id
        assert json.loads(with_seq(text.envelope, 7)) == event_json(event) | {"seq": 7}
        assert json.loads(with_seq(text.bare, 7)) == event_json(event)["data"] | {"seq": 7}


def test_no_event_tells_a_secret(samples: Any) -> None:
    secrets = {
        EventType.EXTENSION_UPDATED: samples.extension(CID, password="of-a-phone"),
        EventType.TRUNK_UPDATED: samples.trunk(CID, password="of-a-trunk"),
        EventType.CUSTOMER_UPDATED: samples.customer(id=CID, webhook_secret="of-webhooks"),
    }
    for event_type, resource in secrets.items():
        assert "of-" not in event_text(Event(event_type, resource)).envelope
        body = event_json(Event(event_type, resource))["data"]
        assert body.get("password", "") + body.get("webhook_secret", "") == ""


def test_a_stored_event_has_the_texts_and_names_of_the_live_one(samples: Any) -> None:
    for event_type, resource in _resources(samples).items():
        event = Event(event_type, resource)
        rendered = render_event(event)
        record = EventRecord(1, CID, event_type.value, rendered.body, rendered.topics, samples.moment())
        assert stored_event_text(record) == event_text(event)
        assert stored_topics(record.topics) == topics_of(event)
