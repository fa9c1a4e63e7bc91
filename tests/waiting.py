"""What is waited for in tests: by its condition, and with a limit that only what never comes reaches."""

import asyncio
from collections.abc import Callable


async def until(condition: Callable[[], bool]) -> None:
    """Returns once it holds; raises `TimeoutError` where it does not come to hold."""
    async with asyncio.timeout(20):
        while not condition():
            await asyncio.sleep(0.01)
