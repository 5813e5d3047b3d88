"""The OpenAPI document of an application: written when it is first asked for, not at every start."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property


class Document:
    """Its text as JSON."""

    def __init__(self, render: Callable[[], str]) -> None:
        self._render = render

    @cached_property
    def text(self) -> str:
        """The document."""
        return self._render()
