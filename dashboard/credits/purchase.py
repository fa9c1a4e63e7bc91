"""The dialog that records a purchase: a package, paid elsewhere, by the payment's reference, once."""

from collections.abc import Sequence

from core.audit import Actor
from core.credits.packages import LONGEST_REFERENCE, packages, record_purchase
from core.credits.service import Balance, balance_of
from core.credits.shop_models import Package
from core.database import Session
from core.errors import InvalidRequest, PurserError
from dashboard.access import MANAGERS
from dashboard.components import fields
from dashboard.components.button import Button
from dashboard.components.dialog import BeforeAfter
from dashboard.components.html import Node
from dashboard.components.money import format_count, format_credits, format_credits_signed, format_usd
from dashboard.components.toast import toast
from dashboard.credits.adjust import AdjustTarget
from dashboard.credits.moving import MoveDialog, OnDone, ask_note
from dashboard.forms import telling
from dashboard.page import Screen


async def open_purchase(screen: Screen, target: AdjustTarget, on_done: OnDone) -> None:
    """Opens it; `on_done` is called once the purchase is recorded, or was before."""
    database = screen.purser.database
    try:
        await screen.read(MANAGERS)
        sold = await packages(database)
        balance = await balance_of(database, target.id)
    except PurserError as absence:
        toast(absence.message, "bad", seconds=10)
        return
    if not sold:
        _say_none(screen)
        return
    PurchaseDialog(screen, target, balance, sold, on_done).open()


class PurchaseDialog(MoveDialog):
    """Use `open_purchase`."""

    def __init__(
        self,
        screen: Screen,
        target: AdjustTarget,
        balance: Balance,
        sold: Sequence[Package],
        on_done: OnDone,
    ) -> None:
        super().__init__(
            screen,
            "Record a purchase",
            sub=" · ".join(part for part in (target.email, target.plan_name) if part),
            verb="Record",
            on_done=on_done,
            note="A reference is recorded once, whoever tells it again.",
        )
        self._target, self._balance = target, balance
        self._sold = {package.id: package for package in sold}
        costs = screen.sees_costs
        with self.body:
            self._before_after = BeforeAfter("Balance", "", "", "cr")
            self._package = fields.select(
                "Package",
                {package.id: package_words(package, costs=costs) for package in sold},
                value=sold[0].id,
                on_change=self._tell,
            )
            self._reference = fields.text(
                "Reference of the payment", placeholder="Invoice or payment id"
            ).props(f"maxlength={LONGEST_REFERENCE} autofocus")
            self._note = ask_note()
        self._tell()

    async def change(self, session: Session, actor: Actor) -> str:
        reference = (self._reference.value or "").strip()
        if not reference:
            raise InvalidRequest("Write the reference of the payment.")
        bought = await record_purchase(
            session,
            self._target.id,
            self._chosen.id,
            reference=reference,
            actor=actor,
            note=(self._note.value or "").strip(),
        )
        if bought.repeated:
            return f"{reference} was recorded before: nothing was booked again"
        return f"{format_credits(self._whole)} bought by {self._target.email}"

    @property
    def _chosen(self) -> Package:
        return self._sold[self._package.value]

    @property
    def _whole(self) -> int:
        return self._chosen.credits + self._chosen.bonus

    def _tell(self) -> None:
        after = self._balance.balance + self._whole
        change = format_credits_signed(self._whole)
        self._before_after.set_values(format_count(self._balance.balance), format_count(after), change)
        self.verb.set_text(f"Record {format_credits(self._whole)}")


def package_words(package: Package, *, costs: bool) -> str:
    """`Starter: 1,000 cr + 100 cr bonus, $9.00`."""
    bonus = f" + {format_credits(package.bonus)} bonus" if package.bonus else ""
    price = f", {format_usd(package.price_usd)}" if costs else ""
    return f"{package.name}: {format_credits(package.credits)}{bonus}{price}"


def _say_none(screen: Screen) -> None:
    dialog = telling(screen, "Record a purchase")
    with dialog.body:
        Node("p", "There is no package yet. A superadmin adds them in the settings.")
        if screen.person.role == "superadmin":
            with Node("div", "", "pu-row"):
                Button("Open packages", icon="settings", href="/settings?tab=packages")
    dialog.open()
