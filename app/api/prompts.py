"""`/prompts/KEY.wav`: spoken prompts for Asterisk, which fetches them by HTTP (res_http_media_cache) and keeps them.

No credentials: Asterisk sends none. A key is a hash of the prompt's content under a secret of the instance, so it
cannot be guessed, also by who guesses the text, and what it names never changes.
https://docs.asterisk.org/Asterisk_22_Documentation/API_Documentation/Module_Configuration/res_http_media_cache/
"""

from __future__ import annotations

from aiohttp import web

from app.api.errors import RouteNotFound
from app.api.keys import CONTEXT
from app.api.route import Route

_KEPT = "public, max-age=31536000, immutable"


def routes() -> list[Route]:
    """Return the route of prompts."""
    path = "/prompts/{key:[A-Za-z0-9_-]{1,128}}.wav"
    return [Route("GET", path, get_prompt, media_type="audio/wav", errors=(404,), is_open=True)]


async def get_prompt(request: web.Request) -> web.StreamResponse:
    """Answer the sound file, or 304 when the asker has it."""
    key = request.match_info["key"]
    path = request.app[CONTEXT].prompt_path(key)
    if path is None or not path.is_file():
        raise RouteNotFound("there is no such prompt")
    return web.FileResponse(path, headers={"Cache-Control": _KEPT, "Content-Type": "audio/wav"})
