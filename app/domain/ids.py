"""Ids: UUIDs in the API, and the ids that we choose for the objects we make in Asterisk."""

import secrets
import uuid

ZERO_ID = "00000000-0000-0000-0000-000000000000"
"""The API's form of "no id": always present, never null (contract 0.2)."""

ASTERISK_PREFIX = "callscribe-"
"""Every channel, bridge and playback that we make in Asterisk has an id that begins so; what has it is ours."""


def new_id() -> str:
    """Return a new random UUID in its text form."""
    return str(uuid.uuid4())


def new_direct_hash() -> str:
    """Return a new name for `sip:direct.NAME@...`: whoever knows it can call the resource, so nobody can guess it."""
    return secrets.token_hex(16)


def is_id(text: str) -> bool:
    """Tell whether `text` is a UUID in the canonical 36-character form (either case)."""
    try:
        return str(uuid.UUID(text)) == text.lower()
    except (ValueError, AttributeError, TypeError):
        return False


def asterisk_id(kind: str, owner_id: str, suffix: str = "") -> str:
    """Return the id of an Asterisk object of ours: `callscribe-KIND-OWNER[-SUFFIX]` (kind: snoop, media, tap, play)."""
    return f"{ASTERISK_PREFIX}{kind}-{owner_id}" + (f"-{suffix}" if suffix else "")
