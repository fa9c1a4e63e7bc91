"""The ledger of a user: every movement, by whom and why, with its balance; refunds begin here (mock-up 07)."""

from dataclasses import replace
from uuid import UUID

from core.accounts.person import Person
from core.credits import ledger
from core.credits.ledger import Filter, LedgerLine, Proof
from core.credits.models import EntryType
from core.database.reading import TOO_SLOW
from core.errors import PurserError
from dashboard.components import states, time
from dashboard.components.cells import Bit
from dashboard.components.html import Icon, Node
from dashboard.components.money import format_count, format_credits
from dashboard.components.table import Column, DataTable, Row
from dashboard.credits.address import Address as CreditsAddress
from dashboard.credits.refund import open_refund
from dashboard.credits.rows import ACTOR, AFTER, CREDITS, GENERATION, REASON, TIME, TYPE
from dashboard.credits.rows import rows as rows_of_the_ledger
from dashboard.user.desk import Desk
from dashboard.user.tab import PAGE, PagedTab, at

OF_THE_LEDGER = (
    replace(TIME, width=170), replace(TYPE, width=122), replace(CREDITS, width=100), replace(AFTER, width=122),
    replace(REASON, card="title"), replace(GENERATION, width=110), replace(ACTOR, width=150),
)  # fmt: skip
COLUMNS = (*OF_THE_LEDGER, Column("refund", "Refund", 56, "end", silent=True))
REFUND = "refund"


class LedgerTab(PagedTab):
    """The entries of the account that is shown."""

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk, DataTable("Ledger", COLUMNS).classes("pu-user-ledger pu-ledger"))
        self.table.on_action(self._acted)
        self.proof = ProofLine()
        self.proof.move(self.body, target_index=0)

    async def load(self, person: Person) -> None:
        desk, database = self.desk, self.desk.purser.database
        which = Filter(user_id=desk.user_id, traffic=desk.traffic)
        address = desk.address
        page = await ledger.ledger(database, which, limit=PAGE, after=address.after, before=address.before)
        if address != desk.address:
            return  # another page was asked for meanwhile, and is loaded next
        if not page.lines:
            with self.table.show_state():
                states.empty("No entries yet", "Grants, charges and refunds stand here.", icon="toll")
        else:
            newer = await ledger.count(database, which, ahead_of=page.lines[0].id) if page.previous else 0
            total = await ledger.count(database, which)
            self.show_page(
                self._rows(page.lines),
                (page.lines[0].id, page.lines[-1].id),
                previous=page.previous,
                following=page.next,
                foot=_place(newer, len(page.lines), total),
            )
        self.succeed()
        await self._prove()

    async def _prove(self) -> None:
        """Comes after the rows, and is left out where it would take long."""
        desk = self.desk
        try:
            proof = await ledger.account_proof(desk.purser.database, desk.user_id, desk.traffic)
        except PurserError as refusal:
            if refusal.code != TOO_SLOW:
                raise
            self.proof.show(False)
            return
        self.proof.tell(proof, desk)

    def _rows(self, lines: tuple[LedgerLine, ...]) -> list[Row]:
        zone = self.desk.screen.zone
        plain = rows_of_the_ledger(lines, CreditsAddress(), zone, OF_THE_LEDGER)
        return [
            replace(
                row,
                cells=[at(line.at, zone), *row.cells[1:], self._refund(line, time.absolute(line.at, zone))],
                href=None,
            )
            for row, line in zip(plain, lines, strict=True)
        ]

    def _refund(self, line: LedgerLine, at: str) -> Bit | str:
        if line.type != EntryType.USAGE or line.amount >= 0 or self.desk.beyond_refund is not None:
            return ""
        label = f"Refund {format_credits(-line.amount)} of {at}…"
        return Bit(icon="undo", label=label, title="Refund…", action=REFUND)

    async def _acted(self, entry_id: str, action: str) -> None:
        if action == REFUND:
            await open_refund(self.desk.screen, self.desk.refresh, entry_id=UUID(entry_id))


class ProofLine(Node):
    """Whether the entries sum to the balance, and as of when."""

    def __init__(self) -> None:
        super().__init__("p", "", "pu-row pu-proof", role="status")
        self.show(False)
        with self:
            self._icon = Icon("check_circle", "is-ok")
            self._words = Node("span")

    def tell(self, proof: Proof, desk: Desk) -> None:
        """Shows what was found."""
        at = time.clock(proof.as_of, desk.screen.zone, seconds=False)
        if proof.agrees:
            said = f"ledger = balance, as of {at}"
        else:
            said = (
                f"the entries sum to {format_credits(proof.entries_sum)}, the balance is"
                f" {format_credits(proof.balance)}, as of {at}: tell a superadmin"
            )
        self._icon.set_text("check_circle" if proof.agrees else "error")
        self._icon.classes(
            add="is-ok" if proof.agrees else "is-bad", remove="is-bad" if proof.agrees else "is-ok"
        )
        self._words.set_text(said)
        self.show(True)


def _place(ahead: int, shown: int, total: int) -> str:
    """`1–25 of 1,317`."""
    many = total > ledger.COUNTED_TO
    of = format_count(min(total, ledger.COUNTED_TO), at_least=many)
    return (
        f"{ahead + 1:,}–{ahead + shown:,} of {of}" if ahead <= ledger.COUNTED_TO else f"{shown} rows of {of}"
    )
