"""Access keys in the store."""

from sqlalchemy import select

from app.domain.customer import AccessKey
from app.store.resource_table import ResourceTable
from app.store.schema import ACCESS_KEYS


class AccessKeys(ResourceTable[AccessKey]):
    """The keys of programs, by the SHA-256 of their secret."""

    table = ACCESS_KEYS
    kind = AccessKey
    word = "accesskey"

    async def get_by_hash(self, token_hash: str) -> AccessKey | None:
        """Return the key whose secret has this SHA-256 (hex), expired and deleted ones too."""
        return await self._first(select(ACCESS_KEYS).where(ACCESS_KEYS.c.token_hash == token_hash))
