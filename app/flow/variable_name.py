"""An option that names a variable: its bare name, as documented, or `${name}`, as VoIPBIN's code wants it."""

import re
from typing import Annotated

from pydantic import Field

from app.flow.action import ActionContext
from app.flow.option_types import VariableMark
from app.flow.variables import MAX_VALUE_BYTES

_WHOLE = re.compile(r"\$\{([^{}]*)\}")

VariableName = Annotated[str, Field(max_length=MAX_VALUE_BYTES), VariableMark()]
"""A variable's name. `${name}` has become the value when an action sees it; `name_variable` tells the name."""


def name_variable(context: ActionContext, name: str, *, key: str = "variable") -> str:
    """Return the name of the variable that the option `key` is about; `name` is the option after substitution."""
    written = context.action.option.get(key)
    whole = _WHOLE.fullmatch(written) if isinstance(written, str) else None
    return whole[1] if whole else name
