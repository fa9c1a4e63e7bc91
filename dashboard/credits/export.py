"""The filtered ledger as a CSV file."""

from collections.abc import AsyncIterator
from datetime import UTC

from core.credits.ledger import LONGEST_PAGE, Filter, LedgerLine, ledger
from core.database import Database
from dashboard.spreadsheet import csv_line

EXPORTED_TO = 100_000
HEAD = (
    "id", "at", "user_id", "user", "traffic", "type", "credits", "balance_after", "reason", "reason_code", "note",
    "generation_id", "refund_of", "reference", "actor", "approver",
)  # fmt: skip


async def csv_lines(database: Database, which: Filter | None) -> AsyncIterator[str]:
    """The file piece by piece: a head, then at most 100,000 rows, the newest first; without a filter the head alone."""
    yield csv_line(HEAD)
    after, left = None, EXPORTED_TO if which else 0
    while which and left > 0:
        page = await ledger(database, which, after=after, limit=min(left, LONGEST_PAGE))
        if page.lines:
            yield "".join(map(_row, page.lines))
            after, left = page.lines[-1].id, left - len(page.lines)
        if not page.next:
            return


def _row(line: LedgerLine) -> str:
    return csv_line([
        line.id, line.at.astimezone(UTC).isoformat(timespec="milliseconds"), line.user_id, line.email, line.traffic,
        line.type, line.amount, line.balance_after, line.reason, line.reason_code, line.note, line.generation_id,
        line.refund_of, line.reference, line.actor, line.approver,
    ])  # fmt: skip
