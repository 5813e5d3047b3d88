"""Who may use this Callscribe: customers, their agents, their access keys (contract 1, 2)."""

from dataclasses import dataclass
from datetime import datetime
from enum import IntFlag, StrEnum

from app.domain.call import Address


class Permission(IntFlag):
    """Permission bits of an agent (contract 1.3)."""

    NONE = 0
    PROJECT_SUPER_ADMIN = 0x01
    CUSTOMER_AGENT = 0x10
    CUSTOMER_ADMIN = 0x20
    CUSTOMER_MANAGER = 0x40


@dataclass(frozen=True, slots=True)
class Customer:
    """The tenant: everything else belongs to one."""

    id: str
    name: str
    tm_create: datetime
    tm_update: datetime
    detail: str = ""
    email: str = ""
    phone_number: str = ""
    address: str = ""
    webhook_method: str = ""
    webhook_uri: str = ""
    webhook_secret: str = ""
    is_rtp_debug: bool = False
    tm_delete: datetime | None = None


class AgentStatus(StrEnum):
    """Whether an agent takes calls."""

    AVAILABLE = "available"
    AWAY = "away"
    BUSY = "busy"
    OFFLINE = "offline"
    RINGING = "ringing"


class RingMethod(StrEnum):
    """How several targets of an agent or a groupcall are dialled: all at once, or one after the other."""

    RING_ALL = "ring_all"
    LINEAR = "linear"


@dataclass(frozen=True, slots=True)
class Agent:
    """A person who logs in; `password_hash` is an argon2 string and never leaves the store's readers."""

    id: str
    customer_id: str
    username: str
    password_hash: str
    name: str
    permission: Permission
    tm_create: datetime
    tm_update: datetime
    detail: str = ""
    ring_method: RingMethod = RingMethod.RING_ALL
    status: AgentStatus = AgentStatus.OFFLINE
    tag_ids: tuple[str, ...] = ()
    addresses: tuple[Address, ...] = ()
    tm_delete: datetime | None = None


@dataclass(frozen=True, slots=True)
class AccessKey:
    """A key for programs; only the SHA-256 of its secret is kept, and its first 11 characters to recognise it."""

    id: str
    customer_id: str
    name: str
    token_hash: str
    token_prefix: str
    tm_create: datetime
    tm_update: datetime
    detail: str = ""
    tm_expire: datetime | None = None
    tm_delete: datetime | None = None


@dataclass(frozen=True, slots=True)
class Identity:
    """Who makes a request: an agent that logged in, or an access key, which acts as its customer's admin."""

    customer_id: str
    permission: Permission
    agent_id: str | None = None
    access_key_id: str | None = None

    @property
    def is_admin(self) -> bool:
        """Whether it may change the customer itself, its keys and its admins (contract 1.3)."""
        return bool(self.permission & Permission.CUSTOMER_ADMIN)

    @property
    def is_admin_or_manager(self) -> bool:
        """Whether it may see and change what belongs to the customer (contract 1.3)."""
        return bool(self.permission & (Permission.CUSTOMER_ADMIN | Permission.CUSTOMER_MANAGER))
