"""REST over the ARI WebSocket against pooled HTTP, on a real Asterisk: requests per second and latency.

    python benchmarks/ari_rest.py http://127.0.0.1:8088 USER PASSWORD [SECONDS]

One unit of work = make a bridge, delete it (two requests). Nothing else should use that Asterisk meanwhile.
"""

import asyncio
import sys
import time
from collections.abc import Awaitable, Callable, Mapping
from itertools import count

import aiohttp
import uvloop

from app.ari.ari import open_ari

Request = Callable[[str, str, Mapping[str, str]], Awaitable[object]]
_numbers = count()


async def load(request: Request, concurrency: int, seconds: float) -> tuple[float, float, float]:
    """Return requests per second, p50 and p95 latency in ms."""
    latencies: list[float] = []
    until = time.perf_counter() + seconds

    async def one() -> None:
        while time.perf_counter() < until:
            path = f"/bridges/callscribe-bench-{next(_numbers)}"
            for method, query in (("POST", {"type": "mixing"}), ("DELETE", {})):
                began = time.perf_counter()
                await request(method, path, query)
                latencies.append(time.perf_counter() - began)

    began = time.perf_counter()
    await asyncio.gather(*(one() for _ in range(concurrency)))
    took = time.perf_counter() - began
    latencies.sort()
    return len(latencies) / took, latencies[len(latencies) // 2] * 1000, latencies[int(len(latencies) * 0.95)] * 1000


async def main(url: str, user: str, password: str, seconds: float) -> None:
    headers = {"Authorization": aiohttp.encode_basic_auth(user, password)}
    pool = aiohttp.TCPConnector(limit=50)
    async with open_ari(url, user, password, "bench") as ari, aiohttp.ClientSession(connector=pool) as session:

        async def over_http(method: str, path: str, query: Mapping[str, str]) -> object:
            async with session.request(method, f"{url}/ari{path}", params=query, headers=headers) as response:
                response.raise_for_status()
                return await response.json() if response.status != 204 else None

        print(
            f"{'transport':10} {'concurrency':>11} {'requests/s':>10} {'p50 ms':>8} {'p95 ms':>8} {'client CPU %':>12}"
        )
        for repeat in range(2):
            for name, request in (("websocket", ari.request), ("http", over_http)):
                for concurrency in (1, 10, 50):
                    cpu = time.process_time()
                    rate, p50, p95 = await load(request, concurrency, seconds)
                    percent = (time.process_time() - cpu) / seconds * 100
                    print(
                        f"{name:10} {concurrency:11} {rate:10.0f} {p50:8.2f} {p95:8.2f} {percent:12.0f}  run {repeat}"
                    )


if __name__ == "__main__":
    uvloop.run(main(sys.argv[1], sys.argv[2], sys.argv[3], float(sys.argv[4]) if len(sys.argv) > 4 else 3.0))
