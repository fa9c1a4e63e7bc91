"""Promotional codes: what each gives, how often it was used, and by whom."""

from core.audit import Actor
from core.credits.codes import codes, make_code, retire_code, uses_of
from core.credits.models import PromoCode
from core.database import Session
from core.errors import PurserError
from core.ids import short
from dashboard.components import fields, states, time
from dashboard.components.button import Button
from dashboard.components.cells import Bit, chip
from dashboard.components.dialog import Dialog
from dashboard.components.html import Node
from dashboard.components.money import format_count, format_credits
from dashboard.components.status import Status
from dashboard.components.table import Column, DataTable, Row
from dashboard.components.toast import toast
from dashboard.credits.moving import LARGEST, whole_credits
from dashboard.ends import moment_of
from dashboard.lists.refresher import Refresher, fail_table
from dashboard.live import plans_changed
from dashboard.page import Screen
from dashboard.settings.desk import ADMIN, Desk, Form

VALID = Status("Valid", "check_circle", "ok")
USED_UP = Status("Used up", "block", "neutral")
EXPIRED = Status("Expired", "event_busy", "neutral")
RETIRED = Status("Retired", "block", "neutral")
COLUMNS = (
    Column("code", "Code", 190, card="title"),
    Column("state", "State", 110, card="status"),
    Column("credits", "Credits", 110, "end", card="key"),
    Column("uses", "Uses", 130, "end", card="meta"),
    Column("ends", "Valid until", 170),
    Column("lasts", "Credits last", 120),
    Column("note", "Note", None),
    Column("verbs", "Actions", 150, "end", silent=True),
)
USES, RETIRE = "uses", "retire"
MOST_USES = 1_000_000


class Codes:
    """The tab."""

    def __init__(self, screen: Screen) -> None:
        self._desk, self._screen = Desk(screen, self.refresh), screen
        self._known: dict[str, PromoCode] = {}
        with Node("div", "", "pu-tab-head"):
            Node(
                "p",
                "A code gives its credits to each person once, as often as it may be used.",
                "pu-meta pu-grow",
            )
            Button("Make a code…", self.make, icon="add")
        self._table = DataTable("Promotional codes", COLUMNS, row_height=40, skeletons=3).classes("pu-codes")
        self._table.on_action(self._acted)
        self._reader = Refresher(self._desk.screen, self._load, self._fail, roles=ADMIN, news=plans_changed)

    async def refresh(self) -> None:
        """As they are now."""
        await self._reader.refresh()

    def _fail(self, words: str, request_id: str) -> None:
        fail_table(self._table, words, request_id, self.refresh)

    async def _load(self) -> None:
        found = await codes(self._screen.purser.database, retired=True)
        self._known = {one.code: one for one in found}
        if found:
            self._table.show_rows([self._row(one) for one in found])
            return
        with self._table.show_state():
            states.empty(
                "No code yet",
                "A code is redeemed by users in your product, by the API: an amount, a number of uses, an end.",
                icon="confirmation_number",
                action=Button("Make a code…", self.make, icon="add", kind="primary"),
            )

    def make(self) -> None:
        async def change(session: Session, actor: Actor, _reason: str) -> None:
            await make_code(
                session,
                code=(code.value or "").strip() or None,
                credits=whole_credits(credits),
                most_uses=whole_credits(most) or None,
                expires_at=moment_of(ends, self._screen),
                credits_last_days=whole_credits(lasts) or None,
                note=(note.value or "").strip(),
                actor=actor,
            )

        form = Form(self._desk, "Make a code", change, "The code is valid", verb="Make code", why=None)
        with form.body:
            code = fields.text(
                "Code",
                placeholder="made for you where empty",
                help_text="Capital letters, digits and dashes.",
            ).props("maxlength=40 autofocus")
            with Node("div", "", "pu-pair"):
                credits = fields.number("Credits", low=1, high=LARGEST, step=1, suffix="cr")
                most = fields.number("Uses at most", low=1, high=MOST_USES, step=1, note="empty: no limit")
            with Node("div", "", "pu-pair"):
                ends = fields.text("Valid until", placeholder="2027-01-31", note="optional")
                lasts = fields.number(
                    "Its credits last", low=1, step=1, suffix="days", note="empty: for good"
                )
            note = fields.text("Note", placeholder="Newsletter of November").props("maxlength=200")
        form.open()

    def _acted(self, row_id: str, action: str) -> object:
        one = self._known.get(row_id)
        if one is None:
            return None
        if action == USES:
            return self._show_uses(one)
        return self._retire(one) if one.retired_at is None else None

    def _retire(self, one: PromoCode) -> None:
        Form(
            self._desk,
            f"Retire {one.code}?",
            lambda session, actor, reason: retire_code(session, one.code, actor=actor, reason=reason),
            f"{one.code} is not valid any more",
            verb="Retire code",
            kind="danger",
            sub="Nobody can redeem it any more. What it gave stays.",
        ).open()

    async def _show_uses(self, one: PromoCode) -> None:
        try:
            await self._screen.read(ADMIN)
            found = await uses_of(self._screen.purser.database, one.code)
        except PurserError as absence:
            toast(absence.message, "bad", seconds=10)
            return
        with self._screen.frame.main:
            dialog = Dialog(
                f"Uses of {one.code}", verb="Close", on_confirm=lambda: None, width=560, sub=_uses_words(one)
            )
        dialog.frame.on("hide", dialog.frame.delete, args=[])
        with dialog.body:
            if not found:
                Node("p", "Nobody has redeemed it yet.", "is-second")
            else:
                table = DataTable(
                    "Uses",
                    (
                        Column("at", "Time", 160),
                        Column("user", "User", None),
                        Column("entry", "Entry", 90),
                    ),
                    row_height=36,
                    cards=False,
                )
                zone = self._screen.zone
                table.show_rows(
                    [
                        Row(
                            str(use.entry_id),
                            [
                                time.absolute(use.at, zone),
                                Bit(use.email, href=f"/users/{use.user_id}", title=use.email),
                                Bit(short(use.entry_id), href=f"/credits?range=all&sel={use.entry_id}"),
                            ],
                        )
                        for use in found
                    ]
                )
        dialog.open()

    def _row(self, one: PromoCode) -> Row:
        now, zone = self._screen.now(), self._screen.zone
        state = (
            RETIRED
            if one.retired_at
            else EXPIRED
            if one.expires_at and one.expires_at <= now
            else USED_UP
            if one.most_uses is not None and one.uses >= one.most_uses
            else VALID
        )
        verbs: list[str | Bit] = [Bit("Uses", action=USES, label=f"Uses of {one.code}")]
        if not one.retired_at:
            verbs.append(Bit("Retire…", action=RETIRE, label=f"Retire {one.code}…"))
        return Row(
            one.code,
            [
                Bit(one.code, "mono"),
                chip(state),
                format_credits(one.credits),
                _uses_words(one),
                time.absolute(one.expires_at, zone) if one.expires_at else Bit("no end", "quiet"),
                f"{one.credits_last_days:,} days" if one.credits_last_days else Bit("for good", "quiet"),
                Bit(one.note, title=one.note),
                [verbs],
            ],
        )


def _uses_words(one: PromoCode) -> str:
    of = f" of {format_count(one.most_uses)}" if one.most_uses is not None else ""
    return f"{format_count(one.uses)}{of}"
