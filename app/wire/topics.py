"""Topics: the names an event is announced by, and which events a subscribed string means (contract 6, 10 row 5)."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum

from app.domain.call import Call
from app.domain.customer import Identity
from app.domain.events import Event, EventType
from app.domain.groupcall import Groupcall
from app.domain.transcribe import TranscribeRefusal
from app.domain.transcript import SpeechEvent, Transcript

_EVENT_TYPES = frozenset(event_type.value for event_type in EventType)


class Delivery(Enum):
    """In which form an event is delivered to a subscriber."""

    ENVELOPE = "envelope"
    BARE = "bare"


@dataclass(frozen=True, slots=True)
class EventTopics:
    """The names of one event: those by resource, and those by event type."""

    by_resource: tuple[str, ...]
    by_event_type: tuple[str, ...]


def topics_of(event: Event) -> EventTopics:
    """Return the names of an event: `OWNER:RESOURCE:ID` and `OWNER:RESOURCE:EVENT_TYPE:ID`.

    OWNER is `customer_id:CID`, and `agent_id:AID` as well for a call or groupcall of an agent. What belongs to a
    transcribe has a name more by resource, `...:TRANSCRIBE_ID:ID`: so one can subscribe to all of one transcribe.
    """
    resource, event_type, data = event.type.resource, event.type.value, event.data
    roots = [f"customer_id:{event.customer_id}:{resource}"]
    if isinstance(data, Call | Groupcall) and data.owner_type == "agent":
        roots.append(f"agent_id:{data.owner_id}:{resource}")
    ids = [data.id]
    if isinstance(data, Transcript | SpeechEvent | TranscribeRefusal):
        ids.append(f"{data.transcribe_id}:{data.id}")
    return EventTopics(
        tuple(f"{root}:{each}" for root in roots for each in ids),
        tuple(f"{root}:{event_type}:{data.id}" for root in roots),
    )


def stored_topics(names: Iterable[str]) -> EventTopics:
    """Return the names of a stored event in their two kinds."""
    kinds = [(name, is_event_type_topic(name)) for name in names]
    return EventTopics(
        tuple(name for name, is_by_event_type in kinds if not is_by_event_type),
        tuple(name for name, is_by_event_type in kinds if is_by_event_type),
    )


def is_event_type_topic(topic: str) -> bool:
    """Tell whether a subscribed string is one by event type: its fourth part is one."""
    parts = topic.split(":", 4)
    return len(parts) >= 4 and parts[3] in _EVENT_TYPES


def is_allowed(topic: str, identity: Identity) -> bool:
    """Tell whether `identity` may subscribe to `topic`: its own customer as admin or manager, or its own agent."""
    kind, _, rest = topic.partition(":")
    owner = rest.partition(":")[0]
    if kind == "customer_id":
        return owner == identity.customer_id and identity.is_admin_or_manager
    return kind == "agent_id" and owner == identity.agent_id


class TopicSet:
    """What one connection has subscribed to; a string matches every topic that begins with it."""

    def __init__(self) -> None:
        self._by_resource: tuple[str, ...] = ()
        self._by_event_type: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self._by_resource) + len(self._by_event_type)

    def add(self, topic: str) -> None:
        """Subscribe; a second time changes nothing."""
        if topic in self._by_resource or topic in self._by_event_type:
            return
        if is_event_type_topic(topic):
            self._by_event_type += (topic,)
        else:
            self._by_resource += (topic,)

    def discard(self, topic: str) -> None:
        """Unsubscribe; an unknown topic changes nothing."""
        self._by_resource = tuple(known for known in self._by_resource if known != topic)
        self._by_event_type = tuple(known for known in self._by_event_type if known != topic)

    def delivery_of(self, topics: EventTopics) -> Delivery | None:
        """Return in which form an event of these topics is wanted, None when it is not; the envelope goes first."""
        if any(topic.startswith(self._by_resource) for topic in topics.by_resource):
            return Delivery.ENVELOPE
        if any(topic.startswith(self._by_event_type) for topic in topics.by_event_type):
            return Delivery.BARE
        return None
