"""Whose it is: every resource is looked up here before it is shown or changed (contract 0, Tenancy)."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol, TypeVar

from app.api.errors import denied
from app.domain.customer import Identity
from app.errors import NotFound


class Owned(Protocol):
    """What belongs to a customer."""

    @property
    def customer_id(self) -> str:
        """Whose it is."""
        ...


class Deletable(Owned, Protocol):
    """What belongs to a customer until it deletes it."""

    @property
    def tm_delete(self) -> datetime | None:
        """When it was deleted."""
        ...


T = TypeVar("T", bound=Owned)
D = TypeVar("D", bound=Deletable)
T_co = TypeVar("T_co", bound=Owned, covariant=True)


class Found(Protocol[T_co]):
    """A table of the store."""

    @property
    def word(self) -> str:
        """The resource's word."""
        ...

    async def get_by_id(self, item_id: str) -> T_co | None:
        """Return the row of this id, whoever owns it."""
        ...


async def own(table: Found[T], item_id: str, identity: Identity) -> T:
    """Return the caller's own object; NotFound when there is none, PermissionDenied when it is another's."""
    item = await table.get_by_id(item_id)
    if item is None:
        raise NotFound(table.word, item_id)
    if item.customer_id != identity.customer_id:
        raise denied()
    return item


async def own_present(table: Found[D], item_id: str, identity: Identity) -> D:
    """Return the caller's own object as `own` does; NotFound also when it was deleted."""
    item = await own(table, item_id, identity)
    if item.tm_delete is not None:
        raise NotFound(table.word, item_id)
    return item
