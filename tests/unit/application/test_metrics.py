"""What Prometheus gets, and the dashboard that stands on it."""

import asyncio
import json
import re
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
import yaml
from prometheus_client.metrics_core import Metric
from prometheus_client.parser import text_string_to_metric_families

from app.application.loop_lag import EVERY_SECONDS, LoopLag
from app.application.metrics import AppCollector, open_metrics, render_metrics
from app.ari.ari import Ari
from app.ari.events import parse_message
from app.delivery.webhook_sender import WebhookCounts
from app.delivery.websocket_feed import WebsocketFeed
from app.domain.call import CallStatus
from app.domain.events import Event, EventType
from app.domain.histogram import Histogram
from app.event_bus import EventBus
from app.media.rtp_ports import PortBudget, divide_rtp_ports
from app.media.rtp_receiver import open_rtp_receiver
from app.speech.recognition_pool import open_recognition_pool

ROOT = Path(__file__).resolve().parents[3]
DASHBOARD = ROOT / "docker" / "grafana" / "callscribe.json"
UNITS = ("_seconds", "_ratio", "_bytes")


class Register:
    """Some live calls."""

    def __init__(self, *statuses: CallStatus) -> None:
        self._calls = [SimpleNamespace(record=SimpleNamespace(status=status)) for status in statuses]

    def __len__(self) -> int:
        return len(self._calls)

    def __iter__(self) -> Iterator[Any]:
        return iter(self._calls)


class Scene:
    """An application's long-lived things, as far as metrics look at them."""

    def __init__(self, pool: Any, receiver: Any) -> None:
        self.bus = EventBus()
        self.ari = Ari("callscribe")
        self.pool = pool
        self.lag = LoopLag()
        none: tuple[object, ...] = ()
        parts = SimpleNamespace(
            bus=self.bus,
            pool=pool,
            receiver=receiver,
            budget=PortBudget(divide_rtp_ports("20000-20099")),
            telephony=SimpleNamespace(ari=self.ari),
            journal=SimpleNamespace(seq=12, waiting=1, commits=Histogram()),
        )
        talk = SimpleNamespace(
            calls=Register(CallStatus.RINGING, CallStatus.PROGRESSING, CallStatus.PROGRESSING),
            transcribes=none,
            answers=none,
            recordings=none,
            conferences=none,
            media_streams=none,
            recording_transcribes=none,
        )
        sender = SimpleNamespace(counts=WebhookCounts(delivered=3), in_flight=1, waiting=2)
        feed = WebsocketFeed(self.bus, cast("Any", None))
        self.registry = open_metrics(
            AppCollector(
                cast("Any", parts),
                cast("Any", talk),
                cast("Any", sender),
                feed,
                self.lag,
                asyncio.get_running_loop(),
            )
        )

    def scrape(self) -> dict[str, Metric]:
        text = render_metrics(self.registry).decode()
        return {family.name: family for family in text_string_to_metric_families(text)}

    def value(self, name: str, **labels: str) -> float:
        for family in self.scrape().values():
            for sample in family.samples:
                if sample.name == name and sample.labels == labels:
                    return float(sample.value)
        raise AssertionError(f"there is no {name} {labels}")


@pytest.fixture
async def scene() -> AsyncIterator[Scene]:
    async with (
        open_recognition_pool(cast("Any", None), threads=1) as pool,
        open_rtp_receiver("127.0.0.1", 0) as receiver,
    ):
        yield Scene(pool, receiver)


async def test_every_metric_says_what_it_is(scene: Scene) -> None:
    families = scene.scrape()
    ours = {name: family for name, family in families.items() if name.startswith("callscribe_")}
    assert len(ours) > 50
    for name, family in ours.items():
        assert re.fullmatch(r"callscribe_[a-z_]+", name)
        assert family.documentation.endswith((".", "...")), name
        assert family.type in {"gauge", "counter", "histogram"}
        if family.type == "histogram":
            assert name.endswith("_seconds")
        if "seconds" in name:
            assert name.endswith("_seconds"), "the unit stands at the end"
    assert {"process_resident_memory_bytes", "process_open_fds", "process_cpu_seconds"} <= families.keys()


async def test_the_numbers_are_those_of_the_moment(scene: Scene) -> None:
    assert scene.value("callscribe_live_calls") == 3
    assert scene.value("callscribe_calls", status="progressing") == 2
    assert scene.value("callscribe_calls", status="terminating") == 0
    refused = cast("Event", SimpleNamespace(type=EventType.TRANSCRIBE_REFUSED))
    with scene.bus.subscribe(limit=2):
        for _ in range(3):
            scene.bus.publish(refused)
        assert scene.value("callscribe_event_bus_most_unread") == 2
    assert scene.value("callscribe_events_told_total", type="transcribe_refused") == 3
    assert scene.value("callscribe_event_bus_overruns_total") == 1
    assert scene.value("callscribe_recognition_level") == 0
    load = scene.pool.recognition_load
    load.note_begun(0.03, 0.03)
    load.note_final(0.3)
    assert scene.value("callscribe_recognition_queue_delay_seconds_count") == 1
    assert scene.value("callscribe_recognition_final_seconds_sum") == pytest.approx(0.3)
    assert scene.value("callscribe_webhook_deliveries_total", outcome="delivered") == 3
    assert scene.value("callscribe_rtp_packets_total", kind="late") == 0


async def test_the_lag_of_asterisks_events_is_measured_by_their_timestamps(scene: Scene) -> None:
    event = parse_message('{"type": "Dial", "timestamp": "2020-01-01T00:00:00.000+0000"}')
    scene.ari._take(cast("Any", event))
    scene.ari._take(cast("Any", parse_message('{"type": "Dial"}')))
    assert scene.value("callscribe_ari_event_lag_seconds_bucket", le="+Inf") == 1
    assert scene.value("callscribe_ari_event_lag_seconds_bucket", le="5") == 0


async def test_the_lag_of_the_loop_is_measured() -> None:
    lag = LoopLag()
    running = asyncio.create_task(lag.run())
    while lag.histogram.count < 2:
        await asyncio.sleep(EVERY_SECONDS / 4)
    running.cancel()
    await asyncio.wait((running,))
    assert lag.histogram.count >= 2


def _expressions() -> list[str]:
    dashboard = json.loads(DASHBOARD.read_text("utf-8"))
    queries = [target["expr"] for panel in dashboard["panels"] for target in panel.get("targets", ())]
    return [*queries, *(each["query"] for each in dashboard["templating"]["list"])]


async def test_the_dashboard_asks_for_metrics_that_there_are(scene: Scene) -> None:
    known = {sample.name for family in scene.scrape().values() for sample in family.samples}
    known |= {"callscribe_events_told_total"}  # it has no sample before the first event
    asked = {name for query in _expressions() for name in re.findall(r"\b(?:callscribe|process)_[a-z_]+", query)}
    assert asked <= known, asked - known
    ours = {re.sub(r"_(bucket|sum|count)$", "", name) for name in known if name.startswith("callscribe_")}
    shown = {re.sub(r"_(bucket|sum|count)$", "", name) for name in asked}
    assert ours - shown == set(), "what is measured can be seen"


def test_the_dashboard_is_laid_out_without_overlaps() -> None:
    panels = json.loads(DASHBOARD.read_text("utf-8"))["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    taken: set[tuple[int, int]] = set()
    for panel in panels:
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not cells & taken
        assert max(x for x, _ in cells) < 24
        taken |= cells


def test_the_containers_mount_what_is_there() -> None:
    folder = ROOT / "docker"
    compose = yaml.safe_load((folder / "metrics.yaml").read_text("utf-8"))
    assert set(compose["services"]) == {"prometheus", "grafana"}
    for service in compose["services"].values():
        for mount in service["volumes"]:
            source = mount.split(":")[0]
            assert (folder / source).exists() if source.startswith(".") else source in compose["volumes"]
    scraped = yaml.safe_load((folder / "prometheus" / "prometheus.yml").read_text("utf-8"))
    assert scraped["scrape_configs"][0]["static_configs"][0]["targets"] == ["127.0.0.1:8080"]
