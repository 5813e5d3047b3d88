"""An MCP client for tests: runs a server as a process of its own and speaks JSON-RPC 2.0 with it, one JSON a line.

The protocol: https://modelcontextprotocol.io/specification/2025-06-18/basic/transports (stdio).
"""

import asyncio
import contextlib
import itertools
import json
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

PROTOCOL = "2025-06-18"
MOST_BYTES = 16 * 1024 * 1024


class ToolFailed(Exception):
    """The server says that the tool failed; the text is what an assistant would read."""


@dataclass
class McpClient:
    """A connection to one server; tools can be called side by side."""

    process: asyncio.subprocess.Process
    server: dict[str, Any] = field(default_factory=dict)
    _numbers: Any = field(default_factory=lambda: itertools.count(1))
    _waiting: dict[int, asyncio.Future[dict[str, Any]]] = field(default_factory=dict)

    async def tools(self) -> dict[str, dict[str, Any]]:
        """The server's tools by name."""
        return {tool["name"]: tool for tool in (await self.request("tools/list", {}))["tools"]}

    async def call(self, tool: str, **arguments: Any) -> Any:
        """Call a tool; the JSON that its text holds. ToolFailed where it failed."""
        result = await self.request("tools/call", {"name": tool, "arguments": arguments})
        text = "".join(part["text"] for part in result["content"] if part["type"] == "text")
        if result.get("isError"):
            raise ToolFailed(text)
        return json.loads(text)

    async def request(self, method: str, params: dict[str, Any]) -> dict[str, Any]:
        """Ask, and wait for the answer."""
        number = next(self._numbers)
        answer = self._waiting[number] = asyncio.get_running_loop().create_future()
        self._send({"id": number, "method": method, "params": params})
        reply = await answer
        if "error" in reply:
            raise ToolFailed(json.dumps(reply["error"]))
        return dict(reply["result"])

    async def greet(self) -> None:
        """Agree on the protocol, as every session begins."""
        who = {"name": "callscribe tests", "version": "1"}
        self.server = await self.request(
            "initialize", {"protocolVersion": PROTOCOL, "capabilities": {}, "clientInfo": who}
        )
        self._send({"method": "notifications/initialized"})

    async def follow(self) -> None:
        """Hand answers to those who wait for them, as long as the server runs."""
        assert self.process.stdout is not None
        async for line in self.process.stdout:
            message = json.loads(line)
            waiting = self._waiting.pop(message.get("id", 0), None)
            if waiting is not None and not waiting.done():
                waiting.set_result(message)
        for waiting in self._waiting.values():
            waiting.set_exception(ConnectionError("the MCP server has ended"))

    def _send(self, message: dict[str, Any]) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps({"jsonrpc": "2.0", **message}).encode() + b"\n")


@asynccontextmanager
async def open_mcp_client(program: Path, log: Path, **environment: str) -> AsyncIterator[McpClient]:
    """Run a server; at the end its input is closed, which tells it to end."""
    with log.open("ab") as complaints:
        process = await asyncio.create_subprocess_exec(
            program,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=complaints,
            env=os.environ | environment,
            limit=MOST_BYTES,
            start_new_session=True,
        )
    client = McpClient(process)
    following = asyncio.create_task(client.follow())
    try:
        async with asyncio.timeout(60):
            await client.greet()
        yield client
    finally:
        assert process.stdin is not None
        with contextlib.suppress(ConnectionError):
            process.stdin.close()
            await process.stdin.wait_closed()
        try:
            await asyncio.wait_for(process.wait(), 10)
        except TimeoutError:
            process.kill()
            await process.wait()
        await following
