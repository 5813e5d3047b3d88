"""The tutorial's samples, word for word as files, and the only change they get: host, token and ids become real."""

import asyncio
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

SAMPLES = Path(__file__).with_name("samples")

API_HOST = "api.voipbin.net"
HOOK_HOST = "your-server.com"
TOKEN = "<YOUR_AUTH_TOKEN>"
CUSTOMER = "12345678-1234-1234-1234-123456789012"
CALL = "a1b2c3d4-e5f6-7890-abcd-ef1234567890"
CONFERENCE = "c1d2e3f4-a5b6-7890-cdef-123456789abc"
RECORDING = "r1s2t3u4-v5w6-x789-yz01-234567890def"
TRANSCRIBE = "8c5a9e2a-2a7f-4a6f-9f1d-debd72c279ce"


def read_sample(name: str) -> str:
    """A sample as it is in the tutorial; that of a Python program with its indentation."""
    return (SAMPLES / name).read_text(encoding="utf-8")


def read_json(name: str) -> Any:
    """A sample that is JSON, from its first brace on."""
    text = read_sample(name)
    return json.loads(text[text.index("{") :])


@dataclass
class Localizer:
    """What stands in for the tutorial's host, token and ids; `ids` grows as resources are made."""

    port: int
    token: str
    hook_port: int = 0
    ids: dict[str, str] = field(default_factory=dict)

    def localize(self, text: str, *, token: str = "") -> str:
        """The text with our host, token and ids; nothing else is changed."""
        for host, port in ((API_HOST, self.port), (HOOK_HOST, self.hook_port)):
            for secure, plain in (("https", "http"), ("wss", "ws")):
                text = text.replace(f"{secure}://{host}", f"{plain}://127.0.0.1:{port}")
        text = text.replace(TOKEN, token or self.token)
        for sample_id, real_id in self.ids.items():
            text = text.replace(sample_id, real_id)
        return text

    async def run(self, name: str, *, token: str = "") -> Any:
        """Run a curl sample as a user does, in a shell; the JSON that is answered, {} without one."""
        command = self.localize(read_sample(name), token=token)
        process = await asyncio.create_subprocess_exec(
            "sh", "-c", command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
        )
        answer, progress = await process.communicate()
        assert process.returncode == 0, progress.decode()
        return json.loads(answer)
