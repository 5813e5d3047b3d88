"""`/v1.0/languages`: what can be transcribed here (contract 10 row 11, our addition)."""

from __future__ import annotations

from aiohttp import web
from pydantic import BaseModel

from app.api.keys import CONTEXT
from app.api.responses import one
from app.api.route import Route, get


class LanguageBody(BaseModel):
    """One language."""

    code: str
    engine: str
    model: str
    installed: bool


class LanguagesBody(BaseModel):
    """All languages that are installed or can be."""

    result: list[LanguageBody]


def routes() -> list[Route]:
    """Return the route of languages."""
    return [get("/v1.0/languages", list_languages, LanguagesBody, errors=())]


async def list_languages(request: web.Request) -> web.Response:
    """Answer every language with its engine and model."""
    offered = request.app[CONTEXT].languages()
    bodies = [
        LanguageBody(code=language.code, engine=language.engine, model=language.model, installed=language.is_installed)
        for language in offered
    ]
    return one(LanguagesBody(result=bodies))
