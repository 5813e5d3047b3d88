"""The event bus: order, independence of subscribers, and falling off instead of losing silently."""

from app.domain.events import Event, EventType
from app.domain.timestamps import now
from app.domain.transcribe import Direction
from app.domain.transcript import SpeechEvent
from app.event_bus import EventBus


def event(number: int) -> Event:
    speech = SpeechEvent(str(number), "c", "t", Direction.IN, "s", now(), now())
    return Event(EventType.TRANSCRIBE_SPEECH_STARTED, speech)


async def test_every_subscriber_gets_all_in_order() -> None:
    bus = EventBus()
    with bus.subscribe() as one, bus.subscribe() as other:
        for number in range(5):
            bus.publish(event(number))
        one.close()
        other.close()
        assert [it.resource_id async for it in one] == list("01234")
        assert [it.resource_id async for it in other] == list("01234")


async def test_a_slow_subscriber_falls_off_alone() -> None:
    bus = EventBus()
    with bus.subscribe(limit=2) as slow, bus.subscribe(limit=10) as quick:
        for number in range(3):
            bus.publish(event(number))
        assert slow.is_overrun
        assert [it.resource_id async for it in slow] == ["0", "1"]
        assert not quick.is_overrun
        quick.close()
        assert len([it async for it in quick]) == 3


async def test_nothing_comes_after_the_end() -> None:
    bus = EventBus()
    with bus.subscribe() as reader:
        pass
    bus.publish(event(1))
    assert [it async for it in reader] == []
