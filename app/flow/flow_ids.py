"""Ids of flows and actions: UUIDs in the API, names in files, the same at every load.

A flow's id is the uuid5 of its file's name. An action's `id` in a file is a UUID or a name; a name becomes the uuid5
of (flow id, name), an absent one the uuid5 of (flow id, place). Options that point at actions keep what their author
wrote, and the cursor maps it in the same way when it jumps, so a target that comes out of a variable works too.

Actions that come over the API are checked before their flow has an id: names in them become uuid5 of the name alone.
"""

import re
import uuid

from app.domain.ids import ZERO_ID, is_id

FINISH_ID = "00000000-0000-0000-0000-000000000002"
"""As `next_id`: the flow ends here (contract 0.2)."""
NEXT_ID = "00000000-0000-0000-0000-000000000003"
"""As `next_id`: the following action, like ZERO_ID."""
RESERVED_IDS = frozenset({ZERO_ID, "00000000-0000-0000-0000-000000000001", FINISH_ID, NEXT_ID})
"""Ids that no action may have as its own."""

_NAMESPACE = uuid.UUID("6f0bd3b6-6a64-5f0e-9c44-1d2f6b1f4c11")
_API_NAMES = uuid.UUID("0d6d3c1e-6f0e-5b57-8b0b-6a5b0a2f9d43")
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,63}")


def to_flow_id(name_or_id: str) -> str:
    """Return the flow id of a file name without `.json`; a UUID stands for itself."""
    return name_or_id.lower() if is_id(name_or_id) else str(uuid.uuid5(_NAMESPACE, name_or_id))


def to_action_id(flow_id: str, name_or_id: str) -> str:
    """Return the id of the action that is written as `name_or_id` in the flow `flow_id`."""
    return name_or_id.lower() if is_id(name_or_id) else str(uuid.uuid5(uuid.UUID(flow_id), name_or_id))


def to_api_action_id(name_or_id: str) -> str:
    """Return the id of the action that a client of the API writes as `name_or_id`."""
    return name_or_id.lower() if is_id(name_or_id) else str(uuid.uuid5(_API_NAMES, name_or_id))


def place_action_id(flow_id: str, index: int) -> str:
    """Return the id of the action at `index` (from 0) whose author gave it none; no name can collide with it."""
    return str(uuid.uuid5(uuid.UUID(flow_id), f"#{index}"))


def is_action_name(text: str) -> bool:
    """Tell whether `text` may name an action: a letter, then letters, digits, `_`, `.`, `-`; 64 at most."""
    return _NAME.fullmatch(text) is not None
