"""Which of the free agents is rung for a caller in a queue."""

import asyncio
import random
from typing import Any, cast

import pytest

from app.call.agent_ringing import RETRY_SECONDS, choose_agent
from app.call.queue_stay import Stay
from app.domain.call import Address, AddressType
from app.domain.customer import Agent
from app.domain.ids import new_id
from app.domain.queue import RoutingMethod

TAG = new_id()


def agents_of(samples: Any, count: int) -> list[Agent]:
    addresses = (Address(AddressType.EXTENSION, target_name="2001"),)
    return [samples.agent(new_id(), tag_ids=(TAG,), addresses=addresses) for _ in range(count)]


def stay_in(samples: Any, method: RoutingMethod, tags: tuple[str, ...] = (TAG,)) -> Stay:
    queue = samples.queue(new_id(), routing_method=method, tag_ids=tags)
    unused = cast(Any, None)
    return Stay(unused, queue, unused, unused, asyncio.get_running_loop().create_future())


async def test_at_random_everybody_has_a_turn(samples: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.call.agent_ringing.random", random.Random(7))
    free, stay = agents_of(samples, 3), stay_in(samples, RoutingMethod.RANDOM)
    chosen = [choose_agent(stay, free) for _ in range(300)]
    counts = [sum(each is agent for each in chosen) for agent in free]
    assert sum(counts) == len(chosen)
    assert min(counts) > 60, counts


async def test_the_longest_idle_is_the_first_of_those_that_are_free(samples: Any) -> None:
    free, stay = agents_of(samples, 3), stay_in(samples, RoutingMethod.LONGEST_IDLE)
    assert choose_agent(stay, free) is free[0]


@pytest.mark.parametrize("method", list(RoutingMethod))
async def test_who_did_not_answer_comes_again_last_and_later(samples: Any, method: RoutingMethod) -> None:
    free, stay = agents_of(samples, 2), stay_in(samples, method)
    moment = asyncio.get_running_loop().time()
    stay.tried[free[0].id] = moment
    assert all(choose_agent(stay, free) is free[1] for _ in range(20))
    stay.tried[free[1].id] = moment
    assert choose_agent(stay, free) is None
    stay.tried[free[1].id] = moment - RETRY_SECONDS - 1
    assert choose_agent(stay, free) is free[1]


async def test_only_agents_with_a_tag_and_an_address_serve(samples: Any) -> None:
    able, other = agents_of(samples, 2)
    nowhere = samples.agent(new_id(), tag_ids=(TAG,), addresses=())
    other = samples.agent(new_id(), tag_ids=(new_id(),), addresses=other.addresses)
    stay = stay_in(samples, RoutingMethod.RANDOM)
    assert {choose_agent(stay, [nowhere, other, able]) for _ in range(20)} == {able}
    assert choose_agent(stay_in(samples, RoutingMethod.RANDOM, ()), [other]) is other
