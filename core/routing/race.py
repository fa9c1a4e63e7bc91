"""Urgent requests: the first candidates are asked at once, the first good answer wins, the others are cancelled.

A good answer is a whole text, or the first piece of a stream. Each racer gets one attempt. If all of them fail, the
walk goes on with the candidates that are left.

A racer's verdict that the request itself is at fault (invalid, or blocked content) does not end the race: the others
have been asked already and will be paid, vendors differ in what they take, and an answer in hand serves an urgent
caller better than a refusal. If no racer answers, that verdict is the answer, and the request travels no further.
"""

import asyncio
from collections.abc import Callable, Mapping
from typing import TypeVar

from core.providers.base import ProviderError
from core.routing.attempt import Attempt
from core.routing.calls import Call
from core.routing.walk import Walk

C = TypeVar("C", bound=Call)


async def race(walk: Walk, call: Callable[[Attempt], C]) -> C | None:
    """The racer that answered first; None where there was nobody to race with, or all racers failed.

    The walk goes on from there: where somebody has won, the winner's is the next attempt that it yields.

    Args:
        call: the way to make an attempt, whole or streamed.
    """
    attempts = await walk.racers()
    if not attempts:
        return None
    racers = {asyncio.create_task(one.begin()): one for one in map(call, attempts)}
    try:
        winner = await _first(walk, racers)
        if winner is not None:
            walk.won(winner.attempt)
        await _cancel(walk, {task: one for task, one in racers.items() if one is not winner})
    except BaseException:  # the caller has gone, or a mistake of our own: nobody has won
        await _cancel(walk, racers)
        raise
    return winner


async def _first(walk: Walk, racers: Mapping["asyncio.Task[None]", C]) -> C | None:
    """The first that begins well; of several at the same moment, the one that stands first in the order."""
    running = set(racers)
    while running:
        done, running = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
        for task, one in racers.items():
            if task in done and task.exception() is None:
                return one
        for task in done:
            error = task.exception()
            if not isinstance(error, ProviderError):
                assert error is not None, "what begins well has won"
                raise error  # a mistake of our own
            await walk.failed(racers[task].attempt, error)
    return None


async def _cancel(walk: Walk, racers: Mapping["asyncio.Task[None]", Call]) -> None:
    """Ends all that have not won, in the books at once and then at their vendors."""
    failed_too: dict[Attempt, ProviderError] = {}
    for task, one in racers.items():
        error = task.exception() if task.done() else None
        if isinstance(error, ProviderError):
            failed_too[one.attempt] = error
        else:
            task.cancel()
            walk.outrun(one.attempt, one.known())
    await asyncio.gather(*racers, return_exceptions=True)
    for one in racers.values():
        await one.close()
    for attempt, error in failed_too.items():
        if attempt.outcome is None:  # at the moment in which another one won
            await walk.failed(attempt, error)
