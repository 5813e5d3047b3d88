"""What people write as `text` of a prompt, plain or SSML 1.1 (W3C, 2010), read into words and pauses."""

from __future__ import annotations

import io
import re
from collections.abc import Mapping
from xml.sax import SAXParseException
from xml.sax.handler import ContentHandler
from xml.sax.xmlreader import AttributesImpl, Locator

from defusedxml.common import DefusedXmlException  # type: ignore[import-untyped]
from defusedxml.sax import make_parser  # type: ignore[import-untyped]

from app.errors import InvalidArgument
from app.speech.spoken_text import Part, Silence, Text, clean_text, expand_say_as

MAX_CHARACTERS = 5000
MAX_BREAK_SECONDS = 10.0
MAX_SILENCE_SECONDS = 60.0

_SSML = re.compile(
    r"\ufeff?\s*(?:<\?xml[^>]*>\s*)?(?:<!--(?:(?!--).)*-->\s*)*<(?:speak[\s>/]|!DOCTYPE\s+speak)", re.DOTALL
)
_TIME = re.compile(r"\+?(\d+(?:\.\d+)?|\.\d+)(ms|s)")
_STRENGTH = {"none": 0.0, "x-weak": 0.1, "weak": 0.2, "medium": 0.4, "strong": 0.7, "x-strong": 1.0}
_PAUSE_AFTER = {"s": 0.25, "p": 0.5}
_TAKEN_AS_TEXT = frozenset({"prosody", "voice", "emphasis", "lang", "w", "token", "phoneme", "audio"})
_WITHOUT_TEXT = frozenset({"mark", "meta", "metadata", "lexicon", "lookup", "desc"})
_KNOWN = "break, say-as, sub, p, s, prosody, voice, emphasis, lang, w, token, phoneme, audio, mark"


def parse_prompt(text: str) -> tuple[Part, ...]:
    """Return what to say. Text that does not begin with `<speak` is plain: `&` and `<` in it are just characters.

    SSML: break, say-as, sub, p and s have their meaning; prosody, voice, emphasis and elements with a prefix (makers'
    own ones) count for their text only. Raises InvalidArgument("text") with line and column for malformed SSML, and
    for text that is empty or too long.
    """
    if len(text) > MAX_CHARACTERS:
        raise InvalidArgument("text", f"has {len(text)} characters; expected at most {MAX_CHARACTERS}")
    if not _SSML.match(text):
        words = clean_text(text)
        if not words:
            raise InvalidArgument("text", "is empty; expected words, or SSML in <speak>...</speak>")
        return (Text(words),)
    return _parse_ssml(text.lstrip("\ufeff \t\r\n"))


def _parse_ssml(text: str) -> tuple[Part, ...]:
    reader = _SsmlReader()
    parser = make_parser()
    parser.forbid_dtd = True
    parser.setContentHandler(reader)
    try:
        parser.parse(io.StringIO(text))
    except SAXParseException as error:
        where = f"line {error.getLineNumber()}, column {(error.getColumnNumber() or 0) + 1}"
        raise InvalidArgument("text", f"is malformed SSML at {where}: {error.getMessage()}") from None
    except DefusedXmlException:
        raise InvalidArgument("text", "is SSML with a DOCTYPE or entities; expected <speak>...</speak> alone") from None
    except UnicodeError:
        raise InvalidArgument("text", "is malformed SSML: it has characters that are not Unicode text") from None
    parts = tuple(reader.parts)
    if not parts:
        raise InvalidArgument("text", "is SSML without words; expected words inside <speak>...</speak>")
    if sum(part.seconds for part in parts if isinstance(part, Silence)) > MAX_SILENCE_SECONDS:
        raise InvalidArgument("text", f"is SSML with more than {MAX_SILENCE_SECONDS:g} s of pauses")
    return parts


class _SsmlReader(ContentHandler):
    """Collects `parts` while the parser walks the elements; words beside each other become one part."""

    def __init__(self) -> None:
        super().__init__()
        self.parts: list[Part] = []
        self._words: list[str] = []
        self._pause_seconds = 0.0
        self._open: list[str] = []
        self._say_as: str | None = None
        self._say_as_words: list[str] = []
        self._unspoken_depth = 0
        self._locator: Locator | None = None

    def setDocumentLocator(self, locator: Locator) -> None:  # noqa: N802 - the name that xml.sax calls
        """Keep the parser's position for error messages."""
        self._locator = locator

    def startElement(self, name: str, attrs: AttributesImpl) -> None:  # noqa: N802 - the name that xml.sax calls
        """Take an element's meaning; whatever is inside sub, metadata and desc is not spoken."""
        is_root = not self._open
        self._open.append(name)
        if self._unspoken_depth:
            self._unspoken_depth += 1
            return
        if is_root != (name == "speak"):
            raise self._fault(f"<{name}> is not the outermost element; expected one <speak> around everything")
        if self._say_as is not None:
            raise self._fault(f"<{name}> inside <say-as>; expected characters only")
        match name:
            case "break":
                self._add_break(_break_seconds(dict(attrs)))
            case "say-as":
                self._say_as = self._need(name, "interpret-as", attrs)
            case "sub":
                self._words.append(self._need(name, "alias", attrs))
                self._unspoken_depth = 1
            case "p" | "s":
                self._end_words(_PAUSE_AFTER[name])
            case _ if name in _WITHOUT_TEXT:
                self._unspoken_depth = 1
            case _ if name != "speak" and name not in _TAKEN_AS_TEXT and ":" not in name:
                raise self._fault(f"there is no SSML element <{name}>; expected one of {_KNOWN}")

    def endElement(self, name: str) -> None:  # noqa: N802 - the name that xml.sax calls
        """End what startElement began."""
        self._open.pop()
        if self._unspoken_depth:
            self._unspoken_depth -= 1
        elif name == "say-as":
            self._words.append(expand_say_as("".join(self._say_as_words), self._say_as or ""))
            self._say_as, self._say_as_words = None, []
        elif name in _PAUSE_AFTER:
            self._end_words(_PAUSE_AFTER[name])
        elif name == "speak":
            self._end_words(0)

    def characters(self, content: str) -> None:
        """Take words; the parser may deliver one text in several pieces."""
        if not self._unspoken_depth:
            (self._words if self._say_as is None else self._say_as_words).append(content)

    def _end_words(self, pause_seconds: float) -> None:
        """Make a part of the words so far; a pause of `pause_seconds` follows if more words come."""
        words = clean_text("".join(self._words))
        self._words.clear()
        if words:
            if self._pause_seconds and self.parts and isinstance(self.parts[-1], Text):
                self.parts.append(Silence(self._pause_seconds))
            self.parts.append(Text(words))
            self._pause_seconds = 0.0
        self._pause_seconds = max(self._pause_seconds, pause_seconds)

    def _add_break(self, seconds: float | None) -> None:
        if seconds is None:
            raise self._fault("<break> has a wrong time or strength; expected time such as 500ms or 1.5s")
        if seconds > MAX_BREAK_SECONDS:
            raise self._fault(f"<break> is longer than {MAX_BREAK_SECONDS:g} s")
        if seconds == 0:
            self._words.append(" ")
            return
        self._end_words(0)
        self._pause_seconds = 0.0
        if self.parts and isinstance(last := self.parts[-1], Silence):
            self.parts[-1] = Silence(last.seconds + seconds)
        else:
            self.parts.append(Silence(seconds))

    def _need(self, name: str, attribute: str, attrs: AttributesImpl) -> str:
        value: str | None = attrs.get(attribute)
        if value is None or not value.strip():
            raise self._fault(f'<{name}> has no {attribute}; expected <{name} {attribute}="...">')
        return value.strip()

    def _fault(self, message: str) -> InvalidArgument:
        line = (self._locator.getLineNumber() if self._locator else None) or 1
        column = ((self._locator.getColumnNumber() if self._locator else None) or 0) + 1
        return InvalidArgument("text", f"is malformed SSML at line {line}, column {column}: {message}")


def _break_seconds(attributes: Mapping[str, str]) -> float | None:
    """Return how long a break lasts (`time` wins over `strength`, neither = medium); None when it is not valid."""
    if "time" in attributes:
        match = _TIME.fullmatch(attributes["time"].strip())
        return None if match is None else float(match[1]) / (1000 if match[2] == "ms" else 1)
    return _STRENGTH.get(attributes.get("strength", "medium"))
