"""A short list that a person puts in order: by dragging its handles, or with the arrow buttons of each row.

One component draws it, so the focus stays on the row that was moved, and a refresh does not disturb a drag.
"""

import asyncio
import inspect
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Self

from nicegui.element import Element
from nicegui.events import GenericEventArguments

Moved = Callable[[str, int], Awaitable[Any] | Any]


@dataclass(frozen=True, slots=True)
class Item:
    """One row: its id, its name, and a status as `icon`, `word` and `tone` where there is something to say."""

    id: str
    name: str
    icon: str | None = None
    word: str | None = None
    tone: str | None = None


class Sortable(Element, component="sortable.js", default_classes="pu-sortable"):
    """`Sortable("in text", items, moved)`: buttons are named "Move Gemini up in text".

    `moved(id, place)` is called with the row and the place that it goes to, from 0; nothing moves until `show_items`
    shows it. Without `moved` the list is only read.
    """

    def __init__(self, where: str, items: Sequence[Item] = (), moved: Moved | None = None) -> None:
        super().__init__()
        self._moved = moved
        self._items: list[Item] = []
        self._moving = asyncio.Lock()
        self.props.update(where=where, movable=moved is not None, items=[])
        self.on("move", self._dropped)
        self.on("step", self._stepped)
        self.show_items(items)

    @property
    def items(self) -> Sequence[Item]:
        """The rows in order."""
        return tuple(self._items)

    def show_items(self, items: Sequence[Item]) -> Self:
        """Show these rows in this order."""
        if list(items) != self._items:
            self._items = list(items)
            self.props["items"] = [asdict(item) for item in items]
        return self

    def show_again(self) -> Self:
        """Draw what stands: a move was refused."""
        self.update()
        return self

    async def _dropped(self, event: GenericEventArguments) -> None:
        """A row was dragged to a place."""
        await self._move(event.args, steps=False)

    async def _stepped(self, event: GenericEventArguments) -> None:
        """A row goes up or down by one, from where it is by now: keys may be quicker than the server."""
        await self._move(event.args, steps=True)

    async def _move(self, said: Any, *, steps: bool) -> None:
        """The browser can send anything: only a row of this list and a number count."""
        if self._moved is None or not isinstance(said, list) or len(said) != 2 or type(said[1]) is not int:
            return
        async with self._moving:
            places = {item.id: place for place, item in enumerate(self._items)}
            here = places.get(said[0]) if isinstance(said[0], str) else None
            if here is None:
                return
            place = min(max(here + said[1] if steps else said[1], 0), len(self._items) - 1)
            if place == here:
                return
            outcome = self._moved(said[0], place)
            if inspect.isawaitable(outcome):
                await outcome

    def _displayed_contents(self, *, only_visible: bool) -> list[Any]:
        return [word for item in self._items for word in (item.name, item.word) if word]
