"""Typed keys under which an application, a request carries what belongs to it."""

from aiohttp import web

from app.api.document import Document
from app.api.passwords import Passwords
from app.api.ports import ApiContext
from app.domain.customer import Identity

CONTEXT = web.AppKey("context", ApiContext)
PASSWORDS = web.AppKey("passwords", Passwords)
DOCUMENT = web.AppKey("document", Document)
"""The OpenAPI document of this application."""
REQUEST_ID = web.RequestKey("request_id", str)
IDENTITY = web.RequestKey("identity", Identity)
