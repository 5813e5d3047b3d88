"""Variables out of JSON that came from elsewhere: what a webhook, a language model or a CRM answered."""

import json
from collections.abc import Iterator, Mapping

from app.errors import InvalidArgument
from app.flow.variables import SYSTEM_PREFIX, Variables
from app.logs import get_log

log = get_log("flow")

MAX_DEPTH = 8
MAX_NAME = 255
MAX_SET = 100
"""How many variables one answer may set."""


def read_json_reply(body: bytes | str) -> object:
    """Return the decoded JSON, None for what is none."""
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


def set_from_reply(variables: Variables, reply: object) -> int:
    """Set the texts, numbers and truths of a JSON object as variables and return how many; nothing for other JSON.

    Names of objects inside are joined by dots (`order.id`). Lists, null, names that begin with `voipbin.` or that no
    `${name}` can hold are left out, and so is what is beyond the limits of contract 3.3.
    """
    count = refused = 0
    for name, value in _flatten(reply, "", 0):
        if count == MAX_SET or not _is_possible(name):
            refused += 1
            continue
        try:
            variables.set(name, value)
            count += 1
        except InvalidArgument:
            refused += 1
    if refused:
        log.warning("variables of an answer left out", left_out=refused, set=count)
    return count


def _is_possible(name: str) -> bool:
    return 0 < len(name) <= MAX_NAME and not name.startswith(SYSTEM_PREFIX) and "}" not in name


def _flatten(value: object, name: str, depth: int) -> Iterator[tuple[str, str]]:
    match value:
        case Mapping() if depth < MAX_DEPTH:
            for key, inner in value.items():
                yield from _flatten(inner, f"{name}.{key}" if name else str(key), depth + 1)
        case str() if name:
            # A lone half of a UTF-16 pair, which no database takes, can be written in JSON.
            yield name, value.encode("utf-8", "replace").decode().replace("\0", "")
        case bool() | int() | float() if name:
            yield name, json.dumps(value)
        case _:
            return
