"""Metrics of what callers and clients see: calls, conferences, transcribes, recordings, events."""

from collections import Counter
from collections.abc import Iterable

from prometheus_client.core import Metric

from app.application.metric_forms import gauge, gauges, totals
from app.application.talk import Talk
from app.domain.call import CallStatus
from app.event_bus import EventBus

_LIVE = tuple(status for status in CallStatus if status is not CallStatus.HANGUP)


def call_metrics(talk: Talk, bus: EventBus) -> Iterable[Metric]:
    """What lives now, and how many events of each type there were."""
    statuses = Counter(call.record.status for call in talk.calls)
    yield gauge("callscribe_live_calls", "Calls that live now.", len(talk.calls))
    yield gauges(
        "callscribe_calls",
        "Calls that live now, by their status.",
        "status",
        {status.value: statuses[status] for status in _LIVE},
    )
    yield gauge("callscribe_live_transcribes", "Transcribes that listen now.", len(talk.transcribes))
    yield gauge("callscribe_live_answers", "Answers of speech_receive that are being heard now.", len(talk.answers))
    yield gauge("callscribe_live_recordings", "Recordings that go on now.", len(talk.recordings))
    yield gauge("callscribe_open_conferences", "Conferences in use now.", len(talk.conferences))
    yield gauge("callscribe_media_streams", "Media streams to external programs now.", len(talk.media_streams))
    yield gauge(
        "callscribe_recording_transcribes",
        "Transcribes of recordings that are being decoded or wait for it.",
        len(talk.recording_transcribes),
    )
    yield totals(
        "callscribe_events_told",
        "Events told since the start, by type: call_created, call_hangup, transcript_created, transcribe_refused ...",
        "type",
        {event_type.value: count for event_type, count in tuple(bus.told.items())},
    )
