"""`/v1.0/speakings`: a voice in a live call that says what it is sent (contract 5)."""

from __future__ import annotations

from typing import Literal

from aiohttp import web

from app.api.keys import CONTEXT, IDENTITY
from app.api.live_fields import DEFAULT_LANGUAGE, SpokenLanguage, SpokenText
from app.api.ownership import own
from app.api.request_body import BodyId, RequestBody, read_body
from app.api.request_query import PATH_ID, page_query, path_id
from app.api.responses import one
from app.api.responses import page as answer_page
from app.api.route import Route, delete, get, page, post
from app.api.texts import Name
from app.domain.ids import new_id
from app.domain.speaking import Speaking, SpeakingStatus
from app.domain.timestamps import now
from app.errors import StateInvalid
from app.wire.speaking import SpeakingBody, speaking_body

_ONE = f"/v1.0/speakings/{PATH_ID}"


class SpeakingStart(RequestBody):
    """The body of POST /v1.0/speakings. `provider` and `voice_id` are kept as they were sent; the voice is ours."""

    reference_type: Literal["call"]
    reference_id: BodyId
    language: SpokenLanguage = DEFAULT_LANGUAGE
    provider: Name = ""
    voice_id: Name = ""
    direction: Literal["out", ""] = "out"


class Say(RequestBody):
    """The body of POST /v1.0/speakings/{id}/say."""

    text: SpokenText


def routes() -> list[Route]:
    """Return the routes of speakings."""
    return [
        page("/v1.0/speakings", list_speakings, SpeakingBody),
        post("/v1.0/speakings", start_speaking, SpeakingBody, SpeakingStart, errors=(404, 409, 503), status=201),
        get(_ONE, get_speaking, SpeakingBody),
        delete(_ONE, delete_speaking, SpeakingBody),
        post(f"{_ONE}/say", say, SpeakingBody, Say, errors=(404, 409)),
        post(f"{_ONE}/flush", flush, SpeakingBody, errors=(404,)),
        post(f"{_ONE}/stop", stop_speaking, SpeakingBody, errors=(404,)),
    ]


async def list_speakings(request: web.Request) -> web.Response:
    """List the voices in your live calls, newest first, stopped ones too."""
    wanted = page_query(request)
    voices = await request.app[CONTEXT].speakings.list(request[IDENTITY].customer_id)
    rows = [voice for voice in voices if wanted.before is None or voice.tm_create < wanted.before]
    return answer_page(rows[: wanted.size], speaking_body)


async def start_speaking(request: web.Request) -> web.Response:
    """Give a call that is progressing a voice. A call has one; it ends with the call."""
    asked = await read_body(request, SpeakingStart)
    context, identity = request.app[CONTEXT], request[IDENTITY]
    call = await own(context.store.calls, asked.reference_id, identity)
    if call.tm_delete is not None:
        raise StateInvalid("this call was deleted")
    moment = now()
    order = Speaking(
        id=new_id(),
        customer_id=identity.customer_id,
        reference_type=asked.reference_type,
        reference_id=call.id,
        language=asked.language,
        status=SpeakingStatus.ACTIVE,
        tm_create=moment,
        tm_update=moment,
        provider=asked.provider,
        voice_id=asked.voice_id,
    )
    return one(speaking_body(await context.speakings.start(identity.customer_id, order)), status=201)


async def get_speaking(request: web.Request) -> web.Response:
    """Show a voice of a live call."""
    return one(
        speaking_body(await request.app[CONTEXT].speakings.find(request[IDENTITY].customer_id, path_id(request)))
    )


async def delete_speaking(request: web.Request) -> web.Response:
    """End a voice, and forget it."""
    return one(
        speaking_body(await request.app[CONTEXT].speakings.delete(request[IDENTITY].customer_id, path_id(request)))
    )


async def say(request: web.Request) -> web.Response:
    """Queue a text; it is spoken after those before it. At most 64 texts of 64 KB wait."""
    speaking_id, asked = path_id(request), await read_body(request, Say)
    speakings = request.app[CONTEXT].speakings
    return one(speaking_body(await speakings.say(request[IDENTITY].customer_id, speaking_id, asked.text)))


async def flush(request: web.Request) -> web.Response:
    """Be silent at once, and forget what waits."""
    return one(
        speaking_body(await request.app[CONTEXT].speakings.flush(request[IDENTITY].customer_id, path_id(request)))
    )


async def stop_speaking(request: web.Request) -> web.Response:
    """End a voice at once; one that has ended is shown as it is."""
    return one(
        speaking_body(await request.app[CONTEXT].speakings.stop(request[IDENTITY].customer_id, path_id(request)))
    )
