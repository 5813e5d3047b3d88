"""Events on their way to the event loop: in order, bounded, and no text is ever left out."""

import asyncio

from app.speech.feed import MOST_WAITING_EVENTS, Delivery
from app.speech.feed_events import FeedEvent, Final, Interim, SpeechEnded, SpeechStarted


async def test_an_interim_that_was_not_told_gives_way_to_the_next() -> None:
    events: list[FeedEvent] = []
    delivery = Delivery(asyncio.get_running_loop(), events.append)
    for event in (SpeechStarted(1.0), Interim("he", 1.2), Interim("hello", 1.4), SpeechEnded(1.5)):
        delivery.send(event)
    await asyncio.sleep(0)
    assert events == [SpeechStarted(1.0), Interim("hello", 1.4), SpeechEnded(1.5)]
    assert delivery.lost == 0


async def test_a_loop_that_stands_still_costs_moments_but_no_text() -> None:
    events: list[FeedEvent] = []
    delivery = Delivery(asyncio.get_running_loop(), events.append)
    for number in range(MOST_WAITING_EVENTS):
        delivery.send(SpeechStarted(float(number)))
        delivery.send(Final(str(number), float(number), number + 1.0, None, None))
    await asyncio.sleep(0)
    finals = [event for event in events if isinstance(event, Final)]
    assert [final.text for final in finals] == [str(number) for number in range(MOST_WAITING_EVENTS)]
    assert delivery.lost == MOST_WAITING_EVENTS // 2
