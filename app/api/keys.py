"""Typed keys under which an application, a request carries what belongs to it."""

from aiohttp import web

from app.api.ports import ApiContext
from app.domain.customer import Identity

CONTEXT = web.AppKey("context", ApiContext)
REQUEST_ID = web.RequestKey("request_id", str)
IDENTITY = web.RequestKey("identity", Identity)
