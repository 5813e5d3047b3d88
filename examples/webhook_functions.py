"""What the tutorial's webhook program calls without showing it: replace each by what your company has."""

import json
import logging
import os
from pathlib import Path

from spoken_words import count_words, mood_of

TRANSCRIPTS = Path(os.environ.get("TRANSCRIPTS_FILE", "transcripts.jsonl"))
log = logging.getLogger("webhook")


def store_transcript(transcribe_id, message, direction):
    """Append a transcript to the file; a server of several processes needs a database instead."""
    record = {"transcribe_id": transcribe_id, "direction": direction, "message": message}
    with TRANSCRIPTS.open("a", encoding="utf-8") as file:
        file.write(json.dumps(record, ensure_ascii=False) + "\n")


def analyze_sentiment(message):
    """How content somebody sounds: 0 is not at all, 0.5 cannot be told, 1 very."""
    return mood_of(message)


def extract_keywords(message):
    """The words of a message that carry meaning, the most frequent first."""
    return [word for word, _ in count_words(message).most_common(5)]


def alert_supervisor(transcribe_id):
    """Tell a person who can help at once."""
    log.warning("urgent: look at transcribe %s", transcribe_id)
