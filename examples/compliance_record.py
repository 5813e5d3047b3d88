"""Compliance: a record of every call that was transcribed, in a file that shows when somebody has changed it.

Each line of RECORDS_FILE is a record and holds the SHA-256 of the line before it: a line that is changed or taken out
breaks the chain. `python compliance_record.py --check` says whether it holds.
"""

import hashlib
import json
import os
import sys
from datetime import datetime
from pathlib import Path

from callscribe_client import follow, get, transcripts_of

RECORDS_FILE = Path(os.environ.get("RECORDS_FILE", "compliance.jsonl"))
FIRST = "0" * 64


# Store all call transcripts for compliance
def store_for_compliance(transcribe_id):
    transcripts = get_transcripts(transcribe_id)

    # Create formatted record
    record = {
        'call_id': call_id,
        'date': datetime.now(),
        'full_transcript': format_transcript(transcripts),
        'participants': get_participants(call_id)
    }

    # Store in compliance database
    compliance_db.store(record)


get_transcripts = transcripts_of


def format_transcript(transcripts):
    """One line for each utterance: when, who, what."""
    who = {"in": "customer", "out": "company"}
    return [f"{row['tm_transcript'][11:]} {who[row['direction']]}: {row['message']}" for row in transcripts]


def get_participants(call_id):
    """Who called whom."""
    call = get(f"/calls/{call_id}")
    return {"from": call["source"]["target"], "to": call["destination"]["target"]}


class RecordFile:
    """A file of records, each tied to the one before it."""

    def __init__(self, path):
        self.path = path

    def lines(self):
        """The records as they were written."""
        return self.path.read_text(encoding="utf-8").splitlines() if self.path.exists() else []

    def store(self, record):
        """Append a record; it is on the disk when this returns."""
        record["previous"] = hashlib.sha256(self.lines()[-1].encode()).hexdigest() if self.lines() else FIRST
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(record, ensure_ascii=False, default=str) + "\n")
            file.flush()
            os.fsync(file.fileno())

    def is_whole(self):
        """Whether nothing was changed, taken out or put in since it was written, but for the last line."""
        previous = FIRST
        for line in self.lines():
            if json.loads(line)["previous"] != previous:
                return False
            previous = hashlib.sha256(line.encode()).hexdigest()
        return True


compliance_db = RecordFile(RECORDS_FILE)

if __name__ == "__main__":
    if sys.argv[1:] == ["--check"]:
        sys.exit(None if compliance_db.is_whole() else f"{RECORDS_FILE} was changed after it was written")
    for event_type, event in follow("transcribe"):
        if event_type == "transcribe_done" and event["reference_type"] == "call":
            call_id = event["reference_id"]
            store_for_compliance(event["id"])
            print(f"recorded {call_id}", flush=True)
