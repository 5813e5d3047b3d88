"""`POST /auth/login` (contract 1.1): a name and a password for a token."""

from __future__ import annotations

from typing import Annotated

from aiohttp import web
from pydantic import Field

from app.api.keys import CONTEXT
from app.api.passwords import Passwords
from app.api.request_body import RequestBody, read_body
from app.api.responses import plain
from app.api.tokens import TOKEN_LIFE, make_token
from app.domain.timestamps import now
from app.errors import CallscribeError


class Login(RequestBody):
    """The body of a log-in."""

    username: Annotated[str, Field(min_length=1, max_length=255)]
    password: Annotated[str, Field(min_length=1, max_length=1024)]


def routes(passwords: Passwords) -> list[web.RouteDef]:
    """Return the routes of the log-in, with and without the prefix."""

    async def log_in(request: web.Request) -> web.Response:
        """Answer a token in the body and as a cookie; any failure is a 400 without a body."""
        context = request.app[CONTEXT]
        try:
            asked = await read_body(request, Login)
        except CallscribeError:
            return web.Response(status=400)
        agent = None
        if "\0" not in asked.username:  # which PostgreSQL cannot even compare
            agent = await context.store.agents.get_by_username(asked.username)
        is_right = await passwords.is_right(asked.password, None if agent is None else agent.password_hash)
        if agent is None or not is_right or agent.tm_delete is not None:
            return web.Response(status=400)
        token = make_token(agent, context.token_secret, now())
        answer = plain({"username": agent.username, "token": token})
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

    return [web.post("/auth/login", log_in), web.post("/v1.0/auth/login", log_in)]
