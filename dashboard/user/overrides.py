"""What is other for this user than their plan says: features, limits, prices; in force, and what has ended."""

from uuid import UUID

from core.accounts.person import Person
from core.accounts.prices import PriceLine, prices_of
from core.entitlements.overrides import OverrideLine, overrides_of
from core.vocabulary import Role
from dashboard.components import states
from dashboard.components.button import Button
from dashboard.components.cells import DASH, Bit, Cell, chip
from dashboard.components.money import format_count, format_credits
from dashboard.components.status import Status
from dashboard.components.table import Column, DataTable, Row
from dashboard.user.desk import Desk
from dashboard.user.overriding import LIMIT_WORDS, add_override, add_price, end, stop_price
from dashboard.user.tab import Tab, at, heading

COLUMNS = (
    Column("what", "What", 240, card="title"),
    Column("value", "Value", 150, card="status"),
    Column("reason", "Reason", None),
    Column("ends", "Ends", 170, card="meta"),
    Column("by", "By", 210),
    Column("act", "End", 70, "end", silent=True, card="key"),
)
ALLOWED = Status("Allowed", "check_circle", "ok")
DENIED = Status("Switched off", "block", "warn")
ENDED = Status("Ended", "history", "neutral")
END = "end"


class OverridesTab(Tab):
    """Overrides above, prices below; both keep what has ended, for whoever wonders why."""

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        self._overrides: list[OverrideLine] = []
        self._prices: list[PriceLine] = []
        with self.body:
            with heading("Overrides"):
                self._add = Button("Add override…", lambda: add_override(desk), icon="add", small=True)
            self.overrides = DataTable("Overrides", COLUMNS, row_height=48).on_action(self._ended)
            with heading("Prices"):
                price = Button("Set a price…", lambda: add_price(desk), icon="add", small=True)
                if not desk.admin:
                    price.disable("Prices for one user are set by superadmins; your role is support.")
            self.prices = DataTable("Prices", COLUMNS, row_height=48).on_action(self._price_ended)

    async def load(self, person: Person) -> None:
        desk, database = self.desk, self.desk.purser.database
        self._add.enable(desk.beyond is None, why=desk.beyond)
        self._overrides = await overrides_of(database, desk.user_id, ended=True)
        self._prices = await prices_of(database, desk.user_id, ended=True)
        if self._overrides:
            self.overrides.show_rows([self._override(line) for line in self._overrides])
        else:
            with self.overrides.show_state():
                states.empty(
                    "No overrides",
                    "A feature allowed or switched off for this user, or a limit raised for a while, stands here.",
                    icon="person_edit",
                )
        if self._prices:
            self.prices.show_rows([self._price(line, person.role) for line in self._prices])
        else:
            with self.prices.show_state():
                states.empty("No prices of their own", "This user pays what everybody pays.", icon="sell")
        self.succeed()

    def count(self) -> str | None:
        return format_count(sum(line.in_force for line in self._overrides))

    def _override(self, line: OverrideLine) -> Row:
        value: Cell
        if not line.in_force:
            value = chip(ENDED)
        elif line.feature_id is not None:
            value = chip(ALLOWED if line.allowed else DENIED)
        else:
            value = _limit(line)
        name, detail = self._named(line)
        return self._row(line, name, detail, value, may=self.desk.beyond is None)

    def _named(self, line: OverrideLine) -> tuple[str, str]:
        if line.feature_id is not None:
            names = self.desk.purser.snapshots.current.entitlements.features
            way = "" if line.in_force else " allowed" if line.allowed else " switched off"
            return names.get(line.feature_id, line.feature_id), f"{line.feature_id}{way}"
        amount = f", raised to {_limit(line)}" if not line.in_force else ""
        words = (words for name, words in LIMIT_WORDS.items() if name == line.limit_name)
        return next(words, line.limit_name or "limit"), f"limit{amount}"

    def _price(self, line: PriceLine, role: Role) -> Row:
        price = f"{line.credits.normalize():f} cr a unit"
        value: Cell = price if line.in_force else chip(ENDED)
        detail = "price" if line.in_force else f"price of {price}"
        return self._row(line, line.model_id, detail, value, may=role is Role.SUPERADMIN)

    def _row(self, line: OverrideLine | PriceLine, name: str, detail: str, value: Cell, *, may: bool) -> Row:
        """`may` says whether the reader may end it while it is in force."""
        what: Cell = [Bit(name, "strong", title=detail), detail]
        act: Cell = Bit("End…", label=f"End {name}…", action=END) if may and line.in_force else ""
        by: Cell = Bit(line.created_by, title=line.created_by) if line.created_by else DASH
        reason = Bit(line.reason, title=line.reason)
        return Row(str(line.id), [what, value, reason, self._ends(line), by, act])

    def _ends(self, line: OverrideLine | PriceLine) -> Cell:
        zone = self.desk.screen.zone
        ends = line.ended_at if line.ended_at is not None else line.expires_at
        return Bit("without end", "quiet") if ends is None else at(ends, zone)

    def _ended(self, identifier: str, action: str) -> None:
        line = next((one for one in self._overrides if one.id == UUID(identifier)), None)
        if action == END and line is not None:
            end(self.desk, line, self._named(line)[0])

    def _price_ended(self, identifier: str, action: str) -> None:
        line = next((one for one in self._prices if one.id == UUID(identifier)), None)
        if action == END and line is not None:
            stop_price(self.desk, line)


def _limit(line: OverrideLine) -> str:
    value = line.value or 0
    return format_credits(value) if line.limit_name == "monthly_ceiling" else format_count(value)
