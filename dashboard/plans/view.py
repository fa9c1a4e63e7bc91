"""The page at work: the matrix as it is saved and as it would be, the tabs beside it, and what happens by itself."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial

from nicegui import background_tasks, ui

from core.accounts.person import Person
from core.audit import Actor
from core.database import Session
from core.entitlements.changes import Change
from core.entitlements.counts import users_per_plan
from core.entitlements.editing import save
from core.entitlements.impact import impact
from core.entitlements.matrix import Matrix, matrix
from core.entitlements.overrides import count_overrides
from core.entitlements.proposals import count_waiting, propose
from core.errors import PurserError
from dashboard.access import MANAGERS, SUPERADMINS
from dashboard.components import states
from dashboard.components.button import Button
from dashboard.components.choice import Choice, Tabs
from dashboard.components.filters import FilterMenu
from dashboard.components.html import Node
from dashboard.components.money import format_count
from dashboard.components.toast import toast
from dashboard.history import History
from dashboard.lists.reading import read_now
from dashboard.live import plans_changed
from dashboard.page import Screen
from dashboard.plans import rows
from dashboard.plans.address import ROWS, TABS, Address
from dashboard.plans.change_list import count_words
from dashboard.plans.desk import Desk
from dashboard.plans.draft import rebase
from dashboard.plans.file_tab import FileTab
from dashboard.plans.forms import FeatureForm, PlanForm
from dashboard.plans.grid import Grid, Value
from dashboard.plans.history_tab import HistoryTab
from dashboard.plans.overrides_tab import OverridesTab
from dashboard.plans.proposals_tab import ProposalsTab
from dashboard.plans.review import Purpose, Review
from dashboard.plans.savebar import SaveBar
from dashboard.plans.told import News, VersionLine
from dashboard.plans.undefined_tab import UndefinedTab

AGAIN_SECONDS = 10.0
"""After which counts of users, and what nobody announces, are read again."""
MOST_COUNTED = 10_000
NO_ROWS = {
    "differ": "No row differs: all plans are the same in everything.",
    "changed": "Nothing is changed.",
}


class View:
    """One open page."""

    def __init__(self, screen: Screen, saved: Matrix, users: Mapping[str | None, int]) -> None:
        self.screen = screen
        self.address = Address.of(screen.request.query_params)
        self.desk = Desk(screen, saved, self.refresh, self.show_draft)
        self.users = users
        self._client = ui.context.client
        self._counting: asyncio.Task[None] | None = None
        self._refreshing = asyncio.Lock()
        self._head()
        with Node("div", "", "pu-plans"):
            self._tab_row()
            self.news = News(self.go_to_version)
            self._panels()
            self.bar = SaveBar(
                "Review changes…" if self.desk.admin else "Review and propose…", self.review, self.discard
            )
        self._history = History(self._moved_in_history)

    async def start(self) -> None:
        """Shows what the address says, and listens from then on."""
        self.changed()
        await self._show_tab()
        await self._guarded(self._show_counts)
        plans_changed.subscribe(self.refresh)
        ui.timer(AGAIN_SECONDS, self.refresh, immediate=False)

    # What stands where

    def _head(self) -> None:
        with self.screen.frame.actions, Node("div", "", "pu-row") as self._matrix_acts:
            self._rows = FilterMenu("Rows", ROWS, self.address.rows, self.filter, nothing="all")
            Button("Add feature", self.add_feature, icon="add", cls="pu-only-wide")
            Button("Add plan", self.add_plan, icon="add", cls="pu-only-wide")
        if not self.desk.admin:
            self.screen.frame.note.set_text("You can propose changes; a superadmin saves them.")

    def _tab_row(self) -> None:
        with Node("div", "", "pu-plans-head"):
            counted = {"history", "overrides", "undefined", "proposals"}
            self.tabs = Tabs(
                "Plans",
                {key: Choice(word, count="" if key in counted else None) for key, word in TABS.items()},
                self.address.tab,
                self.turn,
                address=lambda key: self.address.turned(key).url,
            )
            self._version = VersionLine(self.screen.zone)

    def _panels(self) -> None:
        tabs = self.tabs
        with tabs.panel("matrix"):
            self.grid = Grid("Plans: features and limits", self.set_cell, self.act)
        with tabs.panel("history"):
            self.history = HistoryTab(self.desk)
        with tabs.panel("overrides"):
            self.overrides = OverridesTab(self.desk, self.go)
        with tabs.panel("undefined"):
            self.undefined = UndefinedTab(self.desk)
        with tabs.panel("proposals"):
            self.proposals = ProposalsTab(self.desk)
        with tabs.panel("file"):
            FileTab(self.desk, self.take)
        self._faults = Node("div")

    # What people do with the matrix

    def set_cell(self, row: str, plan_id: str, value: Value) -> None:
        """A cell gets another value, in the draft."""
        draft = self.desk.draft
        plan = draft.shown.plan(plan_id)
        if plan is None:
            return
        field = rows.field_of(row, plan)
        try:
            if field is None:
                draft.set_cell(plan_id, row, bool(value))
            else:
                draft.set_plan(plan_id, field, value)
        except PurserError as refusal:
            toast(refusal.message, "bad", seconds=10)
        self.changed()

    def act(self, kind: str, identifier: str, action: str) -> None:
        """An entry of a head's menu."""
        draft = self.desk.draft
        plan, feature = draft.shown.plan(identifier), draft.shown.feature(identifier)
        if action == "edit" and kind == "plan" and plan:
            PlanForm(self.desk, plan).open()
        elif action == "edit" and feature:
            FeatureForm(self.desk, feature).open()
        elif action == "drop":
            draft.leave_out(kind, identifier)
        elif action in ("retire", "restore"):
            (draft.set_plan if kind == "plan" else draft.set_feature)(
                identifier, "retired", action == "retire"
            )
        self.changed()

    def add_plan(self) -> None:
        """The dialog for a new plan."""
        PlanForm(self.desk).open()

    def add_feature(self) -> None:
        """The dialog for a new feature."""
        FeatureForm(self.desk).open()

    def discard(self) -> None:
        """The draft goes; it can be taken back for ten seconds."""
        draft = self.desk.draft
        kept = draft.copy()
        draft.clear()
        self.changed()

        def take_back() -> None:
            draft.restore(kept)
            draft.rebase(draft.saved)
            self.changed()

        toast(f"{count_words(len(kept), 'change')} discarded", "info", undo=take_back)

    async def take(self, changes: Sequence[Change]) -> None:
        """A change set from elsewhere joins the draft, and is reviewed."""
        self.desk.draft.take(changes)
        await self.show_draft()
        await self.review()

    async def show_draft(self) -> None:
        """The matrix, with what has joined the draft."""
        self.tabs.set_value("matrix")
        if self.address.tab != "matrix":
            await self.turn("matrix")
        self.changed()

    async def review(self) -> None:
        """The review of the draft; a superadmin saves it, support proposes it."""
        draft, admin = self.desk.draft, self.desk.admin
        wanted = draft.changes

        async def carry_out(
            session: Session, actor: Actor, reason: str, base: int, changes: Sequence[Change]
        ) -> object:
            if admin:
                return await save(session, changes, base=base, actor=actor, reason=reason)
            await propose(session, changes, base=base, actor=actor, reason=reason)
            return None

        def proposed() -> None:
            draft.clear()
            self.changed()

        purpose = Purpose(
            title="Review {} to plans",
            verb="Save {}" if admin else "Propose {}",
            sub="Saved together or not at all, in force everywhere within a second. History can revert it."
            if admin
            else "A superadmin reviews it, and saves all of it or nothing.",
            done="Version {} is saved, in force everywhere within a second"
            if admin
            else "Proposed: it waits for a superadmin",
            carry_out=carry_out,
            again=partial(rebase, wanted),
            roles=SUPERADMINS if admin else MANAGERS,
            afterwards=None if admin else proposed,
        )
        await Review(self.desk, purpose, draft.saved).open()

    def changed(self) -> None:
        """The draft, or what is saved, is another: shown in place, and counted anew."""
        draft = self.desk.draft
        sheet = rows.Sheet(draft.saved, draft.shown, self.users)
        shown = rows.lines(sheet, self.address.rows)
        self.grid.show(
            rows.heads(sheet), shown, nothing="" if shown else NO_ROWS.get(self.address.rows or "", "")
        )
        self.bar.show_draft(len(draft.changes))
        self._version.show_version(draft.saved, self.screen.now())
        if self._counting:
            self._counting.cancel()
        if draft:
            self._counting = background_tasks.create(self._count(), context=self._client)
            self._client.on_delete(self._counting.cancel)

    async def _count(self) -> None:
        """Whom the draft touches, said in the bar."""
        draft = self.desk.draft
        try:
            found = await impact(self.desk.purser.database, draft.saved.entitlements, draft.changes)
        except PurserError:
            found = None  # the review says why
        self.bar.show_impact(found)

    # Where one is

    async def turn(self, tab: str) -> None:
        """Another tab."""
        await self.go(self.address.turned(tab))

    async def go(self, address: Address) -> None:
        """Another address of this page, as a step in the history."""
        if address != self.address:
            self._history.write(address.url)
        self.address = address
        await self._show_tab()

    async def filter(self, chosen: str | None) -> None:
        """Other rows of the matrix."""
        self.address = self.address.showing(chosen)
        self._history.write(self.address.url)
        self.changed()

    async def _moved_in_history(self, query: Mapping[str, str]) -> None:
        self.address = Address.of(query)
        self.tabs.set_value(self.address.tab)
        self._rows.set_value(self.address.rows)
        self.changed()
        await self._show_tab()

    async def _show_tab(self) -> None:
        tab, address = self.address.tab, self.address
        self._matrix_acts.show(tab == "matrix")
        show: dict[str, Callable[[], Awaitable[None]]] = {
            "history": lambda: self.history.show(address.version),
            "overrides": lambda: self.overrides.show(address),
            "undefined": self.undefined.show,
            "proposals": self.proposals.show,
        }
        if tab in show:
            await self._guarded(show[tab], say=True)

    # What happens by itself

    async def refresh(self) -> None:
        """Reads again: what somebody else has saved shows at once, and the draft goes on over it."""
        async with self._refreshing:
            await self._guarded(self._read_again)

    async def _read_again(self) -> None:
        database, draft = self.desk.purser.database, self.desk.draft
        saved, self.users = await matrix(database), await users_per_plan(database)
        if saved.version != draft.saved.version or (saved.plans, saved.features) != (
            draft.saved.plans,
            draft.saved.features,
        ):
            older = draft.saved.version
            dropped = draft.rebase(saved)
            if saved.version in self.desk.own:
                self.news.close()
            elif saved.version > older:
                self.news.tell(saved, len(dropped))
        self.changed()
        await self._show_counts()
        await self._show_tab()

    async def go_to_version(self, number: int) -> None:
        """The history at that version."""
        self.tabs.set_value("history")
        await self.go(Address(tab="history", rows=self.address.rows, version=number))

    async def _show_counts(self) -> None:
        database = self.desk.purser.database
        overrides, waiting = await count_overrides(database), await count_waiting(database)
        self.tabs.set_count("history", format_count(self.desk.draft.saved.version))
        self.tabs.set_count("overrides", _counted(overrides))
        self.tabs.set_count("undefined", _counted(await self.undefined.read()))
        self.tabs.set_count("proposals", _counted(waiting))

    async def _guarded(self, work: Callable[[], Awaitable[None]], *, say: bool = False) -> None:
        """Reads for the person as they are now; what cannot be read is said where it would stand, with `say`."""

        async def load(_person: Person) -> None:
            await work()
            if say:
                self._faults.clear()

        def fail(words: str, request_id: str) -> None:
            if say:
                self._faults.clear()
                with self._faults:
                    states.failed(words, request_id=request_id, on_retry=self._show_tab)

        await read_now(self.screen, self._client, load, fail, roles=MANAGERS, what="the plans")


def _counted(number: int) -> str:
    return format_count(min(number, MOST_COUNTED), at_least=number > MOST_COUNTED) if number else ""
