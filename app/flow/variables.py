"""Variables of one activeflow and `${name}` substitution (contract 8.2)."""

import re
from collections.abc import Mapping

from app.domain.call import Address, Call
from app.domain.flow import Activeflow
from app.errors import InvalidArgument

SYSTEM_PREFIX = "voipbin."
"""Names that begin so are ours; a caller who supplies one is not heard."""

DIGITS = "voipbin.call.digits"
"""What the party pressed: the answer that digits_receive got, or the last digit pressed during another action."""

MAX_VARIABLES = 100
MAX_VALUE_BYTES = 32 * 1024
MAX_TOTAL_BYTES = 64 * 1024
MAX_EXPANDED_CHARACTERS = 256 * 1024
"""How long one option may become by substitution: a flow that doubles a text in a loop must not eat the memory."""

_PLACEHOLDER = re.compile(r"\$\{(.*?)\}")


def has_placeholder(value: object) -> bool:
    """Tell whether `value` is a text whose final form is known only when it runs."""
    return isinstance(value, str) and _PLACEHOLDER.search(value) is not None


def list_placeholders(text: str) -> tuple[str, ...]:
    """Return the names of the variables that `text` reads, each as often as it does."""
    return tuple(_PLACEHOLDER.findall(text))


class Variables:
    """The strings of one activeflow by name."""

    def __init__(self) -> None:
        self._values: dict[str, str] = {}

    def assign(self, *, inherited: Mapping[str, str], supplied: Mapping[str, str], system: Mapping[str, str]) -> None:
        """Set what an activeflow begins with: inherited < supplied (without `voipbin.`) < system."""
        allowed = {name: value for name, value in supplied.items() if not name.startswith(SYSTEM_PREFIX)}
        self._values.update({**inherited, **allowed, **system})

    def get(self, name: str) -> str:
        """Return the value; an unknown name is the empty string."""
        return self._values.get(name, "")

    def set(self, name: str, value: str) -> None:
        """Set a variable for a flow's author; InvalidArgument when the limits of contract 3.3 are passed."""
        size = len(value.encode("utf-8", "replace"))
        if size > MAX_VALUE_BYTES:
            raise InvalidArgument("value", f"has {size} bytes after substitution; expected at most {MAX_VALUE_BYTES}")
        after = {key: text for key, text in self._values.items() if not key.startswith(SYSTEM_PREFIX)} | {name: value}
        if len(after) > MAX_VARIABLES:
            raise InvalidArgument("key", f"is one variable too many; expected at most {MAX_VARIABLES} in a flow")
        total = sum(len(text.encode("utf-8", "replace")) for text in after.values())
        if total > MAX_TOTAL_BYTES:
            raise InvalidArgument("value", f"makes {total} bytes of variables; expected at most {MAX_TOTAL_BYTES}")
        self._values[name] = value

    def set_system(self, values: Mapping[str, str]) -> None:
        """Set variables of the `voipbin.` names; no limits."""
        self._values.update(values)

    def clear(self, name: str) -> None:
        """Forget a variable: it is the empty string from now on."""
        self._values.pop(name, None)

    def snapshot(self) -> dict[str, str]:
        """Return a copy: what a following activeflow inherits."""
        return dict(self._values)

    def expand(self, value: object) -> object:
        """Return `value` with every `${name}` in every string of it replaced, in lists and objects too (not in keys).

        The shortest match counts, a value is not looked through again, and an unknown name is the empty string.
        InvalidArgument when the whole becomes longer than MAX_EXPANDED_CHARACTERS.
        """
        room = MAX_EXPANDED_CHARACTERS

        def replace(match: re.Match[str]) -> str:
            nonlocal room
            text = self.get(match.group(1))
            room -= len(text)
            if room < 0:
                raise InvalidArgument(
                    "option", f"is too long after substitution; expected at most {MAX_EXPANDED_CHARACTERS} characters"
                )
            return text

        def walk(part: object) -> object:
            if isinstance(part, str):
                return _PLACEHOLDER.sub(replace, part)
            if isinstance(part, Mapping):
                return {key: walk(item) for key, item in part.items()}
            if isinstance(part, list | tuple):
                return [walk(item) for item in part]
            return part

        return walk(value)


def system_variables(activeflow: Activeflow, call: Call | None) -> dict[str, str]:
    """Return the `voipbin.activeflow.*` and `voipbin.call.*` variables of an activeflow."""
    values = {
        "voipbin.activeflow.id": activeflow.id,
        "voipbin.activeflow.reference_type": activeflow.reference_type,
        "voipbin.activeflow.reference_id": activeflow.reference_id,
        "voipbin.activeflow.reference_activeflow_id": activeflow.reference_activeflow_id,
        "voipbin.activeflow.flow_id": activeflow.flow_id,
        "voipbin.activeflow.complete_count": str(activeflow.complete_count),
    }
    if call is not None:
        values |= {
            "voipbin.call.id": call.id,
            "voipbin.call.direction": call.direction.value,
            "voipbin.call.master_call_id": call.master_call_id,
            DIGITS: "",
            **_address_variables("voipbin.call.source", call.source),
            **_address_variables("voipbin.call.destination", call.destination),
        }
    return values


def _address_variables(prefix: str, address: Address) -> dict[str, str]:
    return {
        f"{prefix}.name": address.name,
        f"{prefix}.detail": address.detail,
        f"{prefix}.target": address.target,
        f"{prefix}.target_name": address.target_name,
        f"{prefix}.type": address.type.value,
    }
