"""What a load is: how many calls, how they come, what they do, how long. Bounded in count and in time, every one."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

CALLS_PER_PAIR: Final = 12
"""Calls that one pair of SIPp processes carries at once."""
MOST_CALLS: Final = 200
"""At once; a load that asks for more is refused."""

SETUP_TALK_SECONDS: Final = 10.0
"""Longer than it takes to offer all of them: at the end all are there at once."""


class Kind(StrEnum):
    """Kinds of load."""

    STEADY = "steady"
    RAMP = "ramp"
    BURST = "burst"
    HANGUPS = "hangups"
    LONG = "long"
    PROMPTS = "prompts"
    SETUP = "setup_100"
    SOAK = "soak"
    OVERLOAD = "overload"


class Flow(StrEnum):
    """What answers: the first digits of the dialled number; two more name the pair of SIPp processes."""

    CONNECT_ENGLISH = "71"
    CONNECT_KOREAN = "72"
    PROMPTS_ENGLISH = "73"
    NO_TRANSCRIPTION = "74"
    PROMPTS_KOREAN = "75"
    PROBE = "76"


@dataclass(frozen=True, slots=True)
class Plan:
    """One load. `calls` at once, begun within `spread_seconds`, each `talk_seconds` long.

    `rounds`: how many calls follow one another in each place, each begun when the one before has ended.
    `hangs_up_at_random`: half of the callers leave at a random moment, in the other half the callees do.
    """

    name: str
    calls: int
    talk_seconds: float
    spread_seconds: float
    language: str = "en-US"
    flow: Flow = Flow.CONNECT_ENGLISH
    rounds: int = 1
    scripts: int = 6
    hangs_up_at_random: bool = False
    is_two_sided: bool = True

    def __post_init__(self) -> None:
        if not 1 <= self.calls <= MOST_CALLS:
            raise ValueError(f"{self.calls} calls at once: expected 1 to {MOST_CALLS}")
        if not 1 <= self.talk_seconds <= 3600:
            raise ValueError(f"{self.talk_seconds} s of talk: expected 1 to 3600")

    @property
    def pairs(self) -> int:
        """Pairs of SIPp processes that carry it."""
        return -(-self.calls // CALLS_PER_PAIR)

    def calls_of_pair(self, pair: int) -> int:
        """Calls at once that pair `pair` carries: as even as can be."""
        return self.calls // self.pairs + (pair < self.calls % self.pairs)

    @property
    def most_seconds(self) -> float:
        """After this long a load is ended, whatever it does."""
        return self.spread_seconds + self.rounds * (self.talk_seconds + 5.0) + 30.0


def steady(calls: int, seconds: float, language: str, *, scripts: int = 6) -> Plan:
    """Two-sided conversations that all begin within some seconds; what the limit is searched with."""
    return Plan(
        "steady",
        calls,
        seconds,
        min(10.0, 0.15 * calls),
        language,
        flow=connect_flow(language),
        scripts=min(scripts, max(2, calls)),
    )


def plan_kind(kind: Kind, calls: int, seconds: float, language: str) -> Plan:
    """The load of a kind with about `calls` calls at once for about `seconds`."""
    flow = connect_flow(language)
    match kind:
        case Kind.RAMP:
            return Plan(kind, calls, 2 * seconds, seconds, language, flow)
        case Kind.BURST:
            return Plan(kind, calls, seconds, min(1.0, 0.02 * calls), language, flow)
        case Kind.HANGUPS:
            rounds = max(2, round(seconds / 10))
            return Plan(kind, calls, 20.0, 3.0, language, flow, rounds=rounds, hangs_up_at_random=True)
        case Kind.LONG:
            return Plan(kind, calls, 4 * seconds, 3.0, language, flow)
        case Kind.PROMPTS:
            prompts = Flow.PROMPTS_KOREAN if flow is Flow.CONNECT_KOREAN else Flow.PROMPTS_ENGLISH
            return Plan(kind, calls, seconds, 3.0, language, prompts, scripts=0, is_two_sided=False)
        case Kind.SETUP:
            return Plan(
                kind, 100, SETUP_TALK_SECONDS, 8.0, language, Flow.NO_TRANSCRIPTION, scripts=0, is_two_sided=False
            )
        case Kind.SOAK | Kind.OVERLOAD:
            rounds = max(1, round(seconds / 60))
            return Plan(kind, calls, 60.0, min(20.0, 0.3 * calls), language, flow, rounds=rounds)
        case _:
            return steady(calls, seconds, language)


def connect_flow(language: str) -> Flow:
    """The flow that transcribes and connects in that language."""
    return Flow.CONNECT_KOREAN if language.startswith("ko") else Flow.CONNECT_ENGLISH
