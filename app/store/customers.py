"""Customers in the store."""

from sqlalchemy import RowMapping, select

from app.domain.customer import Customer
from app.store.resource_table import ResourceTable, Row
from app.store.schema import CUSTOMERS


class Customers(ResourceTable[Customer]):
    """The tenants. They have no owner: use `get_by_id`."""

    table = CUSTOMERS
    word = "customer"
    owner = ""

    def to_row(self, item: Customer) -> Row:
        """Return the columns of a customer."""
        return {
            "id": item.id,
            "name": item.name,
            "detail": item.detail,
            "email": item.email,
            "phone_number": item.phone_number,
            "address": item.address,
            "webhook_method": item.webhook_method,
            "webhook_uri": item.webhook_uri,
            "webhook_secret": item.webhook_secret,
            "tm_create": item.tm_create,
            "tm_update": item.tm_update,
            "tm_delete": item.tm_delete,
        }

    def from_row(self, row: RowMapping) -> Customer:
        """Return the customer that the columns stand for."""
        return Customer(**row)

    async def get(self, customer_id: str, item_id: str) -> Customer | None:
        """Return the customer when it is asked for by itself."""
        return await self.get_by_id(item_id) if customer_id == item_id else None

    async def first(self) -> Customer | None:
        """Return the customer that the first start made; None in an empty store."""
        return await self._first(select(CUSTOMERS).order_by(CUSTOMERS.c.tm_create))
