"""Whether anything about credits is another than a moment ago: for pages that show it live."""

from typing import Any

from core.database import Database


async def signature(database: Database) -> tuple[Any, ...] | None:
    """A value that differs once something was booked, asked for, decided, or begun in bulk; cheap enough for each second."""
    return await database.fetch_one(SIGNATURE)


SIGNATURE = """
select (select id from credit_entries order by id desc limit 1),
    (select id from credit_requests order by id desc limit 1),
    (select count(*) from credit_requests where state = 'waiting'),
    (select jsonb_agg(jsonb_build_array(b.id, b.state)) from (
        select id, state from bulk_grants order by id desc limit 20) b)
"""
