"""A summary after the call: the sentences that say most, what is to be done, what it was about.

Extractive and offline: nothing is made up and nothing leaves the machine. Prints one JSON object after each call.
"""

import json
import re

from callscribe_client import follow, transcripts_of
from spoken_words import count_words

SENTENCES = 3
TO_DO = ("please", "need to", "needs to", "have to", "must", "will", "i'll", "we'll", "let me", "call back", "send")


# Generate call summaries
def summarize_call(transcribe_id):
    transcripts = get_all_transcripts(transcribe_id)

    # Combine all transcripts
    full_text = ' '.join([t['message'] for t in transcripts])

    # Generate summary using AI
    summary = ai_summarize(full_text)

    # Extract key points
    action_items = extract_action_items(full_text)
    topics = extract_topics(full_text)

    return {
        'summary': summary,
        'action_items': action_items,
        'topics': topics
    }


def get_all_transcripts(transcribe_id):
    """All that was said, in order; each utterance ends like a sentence, which not every engine writes."""
    found = transcripts_of(transcribe_id)
    return [{**row, "message": re.sub(r"[^.?!]$", r"\g<0>.", row["message"])} for row in found]


def sentences_of(text):
    """The sentences of a text."""
    return [sentence.strip() for sentence in re.split(r"(?<=[.?!])\s+", text) if sentence.strip()]


def ai_summarize(full_text):
    """The sentences whose words come up most in the whole call, in the order in which they were said."""
    weight = count_words(full_text)
    sentences = sentences_of(full_text)

    def score(sentence):
        words = count_words(sentence)
        return sum(weight[word] for word in words) / (len(words) + 2)  # + 2: a single word is no summary

    best = sorted(sentences, key=score, reverse=True)[:SENTENCES]
    return " ".join(sentence for sentence in sentences if sentence in best)


def extract_action_items(full_text):
    """The sentences in which somebody is asked to do something, or promises to."""
    return [it for it in sentences_of(full_text) if re.search(rf"\b({'|'.join(TO_DO)})\b", it, re.IGNORECASE)]


def extract_topics(full_text):
    """The words that came up most."""
    return [word for word, _ in count_words(full_text).most_common(5)]


if __name__ == "__main__":
    for event_type, event in follow("transcribe"):
        if event_type == "transcribe_done":
            result = {event["reference_type"]: event["reference_id"], **summarize_call(event["id"])}
            print(json.dumps(result, ensure_ascii=False), flush=True)
