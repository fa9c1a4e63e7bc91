"""Promotional codes: what each gives, how often it was used, and by whom."""

from core.audit import Actor
from core.credits.codes import MOST_USES, codes, make_code, retire_code, uses_of
from core.credits.limits import LARGEST
from core.credits.shop_models import PromoCode
from core.database import Session
from core.errors import PurserError
from core.ids import short
from dashboard.access import SUPERADMINS
from dashboard.components import fields, states, time
from dashboard.components.cells import Bit, chip
from dashboard.components.html import Node
from dashboard.components.money import format_count, format_credits
from dashboard.components.status import Status
from dashboard.components.table import Column, DataTable, Row
from dashboard.components.toast import toast
from dashboard.ends import ask_until, moment_of
from dashboard.forms import Form, telling
from dashboard.numbers import whole
from dashboard.page import Screen
from dashboard.settings.tab import ListTab

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


class Codes(ListTab):
    """The tab."""

    about = "A code gives its credits to each person once, as often as it may be used."
    verb = "Make a code…"

    def __init__(self, screen: Screen) -> None:
        super().__init__(screen, "Promotional codes", COLUMNS)
        self.table.classes("pu-codes")
        self._known: dict[str, PromoCode] = {}

    async def load(self) -> None:
        found = await codes(self.screen.purser.database, retired=True)
        self._known = {one.code: one for one in found}
        if found:
            self.table.show_rows([self._row(one) for one in found])
            return
        with self.table.show_state():
            states.empty(
                "No code yet",
                "A code is redeemed by users in your product, by the API: an amount, a number of uses, an end.",
                icon="confirmation_number",
                action=self.add_button(),
            )

    def add(self) -> None:
        async def change(session: Session, actor: Actor, _reason: str) -> None:
            await make_code(
                session,
                code=(code.value or "").strip() or None,
                credits=whole(credits.value, "Credits") or 0,
                most_uses=whole(most.value, "Uses at most") or None,
                expires_at=moment_of(ends, self.screen),
                credits_last_days=whole(lasts.value, "Its credits last") or None,
                note=(note.value or "").strip(),
                actor=actor,
            )

        form = Form(self.desk, "Make a code", change, "The code is valid", verb="Make code", why=None)
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
                ends = ask_until("Valid until")
                lasts = fields.number(
                    "Its credits last", low=1, step=1, suffix="days", note="empty: for good"
                )
            note = fields.text("Note", placeholder="Newsletter of November").props("maxlength=200")
        form.open()

    def acted(self, row_id: str, action: str) -> object:
        one = self._known.get(row_id)
        if one is None:
            return None
        if action == USES:
            return self._show_uses(one)
        return self._retire(one) if one.retired_at is None else None

    def _retire(self, one: PromoCode) -> None:
        Form(
            self.desk,
            f"Retire {one.code}?",
            lambda session, actor, reason: retire_code(session, one.code, actor=actor, reason=reason),
            f"{one.code} is not valid any more",
            verb="Retire code",
            kind="danger",
            sub="Nobody can redeem it any more. What it gave stays.",
        ).open()

    async def _show_uses(self, one: PromoCode) -> None:
        try:
            await self.screen.read(SUPERADMINS)
            found = await uses_of(self.screen.purser.database, one.code)
        except PurserError as absence:
            toast(absence.message, "bad", seconds=10)
            return
        dialog = telling(self.screen, f"Uses of {one.code}", sub=_uses_words(one), width=560)
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
                zone = self.screen.zone
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
        now, zone = self.screen.now(), self.screen.zone
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
