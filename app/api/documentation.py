"""`/openapi.json` and `/docs`: the API described by itself. The page loads nothing from elsewhere."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

from aiohttp import web
from pydantic import BaseModel, ConfigDict

from app.api.keys import DOCUMENT
from app.api.route import Route

_POLICY = (
    "default-src 'none'; connect-src 'self'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'"
)


class OpenApiBody(BaseModel):
    """An OpenAPI 3.1 document."""

    model_config = ConfigDict(extra="allow")

    openapi: str
    info: dict[str, object]
    paths: dict[str, object]
    components: dict[str, object]


def routes() -> list[Route]:
    """Return the routes of the documentation."""
    return [
        Route("GET", "/openapi.json", get_document, OpenApiBody, is_open=True),
        Route("GET", "/docs", get_page, media_type="text/html", is_open=True),
    ]


async def get_document(request: web.Request) -> web.Response:
    """Describe this API as an OpenAPI 3.1 document."""
    return web.Response(text=request.app[DOCUMENT].text, content_type="application/json")


async def get_page(_request: web.Request) -> web.Response:
    """Show the OpenAPI document as a page to read and search."""
    headers = {"Content-Security-Policy": _POLICY, "X-Content-Type-Options": "nosniff"}
    return web.Response(text=_page(), content_type="text/html", charset="utf-8", headers=headers)


@cache
def _page() -> str:
    return files("app.api").joinpath("docs.html").read_text("utf-8")
