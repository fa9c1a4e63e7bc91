"""The filtered list as a CSV file, with what changed as JSON."""

from collections.abc import AsyncIterator
from datetime import UTC
from typing import Any

import orjson

from core.audit import queries
from core.audit.asking import Filter, Sight
from core.audit.queries import Entry
from core.database import Database
from dashboard.spreadsheet import csv_line

HEAD = (
    "id", "at", "actor_kind", "actor_id", "actor", "action", "subject_kind", "subject_id", "reason", "before", "after",
    "address", "request_id", "seq", "hash",
)  # fmt: skip


async def csv_lines(database: Database, sight: Sight, which: Filter) -> AsyncIterator[str]:
    """The file piece by piece: a head, then at most 100,000 rows, the newest first."""
    yield csv_line(HEAD)
    async for page in queries.entries(database, sight, which):
        yield "".join(map(_row, page))


def _row(entry: Entry) -> str:
    return csv_line([
        entry.id, entry.at.astimezone(UTC).isoformat(), entry.actor_kind, entry.actor_id, entry.actor_label, entry.action,
        entry.subject_kind, entry.subject_id, entry.reason, _json(entry.before), _json(entry.after), entry.address,
        entry.request_id, entry.seq, entry.hash.hex() if entry.hash else None,
    ])  # fmt: skip


def _json(fields: dict[str, Any] | None) -> str | None:
    return None if fields is None else orjson.dumps(fields, option=orjson.OPT_SORT_KEYS).decode()
