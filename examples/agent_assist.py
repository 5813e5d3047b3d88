"""Agent assist: while the customer still speaks with an agent, answers to what is asked appear on the agent's screen.

The answers are those of knowledge.json (KNOWLEDGE_FILE for another one).
"""

import json
import os
from pathlib import Path

from callscribe_client import follow
from spoken_words import count_words, is_question, mood_of

KNOWLEDGE_FILE = Path(os.environ.get("KNOWLEDGE_FILE", Path(__file__).with_name("knowledge.json")))
FRUSTRATION = ("not understand", "does not work", "doesn't work", "third time", "still waiting", "your manager")


# Help agents during calls
def on_real_time_transcript(transcript):
    # Detect customer questions
    if is_question(transcript['message']):
        # Suggest answers to agent
        answers = knowledge_base.search(transcript['message'])
        display_to_agent(answers)

    # Detect customer frustration
    if detect_frustration(transcript['message']):
        suggest_supervisor_escalation()


class KnowledgeBase:
    """Answers by topic; found by the words that a question and a topic share."""

    def __init__(self, path):
        self.entries = json.loads(path.read_text(encoding="utf-8"))

    def search(self, question):
        """The answers whose topic has most words of the question, at most two, the best first."""
        asked = count_words(question).keys()
        scored = [(len(asked & count_words(entry["topic"]).keys()), entry["answer"]) for entry in self.entries]
        best = sorted((pair for pair in scored if pair[0]), key=lambda pair: pair[0], reverse=True)
        return [answer for _, answer in best[:2]]


def display_to_agent(answers):
    """Show answers to the agent; here: print them."""
    for answer in answers:
        print(f"answer: {answer}", flush=True)


def detect_frustration(message):
    """Whether the customer had enough."""
    return any(phrase in message.lower() for phrase in FRUSTRATION) or mood_of(message) < 0.3


def suggest_supervisor_escalation():
    """Tell the agent to call for help."""
    print("the customer sounds unhappy: offer to bring in your supervisor", flush=True)


knowledge_base = KnowledgeBase(KNOWLEDGE_FILE)

if __name__ == "__main__":
    for event_type, event in follow("transcript"):
        if event_type == "transcript_created" and event["direction"] == "in":
            on_real_time_transcript(event)
