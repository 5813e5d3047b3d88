"""Extensions in the store."""

from sqlalchemy import ColumnElement, select

from app.domain.line import Extension
from app.store.direct_hash import DirectTable
from app.store.schema import EXTENSIONS


class Extensions(DirectTable[Extension]):
    """The SIP phones. While live, `extension` exists once in a customer, `username` once in the store."""

    table = EXTENSIONS
    kind = Extension
    word = "extension"

    async def find(self, customer_id: str, extension: str) -> Extension | None:
        """Return the customer's extension that is dialled so; None when there is none, or it is deleted."""
        return await self._find(EXTENSIONS.c.customer_id == customer_id, EXTENSIONS.c.extension == extension)

    async def find_by_username(self, username: str) -> Extension | None:
        """Return the extension that registers as `username`; None when there is none, or it is deleted."""
        return await self._find(EXTENSIONS.c.username == username)

    async def list_all(self) -> tuple[Extension, ...]:
        """Return the extensions of all customers that are not deleted, oldest first."""
        return await self._live()

    async def _find(self, *where: ColumnElement[bool]) -> Extension | None:
        return await self._first(select(EXTENSIONS).where(*where, EXTENSIONS.c.tm_delete.is_(None)))
