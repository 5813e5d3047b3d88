"""Digits are kept from the call's start until something takes them."""

import asyncio

import pytest

from app.call.digits import Digits


def pressed(keys: str) -> Digits:
    digits = Digits()
    for key in keys:
        digits.note(key)
    return digits


async def take_all(digits: Digits) -> str:
    taken = ""
    try:
        async with asyncio.timeout(0):
            while True:
                taken += await digits.take()
    except TimeoutError:
        return taken


async def test_they_are_taken_in_their_order_and_once() -> None:
    digits = pressed("12")
    digits.note("#")
    assert await take_all(digits) == "12#"
    assert await take_all(digits) == ""


async def test_who_waits_gets_the_next_one() -> None:
    digits = Digits()
    waiting = asyncio.create_task(digits.take())
    await asyncio.sleep(0)
    digits.note("5")
    assert await waiting == "5"
    assert await take_all(digits) == ""


async def test_a_listener_hears_what_is_kept_too() -> None:
    digits = pressed("1")
    with digits.watch() as listener:
        digits.note("2")
        assert await listener.next() == "2"
    assert await take_all(digits) == "12"


async def test_what_is_for_others_is_shown_but_not_kept() -> None:
    digits = Digits()
    digits.note("1", is_kept=False)
    assert digits.show_last() == "1"
    assert await take_all(digits) == ""


async def test_the_last_is_shown_once_and_waits_all_the_same() -> None:
    digits = pressed("12")
    assert [digits.show_last(), digits.show_last()] == ["2", ""]
    assert await take_all(digits) == "12"


async def test_what_a_flow_has_read_is_dropped_and_nothing_else() -> None:
    digits = pressed("12")
    digits.show_last()
    digits.note("3")
    digits.drop_shown()
    assert await take_all(digits) == "3"


async def test_an_answer_does_not_take_what_was_typed_beyond_it() -> None:
    digits = pressed("12")
    digits.show_last()
    assert await digits.take() == "1"
    digits.mark_taken()
    digits.drop_shown()
    assert digits.show_last() == ""
    assert await take_all(digits) == "2"


@pytest.mark.parametrize(("keys", "stops"), [("", 0), ("1", 1), ("12", 2)])
async def test_each_digit_stops_one_prompt(keys: str, stops: int) -> None:
    digits = pressed(keys)
    assert [digits.stop_prompt() for _ in range(3)] == [True] * stops + [False] * (3 - stops)
    assert await take_all(digits) == keys


async def test_a_digit_that_was_taken_stops_no_prompt() -> None:
    digits = pressed("12")
    assert digits.stop_prompt()
    assert await digits.take() == "1"
    assert digits.stop_prompt()
    assert not digits.stop_prompt()


async def test_what_was_for_others_is_forgotten() -> None:
    digits = pressed("12")
    digits.drop_all()
    assert not digits.stop_prompt()
    assert await take_all(digits) == ""


async def test_there_is_an_end_to_what_is_kept() -> None:
    assert len(await take_all(pressed("1" * 5000))) == 1000
