"""What a live call needs from above without knowing it: the flow that a call runs, and who wants to know of its end."""

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from app.call.live_call import LiveCall

OnCall = Callable[["LiveCall"], Awaitable[None]]
"""Runs the call's flow; returns when the flow has ended. Cancelled when the party hangs up."""

Closer = Callable[[], Awaitable[None]]
"""Something that belongs to the call and must end with it, e.g. a transcribe that flushes its last words."""
