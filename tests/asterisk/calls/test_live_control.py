"""Everything that can be done to live calls, through the whole app: real Asterisk, real telephones, checked by ear.

All scenes are played at once, a few at a time; each test looks at its own.
"""

import asyncio
import io
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import aiohttp
import numpy as np
import pytest
import pytest_asyncio

from app.api.first_start import create_customer
from app.domain.ids import ZERO_ID, new_id
from app.settings import read_settings
from app.store import open_store
from benchmarks.scores import normalise, word_error_rate
from tests.asterisk.calls.instance import Instance, open_instance
from tests.asterisk.calls.sip_peer import open_sip_peer
from tests.asterisk.calls.stage import SOURCE, Party, Stage, open_caller_in, open_party, open_peer_ear, open_stage
from tests.asterisk.calls.test_early_ends import NOTHING
from tests.asterisk.calls.test_outgoing_calls import open_phone
from tests.asterisk.calls.test_recordings import PIECE, Sound, find_in, read_sound
from tests.asterisk.ears import Ear, has_tone, tone
from tests.speech_files import prompt_files, read_samples

pytestmark = [pytest.mark.asterisk, pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(180)]

AT_ONCE = 7
PROMPT, SAID, OTHER, SENT = 400, 1000, 1700, 2500
"""Pitches: what a flow plays, what the party says, what somebody else says, what a program sends."""
WAIT = {"type": "sleep", "option": {"duration": 60_000}}

Socket = aiohttp.ClientWebSocketResponse
Scene = Callable[[Stage], Awaitable[None]]
SCENES: dict[str, Scene] = {}


def scene(play: Scene) -> Scene:
    """Have a scene played."""
    SCENES[play.__name__] = play
    return play


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def stage(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stage]:
    async with (
        open_instance(
            {"any": {"name": "any", "numbers": ["7400"], "language": "en-US", "actions": [WAIT]}},
            CALLSCRIBE_RATE_LIMIT_API_PER_CUSTOMER="0",
            CALLSCRIBE_WEBHOOK_NETWORKS="127.0.0.0/8",
        ) as live,
        open_stage(live, tmp_path_factory.mktemp("tones")) as made,
    ):
        yield made


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def playing(request: pytest.FixtureRequest, stage: Stage) -> AsyncIterator[dict[str, "asyncio.Task[None]"]]:
    """All scenes that are wanted, as tasks."""
    turns = asyncio.Semaphore(AT_ONCE)

    async def play(name: str) -> None:
        async with turns:
            await SCENES[name](stage)

    own = f"{Path(__file__).name}::test_scene["
    names = [item.name.partition("[")[2][:-1] for item in request.session.items if own in item.nodeid]
    tasks = {name: asyncio.create_task(play(name), name=name) for name in names}
    yield tasks
    for task in tasks.values():
        task.cancel()
    await asyncio.gather(*tasks.values(), return_exceptions=True)


@scene
async def hold_tells_the_telephone(stage: Stage) -> None:
    async with open_party(stage, "held", [WAIT]) as party:
        await party.do("POST", "hold")
        await party.phone.wait_media("sendonly")
        await hear_sound(party.ear)
        await party.do("DELETE", "hold")
        await party.phone.wait_media("sendrecv")
        await hear_nothing(party.ear)


@scene
async def hold_interrupts_a_prompt(stage: Stage) -> None:
    async with open_party(stage, "heldprompt", [stage.play(PROMPT)]) as party:
        await party.ear.hear(PROMPT)
        await party.do("POST", "hold")
        await party.phone.wait_media("sendonly")
        await party.ear.miss(PROMPT)
        await party.do("DELETE", "hold")
        await party.ear.hear(PROMPT)


@scene
async def music_is_heard_until_it_ends(stage: Stage) -> None:
    async with open_party(stage, "music", [WAIT]) as party:
        await party.do("POST", "moh")
        await hear_sound(party.ear)
        await party.do("DELETE", "moh")
        await hear_nothing(party.ear)
        await party.do("POST", "moh")
        await hear_sound(party.ear)
        await party.do("POST", "silence")
        await hear_nothing(party.ear)
        await party.do("DELETE", "silence")
        await party.do("DELETE", "moh")


@scene
async def music_takes_the_place_of_a_prompt(stage: Stage) -> None:
    async with open_party(stage, "musicprompt", [stage.play(PROMPT)]) as party:
        await party.ear.hear(PROMPT)
        await party.do("POST", "moh")
        await party.ear.miss(PROMPT)
        await hear_sound(party.ear)
        await party.do("DELETE", "moh")
        await party.ear.hear(PROMPT)


@scene
async def a_running_prompt_is_silenced(stage: Stage) -> None:
    async with open_party(stage, "silenced", [stage.play(PROMPT)]) as party:
        await party.ear.hear(PROMPT)
        await party.do("POST", "silence")
        await hear_nothing(party.ear)
        await party.do("DELETE", "silence")
        await party.ear.hear(PROMPT)


@scene
async def mute_adds_and_subtracts(stage: Stage) -> None:
    async with open_party(stage, "muted", [WAIT]) as party:
        shown = [(await party.show()).get("mute_direction", "")]
        for method, body in (
            ("POST", None),
            ("DELETE", {"direction": "in"}),
            ("POST", {"direction": "out"}),
            ("DELETE", {"direction": "out"}),
            ("POST", {"direction": "in"}),
            ("POST", {"direction": "out"}),
            ("DELETE", {"direction": "out"}),
            ("DELETE", None),
        ):
            await party.do(method, "mute", body)
            shown.append((await party.show())["mute_direction"])
        assert shown == ["", "both", "out", "out", "", "in", "both", "in", ""]


@scene
async def mute_takes_effect_during_a_prompt(stage: Stage) -> None:
    async with open_party(stage, "muteprompt", [stage.play(PROMPT)]) as party, open_stream(party) as (_, said):
        party.say(SAID)
        await asyncio.gather(party.ear.hear(PROMPT), said.hear(SAID))
        await party.do("POST", "mute", {"direction": "in"})
        await asyncio.gather(said.quiet(SAID), party.ear.hear(PROMPT))
        await party.do("POST", "mute", {"direction": "out"})
        await party.ear.miss(PROMPT)
        await party.do("DELETE", "mute", {"direction": "in"})
        await said.hear(SAID)
        await party.do("DELETE", "mute", {"direction": "both"})
        await party.ear.hear(PROMPT)


@scene
async def who_is_muted_is_not_written_down_or_recorded(stage: Stage) -> None:
    spoken = prompt_files(shortest=25, most=60)
    first, second = spoken[0], spoken[1]
    async with open_party(stage, "unheard", [WAIT]) as party:
        transcribe = await stage.ok(
            "POST",
            "/transcribes",
            {"reference_type": "call", "reference_id": party.id, "language": "en-US", "direction": "both"},
        )
        recording: str = (await party.do("POST", "recording_start", {"format": "wav"}))["recording_id"]
        await party.do("POST", "mute", {"direction": "in"})
        await party.phone.say(first[0])
        await asyncio.sleep(1.2)  # Asterisk's and the phone's buffers
        await party.do("DELETE", "mute", {"direction": "in"})
        await party.phone.say(second[0])
        await stage.live.wait_for(lambda it: it.of_type("transcript_created"), 15, "a transcript")
        await party.do("POST", "recording_stop")
        await stage.ok("POST", f"/transcribes/{transcribe['id']}/stop")
        rows = (await stage.live.get("/transcripts", transcribe_id=transcribe["id"]))["result"]
        rows.sort(key=lambda row: int(row["offset_ms"]))
        heard = normalise(" ".join(row["message"] for row in rows if row["direction"] == "in"))
        assert word_error_rate([normalise(second[1])], [heard]) < 0.6, (heard, second[1])
        assert len(heard.split()) <= 1.3 * len(normalise(second[1]).split()), (heard, first[1])
        mine = read_sound(stage.live.home / "recordings" / f"{recording}_in.wav")[:, 0]
        assert likeness(mine, second[0]) > 0.8
        assert likeness(mine, first[0]) < 0.6


@scene
async def mute_between_two_telephones(stage: Stage) -> None:
    async with open_pair(stage, "tom", "jerry") as (tom, jerry):
        tom.say(SAID)
        jerry.phone.start_saying(stage.wav(OTHER))
        await asyncio.gather(tom.ear.hear(OTHER), jerry.ear.hear(SAID))
        await tom.do("POST", "mute", {"direction": "in"})
        await asyncio.gather(jerry.ear.quiet(SAID), tom.ear.hear(OTHER))
        await tom.do("POST", "mute", {"direction": "out"})
        await tom.ear.quiet(OTHER)
        await tom.do("DELETE", "mute", {"direction": "in"})
        await jerry.ear.hear(SAID)
        await tom.do("DELETE", "mute")
        await tom.ear.hear(OTHER)


@scene
async def a_telephone_puts_the_other_on_hold(stage: Stage) -> None:
    async with open_pair(stage, "holder", "holdee") as (holder, holdee):
        holder.say(SAID)
        await holdee.ear.hear(SAID)
        holder.phone.hold()
        await holdee.ear.quiet(SAID)
        await hear_sound(holdee.ear)
        holder.phone.unhold()
        await holdee.ear.hear(SAID)
        await holder.do("POST", "hold")
        await holder.phone.wait_media("sendonly")
        await holder.do("DELETE", "hold")
        await holder.phone.wait_media("sendrecv")
        await holdee.ear.hear(SAID)


@scene
async def talk_over_a_sleep(stage: Stage) -> None:
    async with open_party(stage, "sleeper", [WAIT]) as party:
        await party.do("POST", "talk", {"text": "Good morning to you.", "language": "en-US"})
        await hear_sound(party.ear)
        await hear_nothing(party.ear)


@scene
async def talk_over_a_prompt(stage: Stage) -> None:
    async with open_party(stage, "prompted", [stage.play(PROMPT, 30)]) as party:
        await party.ear.hear(PROMPT)
        await party.do("POST", "talk", {"text": "Good morning, good morning.", "language": "en-US"})
        await party.ear.wait_frames(lambda pcm: has_tone(pcm, PROMPT) and is_more_than(pcm, PROMPT), 10, "both")
        await party.ear.wait_frames(lambda pcm: has_tone(pcm, PROMPT) and not is_more_than(pcm, PROMPT), 10, "tone")


@scene
async def talk_to_one_of_two_who_are_connected(stage: Stage) -> None:
    async with open_pair(stage, "listener", "speaker") as (listener, speaker):
        speaker.phone.start_saying(stage.wav(OTHER, 30))
        await listener.ear.hear(OTHER)
        await listener.do("POST", "talk", {"text": "You have one minute left.", "language": "en-US"})
        await listener.ear.wait_frames(lambda pcm: has_tone(pcm, OTHER) and is_more_than(pcm, OTHER), 10, "both")
        assert not any(is_loud(pcm) for pcm in speaker.ear.frames[-100:])


@scene
async def talk_answers_a_ringing_call_that_hears_a_prompt(stage: Stage) -> None:
    flow = await stage.ok("POST", "/flows", {"name": "early", "actions": [stage.play(PROMPT, 30)]})
    await stage.ok("POST", "/numbers", {"number": "7411", "call_flow_id": flow["id"]})
    async with open_caller_in(stage, "early", stage.live.sip_uri("7411")) as (phone, ear):
        await ear.hear(PROMPT)
        assert not phone.has("answered")
        call = next(call for call in stage.live.of_type("call_created") if call["source"]["target"] == "early")
        began = asyncio.get_running_loop().time()
        await stage.ok("POST", f"/calls/{call['id']}/talk", {"text": "Hello and good morning.", "language": "en-US"})
        assert asyncio.get_running_loop().time() - began < 4
        await phone.wait_answered()
        await ear.wait_frames(lambda pcm: is_more_than(pcm, PROMPT), 10, "words")
        await ear.hear(PROMPT)


@scene
async def recordings_are_downloaded_by_signed_links(stage: Stage) -> None:
    live = stage.live
    async with open_party(stage, "recorded", [stage.play(PROMPT, 30)]) as party:
        party.say(SAID)
        call = await party.do("POST", "recording_start", {"format": "wav"})
        assert call["recording_id"] in call["recording_ids"]
        await asyncio.gather(party.ear.hear(PROMPT, frames=50))
        call = await party.do("POST", "recording_stop")
        assert call["recording_id"] == ZERO_ID
        url = f"{live.api}/recordingfiles/{call['recording_ids'][0]}"
        pitches = {"": (SAID, PROMPT), "in": (SAID,), "out": (PROMPT,)}
        for part, tones in pitches.items():
            async with live.session.get(url, params={"part": part} if part else {}, allow_redirects=False) as reply:
                assert reply.status == 307
                link = reply.headers["Location"]
            async with aiohttp.ClientSession() as stranger:
                base = f"http://127.0.0.1:{live.http_port}"
                async with stranger.get(base + link) as reply:
                    assert (reply.status, reply.content_type) == (200, "audio/wav")
                    whole = await reply.read()
                async with stranger.get(base + link, headers={"Range": "bytes=44-683"}) as reply:
                    assert (reply.status, await reply.read()) == (206, whole[44:684])
                async with stranger.get(base + link.replace("signature=", "signature=0")) as reply:
                    assert reply.status == 403
            sound = read_sound(io.BytesIO(whole))
            assert sound.shape[1] == len(tones)
            for side, hertz in enumerate(tones):
                middle = sound[len(sound) // 2 :, side][:160].astype("<i2").tobytes()
                assert has_tone(middle, hertz), part
        async with live.session.get(url, params={"part": "left"}) as reply:
            assert reply.status == 400


CONTROLS = [
    *((method, what, None) for what in ("hold", "moh", "silence", "mute") for method in ("POST", "DELETE")),
    ("POST", "talk", {"text": "Hello.", "language": "en-US"}),
    ("POST", "recording_start", {"format": "wav"}),
]


@scene
async def an_ended_call_takes_no_orders(stage: Stage) -> None:
    live = stage.live
    async with open_party(stage, "ended", [WAIT]) as party:
        path = f"/calls/{party.id}"
        stranger = {"Authorization": f"Bearer {await other_key(stage)}"}
        for method, what, body in [*CONTROLS, ("POST", "hangup", None), ("POST", "recording_stop", None)]:
            async with live.session.request(method, f"{live.api}{path}/{what}", json=body, headers=stranger) as reply:
                assert (reply.status, (await reply.json())["error"]["reason"]) == (403, "PERMISSION_DENIED"), what
        for method, url in (("GET", path), ("DELETE", path), ("GET", f"{path}/media_stream?encapsulation=sln")):
            async with live.session.request(method, f"{live.api}{url}", headers=stranger) as reply:
                assert reply.status == 403, url
        code, shown = await live.post(f"{path}/hangup")
        assert (code, shown["status"]) == (200, "terminating")
        code, shown = await live.post(f"{path}/hangup")
        assert (code, shown["status"] in {"terminating", "hangup"}) == (200, True)
        await stage.until(party.id, "call_hangup")
        code, shown = await live.post(f"{path}/hangup")
        assert (code, shown["status"], shown["hangup_by"]) == (200, "hangup", "local")
        for method, what, body in CONTROLS:
            async with live.session.request(method, f"{live.api}{path}/{what}", json=body) as reply:
                assert (reply.status, (await reply.json())["error"]["reason"]) == (409, "CALL_ALREADY_HANGUP"), what
        async with live.session.get(f"{live.api}{path}/media_stream?encapsulation=sln") as reply:
            assert (reply.status, (await reply.json())["error"]["reason"]) == (409, "CALL_ALREADY_HANGUP")


@scene
async def a_live_call_is_deleted(stage: Stage) -> None:
    async with open_sip_peer("deleted") as peer:
        destination = {"type": "sip", "target": f"deleted@{peer.host}"}
        order = {"source": SOURCE, "destinations": [destination], "actions": [WAIT]}
        call_id = (await stage.ok("POST", "/calls", order))["calls"][0]["id"]
        phone = await peer.wait_call()
        await stage.until(call_id, "call_progressing")
        deleted = await stage.ok("DELETE", f"/calls/{call_id}")
        assert (deleted["status"], "tm_delete" in deleted) == ("hangup", True)
        assert (await phone.wait_ended()).status == 200
        async with stage.live.session.get(f"{stage.live.api}/calls/{call_id}") as reply:
            assert (reply.status, (await reply.json())["error"]["reason"]) == (409, "STATE_INVALID")
        assert call_id not in {call["id"] for call in (await stage.live.get("/calls"))["result"]}


@scene
async def a_speaking_by_the_api(stage: Stage) -> None:
    live = stage.live
    order = {"reference_type": "call", "language": "en-US", "provider": "gcp", "direction": "out"}
    async with open_party(stage, "spoken", [WAIT]) as party:
        code, voice = await live.post("/speakings", order | {"reference_id": party.id})
        assert (code, voice["status"]) == (201, "active")
        path = f"/speakings/{voice['id']}"
        await stage.ok("POST", f"{path}/say", {"text": "Good morning to you all."})
        await hear_sound(party.ear)
        await stage.ok("POST", f"{path}/say", {"text": "This is a rather long text. " * 20})
        await stage.ok("POST", f"{path}/flush")
        await hear_nothing(party.ear)
        await stage.ok("POST", f"{path}/say", {"text": "Here I am again."})
        await hear_sound(party.ear)
        assert (await stage.ok("POST", f"{path}/stop"))["status"] == "stopped"
        await hear_nothing(party.ear)
        code, body = await live.post(f"{path}/say", {"text": "no"})
        assert (code, body["error"]["reason"]) == (409, "STATE_INVALID")
        code, second = await live.post("/speakings", order | {"reference_id": party.id})
        assert code == 201
    async with live.session.get(f"{live.api}/speakings/{second['id']}") as reply:
        assert reply.status == 404


@scene
async def media_streams_of_a_call(stage: Stage) -> None:
    live = stage.live
    async with open_party(stage, "streamed", [WAIT]) as party:
        party.say(SAID, 40)
        for form in ("sln", "rtp", "audiosocket"):
            async with open_stream(party, form) as (socket, said):
                await said.hear(SAID)
                await socket.send_bytes(wrapped(form, tone(SENT, 1.5)))
                await party.ear.hear(SENT)
                await said.hear(SAID, without=[SENT])
            await party.ear.quiet(SENT)
        for wrong in ("?encapsulation=opus", ""):
            async with live.session.get(f"{live.api}/calls/{party.id}/media_stream{wrong}") as reply:
                assert reply.status == 400
                assert (await reply.json())["error"]["details"][0]["field"] == "encapsulation"
        async with AsyncExitStack() as stack:
            streams = [await stack.enter_async_context(open_stream(party)) for _ in range(5)]
            with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
                await open_stream(party).__aenter__()
            assert refused.value.status == 409
            await party.do("POST", "hangup")
            async with asyncio.timeout(8):
                while not all(socket.closed for socket, _ in streams):
                    await asyncio.sleep(0.05)
            assert {socket.close_code for socket, _ in streams} == {1000}


@scene
async def a_conference_by_all_ways(stage: Stage) -> None:
    """Its members: a call that we make into it, a number that joins it, a telephone that dials it, a direct address."""
    live = stage.live
    room = await stage.ok("POST", "/conferences", {"name": "all ways", "type": "conference"})
    actions = [{"type": "conference_join", "option": {"conference_id": room["id"]}}]
    flow = await stage.ok("POST", "/flows", {"name": "joins", "actions": actions})
    await stage.ok("POST", "/numbers", {"number": "7412", "call_flow_id": flow["id"]})
    direct = live.sip_uri(f"direct.{room['direct_hash']}")
    async with AsyncExitStack() as stack:
        by_number, ear = await stack.enter_async_context(open_caller_in(stage, "bynumber", live.sip_uri("7412")))
        by_hash, other = await stack.enter_async_context(open_caller_in(stage, "byhash", direct))
        phone = await stack.enter_async_context(open_phone(live, "2401"))
        by_phone = await phone.call(live.sip_uri(room["id"]))
        third = await stack.enter_async_context(open_peer_ear(by_phone))
        await asyncio.gather(*(each.wait_answered() for each in (by_number, by_hash, by_phone)))

        def are_in(instance: Instance) -> bool:
            return (
                len([it for it in instance.of_type("conferencecall_joined") if it["conference_id"] == room["id"]]) == 3
            )

        await live.wait_for(are_in, 10, "three members")
        assert len((await live.get(f"/conferences/{room['id']}"))["conferencecall_ids"]) == 3
        by_number.start_saying(stage.wav(SAID))
        await asyncio.gather(other.hear(SAID), third.hear(SAID))
        placed = await stage.ok(
            "POST",
            "/calls",
            {
                "source": SOURCE,
                "destinations": [{"type": "conference", "target": room["id"]}],
                "actions": [stage.play(PROMPT)],
            },
        )
        [call] = placed["calls"]
        await asyncio.gather(ear.hear(PROMPT, without=[SAID]), other.hear(PROMPT, SAID), third.hear(PROMPT, SAID))
        await stage.ok("POST", f"/calls/{call['id']}/hangup")
        await stage.until(call["id"], "call_hangup")
        await asyncio.gather(ear.quiet(PROMPT), other.miss(PROMPT))
        url = f"/conferences/{room['id']}"
        async with open_stream_at(stage, url) as (socket, mix):
            await mix.hear(SAID)
            await socket.send_bytes(tone(SENT, 3))
            await asyncio.gather(ear.hear(SENT), other.hear(SENT, SAID), third.hear(SENT, SAID))
            await stage.ok("DELETE", url)
            async with asyncio.timeout(8):
                while not socket.closed:
                    await asyncio.sleep(0.05)
            assert socket.close_code == 1000
        await asyncio.gather(*(each.wait_ended() for each in (by_number, by_hash, by_phone)))


@scene
async def a_talk_in_the_background_gives_way_to_a_room(stage: Stage) -> None:
    """Asterisk would wait for its end, and read no other request meanwhile."""
    live = stage.live
    room = await stage.ok("POST", "/conferences", {"name": "busy", "type": "conference"})
    text = "This is a long text that takes its time. " * 6
    actions = [
        {"type": "talk", "option": {"text": text, "language": "de-DE", "async": True}},
        {"type": "sleep", "option": {"duration": 1500}},
        {"type": "conference_join", "option": {"conference_id": room["id"]}},
        WAIT,
    ]
    async with open_party(stage, "talked", actions) as party:
        await hear_sound(party.ear)

        def stays(instance: Instance, event: str) -> list[Any]:
            return [it for it in instance.of_type(event) if it["conference_id"] == room["id"]]

        clock = asyncio.get_running_loop().time
        await live.wait_for(lambda it: stays(it, "conferencecall_joining"), 10, "joining")
        began = clock()
        await live.wait_for(lambda it: stays(it, "conferencecall_joined"), 10, "joined")
        assert clock() - began < 2
        await hear_sound(party.ear)
        began = clock()
        await stage.ok("DELETE", f"/conferencecalls/{stays(live, 'conferencecall_joined')[0]['id']}")
        assert clock() - began < 2
        await hear_sound(party.ear)
        await stage.ok("DELETE", f"/conferences/{room['id']}")


@scene
async def direct_addresses_of_a_flow_and_a_telephone(stage: Stage) -> None:
    live = stage.live
    flow = await stage.ok("POST", "/flows", {"name": "direct", "actions": [{"type": "answer"}, stage.play(PROMPT)]})
    flow = await stage.ok("POST", f"/flows/{flow['id']}/direct-hash-regenerate")
    async with open_caller_in(stage, "toflow", live.sip_uri(f"direct.{flow['direct_hash']}")) as (phone, ear):
        await phone.wait_answered()
        await ear.hear(PROMPT)
    async with open_phone(live, "2402") as called:
        [extension] = [it for it in (await live.get("/extensions"))["result"] if it["extension"] == "2402"]
        async with open_caller_in(stage, "tophone", live.sip_uri(f"direct.{extension['direct_hash']}")) as (phone, ear):
            ringing = await called.wait_call()
            await phone.wait_answered()
            ringing.start_saying(stage.wav(OTHER))
            await ear.hear(OTHER)
    async with open_caller_in(stage, "tonobody", live.sip_uri("direct.0123456789ab")) as (phone, _):
        assert (await phone.wait_ended()).status == 404


@scene
async def an_agent_is_rung_at_all_its_addresses(stage: Stage) -> None:
    live = stage.live
    async with (
        open_sip_peer("mobile", answer_seconds=None) as mobile,
        open_sip_peer("desk", answer_seconds=0.5) as desk,
    ):
        code, agent = await live.post(
            "/agents",
            {
                "username": "two-addresses",
                "password": "correct-horse-7",
                "name": "Two",
                "addresses": [{"type": "sip", "target": f"{peer.user}@{peer.host}"} for peer in (mobile, desk)],
            },
        )
        assert code == 200, agent
        order = {"source": SOURCE, "destinations": [{"type": "agent", "target": agent["id"]}], "actions": [WAIT]}
        placed = await stage.ok("POST", "/calls", order)
        [group] = placed["groupcalls"]
        rung = await mobile.wait_call()
        taken = await desk.wait_call()
        await taken.wait_answered()
        assert (await rung.wait_ended()).status == 487
        await stage.ok("POST", f"/groupcalls/{group['id']}/hangup")
        await stage.until(group["id"], "groupcall_hangup")
        assert len((await live.get(f"/groupcalls/{group['id']}"))["call_ids"]) == 2


@scene
async def a_linear_groupcall_rings_one_after_the_other(stage: Stage) -> None:
    async with (
        open_sip_peer("busy", reject=486) as busy,
        open_sip_peer("free") as free,
        open_sip_peer("spare") as spare,
    ):
        order = {
            "source": SOURCE,
            "destinations": [{"type": "sip", "target": f"{peer.user}@{peer.host}"} for peer in (busy, free, spare)],
            "actions": [stage.play(PROMPT, 1)],
            "ring_method": "linear",
        }
        group = await stage.ok("POST", "/groupcalls", order)
        await (await busy.wait_call()).wait_ended()
        taken = await free.wait_call()
        await taken.wait_ended()
        await stage.until(group["id"], "groupcall_hangup")
        ended = await stage.live.get(f"/groupcalls/{group['id']}")
        assert (len(ended["call_ids"]), ended["answer_call_id"]) == (2, ended["call_ids"][1])
        assert spare.incoming == []


@scene
async def early_execution_and_variables(stage: Stage) -> None:
    """The flow runs while it rings, by what it was given; what speaks waits for the answer."""
    live = stage.live
    end = {"id": new_id(), **stage.play(PROMPT)}
    actions = [
        {"type": "variable_set", "option": {"key": "seen", "value": "${way}"}},
        {"type": "goto", "option": {"target_id": "${seen}", "loop_count": 1}},
        {"type": "hangup"},
        end,
    ]
    async with open_sip_peer("early-bird", answer_seconds=None) as peer:
        destination = {"type": "sip", "target": f"early-bird@{peer.host}"}
        order = {"source": SOURCE, "destinations": [destination], "actions": actions, "early_execution": True}
        placed = await stage.ok("POST", "/calls", order | {"variables": {"way": end["id"]}, "anonymous": "yes"})
        phone = await peer.wait_call()
        assert "nonymous" in phone.header("From")
        assert "15551230000" not in phone.message
        call_id = placed["calls"][0]["id"]

        def is_at_the_end(instance: Instance) -> bool:
            flows = [it for it in instance.of_type("activeflow_updated") if it["reference_id"] == call_id]
            return any((it.get("current_action") or {}).get("id") == end["id"] for it in flows)

        await live.wait_for(is_at_the_end, 10, "the last action while it rings")
        assert (await live.get(f"/calls/{call_id}"))["status"] in {"dialing", "ringing"}
        async with live.session.post(f"{live.api}/calls/{call_id}/hold") as reply:
            assert (reply.status, (await reply.json())["error"]["reason"]) == (409, "STATE_INVALID")
        await phone.answer()
        async with open_peer_ear(phone) as ear:
            await ear.hear(PROMPT)
        await stage.ok("POST", f"/calls/{call_id}/hangup")
        await stage.until(call_id, "call_hangup")


async def see_a_trunk_call_a_number_and_flows_follow(stage: Stage) -> None:
    """Alone: while the trunk is there, all calls of this machine are its calls."""
    live = stage.live
    last, after = [
        await stage.ok("POST", "/flows", {"name": name, "actions": [{"type": "sleep", "option": {"duration": 10}}]})
        for name in ("on complete", "on end")
    ]
    flow = await stage.ok(
        "POST",
        "/flows",
        {
            "name": "transcribes",
            "on_complete_flow_id": last["id"],
            "actions": [
                {"type": "answer"},
                {"type": "transcribe_start", "option": {"language": "en-US", "on_end_flow_id": after["id"]}},
                {"type": "variable_set", "option": {"key": "goal", "value": "${voipbin.call.id}"}},
                WAIT,
            ],
        },
    )
    number = await stage.ok("POST", "/numbers", {"number": "+821099990001", "call_flow_id": flow["id"]})
    trunk = {"name": "pbx", "domain_name": "pbx-of-test", "auth_types": ["ip"], "allowed_ips": ["127.0.0.1"]}
    made = await stage.ok("POST", "/trunks", trunk)
    try:
        async with open_caller_in(stage, "+821055550001", live.sip_uri("+821099990001")) as (phone, _):
            await phone.wait_answered()
            call_id = await stage.answer_of("+821055550001")
            shown = await live.get(f"/calls/{call_id}")
            assert shown["destination"]["target"] == "+821099990001"
            assert shown["flow_id"] == flow["id"]
            await live.wait_for(lambda it: transcribe_of(it, call_id), 10, "a transcribe")
            transcribe = transcribe_of(live, call_id)
            assert transcribe is not None
            # Its last flow reads what it was given: it goes on to the action whose id that is.
            steps = [
                {"type": "goto", "option": {"target_id": "${voipbin.transcribe.id}", "loop_count": 1}},
                {"type": "stop"},
                {"id": transcribe["id"], "type": "goto", "option": {"target_id": "${goal}", "loop_count": 1}},
                {"type": "stop"},
                {"id": call_id, "type": "sleep", "option": {"duration": 10}},
            ]
            code, body = await live.put(f"/flows/{after['id']}", {"name": "on end", "actions": steps})
            assert code == 200, body
            await phone.say(prompt_files(shortest=25, most=60)[2][0])

        def have_run(instance: Instance) -> bool:
            ended = [it for it in instance.of_type("activeflow_updated") if it["status"] == "ended"]
            return {last["id"], after["id"]} <= {it["flow_id"] for it in ended}

        await live.wait_for(have_run, 15, "the flows that follow")
        activeflows = (await live.get("/activeflows"))["result"]
        [ending] = [it for it in activeflows if it["flow_id"] == after["id"]]
        assert (ending["reference_type"], ending["reference_id"]) == ("transcribe", transcribe["id"])
        assert ending["reference_activeflow_id"] == shown["activeflow_id"]
        assert [it["type"] for it in ending["executed_actions"]] == ["goto", "goto", "sleep"]
        [complete] = [it for it in activeflows if it["flow_id"] == last["id"]]
        assert complete["reference_activeflow_id"] == shown["activeflow_id"]
    finally:
        await stage.ok("DELETE", f"/trunks/{made['id']}")
        await stage.ok("DELETE", f"/numbers/{number['id']}")


def transcribe_of(instance: Instance, call_id: str) -> Any:
    return next((it for it in instance.of_type("transcribe_progressing") if it["reference_id"] == call_id), None)


async def other_key(stage: Stage) -> str:
    """The key of another customer."""
    settings = read_settings(home=stage.live.home)
    async with open_store(settings.effective_database_url) as store:
        made = await create_customer(store, "Others", "others", "correct-horse-7")
        return made.access_key


@asynccontextmanager
async def open_pair(stage: Stage, name: str, other: str) -> AsyncIterator[tuple[Party, Party]]:
    """A party of ours and another one, connected; the second's call is found by its master."""
    async with open_sip_peer(other) as peer:
        option = {"destinations": [{"type": "sip", "target": f"{other}@{peer.host}"}]}
        async with open_party(stage, name, [{"type": "connect", "option": option}]) as party:
            phone = await peer.wait_call()
            await phone.wait_answered()
            calls = [call for call in stage.live.of_type("call_created") if call.get("master_call_id") == party.id]
            async with open_peer_ear(phone) as ear:
                yield party, Party(stage, phone, ear, calls[0]["id"])


def is_more_than(pcm: bytes, hertz: int) -> bool:
    """Whether there is sound beside a tone."""
    samples = np.frombuffer(pcm, "<i2").astype(float)
    turns = np.exp(-2j * np.pi * hertz * np.arange(len(samples)) / 8000)
    of_tone = 2 * abs((samples * turns).sum()) / len(samples)
    rest = (samples**2).mean() - of_tone**2 / 2
    return bool(rest > 300**2)


def wrapped(form: str, pcm: bytes) -> bytes:
    if form == "audiosocket":
        frames = [pcm[at : at + 320] for at in range(0, len(pcm), 320)]
        return b"".join(b"\x10" + len(frame).to_bytes(2, "big") + frame for frame in frames)
    return (bytes([0x80, 96]) + bytes(10) if form == "rtp" else b"") + pcm


def likeness(sound: Sound, path: Path) -> float:
    """How alike the pieces of a file and their best places in a sound are, in the middle (1 = the same)."""
    said = np.frombuffer(read_samples(path), "<i2").astype(np.float64)
    return float(np.median([find_in(sound, said[at : at + PIECE])[1] for at in range(0, len(said) - PIECE, PIECE)]))


def open_stream(party: Party, form: str = "sln") -> AbstractAsyncContextManager[tuple[Socket, Ear]]:
    """A media stream of a call: the socket, and an ear for what comes."""
    return open_stream_at(party.stage, f"/calls/{party.id}", form)


@asynccontextmanager
async def open_stream_at(stage: Stage, path: str, form: str = "sln") -> AsyncIterator[tuple[Socket, Ear]]:
    url = f"{stage.live.api}{path}/media_stream?encapsulation={form}"
    async with stage.live.session.ws_connect(url) as socket:
        ear = Ear()
        reading = asyncio.create_task(_read(socket, ear))
        try:
            yield socket, ear
        finally:
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)


async def _read(socket: Socket, ear: Ear) -> None:
    async for message in socket:
        ear.take([message.data[-320:]])


def is_loud(pcm: bytes) -> bool:
    samples = np.frombuffer(pcm, "<i2").astype(float)
    return bool(np.sqrt((samples**2).mean()) > 100)


async def hear_sound(ear: Ear) -> None:
    await ear.wait_frames(is_loud, 10, "sound")


async def hear_nothing(ear: Ear, seconds: float = 0.6) -> None:
    """Wait until there has been no sound for a while; that may be nothing at all."""
    async with asyncio.timeout(8):
        while True:
            at = len(ear.frames)
            await asyncio.sleep(seconds)
            if not any(is_loud(pcm) for pcm in ear.frames[at:]):
                return


@pytest.mark.parametrize("name", SCENES)
async def test_scene(playing: dict[str, "asyncio.Task[None]"], name: str) -> None:
    await playing[name]


async def test_a_trunk_calls_a_number_and_flows_follow(stage: Stage, playing: dict[str, "asyncio.Task[None]"]) -> None:
    if playing:
        await asyncio.wait(playing.values())
    await see_a_trunk_call_a_number_and_flows_follow(stage)


async def test_nothing_is_left(stage: Stage, playing: dict[str, "asyncio.Task[None]"]) -> None:
    if playing:
        await asyncio.wait(playing.values())
    left: dict[str, Any] = {}
    with suppress(TimeoutError):
        async with asyncio.timeout(8):
            while (left := await stage.live.residue()) != NOTHING:
                await asyncio.sleep(0.2)
    assert left == NOTHING
    lines = [line for line in (await stage.live.log_text()).splitlines() if re.search(r"\[(error|critical)", line)]
    assert lines == []
