"""One question to ARI, without an HTTP library: is it there, and is it the Asterisk that we started?"""

import asyncio
import base64

from app.asterisk.errors import AriNotOurs

PING_SECONDS = 5.0


async def ping_ari(host: str, port: int, user: str, password: str) -> None:
    """Ask `GET /ari/asterisk/ping`; AriNotOurs when the answer is anything but 200 (401: it is another Asterisk's)."""
    credentials = base64.b64encode(f"{user}:{password}".encode()).decode()
    request = (
        f"GET /ari/asterisk/ping HTTP/1.1\r\nHost: {host}:{port}\r\n"
        f"Authorization: Basic {credentials}\r\nConnection: close\r\n\r\n"
    )
    try:
        async with asyncio.timeout(PING_SECONDS):
            status_line = await _ask(host, port, request)
    except OSError as error:  # refused, reset, or timed out
        raise AriNotOurs(f"Asterisk runs, but its ARI does not answer on {host}:{port} ({error!r})") from error
    if status_line.split()[1:2] != ["200"]:
        raise AriNotOurs(f"ARI on {host}:{port} answers {status_line.strip()!r}; another program has that port")


async def _ask(host: str, port: int, request: str) -> str:
    reader, writer = await asyncio.open_connection(host, port)
    try:
        writer.write(request.encode())
        return (await reader.readline()).decode("latin-1")
    finally:
        writer.close()
        await asyncio.gather(writer.wait_closed(), return_exceptions=True)
