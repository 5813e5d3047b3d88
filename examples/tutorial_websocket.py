"""The tutorial's WebSocket program as it stands: prints every transcript as it is made."""
# ruff: noqa: I001

import websocket
import json
import os

# Only these three differ from the tutorial: your host, your token, your customer id.
url = os.environ.get("CALLSCRIBE_URL", "http://127.0.0.1:8080").replace("http", "ws", 1)
customer_id = os.environ["CALLSCRIBE_CUSTOMER_ID"]

def on_message(ws, message):
    data = json.loads(message)

    if data.get('type') == 'transcript_created':
        transcript = data['data']
        direction = transcript['direction']
        text = transcript['message']

        print(f"[{direction}] {text}")

        # Process transcription in real-time
        # - Display in UI
        # - Run sentiment analysis
        # - Detect keywords

def on_open(ws):
    # Subscribe to transcription events (prefix match, no wildcard)
    subscription = {
        "type": "subscribe",
        "topics": [
            f"customer_id:{customer_id}:transcript:",
            f"customer_id:{customer_id}:transcribe:"
        ]
    }
    ws.send(json.dumps(subscription))
    print("Subscribed to transcription events")

token = os.environ["CALLSCRIBE_TOKEN"]
ws_url = f"{url}/v1.0/ws?token={token}"

ws = websocket.WebSocketApp(
    ws_url,
    on_open=on_open,
    on_message=on_message
)

ws.run_forever()
