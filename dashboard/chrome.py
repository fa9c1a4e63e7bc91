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
from dashboard.background import Trays, jobs_changed
from dashboard.components import status
from dashboard.components.toast import toast
from dashboard.live import providers_changed
from dashboard.shell import Page

PATIENCE = 0.1
"""Seconds that a page waits for it; what takes longer comes after the page."""
MARKED = {Health.DOWN: status.DOWN, Health.HALF_OPEN: status.HALF_OPEN}
"""States of a provider that the sidebar tells, the worst first."""


async def connect(frame: Page, purser: Purser, person: Person) -> None:
    """Fills them, and keeps them up to date for as long as the page is open."""
    chrome = Chrome(frame, purser, person)
    jobs_changed.subscribe(chrome.jobs)
    providers_changed.subscribe(chrome.alerts)
    filling = background_tasks.create(chrome.fill(), name="fill the frame", context=ui.context.client)
    ui.context.client.on_delete(filling.cancel)
    await asyncio.wait({filling}, timeout=PATIENCE)


class Chrome:
    """One page's."""

    def __init__(self, frame: Page, purser: Purser, person: Person) -> None:
        self._frame, self._purser, self._person = frame, purser, person

    async def fill(self) -> None:
        """What there is when the page is opened."""
        with suppress(DatabaseUnavailable):  # the page says so itself; the tray is told when a job gets further
            self._show_jobs(await recent(self._purser.database, self._person.id))
        await self.alerts()

    def jobs(self, trays: Trays) -> None:
        """Somebody's jobs have changed."""
        for job in self._show_jobs(trays.get(self._person.id, ())):
            toast(f"{job.title}: {job.message}", "ok" if job.state is JobState.DONE else "bad")

    async def alerts(self) -> None:
        """A provider, or what needs attention, has changed."""
        attention = self._purser.attention
        needs = [need for need in await attention.needs() if self._person.role in need.roles]
        self._frame.bell.show_needs(needs, datetime.now(UTC), attention.checked_at)
        board = await self._purser.board.read()
        states = {one.health for one in board.providers}
        self._frame.side.set_mark(
            "/providers", next((MARKED[state] for state in MARKED if state in states), None)
        )

    def _show_jobs(self, jobs: Sequence[Job]) -> list[Job]:
        return self._frame.tray.show_jobs(jobs, datetime.now(UTC), self._purser.settings.zone)
