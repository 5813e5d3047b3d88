"""A groupcall as data: several destinations dialled at once or in turn; who answers first has it (contract 3.7)."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from app.domain.call import Address
from app.domain.customer import RingMethod
from app.domain.ids import ZERO_ID


class GroupcallStatus(StrEnum):
    """Where a groupcall is in its life."""

    PROGRESSING = "progressing"
    HANGINGUP = "hangingup"
    HANGUP = "hangup"


@dataclass(frozen=True, slots=True)
class Groupcall:
    """One groupcall. `call_ids` are its legs in the order in which they were dialled; `call_count` of them live.

    `dial_index` is which destination a linear groupcall has dialled last. A destination that is an agent or an
    extension becomes a groupcall of its own: `groupcall_ids`, `groupcall_count`, `master_groupcall_id`.
    """

    id: str
    customer_id: str
    status: GroupcallStatus
    source: Address
    destinations: tuple[Address, ...]
    ring_method: RingMethod
    tm_create: datetime
    tm_update: datetime
    answer_method: str = "hangup_others"
    flow_id: str = ZERO_ID
    owner_type: str = ""
    owner_id: str = ZERO_ID
    master_call_id: str = ZERO_ID
    master_groupcall_id: str = ZERO_ID
    answer_call_id: str = ZERO_ID
    call_ids: tuple[str, ...] = ()
    answer_groupcall_id: str = ZERO_ID
    groupcall_ids: tuple[str, ...] = ()
    call_count: int = 0
    groupcall_count: int = 0
    dial_index: int = 0
    tm_delete: datetime | None = None
