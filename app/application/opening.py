"""Opening the application: every long-lived thing in order, closed in reverse."""

import asyncio
from collections.abc import AsyncIterator, Awaitable
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from typing import Any

import app.actions
from app.api.first_start import ensure_first_customer
from app.api.tokens import load_token_secret
from app.application.parts import Application, Parts
from app.application.service import open_service
from app.application.settings_check import check_settings
from app.application.speech import FlowSpeech, open_models, open_warm_pool
from app.application.state_folder import open_home
from app.application.telephony import open_embedded_asterisk, open_telephony
from app.domain.timestamps import now
from app.errors import CallscribeError
from app.event_bus import EventBus
from app.flow.action_registry import load_actions
from app.flow.library import open_flow_library
from app.journal.journal import Journal
from app.logs import get_log
from app.media.rtp_ports import PortBudget, divide_rtp_ports
from app.media.rtp_receiver import open_rtp_receiver
from app.settings import Settings
from app.speech.prompt_cache import open_prompts
from app.speech.voices import find_voices
from app.store.opening import open_store
from app.store.unfinished import close_unfinished
from app.wire.event import render_event

log = get_log("application")


@asynccontextmanager
async def open_application(settings: Settings) -> AsyncIterator[Application]:
    """Open everything; calls are taken when this yields. At the end calls are hung up and their last words stored.

    Raises a CallscribeError that says what is wrong and what to do: a setting, a port, a missing model or Asterisk.
    """
    try:
        async with AsyncExitStack() as stack:
            parts = await _open_parts(stack, settings)
            yield await open_service(stack, parts)
    except* CallscribeError as group:
        # Task groups wrap; whoever called wants the one error that ended the program.
        raise _first(group) from None


async def _open_parts(stack: AsyncExitStack, settings: Settings) -> Parts:
    ports = divide_rtp_ports(settings.rtp_ports)
    await asyncio.to_thread(check_settings, settings)
    models = open_models(settings)
    home = stack.enter_context(open_home(settings.home))
    store = await stack.enter_async_context(open_store(settings.effective_database_url))
    first = await ensure_first_customer(store, settings.admin_password or None, settings.access_key or None)
    bus = EventBus()
    journal = Journal(store, bus, render_event)
    await journal.load()
    unfinished = await journal.commit(partial(close_unfinished, moment=now()))
    if unfinished:
        log.warning("closed what an earlier run left open", events=len(unfinished))
    registry = load_actions(app.actions, settings.is_set)
    flow_speech = FlowSpeech(models)
    library = await stack.enter_async_context(open_flow_library(settings.flows, registry, speech=flow_speech))
    prompts = await stack.enter_async_context(
        open_prompts(home / "prompts", await asyncio.to_thread(find_voices), secret=load_token_secret(home))
    )
    receiver = await stack.enter_async_context(open_rtp_receiver(settings.effective_media_host, ports.receiver_port))
    # The slow ones side by side: Asterisk starts while models load.
    asterisk, pool = await _together(
        stack.enter_async_context(open_embedded_asterisk(settings, ports)),
        stack.enter_async_context(open_warm_pool(settings, models, library.flows)),
    )
    flow_speech.find_words = pool.find_unknown_words
    await library.check_again()
    telephony = await stack.enter_async_context(open_telephony(settings, asterisk))
    return Parts(
        settings=settings,
        home=home,
        store=store,
        bus=bus,
        journal=journal,
        first=first,
        models=models,
        flow_speech=flow_speech,
        registry=registry,
        library=library,
        prompts=prompts,
        pool=pool,
        receiver=receiver,
        budget=PortBudget(ports),
        telephony=telephony,
        left_open=unfinished,
    )


async def _together(
    *openings: Awaitable[object],
) -> list[Any]:
    """Await all, and only then raise the first failure: what was opened is in the stack and gets closed."""
    outcomes = await asyncio.gather(*openings, return_exceptions=True)
    for outcome in outcomes:
        if isinstance(outcome, BaseException):
            raise outcome
    return outcomes


def _first(error: BaseException) -> BaseException:
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error
