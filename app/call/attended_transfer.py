"""An attended transfer: who transfers talks with the new party first, and decides by hanging up."""

import asyncio

from app.call.live_call import LiveCall
from app.call.outbound import Outbound
from app.call.parties import Parties
from app.call.party import ConnectOutcome, Pair, Party
from app.call.ringing import open_ringing
from app.call.transfer import TransferOrder
from app.call.wait_any import wait_any


async def consult(
    parties: Parties,
    outbound: Outbound,
    order: TransferOrder,
    begun: "asyncio.Future[str]",
    leaving: Party,
    stayer: Party,
) -> Pair | None:
    """Let the one who transfers talk with the new party first; the other hears music meanwhile.

    Returns the pair that talks after it, None when only one is left, who was let go of. `begun` is told the id of the
    new party's call ("" where it could not be called). LegGone when nobody is left.
    """
    was_chained = stayer.call.record.id in leaving.call.record.chained_call_ids
    await parties.set_free(stayer, leaving)
    parties.add(leaving)
    await stayer.call.sound.music(is_on=True)
    async with open_ringing(outbound, leaving.call, is_chained=False) as ringing:
        await ringing.place(order.callees)
        begun.set_result(ringing.first_id)
        await leaving.call.ring(is_on=True)
        newcomer = await ringing.wait_winner(stayer.call)
    if not leaving.is_gone:
        await leaving.call.ring(is_on=False)
    are_in: tuple[LiveCall, ...] = ()
    if newcomer is not None:
        parties.add(newcomer)
        if not leaving.is_gone:
            are_in = (leaving.call, newcomer.call)
            await parties.join(leaving.call, newcomer.call)
            leaving.call.peer, newcomer.call.peer = newcomer.call, leaving.call
            await wait_any(*(party.call.wait_gone() for party in (leaving, newcomer, stayer)))
            leaving.call.peer = newcomer.call.peer = None
        if stayer.is_gone:
            parties.remove(stayer)
            return leaving, newcomer
        if not newcomer.is_gone:
            parties.remove(leaving)
            await stayer.call.sound.music(is_on=False)
            await stayer.call.ledger.note_chained(newcomer.call.record.id)
            await parties.join(stayer.call, newcomer.call, are_in)
            return stayer, newcomer
        parties.remove(newcomer)
    await stayer.call.sound.music(is_on=False)
    if leaving.is_gone:
        await parties.part(stayer, ConnectOutcome(is_answered=False, reason=ringing.failure))
        return None
    if was_chained:
        await leaving.call.ledger.note_chained(stayer.call.record.id)
    await parties.join(leaving.call, stayer.call, are_in)
    return leaving, stayer
