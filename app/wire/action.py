"""An action of a flow as JSON (contract 8)."""

from pydantic import Field

from app.domain.flow import Action
from app.domain.ids import ZERO_ID
from app.wire.forms import Body, Id, UnsetTimestamp


class ActionBody(Body):
    """One step; ids of zeros and an empty type where there is none."""

    id: Id = ZERO_ID
    next_id: Id = ZERO_ID
    type: str = ""
    option: dict[str, object] = Field(default_factory=dict)
    tm_execute: UnsetTimestamp = None


def action_body(action: Action | None) -> ActionBody:
    """Return the JSON body of an action, the empty one for None."""
    if action is None:
        return ActionBody()
    return ActionBody(id=action.id, next_id=action.next_id, type=action.type, option=dict(action.option))
