"""A small client for Callscribe: its REST API with `requests`, its live events with `websocket-client`.

CALLSCRIBE_URL (http://127.0.0.1:8080 where it is not set) and CALLSCRIBE_TOKEN, an access key or a login's token.
"""

import json
import os
import sys
import time

import requests
import websocket

URL = os.environ.get("CALLSCRIBE_URL", "http://127.0.0.1:8080").rstrip("/")
TOKEN = os.environ.get("CALLSCRIBE_TOKEN", "")


class ApiError(Exception):
    """Callscribe said no: `reason` is a word for programs, such as LANGUAGE_NOT_INSTALLED."""

    def __init__(self, error):
        super().__init__(error["message"])
        self.reason = error["reason"]


def get(path, **query):
    """Read a resource or a page of a list."""
    return _answer(requests.get(f"{URL}/v1.0{path}", params={"token": TOKEN, **query}, timeout=30))


def post(path, body):
    """Make something."""
    return _answer(requests.post(f"{URL}/v1.0{path}", params={"token": TOKEN}, json=body, timeout=30))


def transcripts_of(transcribe_id):
    """All transcripts of a transcribe in the order in which they were said: the API gives pages, newest first."""
    found, page_token = [], ""
    while True:
        page = get("/transcripts", transcribe_id=transcribe_id, page_token=page_token)
        found += page["result"]
        page_token = page["next_page_token"]
        if not page["result"] or not page_token:
            return sorted(found, key=lambda transcript: transcript["tm_transcript"])


def follow(*resources):
    """Yield (type, data) of every event of these resources (call, transcribe, transcript ...), for ever.

    A connection that breaks is made again, and what happened meanwhile is asked for (`since`): nothing is missed.
    """
    customer_id = get("/customer")["id"]
    subscription = {"type": "subscribe", "topics": [f"customer_id:{customer_id}:{name}:" for name in resources]}
    while True:
        try:
            feed = websocket.create_connection(f"{URL.replace('http', 'ws', 1)}/v1.0/ws?token={TOKEN}", timeout=60)
            feed.send(json.dumps(subscription))
            print("listening", file=sys.stderr)
            while True:
                event = json.loads(feed.recv())
                subscription["since"] = event["seq"]
                if not event["type"].startswith("replay_"):
                    yield event["type"], event["data"]
        except (OSError, websocket.WebSocketException) as fault:
            print(f"the connection broke, trying again: {fault}", file=sys.stderr)
            time.sleep(1)


def _answer(reply):
    body = reply.json() if reply.content else {}
    if not reply.ok:
        raise ApiError(body["error"])
    return body
