"""The generations of a user: the columns of the list, without the user."""

from dataclasses import replace

from core.accounts.person import Person
from core.generation import queries
from core.generation.queries import COUNTED_TO, Filter, Listing
from dashboard.components import states
from dashboard.components.money import format_count
from dashboard.components.table import Column, DataTable, Row
from dashboard.generations.address import Address
from dashboard.generations.rows import COLUMNS as OF_THE_LIST
from dashboard.generations.rows import rows as rows_of_the_list
from dashboard.user.desk import Desk
from dashboard.user.tab import PAGE, PagedTab

WIDTHS = {"status": 130, "created": 110, "model": None, "cause": 180, "took": 90, "credits": 130}
COLUMNS: tuple[Column, ...] = tuple(
    replace(column, width=WIDTHS[column.key], sort=False) for column in OF_THE_LIST if column.key in WIDTHS
)


class GenerationsTab(PagedTab):
    """Of the traffic that is shown, the newest first; each leads to the list, with it open."""

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk, DataTable("Generations", COLUMNS, row_height=48))
        self._total: int | None = None

    async def load(self, person: Person) -> None:
        desk, database, address = self.desk, self.desk.purser.database, self.desk.address
        which = Filter(user_id=desk.user_id, traffic=(desk.traffic,))
        page = await queries.listing(database, which, limit=PAGE, after=address.after, before=address.before)
        if address != desk.address:
            return
        if not page.lines:
            with self.table.show_state():
                states.empty(
                    "No generations yet", "What this user asks for stands here.", icon="auto_awesome"
                )
        else:
            ahead = await queries.count(database, which, ahead_of=page.lines[0].id) if page.previous else 0
            self._total = await queries.count(database, which)
            of = format_count(min(self._total, COUNTED_TO), at_least=self._total > COUNTED_TO)
            self.show_page(
                self._rows(page),
                (page.lines[0].id, page.lines[-1].id),
                previous=page.previous,
                following=page.next,
                foot=f"{ahead + 1:,}–{ahead + len(page.lines):,} of {of}",
            )
        self.succeed()

    def count(self) -> str | None:
        if self._total is None:
            return None
        return format_count(min(self._total, COUNTED_TO), at_least=self._total > COUNTED_TO)

    def _rows(self, page: Listing) -> list[Row]:
        desk = self.desk
        theirs = Address(q=desk.email, traffic=desk.traffic, range="30d")
        return [
            replace(
                row,
                cells=[
                    cell for column, cell in zip(OF_THE_LIST, row.cells, strict=True) if column.key in WIDTHS
                ],
            )
            for row in rows_of_the_list(page.lines, theirs, now=desk.screen.now(), reader=desk.reader)
        ]
