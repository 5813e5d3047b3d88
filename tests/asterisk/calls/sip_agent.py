"""A SIP user agent as a program of its own, steered by JSON lines: what `sip_peer.py` runs.

It prints `{"event": ..., "at": MONOTONIC, ...}` a line: listening (udp, tcp: ports), registered (status, expires), text
(sender, type, text: a SIP MESSAGE), incoming, ringing, answered, media (direction), saying, said, digit, ended (status,
reason), failed (do, reason), each but the first three with `call`, the call's number. It reads `{"do": ..., "call":
...}` a line: call (uri), answer (status), hang_up (status), say (path), digits (digits, is_info), refer (uri),
refer_to_call (other), hold, unhold, register (is_on), quit.
"""

import argparse
import contextlib
import gc
import json
import os
import select
import sys
import time
from pathlib import Path
from typing import Any

import pjsua2 as pj

from app.cli.sip_caller import POLL_MS, build_endpoint, report
from app.cli.wav_file import read_wav
from app.domain.audio import pcm_seconds

MAX_CALLS = 32
HEARING = (pj.PJSUA_CALL_MEDIA_ACTIVE, pj.PJSUA_CALL_MEDIA_REMOTE_HOLD)
DIRECTIONS = {
    pj.PJMEDIA_DIR_ENCODING: "recvonly",
    pj.PJMEDIA_DIR_DECODING: "sendonly",
    pj.PJMEDIA_DIR_ENCODING_DECODING: "sendrecv",
}
"""What of the other side's session description is in force."""


class AgentCall(pj.Call):  # type: ignore[misc]
    """One call; its number is pjsua's."""

    def __init__(self, agent: "Agent", call_id: int = pj.PJSUA_INVALID_ID) -> None:
        super().__init__(agent.account, call_id)
        self.agent = agent
        self.media: Any = None
        self.recorder: Any = None
        self.player: Any = None
        self.is_ended = False
        self.is_answered = False

    def onCallState(self, _prm: Any) -> None:  # noqa: N802
        """Report ringing, the answer and the end."""
        state = self.getInfo()
        if state.state == pj.PJSIP_INV_STATE_EARLY and state.role == pj.PJSIP_ROLE_UAC:
            report("ringing", call=state.id, status=state.lastStatusCode)
        elif state.state == pj.PJSIP_INV_STATE_CONFIRMED:
            self.is_answered = True
            report("answered", call=state.id)
        elif state.state == pj.PJSIP_INV_STATE_DISCONNECTED:
            self.is_ended = True
            self.recorder = self.player = None
            report("ended", call=state.id, status=state.lastStatusCode, reason=state.lastReason)

    def onCallMediaState(self, _prm: Any) -> None:  # noqa: N802
        """Keep the audio port, and record what comes in from the first moment on."""
        call_info = self.getInfo()  # held in a variable: iterating the media of a temporary reads freed memory
        for index, media in enumerate(call_info.media):
            if media.type == pj.PJMEDIA_TYPE_AUDIO:
                report("media", call=call_info.id, direction=DIRECTIONS.get(media.dir, ""))
            if media.type == pj.PJMEDIA_TYPE_AUDIO and media.status in HEARING:
                self.media = self.getAudioMedia(index)
                if self.recorder is None:
                    self.recorder = pj.AudioMediaRecorder()
                    self.recorder.createRecorder(str(self.agent.scratch / f"heard-{call_info.id}.wav"))
                self.media.startTransmit(self.recorder)
                if self.player is not None:
                    self.player.startTransmit(self.media)

    def onCallSdpCreated(self, prm: Any) -> None:  # noqa: N802
        """Offer no telephone-event where it is told so: digits can only be tones then."""
        if self.agent.options.no_events:
            lines = prm.sdp.wholeSdp.splitlines()
            event = next((line.split(":")[1].split()[0] for line in lines if "telephone-event/8000" in line), None)
            kept = [
                line
                for line in lines
                if event is None or not line.startswith((f"a=rtpmap:{event} ", f"a=fmtp:{event} "))
            ]
            kept = [line.removesuffix(f" {event}") if line.startswith("m=audio") else line for line in kept]
            prm.sdp.wholeSdp = "\r\n".join(kept) + "\r\n"

    def onDtmfDigit(self, prm: Any) -> None:  # noqa: N802
        """Report a digit that the other side sent."""
        report("digit", call=self.getId(), digit=prm.digit)


class AgentAccount(pj.Account):  # type: ignore[misc]
    """The account: takes calls and registers."""

    def __init__(self, agent: "Agent") -> None:
        super().__init__()
        self.agent = agent

    def onRegState(self, prm: Any) -> None:  # noqa: N802
        """Report how a registration went."""
        report("registered", status=prm.code, reason=prm.reason, expires=prm.expiration)

    def onInstantMessage(self, prm: Any) -> None:  # noqa: N802
        """Report a SIP MESSAGE; PJSIP has answered it."""
        report("text", sender=prm.fromUri, type=prm.contentType, text=prm.msgBody)

    def onIncomingCall(self, prm: Any) -> None:  # noqa: N802
        """Take a call as the options say."""
        self.agent.take(AgentCall(self.agent, prm.callId), prm.rdata.wholeMsg)


class Agent:
    """The agent's state: calls by number, and what is due when."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.options = options
        self.scratch: Path = options.scratch
        self.calls: dict[int, AgentCall] = {}
        self.due: list[tuple[float, dict[str, Any]]] = []
        self.is_over = False
        self.ended: list[AgentCall] = []
        self.endpoint = build_endpoint(options.codec, calls=MAX_CALLS)
        ports = {}
        for number in self.endpoint.transportEnum():
            transport = self.endpoint.transportGetInfo(number)
            ports[transport.typeName.lower()] = (number, int(transport.localName.rpartition(":")[2]))
        self.account = AgentAccount(self)
        self.account.create(self._account_config(ports))
        report("listening", udp=ports["udp"][1], tcp=ports["tcp"][1])

    def _account_config(self, ports: dict[str, tuple[int, int]]) -> Any:
        options = self.options
        number, port = ports[options.transport]
        config = pj.AccountConfig()
        host = options.domain or f"127.0.0.1:{port}"
        config.idUri = f"sip:{options.user}@{host}"
        config.sipConfig.transportId = number
        config.mediaConfig.transportConfig.boundAddress = "127.0.0.1"
        if options.password:
            config.sipConfig.authCreds.append(
                pj.AuthCredInfo("digest", "*", options.auth_user or options.user, 0, options.password)
            )
        if options.proxy:
            config.sipConfig.proxies.append(f"{options.proxy};lr")
        if options.registrar:
            config.regConfig.registrarUri = options.registrar
            config.regConfig.timeoutSec = 120
            config.regConfig.retryIntervalSec = 0
            config.regConfig.firstRetryIntervalSec = 0
        return config

    def take(self, call: AgentCall, message: str) -> None:
        """Report an incoming call, and plan the answer or the refusal."""
        number = call.getId()
        self.calls[number] = call
        report("incoming", call=number, message=message)
        options = self.options
        if options.reject:
            self.due.append((0.0, {"do": "hang_up", "call": number, "status": options.reject}))
            return
        if options.ring:
            self.due.append((0.0, {"do": "answer", "call": number, "status": 180}))
        if options.answer_seconds >= 0:
            at = time.monotonic() + options.answer_seconds
            self.due.append((at, {"do": "answer", "call": number, "status": 200}))

    def do(self, order: dict[str, Any]) -> None:
        """Carry out one order; one that cannot be is reported, not raised."""
        try:
            getattr(self, "_" + order["do"])(**{key: value for key, value in order.items() if key != "do"})
        except pj.Error as error:
            report("failed", do=order["do"], call=order.get("call", -1), reason=error.reason)
        except KeyError:
            report("failed", do=order["do"], call=order.get("call", -1), reason="no such call")

    def step(self) -> None:
        """Let PJSIP work, then do what is due and what was told."""
        self.endpoint.libHandleEvents(POLL_MS)
        now = time.monotonic()
        ready = [order for at, order in self.due if at <= now]
        self.due = [(at, order) for at, order in self.due if at > now]
        for order in ready:
            self.do(order)
        for number in [number for number, call in self.calls.items() if call.is_ended]:
            self.ended.append(self.calls.pop(number))  # kept: pjsua must not see it destroyed in a callback

    def _call(self, uri: str) -> None:
        parameters = pj.CallOpParam(True)
        parameters.opt.audioCount, parameters.opt.videoCount = 1, 0
        call = AgentCall(self)
        call.makeCall(uri, parameters)
        self.calls[call.getId()] = call
        report("calling", call=call.getId(), uri=uri)

    def _answer(self, call: int, status: int) -> None:
        if call not in self.calls or (status < 200 and self.calls[call].is_answered):
            return  # the caller gave up meanwhile
        parameters = pj.CallOpParam(True)
        parameters.opt.audioCount, parameters.opt.videoCount = 1, 0
        parameters.statusCode = status
        self.calls[call].answer(parameters)

    def _hang_up(self, call: int, status: int = 0) -> None:
        parameters = pj.CallOpParam(True)
        parameters.statusCode = status
        self.calls[call].hangup(parameters)

    def _say(self, call: int, path: str) -> None:
        leg = self.calls[call]
        seconds = pcm_seconds(read_wav(Path(path)))
        leg.player = pj.AudioMediaPlayer()
        leg.player.createPlayer(path, pj.PJMEDIA_FILE_NO_LOOP)
        if leg.media is not None:
            leg.player.startTransmit(leg.media)
        report("saying", call=call, seconds=seconds)
        self.due.append((time.monotonic() + seconds, {"do": "said", "call": call}))

    def _said(self, call: int) -> None:
        if call in self.calls:
            report("said", call=call)

    def _digits(self, call: int, digits: str, *, is_info: bool) -> None:
        if is_info:
            parameters = pj.CallSendDtmfParam()
            parameters.method = pj.PJSUA_DTMF_METHOD_SIP_INFO
            parameters.digits = digits
            self.calls[call].sendDtmf(parameters)
        else:
            self.calls[call].dialDtmf(digits)

    def _refer(self, call: int, uri: str) -> None:
        self.calls[call].xfer(uri, pj.CallOpParam(True))

    def _refer_to_call(self, call: int, other: int) -> None:
        self.calls[call].xferReplaces(self.calls[other], pj.CallOpParam(True))

    def _hold(self, call: int) -> None:
        self.calls[call].setHold(pj.CallOpParam(True))

    def _unhold(self, call: int) -> None:
        parameters = pj.CallOpParam(True)
        parameters.opt.flag = pj.PJSUA_CALL_UNHOLD
        self.calls[call].reinvite(parameters)

    def _register(self, *, is_on: bool) -> None:
        self.account.setRegistration(is_on)

    def _quit(self) -> None:
        self.is_over = True


def read_orders(rest: bytes) -> tuple[list[dict[str, Any]], bytes, bool]:
    """Read what was told since the last time: orders, the beginning of the next one, whether more may come."""
    if not select.select([0], [], [], 0)[0]:
        return [], rest, True
    chunk = os.read(0, 65536)
    *lines, rest = (rest + chunk).split(b"\n")
    return [json.loads(line) for line in lines], rest, bool(chunk)


def run(options: argparse.Namespace) -> None:
    """Serve until told to quit, or until the parent is gone."""
    silence = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silence, 1)
    gc.disable()  # the collector may run in a thread that PJSIP does not know, which aborts the process
    agent = Agent(options)
    rest, is_open = b"", True
    while not agent.is_over and is_open:
        agent.step()
        orders, rest, is_open = read_orders(rest)
        for order in orders:
            agent.do(order)
    # Say goodbye: hang up what lives, take back the registration; then leave without PJSIP's orderly end.
    for number in tuple(agent.calls):
        agent.do({"do": "hang_up", "call": number})
    if options.registrar:
        with contextlib.suppress(pj.Error):
            agent.account.setRegistration(False)
    deadline = time.monotonic() + 1.0
    while time.monotonic() < deadline and (agent.calls or (options.registrar and agent.account.getInfo().regIsActive)):
        agent.step()


def main() -> None:
    """Run as a program."""
    parser = argparse.ArgumentParser(prog="sip_agent")
    parser.add_argument("--user", required=True)
    parser.add_argument("--scratch", type=Path, required=True)
    parser.add_argument("--password", default=os.environ.get("SIP_PASSWORD", ""))
    parser.add_argument("--auth-user", default="")
    parser.add_argument("--domain", default="")
    parser.add_argument("--registrar", default="")
    parser.add_argument("--proxy", default="")
    parser.add_argument("--transport", default="udp", choices=["udp", "tcp"])
    parser.add_argument("--codec", default="pcmu", choices=["pcmu", "pcma", "g722"])
    parser.add_argument("--answer-seconds", type=float, default=0.0)
    parser.add_argument("--reject", type=int, default=0)
    parser.add_argument("--ring", type=int, default=1)
    parser.add_argument("--no-events", type=int, default=0)
    try:
        run(parser.parse_args())
        code = 0
    except pj.Error as error:
        print(f"SIP: {error.reason}", file=sys.stderr)
        code = 1
    os._exit(code)


if __name__ == "__main__":
    main()
