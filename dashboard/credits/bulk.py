"""Bulk grants of now and before: how far each is, and each of its lines."""

from collections.abc import Mapping
from uuid import UUID

from core.credits.bulk_models import BulkGrant, BulkState
from core.credits.reasons import words_of
from core.ids import short
from core.membership import bulk
from core.membership.bulk import Line
from core.membership.drafting import list_again
from core.vocabulary import Role
from dashboard.access import MANAGERS, SUPERADMINS
from dashboard.components import states, time
from dashboard.components.button import Button
from dashboard.components.cells import DASH, Bit, Cell, chip
from dashboard.components.dialog import Dialog
from dashboard.components.facts import Box, Facts
from dashboard.components.html import Node
from dashboard.components.money import format_count, format_credits
from dashboard.components.stat import Meter
from dashboard.components.status import Chip, Status
from dashboard.components.table import Column, DataTable, Row
from dashboard.credits.address import BULK, Address
from dashboard.credits.bulk_dialog import begin_bulk, open_bulk, preview
from dashboard.credits.rows import name_of
from dashboard.forms import PageDialog, write
from dashboard.history import History
from dashboard.lists.refresher import OldNote, Refresher, fail_table
from dashboard.live import credits_changed
from dashboard.page import Screen

STATES = {
    BulkState.DRAFTING: Status("Listing", "hourglass_top", "info"),
    BulkState.DRAFT: Status("Draft", "edit_note", "neutral"),
    BulkState.WAITING: Status("Waiting", "schedule", "info"),
    BulkState.RUNNING: Status("Running", "sync", "info"),
    BulkState.DONE: Status("Done", "check_circle", "ok"),
    BulkState.FAILED: Status("Failed", "error", "bad"),
    BulkState.REJECTED: Status("Rejected", "block", "bad"),
    BulkState.WITHDRAWN: Status("Withdrawn", "undo", "neutral"),
}
SOURCES = {"csv": "lines", "filter": "a filter", "refund": "refunds"}
COLUMNS = (
    Column("made", "Made", 150, card="meta"),
    Column("title", "Title", None, link=True, card="title"),
    Column("state", "State", 104, card="status"),
    Column("people", "People", 76, "end"),
    Column("credits", "Credits", 108, "end", card="key"),
    Column("reason", "Reason", 170),
    Column("by", "By", 130),
)
BESIDE = COLUMNS[:5]
LINES = (
    Column("user", "User", None, card="title"),
    Column("credits", "Credits", 84, "end", card="key"),
    Column("state", "Booked", 96, card="status"),
)
PAGE = 25


class BulkGrants:
    """The tab: its list, and the pane of one."""

    def __init__(self, screen: Screen, address: Address) -> None:
        self._screen, self._address = screen, address
        self._shown: tuple[object, ...] | None = None
        self._parts: _Parts | None = None
        self._pages: list[int] = [0]
        self._table = DataTable("Bulk grants", COLUMNS, row_height=40, skeletons=3).classes("pu-bulk")
        self._table.on_open(self._open)
        assert screen.frame.pane is not None, "the page is made with a pane"
        self._pane = screen.frame.pane.on_close(self._closed)
        self._history = History(self._moved)
        self._reader = Refresher(screen, self._load, self._fail, roles=MANAGERS, news=credits_changed)
        self._pane_reader = Refresher(
            screen, self._show_pane, self._fail_pane, roles=MANAGERS, news=credits_changed
        )

    async def refresh(self) -> None:
        """What there is now, in place."""
        await self._reader.refresh()
        await self._pane_reader.refresh()

    async def _load(self) -> None:
        found = await bulk.bulk_grants(self._screen.purser.database)
        beside = self._address.sel is not None
        self._table.show_columns(BESIDE if beside else COLUMNS, beside=beside)
        if found:
            self._table.show_rows([self._row(one) for one in found])
            self._table.choose(str(self._address.sel) if beside else None)
        else:
            with self._table.show_state():
                states.empty(
                    "No bulk grants yet",
                    "Credits for many people at once, from a file or by filter: seen before they are booked, each person"
                    " once.",
                    icon="group_add",
                    action=Button("Grant in bulk…", self.ask, icon="add", kind="primary")
                    if self._screen.person.role is Role.SUPERADMIN
                    else None,
                )

    def _fail(self, words: str, request_id: str) -> None:
        fail_table(self._table, words, request_id, self.refresh)

    def ask(self) -> None:
        """Opens the dialog for another one."""
        open_bulk(self._screen, self.refresh)

    async def _open(self, row_id: str) -> None:
        self._pages = [0]
        self._go(self._address.opened(UUID(row_id)))
        await self.refresh()

    async def _closed(self) -> None:
        self._shown = None
        self._go(self._address.opened(None))
        await self.refresh()

    async def _moved(self, query: Mapping[str, str]) -> None:
        self._address = Address.of(query)
        await self.refresh()

    def _go(self, address: Address) -> None:
        if address.url != self._address.url:
            self._history.write(address.url)
        self._address = address

    def _row(self, one: BulkGrant) -> Row:
        zone = self._screen.zone
        return Row(
            str(one.id),
            [
                Bit(time.absolute(one.created_at, zone), moment=time.iso(one.created_at)),
                Bit(one.title, "strong", title=one.title),
                chip(STATES[one.state]),
                format_count(one.people),
                format_credits(one.credits),
                _two(words_of(one.reason_code), one.note),
                Bit(name_of(one.created_label), title=one.created_label),
            ],
            href=self._address.opened(one.id).url,
        )

    async def _show_pane(self) -> None:
        chosen = self._address.sel
        if chosen is None:
            self._shown = self._parts = None
            self._pane.close()
            return
        database = self._screen.purser.database
        found = await bulk.bulk_grant(database, chosen)
        lines = await bulk.bulk_lines(database, chosen, after=self._pages[-1], limit=PAGE + 1)
        if chosen != self._address.sel:
            return  # another one was asked for meanwhile, and is read next
        if found is None:
            self._shown = self._parts = None
            with self._pane.fill("Not found"):
                states.not_found("bulk grant")
            return
        one = found.grant
        seen = (chosen, one.state, one.people, one.credits, found.stopped)
        if self._parts is None or seen != self._shown:
            self._shown, self._parts = seen, self._fill(found)
        self._parts.renew(found, lines, self._pages)

    def _fail_pane(self, words: str, request_id: str) -> None:
        if self._parts is not None and self._shown is not None and self._shown[0] == self._address.sel:
            self._parts.old.mark_old(words)
            return
        self._shown = self._parts = None
        with self._pane.fill("Not loaded"):
            states.failed(words, request_id=request_id, on_retry=self._pane_reader.refresh)

    def _fill(self, found: bulk.BulkSummary) -> "_Parts":
        """All but what changes while it is booked."""
        one, zone = found.grant, self._screen.zone
        with self._pane.fill(one.title):
            old = OldNote()
            with self._pane.sub:
                Chip(STATES[one.state])
                Node("time", time.absolute(one.created_at, zone), datetime=time.iso(one.created_at))
            with self._pane.section("What it is", note=f"from {SOURCES[one.source]}"):
                facts = {
                    "People": format_count(one.people),
                    "Credits": format_credits(one.credits),
                    "Reason": words_of(one.reason_code),
                    "Note": one.note,
                    "Expires": time.absolute(one.expires_at, zone) if one.expires_at else "never",
                    "By": one.created_label,
                }
                Facts({name: value for name, value in facts.items() if value})
                self._deeds(one, stopped=found.stopped)
            far = None
            if one.state in (BulkState.RUNNING, BulkState.DONE, BulkState.FAILED):
                with self._pane.section("How far"):
                    far = _Far()
            with self._pane.section("Lines", note=_listing_words(found)):
                table = DataTable(
                    "Lines", LINES, row_height=40, beside=True, framed=False, cards=False
                ).classes("pu-lines")
                table.on_page(self._turn)
        return _Parts(old, far, table)

    def _deeds(self, one: BulkGrant, *, stopped: bool) -> None:
        if self._screen.person.role is not Role.SUPERADMIN:
            return
        if one.state in (BulkState.DRAFT, BulkState.DRAFTING):
            with Node("div", "", "pu-row pu-after"):
                begin = Button("Begin…", lambda: self._begin(one), icon="play_arrow", small=True)
                if one.state is BulkState.DRAFTING:
                    begin.disable("Not all of its people are listed yet")
                if stopped:
                    Button("Go on listing", lambda: self._list_on(one), icon="play_arrow", small=True)
                Button("Throw away", lambda: self._discard(one), icon="delete", small=True)
        elif stopped:
            with Node("div", "", "pu-row pu-after"):
                Button("Go on…", self._go_on, icon="play_arrow", small=True)

    def _begin(self, one: BulkGrant) -> None:
        dialog = self._dialog(one, f"Begin “{one.title}”?", "Grant")
        with dialog.body:
            preview(self._screen, dialog, one.people, one.credits)
        dialog.open()

    def _go_on(self) -> None:
        """With one that has stopped: it was begun, and approved where it had to be, so nothing is asked again."""
        if self._parts is None or (found := self._parts.found) is None:
            return
        one = found.grant
        dialog = self._dialog(one, f"Go on with “{one.title}”?", "Go on")
        with dialog.body:
            Node("p", "Who has been granted their credits already does not get them again.")
            with Box(lined=True):
                credits = f"{format_credits(found.booked_credits)} of {format_credits(one.credits)}"
                Facts({"Credits": credits}, name_width=120)
                _Far().renew(found)
        dialog.open()

    def _dialog(self, one: BulkGrant, title: str, verb: str) -> Dialog:
        """One that begins a grant, or goes on with it."""

        async def confirm() -> bool:
            begun = await begin_bulk(self._screen, one.id, dialog.fail)
            if begun:
                await self.refresh()
            return begun

        dialog = PageDialog(self._screen, title, verb=verb, on_confirm=confirm, width=560)
        return dialog

    async def _list_on(self, one: BulkGrant) -> None:
        await write(
            self._screen,
            lambda session, actor: list_again(session, one.id, actor=actor),
            "The list goes on. The tray in the header says how far it is.",
            roles=SUPERADMINS,
        )
        await self.refresh()

    async def _discard(self, one: BulkGrant) -> None:
        if await write(
            self._screen,
            lambda session, actor: bulk.discard(session, one.id, actor=actor),
            f"“{one.title}” is thrown away",
            roles=SUPERADMINS,
        ):
            await self._closed()
            self._pane.close()

    async def _turn(self, way: str) -> None:
        lines = self._parts.lines if self._parts else []
        if way == "next" and len(lines) > PAGE:
            self._pages.append(lines[PAGE - 1].number)
        elif way != "next" and len(self._pages) > 1:
            self._pages.pop()
        await self._pane_reader.refresh()


class _Far(Node):
    """How many people are done, in words and as a bar; both are set in place."""

    def __init__(self) -> None:
        super().__init__("div", "", "pu-stack is-tight")
        with self:
            self._words = Node("p", "", "is-second")
            self._meter = Meter(0, "People who are done")

    def renew(self, found: bulk.BulkSummary) -> None:
        """As far as it is now."""
        booked = f"{format_count(found.booked)} of {format_count(found.grant.people)} booked"
        refused = f", {format_count(found.refused)} refused" if found.refused else ""
        self._words.set_text(f"{booked}{refused}")
        self._meter.set_part((found.booked + found.refused) / max(found.grant.people, 1))


class _Parts:
    """What of the pane changes while a grant is booked; the rest stays, and with it the focus."""

    def __init__(self, old: OldNote, far: _Far | None, table: DataTable) -> None:
        self.old, self._far, self._table = old, far, table
        self.found: bulk.BulkSummary | None = None
        self.lines: list[Line] = []
        self._pages: tuple[int, ...] = ()

    def renew(self, found: bulk.BulkSummary, lines: list[Line], pages: list[int]) -> None:
        """As it is now; `lines` are those of the last of `pages`, and one more where there is another page."""
        self.old.renew()
        self.found = found
        if self._far is not None:
            self._far.renew(found)
        if lines == self.lines and tuple(pages) == self._pages:
            return
        self.lines, self._pages = lines, tuple(pages)
        here = Address(tab=BULK, sel=found.grant.id).url
        seen = lines[:PAGE]
        self._table.show_rows(
            [_line(line) for line in seen],
            foot=f"{pages[-1] + 1:,}–{pages[-1] + len(seen):,}" if seen else "none yet",
            previous_page=here if len(pages) > 1 else None,
            next_page=here if len(lines) > PAGE else None,
        )


def _listing_words(found: bulk.BulkSummary) -> str:
    if found.grant.state is not BulkState.DRAFTING:
        return ""
    return "the listing has stopped" if found.stopped else "being listed; the tray says how far it is"


def _line(line: Line) -> Row:
    href = f"/users/{line.user_id}"
    state: Cell = DASH
    if line.entry_id:
        state = Bit(
            short(line.entry_id), href=Address(sel=line.entry_id).url, title="The entry of the ledger"
        )
    elif line.refusal:
        state = Bit("refused", "bad", title=line.refusal)
    return Row(
        str(line.number),
        [
            Bit(line.email or str(line.user_id), href=href, title=line.email),
            format_credits(line.amount),
            state,
        ],
    )


def _two(first: str, second: str) -> Cell:
    head = Bit(first, title=first)
    return [head, Bit(second, title=second)] if second else head
