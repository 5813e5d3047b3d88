"""The tutorial's webhook program as it stands: stores every transcript and looks at what was said.

    flask --app examples/tutorial_webhook.py run --port 5000

The functions that the tutorial calls without showing them are in webhook_functions.py.
"""
# ruff: noqa: F841, I001

from webhook_functions import alert_supervisor, analyze_sentiment, extract_keywords, store_transcript

# Python Flask example
from flask import Flask, request, jsonify

app = Flask(__name__)

@app.route('/voipbin/webhook', methods=['POST'])
def transcription_webhook():
    payload = request.get_json()
    event_type = payload.get('type')

    if event_type == 'transcript_created':
        transcript = payload['data']
        transcribe_id = transcript['transcribe_id']
        message = transcript['message']
        direction = transcript['direction']

        # Store transcript in database
        store_transcript(transcribe_id, message, direction)

        # Analyze content
        sentiment = analyze_sentiment(message)
        keywords = extract_keywords(message)

        # Trigger actions based on content
        if 'urgent' in message.lower():
            alert_supervisor(transcribe_id)

    return jsonify({'status': 'received'}), 200
