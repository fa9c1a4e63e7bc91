"""The tray in the header: a person's background jobs, how far they are, and what became of them within a day."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from core.queue.background import Job
from core.queue.models import JobState
from dashboard.components.drop import Drop
from dashboard.components.html import Icon, Node, link
from dashboard.components.status import Status
from dashboard.components.time import Moment

STATES = {
    JobState.WAITING: Status("Waiting", "schedule", "neutral"),
    JobState.RUNNING: Status("Running", "sync", "info"),
    JobState.DONE: Status("Done", "check_circle", "ok"),
    JobState.FAILED: Status("Failed", "error", "bad"),
}


class Tray(Drop):
    """`show_jobs` again and again: what has not changed stays untouched."""

    def __init__(self) -> None:
        super().__init__("pending_actions", "Jobs", cls="pu-tray")
        self._rows: dict[UUID, _Row] = {}
        with self.panel:
            self._none = Node(
                "p",
                "Nothing is running. Work that takes longer, such as loading demo data, goes on here when you"
                " leave the page.",
                "pu-drop-none",
            )
            self._list = Node("ul")

    def show_jobs(self, jobs: Sequence[Job], now: datetime, zone: ZoneInfo) -> list[Job]:
        """Shows these, newest first.

        Returns:
            Those that have ended since they were last shown.
        """
        ended = [job for job in jobs if not job.open and (row := self._rows.get(job.id)) and row.job.open]
        for gone in self._rows.keys() - {job.id for job in jobs}:
            self._rows.pop(gone).delete()
        for place, job in enumerate(jobs):
            if job.id not in self._rows:
                with self._list:
                    self._rows[job.id] = _Row(job, now, zone)
                self._rows[job.id].move(target_index=place)
            self._rows[job.id].show_job(job, now)
        running = sum(job.open for job in jobs)
        self._none.show(not jobs)
        self.set_count(running, f"{running} running" if running else "")
        self.note.set_text("they go on when you leave the page" if running else "")
        return ended


class _Row(Node):
    def __init__(self, job: Job, now: datetime, zone: ZoneInfo) -> None:
        super().__init__("li", "", "pu-job")
        self.job = job
        self._tone = ""
        with self:
            self._icon = Icon("", label="")
            Node("span", job.title, "is-strong")
            self._when = Moment(job.finished_at or job.created_at, now, zone, cls="pu-meta")
            self._bar = Node("div", "", "pu-job-bar", role="progressbar", aria_label=job.title)
            with self._bar:
                self._fill = Node("span")
            with Node("div", "", "pu-job-said"):
                self._said = Node("span", "", "is-second")
                self._link = link("Open", job.href or "", "pu-link", aria_label=f"Open: {job.title}")
        self.show_job(job, now)

    def show_job(self, job: Job, now: datetime) -> None:
        status = STATES[job.state]
        self.job = job
        self._icon.classes(add=f"is-{status.tone}", remove=f"is-{self._tone}" if self._tone else None)
        self._tone = status.tone
        self._icon.set_text(status.icon)
        self._icon.set(aria_label=status.word)
        self._when.set_moment(job.finished_at or job.created_at, now)
        self._bar.show(job.open)
        part = job.part
        self._bar.set(aria_valuenow=None if part is None else round(part * 100))
        self._fill.style(f"width: {'' if part is None else f'{part:.1%}'}")
        self._said.set_text(job.message or status.word)
        self._link.show(bool(job.href) and job.state is JobState.DONE)
