"""Keyword alert: certain words in a call are told at once, and the supervisor's telephone rings.

SUPERVISOR is whom to ring: sip:USER@HOST or a telephone number; without it alerts are printed only.
"""

import json
import os

from callscribe_client import ApiError, follow, get, post

SUPERVISOR = os.environ.get("SUPERVISOR", "")
CALLER = os.environ.get("CALLER", "+15551234567")  # the number that the supervisor sees

escalated = set()


# Monitor for important keywords
ALERT_KEYWORDS = ['urgent', 'emergency', 'cancel', 'complaint', 'lawsuit']

def on_transcript(transcript):
    message = transcript['message'].lower()

    for keyword in ALERT_KEYWORDS:
        if keyword in message:
            # Send immediate alert
            send_alert(
                transcribe_id=transcript['transcribe_id'],
                keyword=keyword,
                context=message
            )

            # Escalate to supervisor
            escalate_call(transcript['transcribe_id'])


def send_alert(transcribe_id, keyword, context):
    """Tell whoever watches; here: print one line of JSON."""
    print(json.dumps({"alert": keyword, "transcribe_id": transcribe_id, "context": context}), flush=True)


def escalate_call(transcribe_id):
    """Ring the supervisor, once for each transcribe, and say which call needs help."""
    if not SUPERVISOR or transcribe_id in escalated:
        return
    escalated.add(transcribe_id)
    transcribe = get(f"/transcribes/{transcribe_id}")
    who = "a customer"
    if transcribe["reference_type"] == "call":
        who = "the caller " + (get(f"/calls/{transcribe['reference_id']}")["source"]["target"] or "without a number")
    text = f"This is Callscribe. Please look after {who}: this is urgent."
    try:
        post("/calls", {
            "source": {"type": "tel", "target": CALLER},
            "destinations": [{"type": "sip" if "@" in SUPERVISOR else "tel", "target": SUPERVISOR}],
            "actions": [{"type": "talk", "option": {"text": text, "language": "en-US"}}],
        })
    except ApiError as error:
        print(f"the supervisor cannot be called: {error}", flush=True)


if __name__ == "__main__":
    for event_type, event in follow("transcript"):
        if event_type == "transcript_created":
            on_transcript(event)
