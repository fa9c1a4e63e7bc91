"""Reading again what a page shows: one reading at a time, for the person as they are now, with a word where it fails."""

from collections.abc import Awaitable, Callable, Iterable
from datetime import UTC, datetime
from typing import Any

from nicegui import Event, ui

from core.accounts.person import Person
from core.vocabulary import Role
from dashboard.components import states, time
from dashboard.components.button import Handler
from dashboard.components.html import Node
from dashboard.components.table import DataTable
from dashboard.lists.pace import OneAtATime, Pace
from dashboard.lists.reading import Fail, read_now
from dashboard.page import Screen


class Refresher:
    """Runs `load` when it is asked to and when `news` come; what comes while it runs is taken in by one more run.

    Each run asks first whether the person may still read this (`roles`). Of news, at most one in `seconds` is served
    at once; the rest are taken in together when the time is over. Made where the page is built.
    """

    def __init__(
        self,
        screen: Screen,
        load: Callable[[], Awaitable[Any]],
        fail: Fail,
        *,
        roles: Iterable[Role],
        news: Event[[]] | None = None,
        seconds: float = 0.0,
    ) -> None:
        self._screen, self._load, self._fail = screen, load, fail
        self._roles = tuple(roles)
        self._client = ui.context.client
        self._reading = OneAtATime(self._read)
        self._pace = Pace(self.refresh, seconds)
        if news is not None:
            self._client.on_delete(self._pace.stop)
            news.subscribe(self._pace.beat)

    async def refresh(self) -> None:
        """Reads now; where a reading runs already, it is followed by another one."""
        await self._reading.again()

    async def _read(self) -> None:
        self._pace.rest()

        async def load(_person: Person) -> None:
            await self._load()

        await read_now(
            self._screen, self._client, load, self._fail, roles=self._roles, what="what a page shows"
        )


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


def fail_table(table: DataTable, words: str, request_id: str, retry: Handler) -> None:
    """Says that a table could not be read: rows that are there stay, marked with their age."""
    if table.rows:
        table.mark_old(f"{_age(table.shown_at)}{words}")
        return
    with table.show_state():
        states.failed(words, request_id=request_id, on_retry=retry)


def _age(read_at: datetime | None) -> str:
    return f"{time.span((datetime.now(UTC) - read_at).total_seconds())} old. " if read_at else ""
