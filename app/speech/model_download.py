"""Downloading one file over HTTP: short time-outs, a stalled server ends it, a cut transfer is taken up again."""

import http.client
import socket
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from io import FileIO
from pathlib import Path

from app.logs import get_log
from app.speech.disk import write_all
from app.speech.model_errors import DownloadFailed, cannot_write

log = get_log("model_download")

_CHUNK = 1 << 16


@dataclass(frozen=True, slots=True)
class DownloadLimits:
    """When to give up: no connection, no next byte, or less than `least_bytes_per_second` over `stall_seconds`."""

    connect_seconds: float = 10.0
    read_seconds: float = 20.0
    stall_seconds: float = 30.0
    least_bytes_per_second: int = 1024
    attempts: int = 5


class _TransferCut(Exception):
    """The connection ended before the file did."""


@dataclass(frozen=True, slots=True)
class Download:
    """One file to fetch: `url` (http or https) of `size` bytes into `part`; `progress` gets (bytes so far, in all)."""

    url: str
    part: Path
    size: int
    progress: Callable[[int, int], None]
    limits: DownloadLimits = DownloadLimits()

    def fetch(self) -> bool:
        """Fetch the file, going on where an earlier download stopped (range requests, RFC 9110 section 14).

        Returns whether the file is made of several transfers: then a wrong checksum is worth one more, clean download.
        DownloadFailed names the URL and the fault and leaves `part` for the next try; DiskFull when it does not fit.
        Blocking: from async code, in a thread.
        """
        is_resumed = False
        for _ in range(self.limits.attempts):
            start = self._reached()
            if start > self.size:
                self.part.unlink()
                start = 0
            if start == self.size:
                return True
            is_resumed = is_resumed or start > 0
            try:
                self._transfer(start)
            except _TransferCut:
                reached = self._reached()
                if reached <= start:
                    raise self._fail(f"the transfer was cut after {reached} of {self.size} bytes") from None
                log.warning("download cut, taking it up again", url=self.url, bytes=reached, size=self.size)
            else:
                return is_resumed
        raise self._fail(
            f"the transfer was cut {self.limits.attempts} times, {self._reached()} of {self.size} bytes are there"
        )

    def _transfer(self, start: int) -> None:
        request = urllib.request.Request(self.url, headers={"User-Agent": "callscribe"})  # noqa: S310 - see _make_opener
        if start:
            request.add_header("Range", f"bytes={start}-")
        try:
            with _make_opener(self.limits).open(request, timeout=self.limits.connect_seconds) as response:
                is_continued = response.status == http.client.PARTIAL_CONTENT
                self._check_answer(response, start if is_continued else 0)
                try:
                    output = self.part.open("ab" if is_continued else "wb", buffering=0)
                except OSError as error:
                    raise cannot_write(self.part, error) from None
                with output:
                    self._copy(response, output)
        except urllib.error.HTTPError as error:
            with error:
                if start and error.code == http.client.REQUESTED_RANGE_NOT_SATISFIABLE:
                    self.part.unlink()
                    raise self._fail("the server has less of it than was fetched before") from None
                raise self._fail(f"the server answered {error.code} {error.reason}, expected 200 OK") from None
        except urllib.error.URLError as error:
            raise self._fail(_name_fault(error.reason, self.limits)) from None
        except (ConnectionError, http.client.IncompleteRead) as error:
            if self._reached() > start:
                raise _TransferCut from None
            raise self._fail(_name_fault(error, self.limits)) from None
        except (OSError, http.client.HTTPException) as error:
            raise self._fail(_name_fault(error, self.limits)) from None

    def _copy(self, response: http.client.HTTPResponse, output: FileIO) -> None:
        done = stretch_start = output.tell()
        stretch_began = time.monotonic()
        # read1 returns after every packet, so a server that drips byte after byte is noticed too.
        while chunk := response.read1(_CHUNK):
            if done + len(chunk) > self.size:
                self.part.unlink()
                raise self._fail(f"the server sends more than the expected {self.size} bytes")
            write_all(output, chunk, self.part)
            done += len(chunk)
            self.progress(done, self.size)
            elapsed = time.monotonic() - stretch_began
            if elapsed >= self.limits.stall_seconds:
                if done - stretch_start < self.limits.least_bytes_per_second * elapsed:
                    raise self._fail(f"only {done - stretch_start} bytes came in {elapsed:.0f} s")
                stretch_start, stretch_began = done, time.monotonic()
        if done < self.size:
            raise _TransferCut

    def _check_answer(self, response: http.client.HTTPResponse, start: int) -> None:
        offered = response.headers.get("Content-Range", "")
        if start and not offered.startswith(f"bytes {start}-"):
            raise self._fail(f"the server continues with {offered or 'an unknown part'}, expected bytes {start}-")
        length = response.headers.get("Content-Length", "")
        if length.isdigit() and int(length) != self.size - start:
            raise self._fail(f"the server offers {length} bytes, expected {self.size - start}")

    def _reached(self) -> int:
        return self.part.stat().st_size if self.part.exists() else 0

    def _fail(self, fault: str) -> DownloadFailed:
        return DownloadFailed(self.url, fault)


def _name_fault(reason: object, limits: DownloadLimits) -> str:
    if isinstance(reason, TimeoutError):
        return (
            f"the server did not answer in time ({limits.connect_seconds:g} s to connect, "
            f"{limits.read_seconds:g} s for the next bytes)"
        )
    if isinstance(reason, socket.gaierror):
        return f"the name of the server cannot be looked up ({reason.strerror})"
    if isinstance(reason, OSError) and reason.strerror:
        return reason.strerror
    return str(reason) or type(reason).__name__


def _make_opener(limits: DownloadLimits) -> urllib.request.OpenerDirector:
    """An opener for http and https alone, with the operator's proxies, and a time-out of its own for reading."""

    class Connection(http.client.HTTPConnection):
        def connect(self) -> None:
            super().connect()
            self.sock.settimeout(limits.read_seconds)

    class SecureConnection(http.client.HTTPSConnection):
        def connect(self) -> None:
            super().connect()
            self.sock.settimeout(limits.read_seconds)

    class Handler(urllib.request.HTTPHandler):
        def http_open(self, req: urllib.request.Request) -> http.client.HTTPResponse:
            return self.do_open(Connection, req)

    class SecureHandler(urllib.request.HTTPSHandler):
        def https_open(self, req: urllib.request.Request) -> http.client.HTTPResponse:
            return self.do_open(SecureConnection, req)

    opener = urllib.request.OpenerDirector()
    for handler in (
        urllib.request.ProxyHandler(),
        urllib.request.UnknownHandler(),
        Handler(),
        SecureHandler(),
        urllib.request.HTTPDefaultErrorHandler(),
        urllib.request.HTTPRedirectHandler(),
        urllib.request.HTTPErrorProcessor(),
    ):
        opener.add_handler(handler)
    return opener
