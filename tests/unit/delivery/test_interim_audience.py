"""Who gets interims, asked before one is made."""

from typing import Any

import pytest

from app.delivery.interim_audience import InterimAudience
from app.domain.events import Event
from app.domain.ids import new_id

CID = "12345678-1234-1234-1234-123456789012"
OWN = f"customer_id:{CID}"
MANUAL: dict[str, Any] = {"autoping": False}


def nobody(_event: Event) -> tuple[str, ...]:
    return ()


@pytest.mark.parametrize(
    ("topic", "is_wanted"),
    [
        (f"{OWN}", True),
        (f"{OWN}:transcribe:", True),
        (f"{OWN}:transcribe:transcribe_speech_interim", True),
        (f"{OWN}:transcribe:transcribe_speech_ended", False),
        (f"{OWN}:transcript:", False),
        (f"{OWN}:call:", False),
    ],
)
async def test_a_client_that_has_subscribed_gets_them(feed: Any, samples: Any, topic: str, is_wanted: bool) -> None:
    audience = InterimAudience(nobody)
    ask = audience.of(samples.transcribe(CID))
    assert not ask()
    audience.readers = feed.feed.readers
    assert not ask()
    socket = await feed.open(topic, **MANUAL)
    assert ask() is is_wanted
    assert not audience.of(samples.transcribe(new_id()))()
    await feed.subscribe(socket, topic, kind="unsubscribe")
    assert not ask()


async def test_one_transcribe_alone_can_be_subscribed_to(feed: Any, samples: Any) -> None:
    audience = InterimAudience(nobody)
    audience.readers = feed.feed.readers
    one, other = samples.transcribe(CID), samples.transcribe(CID)
    await feed.open(f"{OWN}:transcribe:{one.id}", **MANUAL)
    assert audience.of(one)()
    assert not audience.of(other)()


async def test_a_webhook_gets_them(samples: Any) -> None:
    targets = ["https://example.com/hook"]
    ask = InterimAudience(lambda event: tuple(targets) if event.customer_id == CID else ()).of(samples.transcribe(CID))
    assert ask()
    targets.clear()
    assert not ask()
