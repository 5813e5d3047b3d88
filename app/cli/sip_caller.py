"""A real SIP user agent for one call, as a program of its own: pjsua2 aborts when foreign threads touch it.

`python -m app.cli.sip_caller --uri sip:7000@127.0.0.1:5060 --say hello.wav` places the call, speaks the WAV file into
it, and prints one JSON object a line: `{"event": "calling|ringing|answered|saying|said|ended", "at": MONOTONIC, ...}`.
Exit code 0 when the call was answered, 1 when not, 2 on wrong use.
"""

import argparse
import gc
import json
import os
import signal
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import pjsua2 as pj

from app.cli.wav_file import read_wav, write_wav
from app.domain.audio import SAMPLE_RATE, pcm_seconds
from app.errors import CallscribeError

POLL_MS = 10
RING_SECONDS = 40.0

# PJSIP prints its first log lines on file descriptor 1 before it can be told not to; the parent reads only reports.
_REPORTS = os.fdopen(os.dup(1), "w", encoding="utf-8")


def report(event: str, **fields: object) -> None:
    """Print one line for the parent; `at` is on the machine's monotonic clock, which all its processes share."""
    print(json.dumps({"event": event, "at": time.monotonic(), **fields}), file=_REPORTS, flush=True)


class CallLeg(pj.Call):  # type: ignore[misc]
    """The call: notes its states; the main loop acts on them."""

    def __init__(self, account: Any) -> None:
        super().__init__(account)
        self.is_answered = False
        self.is_ended = False
        self.media: Any = None

    def onCallState(self, _prm: Any) -> None:  # noqa: N802
        """Report ringing and the end."""
        state = self.getInfo()
        if state.state == pj.PJSIP_INV_STATE_EARLY:
            report("ringing")
        elif state.state == pj.PJSIP_INV_STATE_CONFIRMED:
            self.is_answered = True
            report("answered")
        elif state.state == pj.PJSIP_INV_STATE_DISCONNECTED:
            self.is_ended = True
            report("ended", status=state.lastStatusCode, reason=state.lastReason)

    def onCallMediaState(self, _prm: Any) -> None:  # noqa: N802
        """Keep the audio port once it is there; a re-negotiation hands out the same one."""
        # Held in a variable: iterating the media of a temporary reads freed memory.
        call_info = self.getInfo()
        for index, media in enumerate(call_info.media):
            if media.type == pj.PJMEDIA_TYPE_AUDIO and media.status == pj.PJSUA_CALL_MEDIA_ACTIVE:
                self.media = self.getAudioMedia(index)


def build_endpoint(codec: str, *, calls: int = 4) -> Any:
    """Start PJSIP without sound devices, without threads of its own for SIP, on a free UDP port."""
    endpoint = pj.Endpoint()
    endpoint.libCreate()
    config = pj.EpConfig()
    config.uaConfig.threadCnt = 0
    config.uaConfig.mainThreadOnly = True
    config.uaConfig.maxCalls = calls
    config.logConfig.level = int(os.environ.get("PJSUA_LOG_LEVEL", "0"))
    config.logConfig.consoleLevel = config.logConfig.level
    config.medConfig.noVad = True
    config.medConfig.ecTailLen = 0
    config.medConfig.clockRate = SAMPLE_RATE
    config.medConfig.sndClockRate = SAMPLE_RATE
    endpoint.libInit(config)
    transport = pj.TransportConfig()
    transport.boundAddress = "127.0.0.1"
    endpoint.transportCreate(pj.PJSIP_TRANSPORT_UDP, transport)
    tcp = pj.TransportConfig()
    tcp.boundAddress = "127.0.0.1"
    endpoint.transportCreate(pj.PJSIP_TRANSPORT_TCP, tcp)
    endpoint.libStart()
    endpoint.audDevManager().setNullDev()
    for known in endpoint.codecEnum2():
        endpoint.codecSetPriority(known.codecId, 255 if known.codecId.lower().startswith(codec) else 0)
    return endpoint


def build_account(user: str) -> Any:
    """An account without registration; its user part becomes the SIP From."""
    config = pj.AccountConfig()
    config.idUri = f"sip:{user}@127.0.0.1"
    config.mediaConfig.transportConfig.boundAddress = "127.0.0.1"
    account = pj.Account()
    account.create(config)
    return account


class Conversation:
    """The main loop's state: speak when answered, hang up when everything was said."""

    def __init__(self, options: argparse.Namespace, pcm: bytes, scratch: Path) -> None:
        self._options = options
        self._seconds = pcm_seconds(pcm)
        self._file = scratch / "say.wav"
        if pcm:
            write_wav(self._file, pcm)
        self._player: Any = None
        self._recorder: Any = None
        self._answered_at = 0.0
        self._said_at = 0.0
        self._is_said = False

    def step(self, leg: CallLeg) -> bool:
        """Do what is due; True when the call should be hung up now."""
        if not leg.is_answered or leg.media is None:
            return False
        now = time.monotonic()
        if not self._answered_at:
            self._answered_at = now
            if self._options.hear:
                self._recorder = pj.AudioMediaRecorder()
                self._recorder.createRecorder(str(self._options.hear))
                leg.media.startTransmit(self._recorder)
        if self._seconds and self._player is None and now >= self._answered_at + self._options.delay:
            self._player = pj.AudioMediaPlayer()
            self._player.createPlayer(str(self._file), pj.PJMEDIA_FILE_NO_LOOP)
            self._player.startTransmit(leg.media)
            self._said_at = time.monotonic() + self._seconds
            report("saying", seconds=self._seconds)
        if not self._seconds:
            self._said_at = self._answered_at
        if self._said_at and now >= self._said_at:
            if not self._is_said:
                self._is_said = True
                report("said")
            return bool(now >= self._said_at + self._options.stay)
        return False

    def close(self) -> None:
        """Finish the recording: a WAV file gets its length at the end."""
        self._recorder = None


def run(options: argparse.Namespace) -> int:
    """Place the call and see it through; the exit code."""
    pcm = read_wav(options.say) if options.say else b""
    stop = {"asked": False}
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.update(asked=True))
    silence = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silence, 1)
    os.close(silence)
    gc.disable()  # the collector may run in a thread that PJSIP does not know, which aborts the process
    with tempfile.TemporaryDirectory(prefix="callscribe-caller-") as scratch:
        endpoint = build_endpoint(options.codec)
        account = build_account(options.user)
        leg = CallLeg(account)
        conversation = Conversation(options, pcm, Path(scratch))
        parameters = pj.CallOpParam(True)
        parameters.opt.audioCount = 1
        parameters.opt.videoCount = 0
        report("calling", uri=options.uri)
        leg.makeCall(options.uri, parameters)
        deadline = time.monotonic() + options.max_seconds
        ring_deadline = time.monotonic() + RING_SECONDS
        is_hanging_up = False
        while not leg.is_ended:
            endpoint.libHandleEvents(POLL_MS)
            is_due = conversation.step(leg) or stop["asked"] or time.monotonic() > deadline
            is_due = is_due or (not leg.is_answered and time.monotonic() > ring_deadline)
            if is_due and not is_hanging_up and not leg.is_ended:
                is_hanging_up = True
                deadline = time.monotonic() + 5
                report("hanging_up")
                leg.hangup(pj.CallOpParam(True))
            elif is_due and is_hanging_up and time.monotonic() > deadline:
                break
        is_answered = leg.is_answered
        conversation.close()
        # The library is not shut down: its orderly end takes a second, touches freed objects now and then, and all
        # that matters, the BYE and its answer, has happened.
    return 0 if is_answered else 1


def parse_options(arguments: list[str]) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="sip_caller", description="Place one SIP call and speak a WAV file into it.")
    parser.add_argument("--uri", required=True)
    parser.add_argument("--say", type=Path)
    parser.add_argument("--hear", type=Path)
    parser.add_argument("--user", default="caller")
    parser.add_argument("--codec", default="pcmu", choices=["pcmu", "pcma", "g722"])
    parser.add_argument("--delay", type=float, default=0.0, help="seconds between the answer and the first word")
    parser.add_argument("--stay", type=float, default=1.0, help="seconds between the last word and the hang-up")
    parser.add_argument("--max-seconds", type=float, default=3600.0)
    return parser.parse_args(arguments)


def main() -> None:
    """Run as a program."""
    try:
        code = run(parse_options(sys.argv[1:]))
    except CallscribeError as error:
        print(error.message, file=sys.stderr)
        code = 2
    except pj.Error as error:
        print(f"SIP: {error.reason}", file=sys.stderr)
        code = 1
    os._exit(code)


if __name__ == "__main__":
    main()
