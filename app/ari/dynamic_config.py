"""Objects of Asterisk's configuration that are pushed into its memory while it runs (sorcery.conf says which).

https://docs.asterisk.org/Configuration/Interfaces/Asterisk-REST-Interface-ARI/ARI-Push-Configuration/
"""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import TypeAdapter

from app.ari import operation
from app.ari.errors import AriRefused
from app.ari.models import ConfigField
from app.ari.operation import Requester

Field = tuple[str, str]
"""Name and value. A name may come several times where Asterisk takes several (`match`, `contact`)."""

_fields: TypeAdapter[list[ConfigField]] = TypeAdapter(list[ConfigField])


async def put_object(
    ari: Requester, config_class: str, object_type: str, object_id: str, fields: Sequence[Field]
) -> None:
    """Make an object, or change these fields of one that is there already: the others of that one stay.

    E.g. `res_pjsip`, `aor`, `alice`, `[("max_contacts", "5")]`. AriRefused: 400 for a field or value that Asterisk
    does not know, 403 when it cannot be made or changed (it comes from a file, or sorcery.conf lacks the memory), 404
    for an unknown class or type.
    """
    body = {"fields": [{"attribute": name, "value": value} for name, value in fields]}
    await operation.PUT_DYNAMIC.send(ari, _ids(config_class, object_type, object_id), body=body)


async def delete_object(ari: Requester, config_class: str, object_type: str, object_id: str) -> None:
    """Delete an object; one that is not there is fine. AriRefused 403 when it comes from a file."""
    try:
        await operation.DELETE_DYNAMIC.send(ari, _ids(config_class, object_type, object_id))
    except AriRefused as error:
        if error.status != 404:
            raise


async def get_object(ari: Requester, config_class: str, object_type: str, object_id: str) -> dict[str, str] | None:
    """Return an object's fields with their defaults, from a file or pushed; None when there is none."""
    try:
        reply = await operation.GET_DYNAMIC.send(ari, _ids(config_class, object_type, object_id))
    except AriRefused as error:
        if error.status != 404:
            raise
        return None
    return {field.attribute: field.value for field in _fields.validate_python(reply)}


def _ids(config_class: str, object_type: str, object_id: str) -> dict[str, str]:
    return {"configClass": config_class, "objectType": object_type, "id": object_id}
