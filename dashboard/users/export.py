"""The list of users as a CSV file."""

from collections.abc import AsyncIterator, Sequence
from datetime import UTC

from core.accounts.listing import COUNTED_TO, LONGEST_PAGE, Filter, Line, Sort, listing
from core.database import Database
from dashboard.spreadsheet import csv_line

HEAD = (
    "id", "email", "name", "role", "status", "plan", "balance", "used_7d", "generations_7d", "failures_7d",
    "last_active_at", "created_at",
)  # fmt: skip


async def csv_lines(database: Database, which: Filter, *, sort: Sort, descending: bool) -> AsyncIterator[str]:
    """The file piece by piece: a head, then at most 10,000 rows, in the list's order."""
    yield csv_line(HEAD)
    after, left = None, COUNTED_TO
    while left > 0:
        page = await listing(
            database, which, sort=sort, descending=descending, after=after, limit=min(left, LONGEST_PAGE)
        )
        yield "".join(map(_row, page.lines))
        after, left = page.next, left - len(page.lines)
        if after is None:
            return


async def chosen_lines(database: Database, ids: Sequence[str]) -> AsyncIterator[str]:
    """The file of single users, in the order of the ids; those who are gone are left out."""
    yield csv_line(HEAD)
    for identifier in ids:
        page = await listing(database, Filter(text=identifier), limit=1)  # an id finds its person in any case
        yield "".join(map(_row, page.lines))


def _row(line: Line) -> str:
    return csv_line([
        line.id, line.email, line.name, line.role, line.status, line.plan_id, line.balance, line.used_7d,
        line.generations_7d, line.failures_7d, line.last_active_at.astimezone(UTC).isoformat(timespec="seconds"),
        line.created_at.astimezone(UTC).isoformat(timespec="seconds"),
    ])  # fmt: skip
