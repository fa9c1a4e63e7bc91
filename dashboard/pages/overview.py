"""Overview: what needs me now; on a first run, the steps from nothing to a product that answers."""

from nicegui import ui

from core.errors import DatabaseUnavailable
from core.generation.figures import Figures
from core.system.attention import Need
from core.vocabulary import Role
from dashboard.components.html import Node
from dashboard.components.ticking import Tick, Ticking
from dashboard.live import generations_changed, providers_changed
from dashboard.overview.asked import open_asked
from dashboard.overview.attention import Attention
from dashboard.overview.causes import Causes
from dashboard.overview.charts import HoursChart, SpendChart
from dashboard.overview.figures import FigureRow
from dashboard.overview.own import OwnRuns
from dashboard.overview.start import Start
from dashboard.overview.strip import Strip
from dashboard.page import Screen, page

REFRESH_SECONDS = 5.0
SANDBOX = "Purser answers with the built-in sandbox: no network, no cost."


@page("/", title="Overview", group="Operate")
async def overview(screen: Screen) -> None:
    await Overview(screen).open()


class Overview:
    """One opened overview. Testers see their own runs in the place of everybody's figures."""

    def __init__(self, screen: Screen) -> None:
        self.screen = screen
        self.everybody = screen.person.role is not Role.TESTER
        self.costs = screen.person.role is Role.SUPERADMIN

    async def open(self) -> None:
        now = self.screen.now()
        with self.screen.frame.note:
            self.as_of = Ticking(Tick("clock", now, "Live · as of {}", zone=self.screen.zone), now)
        with Node("div", "", "pu-overview"):
            self.attention = Attention()
            if self.everybody:
                self.figures = FigureRow(costs=self.costs, month=f"{now.astimezone(self.screen.zone):%B}")
            self.start = Start(self.screen)
            if self.everybody:
                self._lay_out_courses()
            self.own = None if self.everybody else OwnRuns(self.screen)
        await self.refresh()
        await self.refresh_own()
        providers_changed.subscribe(self.refresh)
        generations_changed.subscribe(self.refresh_own)
        ui.timer(REFRESH_SECONDS, self.refresh, immediate=False)
        await open_asked(self.screen)

    async def refresh(self) -> None:
        """Shows the state of now: readings that all open pages share."""
        purser, now = self.screen.purser, self.screen.now()
        found = [need for need in await purser.attention.needs() if self.screen.person.role in need.roles]
        self._show_needs(found)
        if self.everybody:
            self.strip.draw((await purser.board.read()).providers)
            try:
                figures = await purser.figures.read()
            except DatabaseUnavailable:
                return  # the attention says so, and what was read before stays
            self._show_figures(figures)
        self.as_of.set_tick(Tick("clock", now, "Live · as of {}", zone=self.screen.zone), now)

    async def refresh_own(self) -> None:
        """What this person has done: read when something was generated, and not by every page all the time."""
        if self.own:
            await self.own.refresh()
        await self.start.refresh()

    def _lay_out_courses(self) -> None:
        self.charts = Node("div", "", "pu-twins").show(False)
        with self.charts:
            self.spend = SpendChart() if self.costs else None
            self.hours = HoursChart()
        self.details = Node("div", "", "pu-twins").show(False)
        with self.details:
            self.strip = Strip()
            self.causes = Causes()

    def _show_needs(self, found: list[Need]) -> None:
        purser, now = self.screen.purser, self.screen.now()
        note = SANDBOX if purser.snapshots.current.sandbox_only else ""
        self.attention.show_needs(found, purser.attention.checked_at or now, now, note)
        pressing = sum(need.severity != "notice" for need in found)
        ui.page_title(f"({pressing}) Overview · Purser" if pressing else "Overview · Purser")

    def _show_figures(self, figures: Figures) -> None:
        """Courses and causes stand below once there has been live traffic, or the checklist is put away."""
        self.figures.show_figures(figures)
        lived = self.start.over or not figures.tests_only
        self.charts.show(lived)
        self.details.show(lived)
        today = figures.as_of.astimezone(self.screen.zone).date()
        if self.spend:
            self.spend.draw(figures.spend_days, figures.month_spend, today)
        self.hours.draw(figures.hours, self.screen.zone)
        self.causes.draw(figures.causes, figures.failed)
