"""Reads that could take long: planned for the very values asked, and ended after a moment with a word."""

from collections.abc import Mapping
from typing import Any

import sqlalchemy.exc

from core.database.connection import Database
from core.errors import Fault

TOO_SLOW = "query_too_slow"
TAKES_TOO_LONG = "This takes too long to look up. Choose a shorter range, or another filter."
CANCELLED = "57014"
"""The SQLSTATE of a statement that was ended for its time."""


async def read_within(
    database: Database, seconds: float, sql: str, params: Mapping[str, Any], *, by_index: bool = False
) -> list[tuple[Any, ...]]:
    """Rows of a statement (`%(name)s` parameters). A plan kept for all would be wrong for a rare value or a busy user.

    Args:
        by_index: where an index serves, it is used, even for the greater part of a table.

    Raises:
        Fault: `query_too_slow`, after so many seconds.
    """
    async with database.transaction() as session:
        connection = await session.connection()
        try:
            settings = {"limit": f"{round(seconds * 1000)}", "scans": "off" if by_index else "on"}
            await connection.exec_driver_sql(PLANNING, settings)
            result = await connection.exec_driver_sql(sql, dict(params))
            return [tuple(row) for row in result.fetchall()]
        except sqlalchemy.exc.OperationalError as error:
            if getattr(error.orig, "sqlstate", None) != CANCELLED:
                raise
            raise Fault(TAKES_TOO_LONG, code=TOO_SLOW) from error


PLANNING = (
    "select set_config('plan_cache_mode', 'force_custom_plan', true), set_config('jit', 'off', true),"
    " set_config('statement_timeout', %(limit)s, true), set_config('enable_seqscan', %(scans)s, true),"
    " set_config('enable_bitmapscan', %(scans)s, true)"
)
