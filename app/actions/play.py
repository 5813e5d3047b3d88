"""The action `play`."""

from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, WithJsonSchema

from app.domain.call import PlayOutcome
from app.flow.action import ActionContext, ActionFailed, ActionOptions, LegState, Next, Outcome, action

_SOUND = "sound:"


def to_media(url: str) -> str:
    """Return the Asterisk media URI of an http(s) URL, `sound:` before it or not; ValueError for anything else.

    A comma would end the URI in Asterisk's list of media, so it is percent-encoded (RFC 3986, 2.1).
    """
    plain = url.removeprefix(_SOUND)
    try:
        parts = urlsplit(plain)
        is_usable = parts.scheme in {"http", "https"} and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        is_usable = False
    if not is_usable or not plain.isprintable() or " " in plain:
        raise ValueError("an http:// or https:// URL of a sound file that Asterisk can fetch")
    return _SOUND + plain.replace(",", "%2C")


StreamUrl = Annotated[
    str, AfterValidator(to_media), WithJsonSchema({"type": "string", "pattern": "^(sound:)?https?://"})
]


class PlayOptions(ActionOptions):
    """What is played."""

    stream_urls: list[StreamUrl] = Field(
        min_length=1, description="A list of URLs of sound files (WAV, 8 kHz, 16 bit, mono), played in order"
    )


@action(
    "play",
    options=PlayOptions,
    needs=LegState.ALIVE,
    is_blocking=True,
    example={"stream_urls": ["http://127.0.0.1:9000/welcome.wav"]},
    fails="Asterisk cannot fetch or play one of the files",
)
async def play(context: ActionContext, options: PlayOptions) -> Outcome:
    """Play sound files to the party, one after the other; Asterisk fetches them.

    It does not answer the call: before an answer the party hears them as early media.
    """
    if await context.call.play(options.stream_urls) is PlayOutcome.FAILED:
        raise ActionFailed("stream_urls: Asterisk could not fetch or play one; expected WAV files at the URLs")
    return Next()
