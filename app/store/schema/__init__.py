"""The tables. A change here needs a migration in `migrations/versions/`; a test holds the two together.

Every table of a resource has a unique `(owner, tm_create)`: a page of a list ends at a tm_create (ADR 0018), so no two
rows of one list may share one; the same index serves the list.
"""

from app.store.schema.calls import CALLS, GROUPCALLS, RECORDINGS
from app.store.schema.conferences import CONFERENCECALLS, CONFERENCES
from app.store.schema.flows import ACTIVEFLOWS, FLOWS
from app.store.schema.journal import EVENTS, WEBHOOK_DELIVERIES
from app.store.schema.lines import EXTENSIONS, NUMBERS, OUTBOUND_CONFIGS, TRUNKS
from app.store.schema.parts import METADATA
from app.store.schema.people import ACCESS_KEYS, AGENTS, CUSTOMERS
from app.store.schema.probe import WRITE_PROBE
from app.store.schema.queues import QUEUECALLS, QUEUES
from app.store.schema.transcribes import TRANSCRIBES, TRANSCRIPTS

__all__ = [
    "ACCESS_KEYS",
    "ACTIVEFLOWS",
    "AGENTS",
    "CALLS",
    "CONFERENCECALLS",
    "CONFERENCES",
    "CUSTOMERS",
    "EVENTS",
    "EXTENSIONS",
    "FLOWS",
    "GROUPCALLS",
    "METADATA",
    "NUMBERS",
    "OUTBOUND_CONFIGS",
    "QUEUECALLS",
    "QUEUES",
    "RECORDINGS",
    "TRANSCRIBES",
    "TRANSCRIPTS",
    "TRUNKS",
    "WEBHOOK_DELIVERIES",
    "WRITE_PROBE",
]
