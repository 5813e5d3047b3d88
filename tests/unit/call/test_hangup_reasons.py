import pytest

from app.call.hangup_reasons import is_worth_another_route, reason_of
from app.domain.call import CallDirection, CallStatus, HangupReason

OUT, IN = CallDirection.OUTGOING, CallDirection.INCOMING
DIALING, RINGING, UP = CallStatus.DIALING, CallStatus.RINGING, CallStatus.PROGRESSING


@pytest.mark.parametrize(
    ("was", "direction", "cause", "expected"),
    [
        (UP, OUT, 16, "normal"),
        (UP, IN, 17, "normal"),
        (DIALING, OUT, 17, "busy"),
        (RINGING, OUT, 19, "noanswer"),
        (RINGING, OUT, 21, "noanswer"),
        (RINGING, OUT, 18, "noanswer"),
        (RINGING, OUT, 16, "normal"),
        (RINGING, OUT, 26, "normal"),
        (DIALING, OUT, 0, "dialout"),
        (DIALING, OUT, 127, "dialout"),
        (DIALING, OUT, 1, "failed"),
        (DIALING, OUT, 34, "failed"),
        (RINGING, IN, 19, "noanswer"),
        (RINGING, IN, 16, "cancel"),
        (CallStatus.CANCELING, OUT, 17, "cancel"),
    ],
)
def test_the_reason_follows_the_contracts_table(
    was: CallStatus, direction: CallDirection, cause: int, expected: str
) -> None:
    assert reason_of(was, direction, cause, HangupReason.NORMAL) == expected


def test_a_call_that_we_end_has_our_reason() -> None:
    assert reason_of(CallStatus.TERMINATING, IN, 16, HangupReason.TIMEOUT) is HangupReason.TIMEOUT


@pytest.mark.parametrize("cause", [16, 17, 19, 21, 26, 102])
def test_another_route_does_not_help_where_the_party_was_reached(cause: int) -> None:
    assert not is_worth_another_route(cause)


@pytest.mark.parametrize("cause", [0, 1, 3, 34, 38, 127])
def test_another_route_is_tried_where_this_one_failed(cause: int) -> None:
    assert is_worth_another_route(cause)
