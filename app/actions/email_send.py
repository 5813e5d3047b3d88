"""The action `email_send`."""

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, PlainValidator, field_validator

from app.domain.ids import ZERO_ID, is_id
from app.domain.texts import check_lines, check_one_line
from app.flow.action import ActionContext, ActionFailed, ActionOptions, Next, Outcome, action
from app.flow.address_form import is_host
from app.flow.reach import Attachment, Mail

MAX_DESTINATIONS = 50
MAX_ATTACHMENTS = 10
MAX_SUBJECT = 900
"""Less than the 998 characters of a line (RFC 5322, 2.1.1), with its name."""
_LOCAL_PART = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*")
_EXPECTED = "an e-mail address such as anna@example.com, or an address object with it as target"


def _read_address(value: object) -> str:
    """Return the e-mail address of a text, or of an address object (contract 3.1: type email)."""
    target = value.get("target") if isinstance(value, dict) and value.get("type") in {None, "", "email"} else value
    if not isinstance(target, str):
        raise ValueError(_EXPECTED)  # noqa: TRY004  (pydantic takes it for a finding)
    # A dot-atom of RFC 5322: nothing that ends a header or begins another address, and no quoted forms.
    local, at, host = target.rpartition("@")
    is_good = at and len(local) <= 64 and len(target) <= 254 and _LOCAL_PART.fullmatch(local) and is_host(host)
    if not is_good or host.startswith("["):
        raise ValueError(_EXPECTED)
    return target


EmailAddress = Annotated[str, PlainValidator(_read_address, json_schema_input_type=str | dict[str, str])]


class AttachmentOption(ActionOptions):
    """Something that is sent with the mail."""

    reference_type: Literal["recording"] = Field("recording", description="What it is")
    reference_id: str = Field(description="The id of the recording: ${voipbin.recording.id}")

    @field_validator("reference_id")
    @classmethod
    def _known_form(cls, text: str) -> str:
        if not is_id(text) or text == ZERO_ID:
            raise ValueError("the UUID of a recording")
        return text.lower()


class EmailSendOptions(ActionOptions):
    """The mail."""

    destinations: tuple[EmailAddress, ...] = Field(
        min_length=1,
        max_length=MAX_DESTINATIONS,
        description='Who gets the mail: addresses, or objects {"type": "email", "target": "anna@example.com"}',
    )
    subject: Annotated[str, AfterValidator(check_one_line)] = Field(
        "", max_length=MAX_SUBJECT, description="The subject, one line"
    )
    content: Annotated[str, AfterValidator(check_lines)] = Field("", description="The text of the mail")
    attachments: tuple[AttachmentOption, ...] = Field(
        (), max_length=MAX_ATTACHMENTS, description="Recordings that have ended; 20 MB at most together"
    )


@action(
    "email_send",
    options=EmailSendOptions,
    needs=None,
    needs_setting="CALLSCRIBE_SMTP_URL",
    example={
        "destinations": [{"type": "email", "target": "anna@example.com"}],
        "subject": "A call of ${voipbin.call.source.target}",
        "content": "${voipbin.transcribe.text}",
    },
    fails="too many mails wait to be sent; that the mail server does not take the mail is seen in the log only",
)
async def email_send(context: ActionContext, options: EmailSendOptions) -> Outcome:
    """Send a mail; the flow goes on at once, and the mail is sent even when the call ends.

    A mail that the server does not take is told in the log; the flow goes on in any case.
    """
    mail, errands = context.ports.reach.mail, context.ports.reach.errands
    if mail is None or errands is None:
        raise ActionFailed("no mail can be sent: there is no CALLSCRIBE_SMTP_URL")
    letter = Mail(
        customer_id=context.customer_id,
        recipients=tuple(dict.fromkeys(options.destinations)),
        subject=options.subject,
        content=options.content,
        attachments=tuple(Attachment(each.reference_id) for each in options.attachments),
    )
    errands.start(mail.send(letter), action_type="email_send")
    return Next()
