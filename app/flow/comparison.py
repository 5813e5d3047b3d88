"""The six comparisons that conditions of flows know."""

import operator
from collections.abc import Callable
from decimal import Decimal
from typing import Any, Literal, TypeVar

Condition = Literal["==", "!=", ">", ">=", "<", "<="]

_OPERATIONS: dict[str, Callable[[Any, Any], bool]] = {
    "==": operator.eq,
    "!=": operator.ne,
    ">": operator.gt,
    ">=": operator.ge,
    "<": operator.lt,
    "<=": operator.le,
}
Comparable = TypeVar("Comparable", str, int, Decimal)


def compare(left: Comparable, condition: Condition, right: Comparable) -> bool:
    """Tell whether `left` compares to `right` as `condition` says."""
    return _OPERATIONS[condition](left, right)
