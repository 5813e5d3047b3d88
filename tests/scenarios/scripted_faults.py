"""What a script can make the scripted Asterisk do wrong, as rules for requests and events."""

from __future__ import annotations

from dataclasses import dataclass, field
from fnmatch import fnmatchcase


@dataclass(slots=True)
class Rule:
    """Applies to requests whose method and path (`/channels/*/answer`) match, `times` times (None: for ever)."""

    method: str
    pattern: str
    times: int | None = 1
    status: int = 0
    message: str = ""
    delay_seconds: float = 0.0
    is_done: bool = True
    is_answered: bool = True
    is_events_first: bool = False

    def takes(self, method: str, path: str) -> bool:
        """Whether it applies to this request; counts it when it does."""
        if self.times == 0 or self.method not in {method, "*"} or not fnmatchcase(path, self.pattern):
            return False
        if self.times is not None:
            self.times -= 1
        return True


@dataclass(slots=True)
class Faults:
    """The rules of a script; empty = Asterisk behaves."""

    rules: list[Rule] = field(default_factory=list)
    withheld: list[tuple[str, str, int | None]] = field(default_factory=list)

    def refuse(
        self, method: str, pattern: str, status: int, message: str = "scripted refusal", times: int | None = 1
    ) -> None:
        """Answer matching requests with an error and do nothing."""
        self.rules.append(Rule(method, pattern, times, status=status, message=message))

    def delay(self, method: str, pattern: str, seconds: float, times: int | None = 1) -> None:
        """Do matching requests only after `seconds`; those behind them wait, as in Asterisk."""
        self.rules.append(Rule(method, pattern, times, delay_seconds=seconds))

    def ignore(self, method: str, pattern: str, times: int | None = 1) -> None:
        """Neither do nor answer matching requests."""
        self.rules.append(Rule(method, pattern, times, is_done=False, is_answered=False))

    def lose_answer(self, method: str, pattern: str, times: int | None = 1) -> None:
        """Do matching requests but do not answer them."""
        self.rules.append(Rule(method, pattern, times, is_answered=False))

    def events_first(self, method: str, pattern: str, times: int | None = None) -> None:
        """Send the events that a request causes before its answer."""
        self.rules.append(Rule(method, pattern, times, is_events_first=True))

    def withhold(self, event_type: str, id_pattern: str = "*", times: int | None = 1) -> None:
        """Do not send events of that type about objects whose id matches."""
        self.withheld.append((event_type, id_pattern, times))

    def taking(self, method: str, path: str) -> list[Rule]:
        """Return the rules for this request."""
        return [rule for rule in self.rules if rule.takes(method, path)]

    def is_withheld(self, event_type: str, object_id: str) -> bool:
        """Whether this event must not be sent."""
        for at, (withheld_type, pattern, times) in enumerate(self.withheld):
            if withheld_type == event_type and fnmatchcase(object_id, pattern) and times != 0:
                if times is not None:
                    self.withheld[at] = (withheld_type, pattern, times - 1)
                return True
        return False
