"""What is waited for in tests: by its condition, and with a limit that only what never comes reaches."""

import asyncio
import inspect
from collections.abc import Awaitable, Callable


async def until(condition: Callable[[], bool | Awaitable[bool]], *, seconds: float = 20) -> None:
    """Returns once it holds; raises `TimeoutError` where it does not come to hold in so many seconds."""

    async def holds() -> bool:
        held = condition()
        return await held if inspect.isawaitable(held) else held

    async with asyncio.timeout(seconds):
        while not await holds():
            await asyncio.sleep(0.01)
