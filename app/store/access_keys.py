"""Access keys in the store."""

from sqlalchemy import RowMapping, select

from app.domain.customer import AccessKey
from app.store.resource_table import ResourceTable, Row
from app.store.schema import ACCESS_KEYS


class AccessKeys(ResourceTable[AccessKey]):
    """The keys of programs, by the SHA-256 of their secret."""

    table = ACCESS_KEYS
    word = "accesskey"

    def to_row(self, item: AccessKey) -> Row:
        """Return the columns of a key."""
        return {
            "id": item.id,
            "customer_id": item.customer_id,
            "name": item.name,
            "detail": item.detail,
            "token_hash": item.token_hash,
            "token_prefix": item.token_prefix,
            "tm_expire": item.tm_expire,
            "tm_create": item.tm_create,
            "tm_update": item.tm_update,
            "tm_delete": item.tm_delete,
        }

    def from_row(self, row: RowMapping) -> AccessKey:
        """Return the key that the columns stand for."""
        return AccessKey(**row)

    async def get_by_hash(self, token_hash: str) -> AccessKey | None:
        """Return the key whose secret has this SHA-256 (hex), expired and deleted ones too."""
        return await self._first(select(ACCESS_KEYS).where(ACCESS_KEYS.c.token_hash == token_hash))
