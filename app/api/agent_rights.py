"""What stands against a change of an agent: who asks for it, and that a customer always has an admin."""

from __future__ import annotations

from app.api.errors import denied
from app.domain.customer import Agent, Identity, Permission
from app.errors import StateInvalid
from app.store import Transaction

MANY = 100


def is_admin(permission: Permission) -> bool:
    """Tell whether these permissions make an admin."""
    return bool(permission & Permission.CUSTOMER_ADMIN)


def check_may_handle(identity: Identity, permission: Permission) -> None:
    """Refuse a manager who makes or changes an admin: only admins do, or a manager could become one."""
    if is_admin(permission) and not identity.is_admin:
        raise denied()


async def check_is_not_last_admin(tx: Transaction, agent: Agent) -> None:
    """Refuse to take the last admin from its customer: nobody could make another one."""
    if not is_admin(agent.permission):
        return
    before = None
    while rows := await tx.agents.list(agent.customer_id, page_size=MANY, before=before):
        if any(is_admin(other.permission) for other in rows if other.id != agent.id):
            return
        before = rows[-1].tm_create
    raise StateInvalid("this is the last admin of the customer; make another one first")
