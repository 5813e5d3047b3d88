"""What flows reach outside the telephone network: web addresses, mail, short messages, language models, a CRM.

The actions are written against these; `app.application` hands in what fulfils them.
"""

from collections.abc import Coroutine, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from app.domain.call import Address
from app.domain.flow import Action, Flow


@dataclass(frozen=True, slots=True)
class HttpReply:
    """An answer: its status and its whole body."""

    status: int
    body: bytes


class HttpClient(Protocol):
    """Sends requests to addresses that flows name; it reaches no host that webhooks may not reach."""

    async def request(
        self, method: str, url: str, *, body: bytes = b"", content_type: str = "application/json"
    ) -> HttpReply:
        """Send one request and return the answer, whatever its status; redirects are followed, a few.

        CallscribeError when no whole answer comes in time, when it is too big or the address may not be reached.
        """


class Errands(Protocol):
    """What flows have done without waiting for it, and what goes on after their end."""

    def start(self, errand: Coroutine[object, object, object], *, action_type: str) -> None:
        """Have `errand` done; a failure is logged. Unavailable, and it is not begun, when too many wait."""


class FlowDirectory(Protocol):
    """Flows to go on with."""

    def check(self, actions: object, language: str) -> tuple[Action, ...]:
        """Return a JSON array as checked actions with ids; `language` is theirs by default. InvalidArgument."""

    async def find(self, customer_id: str, flow_id: str) -> Flow | None:
        """Return the customer's flow, its language in all its actions; None when there is none."""


@dataclass(frozen=True, slots=True)
class Attachment:
    """What is sent with a mail: the recording of this id."""

    recording_id: str


@dataclass(frozen=True, slots=True)
class Mail:
    """A mail of plain text; `recipients` are addresses (`user@host`)."""

    customer_id: str
    recipients: tuple[str, ...]
    subject: str
    content: str
    attachments: tuple[Attachment, ...] = ()


class MailControl(Protocol):
    """Sends mail."""

    async def send(self, mail: Mail) -> None:
        """Hand a mail to the mail server; CallscribeError when it does not take it."""


class MessageControl(Protocol):
    """Sends short messages."""

    async def send(self, customer_id: str, source: Address, destination: Address, text: str) -> None:
        """Send a text to one destination; CallscribeError when it cannot be sent."""


@dataclass(frozen=True, slots=True)
class SpokenLine:
    """What somebody said at one time, and who: a name or `in`/`out`."""

    speaker: str
    text: str


class SpokenLines(Protocol):
    """What was said, for those who want to know what it was about."""

    async def list_lines(self, customer_id: str, reference_type: str, reference_id: str) -> Sequence[SpokenLine]:
        """Return what was said in a call, conference, recording or transcribe, in order.

        InvalidArgument for another reference type, NotFound when the customer has no such thing.
        """


@dataclass(frozen=True, slots=True)
class AiMessage:
    """One turn of a conversation with a language model; `role` is system, user or assistant."""

    role: str
    content: str


class AiControl(Protocol):
    """A language model behind an endpoint of the operator's."""

    async def complete(self, messages: Sequence[AiMessage]) -> str:
        """Return the model's next turn; CallscribeError when none comes in time."""


class CrmControl(Protocol):
    """The operator's system for cases and conversations."""

    async def send(self, event: Mapping[str, object]) -> object:
        """Send a JSON object, return the decoded JSON answer; CallscribeError when it is not taken."""


class FollowControl(Protocol):
    """Starts flows that follow something that has ended."""

    async def follow(self, flow_id: str, customer_id: str, activeflow_id: str, variables: Mapping[str, str]) -> None:
        """Start a flow of its own; one that cannot be started is logged."""


@dataclass(frozen=True, slots=True)
class Reach:
    """What flows reach outside the telephone network. None = not here, or not configured."""

    http: HttpClient | None = None
    errands: Errands | None = None
    flows: FlowDirectory | None = None
    mail: MailControl | None = None
    messages: MessageControl | None = None
    lines: SpokenLines | None = None
    ai: AiControl | None = None
    crm: CrmControl | None = None
    follow: FollowControl | None = None
