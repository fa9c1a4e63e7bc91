"""Credits: why this balance; who asked for what; what was given back; credits for many; what ends soon."""

from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime

from core.credits.approvals import count_waiting
from core.credits.ledger import ledger
from core.vocabulary import Role
from dashboard.access import MANAGERS, Visitor
from dashboard.components.button import Button
from dashboard.components.choice import Choice, Tabs
from dashboard.components.html import Node
from dashboard.components.menu import Menu
from dashboard.credits.address import APPROVALS, BULK, EXPIRING, LEDGER, PATH, REFUNDS, Address
from dashboard.credits.adjust import AdjustTarget, open_adjust
from dashboard.credits.approvals import Approvals
from dashboard.credits.bulk import BulkGrants
from dashboard.credits.bulk_dialog import open_bulk
from dashboard.credits.expiring import Expiring
from dashboard.credits.export import csv_lines
from dashboard.credits.meant import meant_by
from dashboard.credits.purchase import open_purchase
from dashboard.credits.summary import EVERY, Summary
from dashboard.credits.view import View
from dashboard.credits.whom import ask_whom, open_for
from dashboard.lists.export import list_file
from dashboard.lists.refresher import Refresher
from dashboard.live import credits_changed
from dashboard.page import Screen, page
from dashboard.parameters import identifier


@page(PATH, title="Credits", group="Operate", pane="Entry", roles=MANAGERS)
async def credits(screen: Screen) -> None:
    await CreditsPage(screen).open()


class CreditsPage:
    """One opened page: the totals, the tabs, and the one tab that the address says. Tabs are links: each has its own
    address, list and pane."""

    def __init__(self, screen: Screen) -> None:
        self.screen = screen
        self.address = Address.of(screen.request.query_params)
        self.tab: View | Approvals | BulkGrants | Expiring | None = None
        self._totals: Refresher | None = None

    async def open(self) -> None:
        self._actions()
        self.summary = Summary(self.screen)
        with Node("div", "", "pu-tab-row"):
            self.tabs = Tabs("Credits", await self._choices(), self.address.shown, address=self._link)
            await self.summary.proof()
        with self.tabs.panel(self.address.shown):
            await self._show()
        self._counts = Refresher(
            self.screen, self._count, self._keep_count, roles=MANAGERS, news=credits_changed
        )
        await self._open_asked()

    async def refresh(self) -> None:
        """Something was done here: it is seen at once."""
        self.summary.forget()
        await self._counts.refresh()
        if self.tab is not None:
            await self.tab.refresh()
        if self._totals is not None:
            await self._totals.refresh()

    def _actions(self) -> None:
        admin = self.screen.person.role is Role.SUPERADMIN
        with self.screen.frame.actions:
            Button(
                "Adjust credits…",
                lambda: ask_whom(self.screen, "Adjust credits", self._adjust),
                icon="toll",
                kind="primary",
            )
            menu = Menu("More about credits")
            menu.item(
                "Record a purchase…",
                "shopping_cart",
                lambda: ask_whom(self.screen, "Record a purchase", self._purchase),
            )
            if admin:
                menu.item("Grant in bulk…", "group_add", lambda: open_bulk(self.screen, self.refresh))

    async def _choices(self) -> dict[str, Choice]:
        waiting = await count_waiting(self.screen.purser.database)
        return {
            LEDGER: Choice("Ledger"),
            APPROVALS: Choice("Approvals", count=str(waiting) if waiting else ""),
            REFUNDS: Choice("Refunds"),
            BULK: Choice("Bulk"),
            EXPIRING: Choice("Expiring"),
        }

    async def _show(self) -> None:
        screen, shown = self.screen, self.address.shown
        if shown in (LEDGER, REFUNDS):
            self.tab = view = View(screen, self.address, self.summary)
            await view.start()
            return
        if shown == APPROVALS:
            self.tab = Approvals(screen, self.refresh)
        elif shown == BULK:
            self.tab = BulkGrants(screen, self.address)
        else:
            self.tab = Expiring(screen, self.address)
        self._totals = Refresher(
            screen,
            lambda: self.summary.show(self.address),
            lambda words, _: self.summary.say_failed(words),
            roles=MANAGERS,
            news=credits_changed,
            seconds=EVERY.total_seconds(),
        )
        await self.tab.refresh()
        await self._totals.refresh()

    def _keep_count(self, words: str, _request_id: str) -> None:
        """The number at the tab stays as it was: what is open says that nothing can be read."""

    async def _count(self) -> None:
        waiting = await count_waiting(self.screen.purser.database)
        self.tabs.set_count(APPROVALS, str(waiting) if waiting else "")

    def _link(self, tab: str) -> str:
        return self.address.of_tab(tab).url

    async def _adjust(self, target: AdjustTarget) -> None:
        await open_adjust(self.screen, target, self.refresh)

    async def _purchase(self, target: AdjustTarget) -> None:
        await open_purchase(self.screen, target, self.refresh)

    async def _open_asked(self) -> None:
        """The dialog that the address asks for, as the palette's actions do; it does nothing by itself."""
        wanted = self.screen.query("adjust")
        if user_id := identifier(wanted):
            await open_for(self.screen, user_id, self._adjust)
        elif wanted:
            ask_whom(self.screen, "Adjust credits", self._adjust)
        elif self.screen.query("purchase"):
            ask_whom(self.screen, "Record a purchase", self._purchase)
        elif self.screen.query("new") and self.screen.person.role is Role.SUPERADMIN:
            open_bulk(self.screen, self.refresh)


@list_file(PATH, MANAGERS)
async def export(visitor: Visitor, query: Mapping[str, str]) -> AsyncIterator[str]:
    database, address = visitor.purser.database, Address.of(query)
    meant = await meant_by(database, address.q)
    known = meant is None or meant.user_id is not None
    which = address.filter(datetime.now(UTC), meant) if known else None
    if which:
        await ledger(database, which, limit=1)  # refuses what cannot be listed
    return csv_lines(database, which)
