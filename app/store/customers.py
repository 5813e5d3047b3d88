"""Customers in the store."""

from sqlalchemy import select

from app.domain.customer import Customer
from app.store.resource_table import ResourceTable
from app.store.schema import CUSTOMERS


class Customers(ResourceTable[Customer]):
    """The tenants. They have no owner: use `get_by_id`."""

    table = CUSTOMERS
    kind = Customer
    word = "customer"
    owner = ""

    async def get(self, customer_id: str, item_id: str) -> Customer | None:
        """Return the customer when it is asked for by itself."""
        return await self.get_by_id(item_id) if customer_id == item_id else None

    async def first(self) -> Customer | None:
        """Return the customer that the first start made; None in an empty store."""
        return await self._first(select(CUSTOMERS).order_by(CUSTOMERS.c.tm_create))

    async def list_all(self) -> tuple[Customer, ...]:
        """Return all customers that are not deleted, oldest first."""
        return await self._live()
