"""The tab Overrides: who may more, or less, than the plan says; until when, why, and by whose word."""

from collections.abc import Awaitable, Callable
from datetime import datetime
from zoneinfo import ZoneInfo

from core.audit import Actor
from core.database import Session
from core.entitlements.fields import PROPERTIES
from core.entitlements.overrides import (
    LIMITS,
    OverrideLine,
    add_override,
    count_overrides,
    end_override,
    list_overrides,
)
from core.errors import NotFound
from dashboard.access import MANAGERS
from dashboard.components import cells, fields, states, time
from dashboard.components.button import Button
from dashboard.components.cells import Bit
from dashboard.components.filters import FilterMenu, Filters
from dashboard.components.html import Node
from dashboard.components.money import format_count
from dashboard.components.table import Column, DataTable, Row
from dashboard.ends import moment_of
from dashboard.forms import Form
from dashboard.numbers import whole
from dashboard.plans.address import Address
from dashboard.plans.desk import Desk

PAGE = 50
MOST_COUNTED = 10_000
COLUMNS = (
    Column("user", "User", 220, link=True, card="title"),
    Column("what", "What", 200, card="key"),
    Column("reason", "Reason"),
    Column("by", "By", 160),
    Column("since", "Since", 104),
    Column("until", "Until", 150, card="status"),
    Column("acts", "End it", 72, align="end", silent=True, card="meta"),
)
ALLOW, DENY = "allow", "deny"


class OverridesTab:
    """`await show(address)` reads a page of the list; `go(address)` leads to another."""

    def __init__(self, desk: Desk, go: Callable[[Address], Awaitable[None]]) -> None:
        self._desk = desk
        self._go = go
        self._lines: dict[str, OverrideLine] = {}
        self._address = Address(tab="overrides")
        with Filters() as row:
            self._menu_place = Node("span")
            with row.end():
                Button("Add an override…", self._add, icon="add")
        self._menu: FilterMenu | None = None
        self._table = DataTable("Overrides in force", COLUMNS, skeletons=3)
        self._table.on_action(self._act).on_page(self._turn)

    async def show(self, address: Address) -> None:
        """The page of the list that the address says."""
        self._address = address
        database, screen = self._desk.purser.database, self._desk.screen
        found = await list_overrides(
            database, feature_id=address.feature, limit=PAGE + 1, after=address.after
        )
        total = await count_overrides(database, feature_id=address.feature)
        self._show_menu(address)
        lines = found[:PAGE]
        self._lines = {str(one.id): one for one in lines}
        if not lines:
            self._show_none(address)
            return
        now = screen.now()
        more = len(found) > PAGE
        start = Address(tab="overrides", feature=address.feature)
        self._table.show_rows(
            [_row(one, now, screen.zone) for one in lines],
            foot=f"{len(lines)} of {format_count(min(total, MOST_COUNTED), at_least=total > MOST_COUNTED)}",
            previous_page=start.url if address.after else None,
            next_page=Address(tab="overrides", feature=address.feature, after=lines[-1].id).url
            if more
            else None,
        )

    def _show_none(self, address: Address) -> None:
        with self._table.show_state():
            if address.feature:
                states.no_match("override", [f"feature {address.feature}"], lambda: self._filter(None))
            else:
                states.empty(
                    "No overrides",
                    "An exception for one user: a feature allowed or denied, or a limit raised, with a reason and an end.",
                    icon="rule",
                )

    def _show_menu(self, address: Address) -> None:
        known = {one.id: one.id for one in self._desk.draft.saved.features}
        if address.feature:
            known.setdefault(address.feature, address.feature)
        if self._menu is None or set(self._menu.options) != {None, *known}:
            self._menu_place.clear()
            with self._menu_place:
                self._menu = FilterMenu("Feature", known, address.feature, self._filter)
        self._menu.set_value(address.feature)

    async def _filter(self, feature: str | None) -> None:
        await self._go(Address(tab="overrides", feature=feature))

    async def _turn(self, way: str) -> None:
        last = list(self._lines.values())[-1].id if self._lines else None
        after = last if way == "next" else None
        await self._go(Address(tab="overrides", feature=self._address.feature, after=after))

    def _add(self) -> None:
        AddOverride(self._desk, feature=self._address.feature).open()

    def _act(self, row: str, _action: str) -> None:
        line = self._lines.get(row)
        if line is None:
            return
        Form(
            self._desk,
            f"End the override of {line.email}?",
            lambda session, actor, reason: end_override(session, line.id, actor=actor, reason=reason),
            f"The override of {line.email} has ended",
            verb="End override",
            sub=f"{what_words(line)}: from then on the plan alone decides, within a second.",
            roles=MANAGERS,
        ).open()


class AddOverride:
    """`AddOverride(desk).open()`: for whom, what, until when, and why."""

    def __init__(self, desk: Desk, *, feature: str | None = None) -> None:
        self._desk = desk
        defined = desk.draft.saved.entitlements.features
        limits = {f"limit:{name}": f"Raise: {PROPERTIES[name].label}" for name in LIMITS}
        self._form = Form(
            desk,
            "Add an override",
            self._write,
            "The override is in force, within a second everywhere",
            verb="Add override",
            sub="An exception for one user; another one for the same takes its place.",
            roles=MANAGERS,
        )
        with self._form.body:
            self._who = fields.text("User", placeholder="E-mail or id", icon="person")
            self._who.props("autofocus")
            self._what = fields.select(
                "What",
                {ALLOW: "Allow a feature", DENY: "Deny a feature", **limits},
                value=ALLOW,
                on_change=self._chosen,
            )
            self._feature = fields.select(
                "Feature", list(defined), value=feature if feature in defined else None, search=True
            )
            self._value = fields.text("Up to", placeholder="whole number").props("inputmode=numeric")
            self._until = fields.text(
                "Until",
                note=f"optional; {desk.screen.purser.settings.time_zone}",
                help_text="It ends by itself then.",
            ).props("type=datetime-local")
        self._chosen()

    def open(self) -> None:
        self._form.open()

    def _chosen(self) -> None:
        about_feature = self._what.value in (ALLOW, DENY)
        fields.show(self._feature, about_feature)
        fields.show(self._value, not about_feature)

    async def _write(self, session: Session, actor: Actor, reason: str) -> None:
        user = await self._desk.purser.identities.resolve_user((self._who.value or "").strip())
        if user is None:
            raise NotFound("There is no such user. Write the whole e-mail address, or an id.")
        what, until = str(self._what.value), moment_of(self._until, self._desk.screen)
        if what in (ALLOW, DENY):
            await add_override(
                session, user.id, feature_id=self._feature.value or "", allowed=what == ALLOW, expires_at=until,
                actor=actor, reason=reason,
            )  # fmt: skip
            return
        await add_override(
            session, user.id, limit_name=what.removeprefix("limit:"), value=whole(self._value.value, "Up to"), expires_at=until,
            actor=actor, reason=reason,
        )  # fmt: skip


def what_words(one: OverrideLine) -> str:
    """`voice-over allowed`, `Projects up to 50`."""
    if one.feature_id is not None:
        return f"{one.feature_id} {'allowed' if one.allowed else 'denied'}"
    known = PROPERTIES.get(one.limit_name or "")
    return f"{known.label if known else one.limit_name} up to {one.value:,}"


def _row(one: OverrideLine, now: datetime, zone: ZoneInfo) -> Row:
    until = (
        Bit(time.absolute(one.expires_at, zone)[:16], title=time.zone_name(zone, one.expires_at))
        if one.expires_at
        else Bit("without end", "second")
    )
    end = Bit("End…", action="end", label=f"End the override of {one.email}, {what_words(one)}…")
    return Row(
        str(one.id),
        [
            Bit(one.email, "strong"),
            Bit(what_words(one), "warn" if one.allowed is False else ""),
            Bit(one.reason, title=one.reason),
            Bit(one.created_by or "Purser", "second"),
            cells.moment(one.created_at, now, zone),
            until,
            end,
        ],
        href=f"/users/{one.user_id}",
    )
