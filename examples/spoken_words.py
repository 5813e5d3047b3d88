"""Very small language sense, in plain Python: enough for examples, to be replaced by what you trust.

Recognised speech has no reliable punctuation or capitals, so everything here looks at lower-case words only.
"""

import re
from collections import Counter

GLAD = {"thank", "thanks", "great", "good", "perfect", "wonderful", "happy", "excellent", "appreciate", "love"}
SAD = {"sorry", "bad", "wrong", "problem", "problems", "terrible", "angry", "complaint", "never", "broken", "unable",
       "invalid", "failed", "cancel", "worst", "disappointed", "frustrated", "useless"}
QUESTION_WORDS = {"how", "what", "which", "where", "when", "why", "who", "whose"}
QUESTION_BEGINNINGS = (
    "can you", "could you", "would you", "do you", "can i", "could i", "may i", "is there", "are there"
)
STOP_WORDS = set(re.findall(r"\S+", """
    a about after again all also am an and any are as at be because been before being but by can could did do does
    doing for from had has have having he her here him his how i if in into is it its just like me more most my no
    not now of on once only or other our out over please she should so some such than that the their them then there
    these they this those to too up us very was we well were what when where which while who why will with would you
    your i'm it's don't that's i'll you're we're uh um yes okay
"""))


def words_of(text):
    """The words of a text, in lower case."""
    return re.findall(r"[^\W_]+(?:'[^\W_]+)?", text.lower())


def count_words(text):
    """How often each word that carries meaning was said."""
    return Counter(word for word in words_of(text) if word not in STOP_WORDS and len(word) > 2)


def mood_of(text):
    """How content somebody sounds: 0 is not at all, 0.5 cannot be told, 1 very."""
    words = words_of(text)
    glad, sad = (sum(word in known for word in words) for known in (GLAD, SAD))
    return 0.5 if glad == sad else glad / (glad + sad)


def is_question(text):
    """Whether somebody asks: a question mark, a question word at the beginning, or a polite form."""
    words = words_of(text)
    begins = bool(words) and words[0] in QUESTION_WORDS
    return "?" in text or begins or " ".join(words).startswith(QUESTION_BEGINNINGS)
