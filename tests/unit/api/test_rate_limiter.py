"""Token buckets, without a clock."""

import pytest

from app.api.errors import RateLimitExceeded
from app.api.rate_limits import Rate, RateLimiter


class _Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def test_a_burst_and_then_the_rate() -> None:
    clock = _Clock()
    limiter = RateLimiter(Rate(2, 3), "ip", clock=clock)
    for _ in range(3):
        limiter.take("a")
    with pytest.raises(RateLimitExceeded) as refused:
        limiter.take("a")
    assert refused.value.retry_after_seconds == 1
    limiter.take("b")
    clock.now += 0.5
    limiter.take("a")
    with pytest.raises(RateLimitExceeded):
        limiter.take("a")
    clock.now += 1000
    for _ in range(3):
        limiter.take("a")
    with pytest.raises(RateLimitExceeded):
        limiter.take("a")


def test_retry_after_is_when_one_is_taken_again() -> None:
    clock = _Clock()
    limiter = RateLimiter(Rate(0.1, 1), "ip", clock=clock)
    limiter.take("a")
    with pytest.raises(RateLimitExceeded) as refused:
        limiter.take("a")
    assert refused.value.retry_after_seconds == 10
    clock.now += refused.value.retry_after_seconds
    limiter.take("a")


def test_no_rate_is_no_limit() -> None:
    for rate in (Rate(0, 5), Rate(-1, 5)):
        limiter = RateLimiter(rate, "ip")
        for _ in range(100):
            limiter.take("a")
        assert len(limiter) == 0


def test_the_number_of_buckets_is_bounded() -> None:
    limiter = RateLimiter(Rate(0.001, 1), "ip", clock=_Clock(), max_buckets=10)
    limiter.take("first")
    for number in range(50):
        limiter.take(str(number))
    assert len(limiter) == 10
    with pytest.raises(RateLimitExceeded):
        limiter.take("49")
    limiter.take("first")
