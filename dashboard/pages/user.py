"""A user: what they have, and what happened lately (mock-up 07). Read-only."""

from datetime import datetime
from urllib.parse import quote
from uuid import UUID

from nicegui import ui

from core.errors import DatabaseUnavailable
from core.vocabulary import Role, Traffic
from dashboard.components import states, time
from dashboard.components.button import Button
from dashboard.components.choice import Choice, Tabs
from dashboard.components.facts import Strip
from dashboard.components.html import Node
from dashboard.components.money import format_count, format_credits
from dashboard.components.status import ACCOUNT, Chip, tag
from dashboard.components.table import DataTable
from dashboard.generations.reader import Reader, named
from dashboard.page import Screen, page, parse_uuid
from dashboard.user import generations, ledger
from dashboard.user.reading import LATEST, Reading, plan_words, read, trial_words

REFRESH_SECONDS = 10.0
TABS = {"generations": Choice("Generations"), "ledger": Choice("Ledger")}


@page(
    "/users/{identifier}",
    title="User",
    group="Operate",
    roles=[Role.SUPERADMIN, Role.SUPPORT],
    crumbs=[("Users", "")],
)
async def user(screen: Screen) -> None:
    identifier = parse_uuid(screen.request.path_params["identifier"])
    found = await read(screen.purser, identifier, screen.now()) if identifier else None
    if identifier is None or found is None:
        states.not_found("user")
        return
    UserPage(screen, identifier, found).open()


class UserPage:
    """One opened page."""

    def __init__(self, screen: Screen, user_id: UUID, found: Reading) -> None:
        self.screen, self.user_id, self.found = screen, user_id, found
        self.reader = Reader(
            screen.zone, screen.sees_costs, lambda slug: named(screen.purser.snapshots.current, slug)
        )

    def open(self) -> None:
        """The head, the strip, and the tabs; read again now and then."""
        self._head()
        self.strip = Strip(self._cells(self.screen.now()))
        chosen = self.screen.query("tab")
        base = f"/users/{self.user_id}"
        tabs = Tabs(
            "User", TABS, chosen if chosen in TABS else "generations", self._choose,
            address=lambda key: f"{base}?tab={key}",
        ).classes("pu-user-tabs")  # fmt: skip
        with tabs.panel("generations"):
            self.lines = DataTable(f"The newest {LATEST} generations", generations.COLUMNS, row_height=48)
        with tabs.panel("ledger"):
            self.entries = DataTable(f"The newest {LATEST} entries", ledger.COLUMNS).classes("pu-ledger")
        self._show(self.screen.now())
        ui.timer(REFRESH_SECONDS, self.refresh)

    async def refresh(self) -> None:
        """Reads anew; what is shown stays, marked, while the database is away."""
        now = self.screen.now()
        try:
            found = await read(self.screen.purser, self.user_id, now)
        except DatabaseUnavailable as absence:
            age = time.span((now - self.read_at).total_seconds())
            for table in (self.lines, self.entries):
                table.mark_old(f"{age} old. {absence.message}")
            return
        if found is not None:
            self.found = found
            self._show(now)

    def _head(self) -> None:
        frame, person = self.screen.frame, self.found.user
        frame.set_title(person.email)
        frame.head.classes("pu-user-head")
        frame.crumb.set_text("").classes("pu-user-crumb")
        with frame.crumb:
            Node("span", person.email)
            Node("span", "User")  # on a phone, where the address stands below
        with frame.head, Node("div", "", "pu-row") as chips:
            self.chip = Chip(ACCOUNT[person.status]).set(title=person.status_reason)
            if person.role is not Role.USER:
                tag(person.role.capitalize())
            if self.found.traffic is not Traffic.LIVE:
                tag(f"{self.found.traffic} account", "info")
        chips.move(target_index=1)
        with frame.actions:
            Button("All generations", icon="auto_awesome", href=f"/generations?q={quote(person.email)}")

    def _show(self, now: datetime) -> None:
        self.read_at = now
        found = self.found
        self.screen.frame.note.set_text(f"as of {time.clock(now, self.screen.zone)}")
        self.chip.set_status(ACCOUNT[found.user.status])
        self.strip.set_cells(self._cells(now))
        if found.lines:
            self.lines.show_rows(generations.rows(found, now=now, reader=self.reader))
        else:
            with self.lines.show_state():
                states.empty(
                    "No generations yet", "What this user asks for stands here.", icon="auto_awesome"
                )
        if found.entries:
            self.entries.show_rows(ledger.rows(found.entries, self.screen.zone))
        else:
            with self.entries.show_state():
                states.empty("No entries yet", "Grants, charges and refunds stand here.", icon="toll")

    def _cells(self, now: datetime) -> list[tuple[str, str, str]]:
        found, zone = self.found, self.screen.zone
        usage, balance = found.usage, found.balance
        limit = (
            "no daily limit" if usage.daily_limit is None else f"of {format_count(usage.daily_limit)} a day"
        )
        ceiling = (
            "no ceiling"
            if usage.monthly_ceiling is None
            else f"of {format_credits(usage.monthly_ceiling)} at most"
        )
        return [
            ("Plan", *plan_words(found, zone, now)),
            (
                "Balance",
                format_credits(balance.balance),
                f"{format_credits(balance.held)} held" if balance.held else "nothing held",
            ),
            ("Generations today", format_count(usage.today), limit),
            (f"Used in {now.astimezone(zone):%B}", format_credits(usage.monthly_used), ceiling),
            ("Trial", *trial_words(found)),
            (
                "Last active",
                time.relative(found.active_at, now, zone) if found.active_at else "never",
                f"user since {time.day(found.since, zone)}",
            ),
        ]

    def _choose(self, tab: str) -> None:
        ui.navigate.history.replace(f"/users/{self.user_id}?tab={tab}")
