"""Wiring the parts: flows, calls, conferences, recordings, transcribes, deliveries, the API; then calls are let in."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial

from app.api.application import build_app
from app.api.authentication import is_still_admitted
from app.api.ports import ApiContext
from app.api.server import open_server
from app.api.tokens import load_token_secret
from app.application.api_activeflows import ApiActiveflows
from app.application.api_calls import ApiCalls
from app.application.api_conferences import ApiConferences, FlowConferences
from app.application.api_flows import ApiFlows
from app.application.api_groupcalls import ApiGroupcalls
from app.application.api_queues import AgentReach, ApiQueues, FlowQueues
from app.application.api_recordings import ApiRecordings, FlowRecordings, FlowRecordingTranscribes
from app.application.api_transcribes import ApiTranscribes, offer_languages
from app.application.call_orders import CallOrders
from app.application.call_router import CallRouter
from app.application.closing import end_calls
from app.application.dialling import Dialling
from app.application.flow_calls import FlowCalls
from app.application.flow_external_media import FlowExternalMedia
from app.application.flow_ports import FlowAnswers, FlowConnects, FlowPrompts, FlowTranscribes, StoredCalls, prompt_uri
from app.application.flow_reach import open_flow_reach
from app.application.flow_runner import FlowRunner
from app.application.flow_sounds import FlowSounds
from app.application.followups import Followups
from app.application.health import Health
from app.application.loop_lag import LoopLag
from app.application.media_policy import MediaPolicy
from app.application.metrics import AppCollector, open_metrics, render_metrics
from app.application.parts import Application, Parts
from app.application.phones import Phones
from app.application.rate_limits import rate_limits_of
from app.application.reconciler import Reconciler
from app.application.sip_policy import SipPolicy
from app.application.talk import Runner, Talk
from app.application.transfers import Transfers
from app.call.conference_leg import join_bare
from app.call.intake import Admission, Intake
from app.call.live_calls import LiveCalls
from app.call.queues import Queues
from app.delivery.media_stream import MediaStreamServer
from app.delivery.retention import Retention
from app.delivery.webhook_networks import read_webhook_networks
from app.delivery.webhook_schedule import RetrySchedule
from app.delivery.webhook_sender import WebhookSender, open_webhook_sender
from app.delivery.websocket_feed import WebsocketFeed
from app.flow.executor import Executor, FlowLimits
from app.flow.ports import FlowPorts
from app.logs import get_log
from app.settings import PromptText
from app.transcribe.known_prompts import KnownPrompts

log = get_log("application")

SETTLE_SECONDS = 2.0
"""How long flows that follow an end may go on at the end of the program."""


async def open_service(stack: AsyncExitStack, parts: Parts) -> Application:
    """Wire everything and let calls in; at the end of the stack calls are hung up and flushed."""
    settings, store, journal, ari = parts.settings, parts.store, parts.journal, parts.telephony.ari
    networks = read_webhook_networks(settings.webhook_networks)
    policy = SipPolicy(settings.sip_destinations)
    media_policy = MediaPolicy(settings.media_destinations)
    live_calls = LiveCalls()
    health = Health(parts.telephony, store, parts.library, live_calls, parts.models)
    known_prompts = KnownPrompts() if settings.transcribe_prompts is PromptText.TEXT else None
    prompts = FlowPrompts(parts.prompts, known_prompts)
    talk = Talk(parts, health, prompts, known_prompts)
    sender = await stack.enter_async_context(
        open_webhook_sender(store, networks, RetrySchedule(max_hours=settings.webhook_max_hours))
    )
    journal.on_deliveries = sender.wake

    flows = ApiFlows(parts.library, parts.registry, store, journal, parts.first.customer_id, parts.flow_speech)
    dialling = Dialling(store, ari, policy, ring_seconds=settings.dial_seconds)
    placing = FlowCalls(live_calls, talk.groupcalls, parts.registry)
    queues = Queues(journal, store, talk.outbound, talk.connector, AgentReach(dialling))
    reach = await stack.enter_async_context(
        open_flow_reach(settings, store, ari, flows, parts.registry, talk.recordings.file)
    )
    executor = Executor(
        parts.registry,
        FlowPorts(
            transcribes=FlowTranscribes(talk.transcribes, live_calls),
            answers=FlowAnswers(talk.answers, live_calls),
            prompts=prompts,
            calls=StoredCalls(store),
            connects=FlowConnects(live_calls, dialling, talk.connector),
            recordings=FlowRecordings(talk.recordings, live_calls),
            recording_transcribes=FlowRecordingTranscribes(talk.recording_transcribes, store),
            external_media=FlowExternalMedia(talk.external_medias, live_calls, media_policy),
            queues=FlowQueues(queues=queues, live_calls=live_calls, flows=flows, store=store),
            conferences=FlowConferences(conferences=talk.conferences, live_calls=live_calls, flows=flows, store=store),
            sounds=FlowSounds(
                ari,
                parts.receiver,
                live_calls,
                media_host=settings.effective_media_host,
                reserve_ports=parts.budget.reserve,
                release_ports=parts.budget.release,
            ),
            placing=placing,
            reach=reach.ports,
        ),
        limits=FlowLimits(actions_per_activeflow=settings.flow_max_actions, stacks=settings.flow_max_stacks),
    )
    transfers = Transfers(live_calls, talk.connector, dialling, store)
    live_calls.on_refer = transfers.by_phone
    runner = FlowRunner(executor, journal, flows.find, max_chain=settings.flow_max_chain)
    reach.follows.runner = runner
    placing.orders = orders = CallOrders(flows, runner, dialling, talk.outbound, talk.groupcalls)
    talk.followups = followups = Followups(runner, store, parts.left_open)
    phones = Phones(ari, store)
    lag = LoopLag()
    context = _api_context(parts, talk, health, flows, runner, orders, phones, sender, transfers, queues, lag)
    server = await stack.enter_async_context(open_server(build_app(context), settings.http_host, settings.http_port))
    base_url = f"http://{settings.effective_media_host}:{server.port}"
    prompts.serve_from(base_url, prompt_uri(base_url, (await parts.prompts.beep()).key))
    router = CallRouter(parts.library, flows, runner, store, first_customer_id=parts.first.customer_id)
    intake = Intake(
        ari,
        journal,
        live_calls,
        Admission(
            find_answer=router.find_answer,
            reserve_ports=parts.budget.reserve,
            release_ports=parts.budget.release,
            is_ready=lambda: health.is_ready,
            join_conference=partial(join_bare, ari, talk.conferences),
        ),
        max_call_seconds=settings.max_call_seconds,
    )
    reconciler = Reconciler(ari, live_calls, talk.owns)
    await ari.on_connected(reconciler.reconcile)
    await ari.on_connected(phones.on_connected)

    retention = Retention(store, settings.event_retention_hours)
    others = (queues, runner, followups, reach.errands, intake, reconciler, sender, retention, flows, lag)
    await stack.enter_async_context(_running(talk, followups, others, health, ari.give_up))
    log.info("ready", flows=len(parts.library.flows), http_port=server.port, sip_port=settings.sip_port)
    return Application(server.port, store, parts.bus, live_calls, talk.transcribes, parts.library, parts.first)


def _api_context(
    parts: Parts,
    talk: Talk,
    health: Health,
    flows: ApiFlows,
    runner: FlowRunner,
    orders: CallOrders,
    phones: Phones,
    sender: WebhookSender,
    transfers: Transfers,
    queues: Queues,
    lag: LoopLag,
) -> ApiContext:
    store, journal, settings, live_calls = parts.store, parts.journal, parts.settings, talk.calls
    live_feed = WebsocketFeed(parts.bus, store.events, is_admitted=partial(is_still_admitted, store))
    talk.interims.readers = live_feed.readers
    collector = AppCollector(parts, talk, sender, live_feed, lag, asyncio.get_running_loop())
    return ApiContext(
        store=store,
        journal=journal,
        calls=ApiCalls(
            live_calls=live_calls,
            store=store,
            journal=journal,
            orders=orders,
            recordings=talk.recordings,
            speakings=talk.speakings,
        ),
        transfers=transfers,
        groupcalls=ApiGroupcalls(talk.groupcalls, orders, store, journal),
        conferences=ApiConferences(
            conferences=talk.conferences, recordings=talk.recordings, transcribes=talk.transcribes, store=store
        ),
        queues=ApiQueues(queues, store, journal),
        recordings=ApiRecordings(talk.recordings, store),
        speakings=talk.speakings,
        media_streams=MediaStreamServer(talk.media_streams, live_calls, talk.conferences.find),
        transcribes=ApiTranscribes(
            transcribes=talk.transcribes,
            recording_transcribes=talk.recording_transcribes,
            live_calls=live_calls,
            conferences=talk.conferences,
            store=store,
        ),
        flows=flows,
        activeflows=ApiActiveflows(runner, flows, store),
        phones=phones,
        webhooks=sender,
        live_feed=live_feed,
        languages=partial(offer_languages, parts.models),
        health=health.report,
        metrics=partial(render_metrics, open_metrics(collector)),
        prompt_path=parts.prompts.path_of,
        token_secret=load_token_secret(settings.home),
        sip_domain=settings.sip_host,
        rate_limits=rate_limits_of(settings),
    )


@asynccontextmanager
async def _running(
    talk: Talk, followups: Followups, others: tuple[Runner, ...], health: Health, give_up: Callable[[], None]
) -> AsyncIterator[None]:
    """Take calls within this context; at its end those that live are hung up and flushed, then what follows may run."""
    async with asyncio.TaskGroup() as tasks:
        talking = [tasks.create_task(each.run(), name=type(each).__name__.lower()) for each in talk.runners]
        serving = [tasks.create_task(each.run(), name=type(each).__name__.lower()) for each in others]
        health.is_open = True
        try:
            yield
        finally:
            await end_calls(talk.calls, give_up)
            health.is_open = False
            for task in talking:
                task.cancel()
            await asyncio.wait(talking)
            await followups.settle(SETTLE_SECONDS)
            for task in serving:
                task.cancel()
