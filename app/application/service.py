"""Wiring the parts: flows, calls, conferences, recordings, transcribes, deliveries, the API; then calls are let in."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from typing import Protocol

from app.api.application import build_app
from app.api.ports import ApiContext
from app.api.server import open_server
from app.api.tokens import load_token_secret
from app.application.api_conferences import ApiConferences, FlowConferences
from app.application.api_flows import ApiFlows
from app.application.api_ports import ApiActiveflows, ApiCalls, ApiGroupcalls, ApiTranscribes, offer_languages
from app.application.api_queues import AgentReach, ApiQueues, FlowQueues
from app.application.api_recordings import ApiRecordings, FlowRecordings, FlowRecordingTranscribes
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
from app.application.media_policy import MediaPolicy
from app.application.metrics import AppCollector, open_metrics, render_metrics
from app.application.parts import Application, Parts
from app.application.phones import Phones
from app.application.rate_limits import rate_limits_of
from app.application.reconciler import Reconciler
from app.application.sip_policy import SipPolicy
from app.application.transfers import Transfers
from app.call.conference_leg import join_bare
from app.call.conferences import Conferences
from app.call.connect import Connector
from app.call.external_medias import ExternalMedias
from app.call.groupcalls import Groupcalls
from app.call.intake import Admission, Intake
from app.call.live_calls import LiveCalls
from app.call.media_stream import MediaStreams
from app.call.outbound import Outbound
from app.call.queues import Queues
from app.call.speakings import Speakings
from app.delivery.media_stream import MediaStreamServer
from app.delivery.retention import Retention
from app.delivery.webhook_networks import read_webhook_networks
from app.delivery.webhook_schedule import RetrySchedule
from app.delivery.webhook_sender import WebhookSender, open_webhook_sender
from app.delivery.websocket_feed import WebsocketFeed
from app.domain.conference import Conferencecall
from app.domain.recording import Recording
from app.domain.transcribe import Transcribe
from app.flow.executor import Executor, FlowLimits
from app.flow.ports import FlowPorts
from app.logs import get_log
from app.recording.recordings import Recordings
from app.recording.sources import TapParts
from app.transcribe.answer_ear import AnswerEars
from app.transcribe.recording_job import RecordingTranscribes
from app.transcribe.session_parts import SessionParts
from app.transcribe.transcribes import Transcribes

log = get_log("application")


class Runner(Protocol):
    """Something that runs as long as the application."""

    async def run(self) -> None:
        """Run until cancelled."""


class Talk:
    """All that lives while calls live: the calls themselves, and what listens to them, records and joins them."""

    def __init__(self, parts: Parts, is_ready: Health, prompts: FlowPrompts) -> None:
        settings, store, journal, ari = parts.settings, parts.store, parts.journal, parts.telephony.ari
        media_host, budget = settings.effective_media_host, parts.budget
        silence_ms = settings.end_of_silence_ms or None
        self.calls = is_ready.live_calls
        self.followups: Followups | None = None
        """Set once flows can run."""
        session_parts = SessionParts(
            ari=ari,
            receiver=parts.receiver,
            models=parts.models,
            pool=parts.pool,
            journal=journal,
            media_host=media_host,
        )
        self.answers = AnswerEars(
            session_parts,
            default_end_of_silence_ms=silence_ms,
            reserve_ports=budget.reserve,
            release_ports=budget.release,
        )
        self.transcribes = Transcribes(
            session_parts,
            default_end_of_silence_ms=silence_ms,
            reserve_ports=budget.reserve,
            release_ports=budget.release,
            on_done=self._after_transcribe,
        )
        self.recordings = Recordings(
            TapParts(ari, parts.receiver, media_host),
            journal,
            parts.home / "recordings",
            beep=prompts.beep,
            reserve_ports=budget.reserve,
            release_ports=budget.release,
            on_end=self._after_recording,
        )
        self.recording_transcribes = RecordingTranscribes(
            journal=journal,
            transcribes=store.transcribes,
            models=parts.models,
            pool=parts.pool,
            file=self.recordings.sound,
            default_end_of_silence_ms=silence_ms,
            on_done=self._after_transcribe,
        )
        self.conferences = Conferences(ari, journal, store, on_left=self._after_conference)
        self.speakings = Speakings(ari, self.calls, prompts.prepare)
        self.media_streams = MediaStreams(
            ari,
            parts.receiver,
            media_host=media_host,
            reserve_ports=budget.reserve,
            release_ports=budget.release,
        )
        self.external_medias = ExternalMedias(
            ari, media_host=media_host, reserve_ports=budget.reserve, release_ports=budget.release
        )
        self.outbound = Outbound(
            ari,
            journal,
            self.calls,
            is_ready=lambda: is_ready.is_ready,
            max_call_seconds=settings.max_call_seconds,
            reserve_ports=budget.reserve,
            release_ports=budget.release,
        )
        self.groupcalls = Groupcalls(self.outbound, journal)
        self.connector = Connector(ari, self.outbound)

    @property
    def runners(self) -> tuple[Runner, ...]:
        """What has to run, in the order in which it is started."""
        return (
            self.transcribes,
            self.recordings,
            self.recording_transcribes,
            self.conferences,
            self.speakings,
            self.outbound,
            self.groupcalls,
            self.connector,
            self.external_medias,
        )

    def owns(self, asterisk_object_id: str) -> bool:
        """Whether an object of ours in Asterisk belongs to something that lives."""
        return (
            self.transcribes.owns(asterisk_object_id)
            or self.answers.owns(asterisk_object_id)
            or self.recordings.owns(asterisk_object_id)
            or self.conferences.owns(asterisk_object_id)
        )

    async def _after_transcribe(self, transcribe: Transcribe) -> None:
        if self.followups is not None:
            await self.followups.after_transcribe(transcribe)

    async def _after_conference(self, stay: Conferencecall) -> None:
        if self.followups is not None:
            await self.followups.after_conference(stay)

    async def _after_recording(self, recording: Recording) -> None:
        if self.followups is not None:
            await self.followups.after_recording(recording)


async def open_service(stack: AsyncExitStack, parts: Parts) -> Application:
    """Wire everything and let calls in; at the end of the stack calls are hung up and flushed."""
    settings, store, journal, ari = parts.settings, parts.store, parts.journal, parts.telephony.ari
    networks = read_webhook_networks(settings.webhook_networks)
    policy = SipPolicy(settings.sip_destinations)
    media_policy = MediaPolicy(settings.media_destinations)
    live_calls = LiveCalls()
    health = Health(parts.telephony, store, parts.library, live_calls, parts.models)
    prompts = FlowPrompts(parts.prompts)
    talk = Talk(parts, health, prompts)
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
    talk.followups = Followups(runner, store)
    phones = Phones(ari, store)
    context = _api_context(parts, talk, health, flows, runner, orders, phones, sender, transfers, queues)
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
    runners = (*talk.runners, queues, runner, reach.errands, intake, reconciler, sender, retention, flows)
    await stack.enter_async_context(_running(runners, live_calls, health))
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
) -> ApiContext:
    store, journal, settings, live_calls = parts.store, parts.journal, parts.settings, talk.calls
    collector = AppCollector(
        live_calls, talk.transcribes, parts.receiver, parts.pool, parts.budget, asyncio.get_running_loop()
    )
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
        live_feed=WebsocketFeed(parts.bus, store.events),
        languages=partial(offer_languages, parts.models),
        health=health.report,
        metrics=partial(render_metrics, open_metrics(collector)),
        prompt_path=parts.prompts.path_of,
        token_secret=load_token_secret(settings.home),
        sip_domain=settings.sip_host,
        rate_limits=rate_limits_of(settings),
    )


@asynccontextmanager
async def _running(runners: tuple[Runner, ...], live_calls: LiveCalls, health: Health) -> AsyncIterator[None]:
    """Take calls within this context; at its end those that live are hung up and flushed."""
    async with asyncio.TaskGroup() as tasks:
        running = [tasks.create_task(each.run(), name=type(each).__name__.lower()) for each in runners]
        health.is_open = True
        try:
            yield
        finally:
            await end_calls(live_calls)
            health.is_open = False
            for task in running:
                task.cancel()
