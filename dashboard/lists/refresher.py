"""Reading again what a page shows: one reading at a time, for the person as they are now, with a word where it fails."""

import asyncio
import time as clocks
from collections.abc import Awaitable, Callable, Iterable
from datetime import UTC, datetime
from typing import Any

from nicegui import Event, ui

from core.errors import NotSignedIn, PurserError
from core.ids import new_id
from core.log import get_logger
from core.vocabulary import Role
from dashboard.components import states, time
from dashboard.components.html import Node
from dashboard.components.table import DataTable
from dashboard.page import Screen

log = get_logger(__name__)

Load = Callable[[], Awaitable[Any]]
Fail = Callable[[str, str], Any]
"""Told why in words, and under which id the log knows it."""


class Refresher:
    """Runs `load` when it is asked to and when `news` come; what comes while it runs is taken in by one more run.

    Each run asks first whether the person may still read this (`roles`). Of news, at most one in `seconds` is served
    at once; the rest are taken in together when the time is over. Made where the page is built.
    """

    def __init__(
        self,
        screen: Screen,
        load: Load,
        fail: Fail,
        *,
        roles: Iterable[Role],
        news: Event[[]] | None = None,
        seconds: float = 0.0,
    ) -> None:
        self._screen, self._load, self._fail = screen, load, fail
        self._roles, self._seconds = tuple(roles), seconds
        self._client = ui.context.client
        self._running = asyncio.Lock()
        self._changed_meanwhile = False
        self._late = False
        self._begun_at = float("-inf")
        if news is not None:
            news.subscribe(self._heard)
        if seconds:
            ui.timer(seconds, self._catch_up, immediate=False)

    async def refresh(self) -> None:
        """Reads now; where a reading runs already, it is followed by another one."""
        self._changed_meanwhile = True
        if self._running.locked():
            return
        async with self._running:
            while self._changed_meanwhile:
                self._changed_meanwhile = self._late = False
                self._begun_at = clocks.monotonic()
                await self._read()

    async def _heard(self) -> None:
        if clocks.monotonic() - self._begun_at < self._seconds:
            self._late = True
        else:
            await self.refresh()

    async def _catch_up(self) -> None:
        if self._late:
            await self.refresh()

    async def _read(self) -> None:
        try:
            await self._screen.read(self._roles)
            await self._load()
        except NotSignedIn:
            self._client.open("/login")
        except Exception as failure:  # noqa: BLE001 - whatever it was, the page says it and stays usable
            self._say_failed(failure)

    def _say_failed(self, failure: Exception) -> None:
        request_id = str(new_id())
        words = failure.message if isinstance(failure, PurserError) else "Something in Purser went wrong."
        log.error("what a page shows could not be read", request_id=request_id, error=repr(failure))
        self._fail(words, request_id)


class OldNote(Node):
    """The line over what is not in one table: hidden until what stands below it is old."""

    def __init__(self) -> None:
        super().__init__("p", "", "pu-table-old", role="status", hidden=True)
        self._read_at: datetime | None = None

    @property
    def was_read(self) -> bool:
        """Whether there is something to keep."""
        return self._read_at is not None

    def renew(self) -> None:
        """It has been read just now."""
        self._read_at = datetime.now(UTC)
        self.set_text("").show(False)

    def mark_old(self, words: str) -> None:
        """It could not be read again."""
        self.set_text(f"{_age(self._read_at)}{words}").show(True)


def fail_table(table: DataTable, words: str, request_id: str, retry: Load) -> None:
    """Says that a table could not be read: rows that are there stay, marked with their age."""
    if table.rows:
        table.mark_old(f"{_age(table.shown_at)}{words}")
        return
    with table.show_state():
        states.failed(words, request_id=request_id, on_retry=retry)


def _age(read_at: datetime | None) -> str:
    return f"{time.span((datetime.now(UTC) - read_at).total_seconds())} old. " if read_at else ""
