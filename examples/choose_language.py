"""Customers of several languages: the language of each call comes from who calls, or from the number that was dialled.

customers.json (CUSTOMERS_FILE for another one) holds both. Callscribe never guesses a language.
"""

import json
import os
from pathlib import Path
from types import SimpleNamespace

from callscribe_client import ApiError, follow, post

CUSTOMERS_FILE = Path(os.environ.get("CUSTOMERS_FILE", Path(__file__).with_name("customers.json")))


# Transcribe in the customer's known language
def start_multilingual_transcription(call_id, customer):
    # Resolve language from your own data (profile, IVR selection, etc.)
    language = customer.preferred_language  # e.g. "es-ES", "ko-KR"

    # Start transcription in the resolved language
    start_transcribe(
        resource_id=call_id,
        language=language
    )


def start_transcribe(resource_id, language):
    """Transcribe a call from now on; says what to install where the language is not there."""
    try:
        post("/transcribes", {"reference_type": "call", "reference_id": resource_id, "language": language})
    except ApiError as error:
        print(f"{resource_id} is not transcribed: {error}", flush=True)
    else:
        print(f"{resource_id} is transcribed in {language}", flush=True)


def find_customer(call):
    """The customer by the caller's number, else by the number that was dialled, else the default."""
    known = json.loads(CUSTOMERS_FILE.read_text(encoding="utf-8"))
    by_caller = known["callers"].get(call["source"]["target"])
    by_number = known["numbers"].get(call["destination"]["target"])
    return SimpleNamespace(**(by_caller or by_number or known["default"]))


if __name__ == "__main__":
    for event_type, event in follow("call"):
        if event_type == "call_progressing" and event["direction"] == "incoming":
            start_multilingual_transcription(event["id"], find_customer(event))
