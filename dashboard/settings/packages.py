"""Packages: credits as they are sold. A change is for the next purchase; what was bought keeps its price."""

from decimal import Decimal, InvalidOperation
from typing import Any

from core.audit import Actor
from core.credits.limits import LARGEST
from core.credits.packages import add_package, change_package, packages, retire_package
from core.credits.shop_models import Package
from core.database import Session
from core.errors import InvalidRequest
from dashboard.components import fields, states
from dashboard.components.cells import Bit, Cell, chip
from dashboard.components.html import Node
from dashboard.components.money import format_credits, format_usd
from dashboard.components.status import Status
from dashboard.components.table import Column, Row
from dashboard.forms import Form
from dashboard.numbers import whole
from dashboard.page import Screen
from dashboard.settings.tab import ListTab

SOLD = Status("Sold", "check_circle", "ok")
RETIRED = Status("Retired", "block", "neutral")
COLUMNS = (
    Column("name", "Name", None, card="title"),
    Column("state", "State", 110, card="status"),
    Column("credits", "Credits", 130, "end", card="key"),
    Column("bonus", "Bonus", 120, "end"),
    Column("price", "Price", 110, "end", card="meta"),
    Column("each", "Per 1,000 cr", 120, "end"),
    Column("verbs", "Actions", 170, "end", silent=True),
)
CHANGE, RETIRE = "change", "retire"


class Packages(ListTab):
    """The tab; the retired ones last."""

    about = "Credits as they are sold. Support records each payment by its reference, once."
    verb = "Add package…"

    def __init__(self, screen: Screen) -> None:
        super().__init__(screen, "Packages", COLUMNS)
        self._known: dict[str, Package] = {}

    async def load(self) -> None:
        found = await packages(self.desk.purser.database, retired=True)
        ordered = sorted(found, key=lambda one: one.retired_at is not None)
        self._known = {str(one.id): one for one in ordered}
        if ordered:
            self.table.show_rows([_row(one) for one in ordered])
            return
        with self.table.show_state():
            states.empty(
                "No package yet",
                "A package has a name, credits, perhaps a bonus, and a price.",
                icon="sell",
                action=self.add_button(),
            )

    def add(self) -> None:
        async def change(session: Session, actor: Actor, reason: str) -> None:
            await add_package(session, **read(), actor=actor, reason=reason)

        form = Form(self.desk, "Add a package", change, "The package is on sale", verb="Add package")
        read = _fields(form, None)
        form.open()

    def _change(self, one: Package) -> None:
        async def change(session: Session, actor: Actor, reason: str) -> None:
            await change_package(session, one.id, **read(), actor=actor, reason=reason)

        form = Form(
            self.desk,
            f"Change {one.name}",
            change,
            f"{one.name} is changed, from the next purchase on",
            verb="Save changes",
            sub="What was bought already keeps its credits and its price.",
        )
        read = _fields(form, one)
        form.open()

    def _retire(self, one: Package) -> None:
        Form(
            self.desk,
            f"Retire {one.name}?",
            lambda session, actor, reason: retire_package(session, one.id, actor=actor, reason=reason),
            f"{one.name} is not sold any more",
            verb="Retire package",
            kind="danger",
            sub="It is not sold any more. Its purchases stay as they are.",
        ).open()

    def acted(self, row_id: str, action: str) -> None:
        one = self._known.get(row_id)
        if one is not None and one.retired_at is None:
            (self._change if action == CHANGE else self._retire)(one)


def _fields(form: Form, known: Package | None) -> Any:
    """The fields of a package; gives a function that reads them."""
    with form.body:
        name = fields.text("Name", value=known.name if known else "", placeholder="Starter").props(
            "maxlength=80 autofocus"
        )
        with Node("div", "", "pu-pair"):
            credits = fields.number(
                "Credits", value=known.credits if known else None, low=1, high=LARGEST, step=1, suffix="cr"
            )
            bonus = fields.number(
                "Bonus", value=known.bonus if known else 0, low=0, high=LARGEST, step=1, suffix="cr"
            )
        price = fields.text(
            "Price", value=f"{known.price_usd:.2f}" if known else "", placeholder="9.00", suffix="USD"
        )

    def read() -> dict[str, Any]:
        return {
            "name": (name.value or "").strip(),
            "credits": whole(credits.value, "Credits") or 0,
            "bonus": whole(bonus.value, "Bonus") or 0,
            "price_usd": _usd(price.value),
        }

    return read


def _usd(said: str | None) -> Decimal:
    """A price.

    Raises:
        InvalidRequest: it is none.
    """
    try:
        amount = Decimal((said or "").strip().removeprefix("$"))
    except InvalidOperation:
        amount = Decimal("NaN")
    if not amount.is_finite() or not 0 <= amount <= 1_000_000:
        raise InvalidRequest("Price: US dollars, as in 9.00.")
    return amount


def _row(one: Package) -> Row:
    whole = one.credits + one.bonus
    sold = one.retired_at is None
    verbs: Cell = ""
    if sold:
        verbs = [
            [
                Bit("Change…", action=CHANGE, label=f"Change {one.name}…"),
                Bit("Retire…", action=RETIRE, label=f"Retire {one.name}…"),
            ]
        ]
    return Row(
        str(one.id),
        [
            Bit(one.name, "strong" if sold else "quiet"),
            chip(SOLD if sold else RETIRED),
            format_credits(one.credits),
            format_credits(one.bonus) if one.bonus else Bit("—", "quiet", label="none"),
            format_usd(one.price_usd),
            format_usd(one.price_usd / whole * 1000),
            verbs,
        ],
    )
