"""The filtered list as a CSV file."""

from collections.abc import AsyncIterator
from datetime import UTC

from core.database import Database
from core.generation import queries
from core.generation.queries import COUNTED_TO, LONGEST_PAGE, Filter, Line
from dashboard.spreadsheet import csv_line

HEAD = (
    "id", "created_at", "status", "traffic", "modality", "user", "model", "provider", "first_choice", "cause",
    "latency_ms", "credits",
)  # fmt: skip


async def csv_lines(
    database: Database, which: Filter, *, costs: bool, oldest_first: bool
) -> AsyncIterator[str]:
    """The file piece by piece: a head, then at most 10,000 rows, in the list's order."""
    yield csv_line([*HEAD, *(["cost_usd", "unpriced"] if costs else [])])
    after, left = None, COUNTED_TO
    while left > 0:
        page = await queries.listing(
            database, which, after=after, limit=min(left, LONGEST_PAGE), oldest_first=oldest_first
        )
        if page.lines:
            yield "".join(_row(line, costs=costs) for line in page.lines)
            after, left = page.lines[-1].id, left - len(page.lines)
        if not page.next:
            return


def _row(line: Line, *, costs: bool) -> str:
    created = line.created_at.astimezone(UTC).isoformat(timespec="milliseconds")
    values: list[object] = [
        line.id, created, line.status, line.traffic, line.modality, line.email, line.model, line.provider, line.via,
        line.cause, line.latency_ms, line.credits,
    ]  # fmt: skip
    return csv_line([*values, *([line.cost, line.unpriced] if costs else [])])
