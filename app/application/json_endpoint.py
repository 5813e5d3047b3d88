"""An endpoint of the operator's that takes JSON: for short messages, a language model, cases."""

import json
from collections.abc import Mapping

from app.application.flow_http import FlowHttp
from app.errors import Unavailable
from app.flow.reply_variables import read_json_reply


class JsonEndpoint:
    """One address with its key. `setting` is what its failures name: never the address, which may hold a secret."""

    def __init__(self, http: FlowHttp, url: str, key: str, *, setting: str) -> None:
        self._http = http
        self._url = url
        self._authorization = f"Bearer {key}" if key else ""
        self._setting = setting

    async def post(self, content: Mapping[str, object]) -> object:
        """Send a JSON object; return the decoded JSON answer, None for none. Unavailable when it is not taken."""
        body = json.dumps(content).encode()
        try:
            reply = await self._http.request("POST", self._url, body=body, authorization=self._authorization)
        except Unavailable as error:
            raise Unavailable(f"{self._setting}: {error.message}") from None
        if not 200 <= reply.status < 300:
            raise Unavailable(f"{self._setting}: the address answered {reply.status}; expected 2xx")
        return read_json_reply(reply.body)


class FlowCrm:
    """Cases and conversations for flows (CrmControl)."""

    def __init__(self, endpoint: JsonEndpoint) -> None:
        self._endpoint = endpoint

    async def send(self, event: Mapping[str, object]) -> object:
        """Send a JSON object, return the decoded JSON answer."""
        return await self._endpoint.post(event)
