"""Quality assurance: was the customer greeted, was the problem solved, did anybody sound unhappy?

Prints one line of JSON after each call.
"""

import json
from collections import defaultdict

from callscribe_client import follow
from spoken_words import mood_of

GREETINGS = ("hello", "welcome", "good morning", "good afternoon", "good evening", "thank you for calling")
RESOLUTIONS = ("solved", "resolved", "fixed", "taken care of", "is done now", "anything else")

reports = defaultdict(lambda: {"greeting": False, "resolved": False, "to_review": []})
current = {}  # the transcript that is looked at


# Monitor customer service calls
def on_transcript(transcript):
    # Check for quality metrics
    if contains_greeting(transcript):
        mark_greeting_present()

    if contains_problem_resolution(transcript):
        mark_resolved()

    # Flag negative sentiment
    if analyze_sentiment(transcript) < 0.3:
        flag_for_review()


def contains_greeting(transcript):
    """Whether our side greets: "out" is what the customer hears."""
    return transcript["direction"] == "out" and any(word in transcript["message"].lower() for word in GREETINGS)


def contains_problem_resolution(transcript):
    """Whether anybody says that the problem is solved."""
    return any(word in transcript["message"].lower() for word in RESOLUTIONS)


def analyze_sentiment(transcript):
    """How content somebody sounds, from 0 to 1."""
    return mood_of(transcript["message"])


def mark_greeting_present():
    """Note it for the call's report."""
    reports[current["transcribe_id"]]["greeting"] = True


def mark_resolved():
    """Note it for the call's report."""
    reports[current["transcribe_id"]]["resolved"] = True


def flag_for_review():
    """Keep what was said, and when, for somebody to listen to."""
    moment = current["tm_transcript"][11:]  # without the day, which is 0001-01-01
    reports[current["transcribe_id"]]["to_review"].append(f"{moment} {current['direction']}: {current['message']}")


if __name__ == "__main__":
    for event_type, event in follow("transcript", "transcribe"):
        if event_type == "transcript_created":
            current.update(event)
            on_transcript(event)
        elif event_type == "transcribe_done":
            report = reports.pop(event["id"], None) or {"greeting": False, "resolved": False, "to_review": []}
            print(json.dumps({event["reference_type"]: event["reference_id"], **report}), flush=True)
