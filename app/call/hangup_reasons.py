"""Why a call ended, from its last status and the Q.850 cause with which Asterisk ended its leg (contract 3.5)."""

from app.domain.call import CallDirection, CallStatus, HangupReason

# Q.850 causes; chan_pjsip gets them from the SIP status (Asterisk, hangup_sip2cause).
NORMAL_CLEARING = 16
_BUSY = frozenset({17})
_NO_ANSWER = frozenset({18, 19, 21})
"""No user responding (408), no answer (480), call rejected (401, 403, 603)."""
_CLEARED = frozenset({NORMAL_CLEARING, 26})
"""Normal clearing, answered elsewhere."""
_UNKNOWN = frozenset({0, 127})
_INCOMING = {17: HangupReason.BUSY, 19: HangupReason.NOANSWER}
_OUTGOING = {
    **dict.fromkeys(_BUSY, HangupReason.BUSY),
    **dict.fromkeys(_NO_ANSWER, HangupReason.NOANSWER),
    **dict.fromkeys(_CLEARED, HangupReason.NORMAL),
    **dict.fromkeys(_UNKNOWN, HangupReason.DIALOUT),
}
_CAUSE_OF = {
    HangupReason.BUSY: 17,
    HangupReason.NOANSWER: 19,
    HangupReason.FAILED: 34,
    HangupReason.DIALOUT: 34,
}
_NO_WAY_ROUND = frozenset({*_BUSY, *_NO_ANSWER, *_CLEARED, 102})
"""Causes that another route would not change (102: a timer expired)."""


def reason_of(was: CallStatus, direction: CallDirection, cause: int, local_reason: HangupReason) -> HangupReason:
    """Return the reason for a call whose last status was `was`; `local_reason` is why we hung up, if we did."""
    by_status = {
        CallStatus.CANCELING: HangupReason.CANCEL,
        CallStatus.TERMINATING: local_reason,
        CallStatus.PROGRESSING: HangupReason.NORMAL,
    }
    if was in by_status:
        return by_status[was]
    if direction is CallDirection.INCOMING:
        return _INCOMING.get(cause, HangupReason.CANCEL)
    return _OUTGOING.get(cause, HangupReason.FAILED)


def cause_of(reason: HangupReason) -> int:
    """Return the cause with which an unanswered caller is refused: SIP 486 for busy, 480 for noanswer, 503 failed."""
    return _CAUSE_OF.get(reason, NORMAL_CLEARING)


def is_worth_another_route(cause: int) -> bool:
    """Whether an outgoing call that nobody took with this cause may be tried on the next trunk."""
    return cause not in _NO_WAY_ROUND
