"""`POST /auth/login` (contract 1.1): a name and a password for a token."""

from __future__ import annotations

from typing import Annotated

from aiohttp import web
from pydantic import BaseModel, Field

from app.api.keys import CONTEXT, PASSWORDS
from app.api.request_body import RequestBody, read_body
from app.api.responses import one
from app.api.route import Route
from app.api.tokens import TOKEN_LIFE, make_token
from app.domain.timestamps import now
from app.errors import CallscribeError


class Login(RequestBody):
    """The body of a log-in."""

    username: Annotated[str, Field(min_length=1, max_length=255)]
    password: Annotated[str, Field(min_length=1, max_length=1024)]


class TokenBody(BaseModel):
    """Who logged in, and the token: a JWT that lives for seven days."""

    username: str
    token: str


def routes() -> list[Route]:
    """Return the routes of the log-in, with and without the prefix."""
    return [
        Route("POST", f"{root}/auth/login", log_in, TokenBody, Login, is_open=True, has_envelope=False)
        for root in ("", "/v1.0")
    ]


async def log_in(request: web.Request) -> web.Response:
    """Log in: a token for a name and a password, in the body and as the cookie `token`.

    Any failure is a 400 without a body.
    """
    context, passwords = request.app[CONTEXT], request.app[PASSWORDS]
    try:
        asked = await read_body(request, Login)
    except CallscribeError:
        return web.Response(status=400)
    agent = await context.store.agents.get_by_username(asked.username)
    is_right = await passwords.is_right(asked.password, None if agent is None else agent.password_hash)
    if agent is None or not is_right or agent.tm_delete is not None:
        return web.Response(status=400)
    token = make_token(agent, context.token_secret, now())
    answer = one(TokenBody(username=agent.username, token=token))
    answer.set_cookie(
        "token",
        token,
        max_age=int(TOKEN_LIFE.total_seconds()),
        path="/",
        httponly=True,
        secure=True,
        samesite="Strict",
    )
    return answer
