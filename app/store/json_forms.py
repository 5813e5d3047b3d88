"""How values of the domain that are no single column look inside JSON columns. What is stored once stays readable."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Any

from app.domain.call import Address, AddressType, CallAction
from app.domain.flow import Action
from app.domain.line import TrunkAuth
from app.domain.timestamps import format_timestamp, parse_timestamp
from app.domain.transcript import Speaker, Word
from app.store.columns import Form

_MICROSECOND = timedelta(microseconds=1)

Json = Any
"""What `json` reads and writes."""


def _address_to_json(address: Address) -> Json:
    return {
        "type": address.type.value,
        "target": address.target,
        "target_name": address.target_name,
        "name": address.name,
        "detail": address.detail,
    }


def _address_from_json(stored: Mapping[str, Json]) -> Address:
    return Address(**{**stored, "type": AddressType(stored["type"])})


def _action_to_json(action: Action) -> Json:
    return {"id": action.id, "type": action.type, "option": dict(action.option), "next_id": action.next_id}


def _action_from_json(stored: Mapping[str, Json]) -> Action:
    return Action(**stored)


def _call_action_to_json(action: CallAction) -> Json:
    executed = action.tm_execute
    return {
        "id": action.id,
        "type": action.type,
        "next_id": action.next_id,
        "option": dict(action.option),
        "tm_execute": None if executed is None else format_timestamp(executed),
    }


def _call_action_from_json(stored: Mapping[str, Json]) -> CallAction:
    executed = stored["tm_execute"]
    return CallAction(**{**stored, "tm_execute": None if executed is None else parse_timestamp(executed)})


def _word_to_json(word: Word) -> Json:
    return [word.word, word.start // _MICROSECOND, word.end // _MICROSECOND, word.confidence]


def _word_from_json(stored: Sequence[Json]) -> Word:
    text, start_us, end_us, confidence = stored
    return Word(text, timedelta(microseconds=start_us), timedelta(microseconds=end_us), confidence)


def _speaker_to_json(speaker: Speaker) -> Json:
    return {"call_id": speaker.call_id, "conferencecall_id": speaker.conferencecall_id, "name": speaker.name}


def _speaker_from_json(stored: Mapping[str, Json]) -> Speaker:
    return Speaker(**stored)


def _addresses_to_json(addresses: Iterable[Address]) -> Json:
    return [_address_to_json(address) for address in addresses]


def _addresses_from_json(stored: Iterable[Json]) -> tuple[Address, ...]:
    return tuple(_address_from_json(address) for address in stored)


def _actions_to_json(actions: Iterable[Action]) -> Json:
    return [_action_to_json(action) for action in actions]


def _actions_from_json(stored: Iterable[Json]) -> tuple[Action, ...]:
    return tuple(_action_from_json(action) for action in stored)


def _words_to_json(words: Iterable[Word]) -> Json:
    return [_word_to_json(word) for word in words]


def _words_from_json(stored: Iterable[Json]) -> tuple[Word, ...]:
    return tuple(_word_from_json(word) for word in stored)


def _auths_to_json(auths: Iterable[TrunkAuth]) -> Json:
    return [auth.value for auth in auths]


def _auths_from_json(stored: Iterable[str]) -> tuple[TrunkAuth, ...]:
    return tuple(TrunkAuth(auth) for auth in stored)


TEXTS = Form(list, tuple)
"""A tuple of texts, e.g. of ids."""
OBJECT = Form(dict, dict)
"""A JSON object that its author made up."""
ADDRESS = Form(_address_to_json, _address_from_json)
ADDRESSES = Form(_addresses_to_json, _addresses_from_json)
ACTION = Form(_action_to_json, _action_from_json)
ACTIONS = Form(_actions_to_json, _actions_from_json)
CALL_ACTION = Form(_call_action_to_json, _call_action_from_json)
WORDS = Form(_words_to_json, _words_from_json)
"""`[word, start_us, end_us, confidence]` each."""
SPEAKER = Form(_speaker_to_json, _speaker_from_json)
AUTHS = Form(_auths_to_json, _auths_from_json)
