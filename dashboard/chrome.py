"""What the frame of every page shows by itself: the tray of jobs, the alerts, and the marks in the sidebar."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime

from nicegui import background_tasks, ui

from core.accounts.person import Person
from core.bootstrap import Purser
from core.errors import DatabaseUnavailable
from core.queue.background import Job, recent
from core.queue.models import JobState
from core.routing.health import Health
from core.vocabulary import Role
from dashboard.background import Trays, jobs_changed
from dashboard.components import status
from dashboard.components.table import DataTable
from dashboard.components.time import span
from dashboard.components.toast import toast
from dashboard.live import providers_changed
from dashboard.shell import Page

PATIENCE = 0.1
"""Seconds that a page waits for it; what takes longer comes after the page."""
AGING_SECONDS = 10.0
MARKED = {Health.DOWN: status.DOWN, Health.HALF_OPEN: status.HALF_OPEN}
"""States of a provider that the sidebar tells, the worst first."""


async def connect(frame: Page, purser: Purser, person: Person) -> None:
    """Fills them, and keeps them up to date for as long as the page is open."""
    chrome = Chrome(frame, purser, person)
    frame.tray.on_open(chrome.tray)
    frame.bell.on_open(chrome.alerts)
    jobs_changed.subscribe(chrome.jobs)
    providers_changed.subscribe(chrome.alerts)
    filling = background_tasks.create(chrome.fill(), name="fill the frame", context=ui.context.client)
    ui.context.client.on_delete(filling.cancel)
    await asyncio.wait({filling}, timeout=PATIENCE)


class Chrome:
    """One page's."""

    def __init__(self, frame: Page, purser: Purser, person: Person) -> None:
        self._frame, self._purser, self._person = frame, purser, person
        self._client = ui.context.client
        self._aging: asyncio.Task[None] | None = None

    async def fill(self) -> None:
        """What there is when the page is opened."""
        await self.tray()
        await self.alerts()

    async def tray(self) -> None:
        """The person's jobs of now; while the database is away, those of before."""
        with suppress(DatabaseUnavailable):
            self._show_jobs(await recent(self._purser.database, self._person.id))

    def jobs(self, trays: Trays) -> None:
        """Somebody's jobs have changed."""
        for job in self._show_jobs(trays.get(self._person.id, ())):
            toast(f"{job.title}: {job.message}", "ok" if job.state is JobState.DONE else "bad")

    async def alerts(self) -> None:
        """A provider, or what needs attention, has changed."""
        attention = self._purser.attention
        needs = [need for need in await attention.needs() if self._person.role in need.roles]
        self._frame.bell.show_needs(needs, datetime.now(UTC), attention.checked_at)
        self._tell_tables(away=any(need.key == "database" and need.severity == "critical" for need in needs))
        if self._person.role is Role.SUPERADMIN:
            self._frame.side.set_mark("/credits", str(attention.requests) if attention.requests else None)
        board = await self._purser.board.read()
        states = {one.health for one in board.providers}
        self._frame.side.set_mark(
            "/providers", next((MARKED[state] for state in MARKED if state in states), None)
        )

    def _tell_tables(self, *, away: bool) -> None:
        """While the database is away, what tables show stays, and says how old it is."""
        if away and self._aging is None:
            self._aging = background_tasks.create(self._age(), name="age the tables", context=self._client)
            self._client.on_delete(self._aging.cancel)
        elif not away and self._aging:
            self._aging.cancel()
            self._aging = None
            for table in self._tables():
                table.mark_old(None)

    async def _age(self) -> None:
        while True:
            now = datetime.now(UTC)
            for table in self._tables():
                if table.shown_at and table.rows:
                    age = span(max(1.0, (now - table.shown_at).total_seconds()))
                    table.mark_old(f"{age} old. The database does not answer.")
            await asyncio.sleep(AGING_SECONDS)

    def _tables(self) -> list[DataTable]:
        return [element for element in self._client.elements.values() if isinstance(element, DataTable)]

    def _show_jobs(self, jobs: Sequence[Job]) -> list[Job]:
        return self._frame.tray.show_jobs(jobs, datetime.now(UTC), self._purser.settings.zone)
