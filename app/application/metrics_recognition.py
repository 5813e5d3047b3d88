"""Metrics of recognition: how much is decoded, how late it is, and what is left out for that."""

from collections.abc import Iterable

from prometheus_client.core import Metric

from app.application.metric_forms import gauge, histogram, total
from app.speech.recognition_pool import RecognitionPool


def recognition_metrics(pool: RecognitionPool) -> Iterable[Metric]:
    """The load, and what was done about it."""
    load = pool.recognition_load
    backlog, longest = pool.backlog_seconds
    yield gauge(
        "callscribe_recognition_level",
        "What recognition can do now: 0 = all, 1 = no interims, 2 = no new transcribes either.",
        load.level,
    )
    yield gauge(
        "callscribe_recognition_delay_seconds",
        "How late recognition is: how long ends of utterances wait for a thread, the worst, averaged over a second.",
        load.delay_seconds,
    )
    yield gauge(
        "callscribe_recognition_busy_ratio",
        "Part of the recognition threads' time that live calls take, 0 to 1, over five seconds.",
        load.busy_share,
    )
    yield gauge("callscribe_recognition_threads", "Threads that decode.", pool.threads)
    yield gauge("callscribe_recognition_backlog_seconds", "Sound of calls that waits to be decoded.", backlog)
    yield gauge("callscribe_recognition_longest_backlog_seconds", "The most that waits of one direction.", longest)
    yield histogram(
        "callscribe_recognition_queue_delay_seconds",
        "How long a direction that had something to decode waited for a thread.",
        load.waits,
    )
    yield histogram(
        "callscribe_recognition_final_seconds",
        "From the end of an utterance, as found by the silence after it, to its text.",
        load.finals,
    )
    yield total("callscribe_recognition_refused", "Transcribes refused because recognition was too late.", load.refused)
    yield from _count_metrics(pool)


def _count_metrics(pool: RecognitionPool) -> Iterable[Metric]:
    counts = pool.counts
    yield gauge(
        "callscribe_recognition_feeds", "Directions of calls, and recordings, with a recognizer now.", counts.open_feeds
    )
    yield total("callscribe_recognition_decoded_seconds", "Sound that was decoded.", counts.decoded_seconds)
    yield total("callscribe_recognition_busy_seconds", "Time that the threads took for it.", counts.busy_seconds)
    yield total("callscribe_recognition_finals", "Utterances with a text.", counts.finals)
    yield total("callscribe_recognition_interims", "Interims made.", counts.interims)
    yield total("callscribe_recognition_shed_interims", "Interims left out under load.", counts.shed_interims)
    yield total("callscribe_recognition_gaps", "Stretches of speech that were not decoded under load.", counts.gaps)
    yield total("callscribe_recognition_gap_seconds", "Sound that was not decoded under load.", counts.gap_seconds)
    yield total(
        "callscribe_recognition_lost_events",
        "Interims and the like that the event loop did not take in time.",
        counts.lost_events,
    )
    yield total("callscribe_recognition_failed_feeds", "Recognizers that died.", counts.failed_feeds)
    yield total(
        "callscribe_recognition_recycled", "Recognizers replaced because of their memory.", counts.recycled_recognizers
    )
