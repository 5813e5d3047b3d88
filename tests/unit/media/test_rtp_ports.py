"""Dividing CALLSCRIBE_RTP_PORTS and counting the pairs that calls hold."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.errors import InvalidSetting
from app.media.rtp_ports import PortBudget, RtpPorts, divide_rtp_ports


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("10000-20000", RtpPorts(10000, 10002, 19999)),
        ("10001-20001", RtpPorts(10002, 10004, 20001)),
        (" 10000 - 10009 ", RtpPorts(10000, 10002, 10009)),
        ("65526-65535", RtpPorts(65526, 65528, 65535)),
    ],
)
def test_divides(text: str, expected: RtpPorts) -> None:
    assert divide_rtp_ports(text) == expected


@given(st.integers(1024, 65535), st.integers(0, 5000))
def test_every_pair_lies_in_the_range(start: int, length: int) -> None:
    end = min(start + length, 65535)
    try:
        ports = divide_rtp_ports(f"{start}-{end}")
    except InvalidSetting:
        assert end - start < 10
        return
    assert start <= ports.receiver_port < ports.asterisk_start - 1
    assert ports.asterisk_start % 2 == 0
    assert ports.asterisk_end % 2 == 1
    assert end - 1 <= ports.asterisk_end <= end
    assert ports.asterisk_start + 2 * ports.pairs - 1 == ports.asterisk_end
    assert 1 <= ports.spare_pairs <= 8
    assert PortBudget(ports).reserve("one")


@pytest.mark.parametrize(
    "text",
    ["", "10000", "10000-", "a-b", "10000:20000", "-5-10", "80-20000", "20000-10000", "10000-70000", "10000-10008",
     "10001-10010", "10000-10000"],
)  # fmt: skip
def test_a_wrong_range_is_named_with_what_is_expected(text: str) -> None:
    with pytest.raises(InvalidSetting, match=r"CALLSCRIBE_RTP_PORTS: .*expected") as caught:
        divide_rtp_ports(text)
    assert caught.value.variable == "CALLSCRIBE_RTP_PORTS"


def test_budget_refuses_before_the_spare_pairs_are_touched() -> None:
    budget = PortBudget(divide_rtp_ports("10000-10017"))  # 8 pairs, 1 spare: two calls
    assert budget.free_pairs == 7
    assert budget.reserve("one")
    assert budget.reserve("two")
    assert not budget.reserve("three")
    assert budget.reserve("one", 1)  # a further leg of the first call
    assert budget.free_pairs == 0

    budget.release("one")
    budget.release("one")
    budget.release("unknown")

    assert budget.free_pairs == 4
    assert budget.reserve("three")
