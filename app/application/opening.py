"""Opening the application: every long-lived thing in order, closed in reverse."""

import asyncio
from collections.abc import AsyncIterator, Awaitable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

import app.actions
from app.api.application import build_app
from app.api.first_start import FirstCredentials, ensure_first_customer
from app.api.ports import ApiContext
from app.api.rate_limits import Rate, RateLimits
from app.api.server import open_server
from app.api.tokens import load_token_secret
from app.application.api_ports import ApiCalls, ApiTranscribes, offer_languages
from app.application.closing import end_calls
from app.application.flow_ports import FlowPrompts, FlowTranscribes, StoredCalls, prompt_uri
from app.application.flow_runner import FlowRunner
from app.application.health import Health
from app.application.metrics import AppCollector, open_metrics, render_metrics
from app.application.reconciler import Reconciler
from app.application.speech import open_models, open_warm_pool
from app.application.state_folder import open_home
from app.application.telephony import Telephony, open_embedded_asterisk, open_telephony
from app.call.intake import Admission, Intake
from app.call.journal import CallJournal
from app.call.live_calls import LiveCalls
from app.delivery.websocket_feed import WebsocketFeed
from app.domain.flow import Flow
from app.domain.timestamps import now
from app.errors import CallscribeError
from app.event_bus import EventBus
from app.flow.action_registry import ActionRegistry, load_actions
from app.flow.executor import Executor
from app.flow.library import FlowLibrary, open_flow_library
from app.flow.ports import FlowPorts
from app.logs import get_log
from app.media.rtp_ports import PortBudget, divide_rtp_ports
from app.media.rtp_receiver import RtpReceiver, open_rtp_receiver
from app.settings import Settings
from app.speech.model_library import ModelLibrary
from app.speech.prompt_cache import Prompts, open_prompts
from app.speech.recognition_pool import RecognitionPool
from app.speech.voices import find_voices
from app.store.opening import open_store
from app.store.store import Store
from app.transcribe.session import SessionParts
from app.transcribe.transcribes import Transcribes

log = get_log("application")


@dataclass(frozen=True, slots=True)
class Application:
    """The running application, as the command line and tests see it."""

    http_port: int
    store: Store
    bus: EventBus
    live_calls: LiveCalls
    transcribes: Transcribes
    library: FlowLibrary
    first_credentials: FirstCredentials

    @property
    def flows(self) -> tuple[Flow, ...]:
        """The flows in force."""
        return self.library.flows


@dataclass(frozen=True, slots=True)
class _Parts:
    """The long-lived things, once all are open."""

    settings: Settings
    store: Store
    bus: EventBus
    first: FirstCredentials
    models: ModelLibrary
    registry: ActionRegistry
    library: FlowLibrary
    prompts: Prompts
    pool: RecognitionPool
    receiver: RtpReceiver
    budget: PortBudget
    telephony: Telephony


@asynccontextmanager
async def open_application(settings: Settings) -> AsyncIterator[Application]:
    """Open everything; calls are taken when this yields. At the end calls are hung up and their last words stored.

    Raises a CallscribeError that says what is wrong and what to do: a setting, a port, a missing model or Asterisk.
    """
    try:
        async with AsyncExitStack() as stack:
            parts = await _open_parts(stack, settings)
            yield await _open_service(stack, parts)
    except* CallscribeError as group:
        # Task groups wrap; whoever called wants the one error that ended the program.
        raise _first(group) from None


async def _open_parts(stack: AsyncExitStack, settings: Settings) -> _Parts:
    ports = divide_rtp_ports(settings.rtp_ports)
    models = open_models(settings)
    home = stack.enter_context(open_home(settings.home))
    store = await stack.enter_async_context(open_store(settings.effective_database_url))
    first = await ensure_first_customer(store, settings.admin_password or None, settings.access_key or None)
    unfinished = await store.close_unfinished(now())
    if unfinished.calls or unfinished.transcribes:
        log.warning(
            "closed what an earlier run left open",
            calls=len(unfinished.calls),
            transcribes=len(unfinished.transcribes),
        )
    registry = load_actions(app.actions)
    library = await stack.enter_async_context(open_flow_library(settings.flows, registry))
    prompts = await stack.enter_async_context(open_prompts(home / "prompts", await asyncio.to_thread(find_voices)))
    receiver = await stack.enter_async_context(open_rtp_receiver(settings.effective_media_host, ports.receiver_port))
    # The slow ones side by side: Asterisk starts while models load.
    asterisk, pool = await _together(
        stack.enter_async_context(open_embedded_asterisk(settings, ports)),
        stack.enter_async_context(open_warm_pool(settings, models, library.flows)),
    )
    telephony = await stack.enter_async_context(open_telephony(settings, asterisk))
    return _Parts(
        settings,
        store,
        EventBus(),
        first,
        models,
        registry,
        library,
        prompts,
        pool,
        receiver,
        PortBudget(ports),
        telephony,
    )


async def _open_service(stack: AsyncExitStack, parts: _Parts) -> Application:
    """Wire the parts: flows, calls, transcribes, API; then let calls in."""
    settings, store, bus, ari = parts.settings, parts.store, parts.bus, parts.telephony.ari
    live_calls = LiveCalls()
    transcribes = Transcribes(
        SessionParts(
            ari=ari,
            receiver=parts.receiver,
            models=parts.models,
            pool=parts.pool,
            transcribes=store.transcribes,
            transcripts=store.transcripts,
            bus=bus,
            media_host=settings.effective_media_host,
        ),
        default_end_of_silence_ms=settings.end_of_silence_ms or None,
        reserve_ports=parts.budget.reserve,
        release_ports=parts.budget.release,
    )
    health = Health(parts.telephony, store, parts.library, live_calls, parts.models)
    collector = AppCollector(
        live_calls, transcribes, parts.receiver, parts.pool, parts.budget, asyncio.get_running_loop()
    )
    feed = WebsocketFeed(bus)
    context = ApiContext(
        store=store,
        calls=ApiCalls(live_calls, store),
        transcribes=ApiTranscribes(transcribes, live_calls, store),
        live_feed=feed,
        languages=partial(offer_languages, parts.models),
        health=health.report,
        metrics=partial(render_metrics, open_metrics(collector)),
        prompt_path=parts.prompts.path_of,
        token_secret=load_token_secret(settings.home),
        rate_limits=_rate_limits(settings),
    )
    server = await stack.enter_async_context(open_server(build_app(context), settings.http_host, settings.http_port))
    base_url = f"http://{settings.effective_media_host}:{server.port}"
    beep = prompt_uri(base_url, (await parts.prompts.beep()).key)
    executor = Executor(
        parts.registry,
        FlowPorts(
            transcribes=FlowTranscribes(transcribes, live_calls),
            prompts=FlowPrompts(parts.prompts, base_url, beep),
            calls=StoredCalls(store),
        ),
    )
    runner = FlowRunner(parts.library, executor, store, bus)
    admission = Admission(
        find_on_call=runner.find_on_call,
        reserve_ports=parts.budget.reserve,
        release_ports=parts.budget.release,
        is_ready=lambda: health.is_ready,
    )
    intake = Intake(
        ari,
        CallJournal(store.calls, bus),
        live_calls,
        admission,
        customer_id=parts.first.customer_id,
        max_call_seconds=settings.max_call_seconds,
    )
    reconciler = Reconciler(ari, live_calls, transcribes)
    await ari.on_connected(reconciler.reconcile)
    await stack.enter_async_context(_running(intake, transcribes, reconciler, live_calls, health))
    log.info("ready", flows=len(parts.library.flows), http_port=server.port, sip_port=settings.sip_port)
    return Application(server.port, store, bus, live_calls, transcribes, parts.library, parts.first)


@asynccontextmanager
async def _running(
    intake: Intake, transcribes: Transcribes, reconciler: Reconciler, live_calls: LiveCalls, health: Health
) -> AsyncIterator[None]:
    """Take calls within this context; at its end those that live are hung up and flushed."""
    async with asyncio.TaskGroup() as tasks:
        running = [
            tasks.create_task(part.run(), name=type(part).__name__.lower())
            for part in (intake, transcribes, reconciler)
        ]
        health.is_open = True
        try:
            yield
        finally:
            await end_calls(live_calls)
            health.is_open = False
            for task in running:
                task.cancel()


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


def _rate_limits(settings: Settings) -> RateLimits:
    """The contract's limits at the settings' rates; a burst is two seconds' worth."""

    def rate(per_second: float) -> Rate:
        return Rate(per_second, max(1, round(per_second * 2)))

    return RateLimits(
        auth_per_address=rate(settings.rate_limit_auth_per_ip),
        api_per_address=rate(settings.rate_limit_api_per_ip),
        per_customer=rate(settings.rate_limit_api_per_customer),
    )
