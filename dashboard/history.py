"""The browser's history of a page whose address is its state: steps are written, and going back is told."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from nicegui import ui

EVENT = "address-moved"
TELL = f"""
addEventListener("popstate", () =>
    emitEvent("{EVENT}", Object.fromEntries(new URLSearchParams(location.search))));
"""


class History:
    """One page's. `moved` gets the parameters of the address that a person went back (or on) to."""

    def __init__(self, moved: Callable[[Mapping[str, str]], Awaitable[Any]]) -> None:
        self._moved = moved
        self._client = ui.context.client
        ui.on(EVENT, self._told)
        ui.run_javascript(TELL)

    def write(self, address: str, *, again: bool = False) -> None:
        """A step to another address; `again` goes on without one."""
        with self._client:  # the button that was pressed may be gone with a pane
            (ui.navigate.history.replace if again else ui.navigate.history.push)(address)

    async def _told(self, event: object) -> None:
        said = getattr(event, "args", None)
        if isinstance(said, dict) and all(isinstance(value, str) for value in said.values()):
            await self._moved(said)
