"""What the program itself does to keys: set aside, tried again after their time, put back; and when they were last used."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from uuid import UUID

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from core.audit import SYSTEM
from core.database import CONFIG, Database, announce
from core.errors import ErrorClass
from core.providers.models import ProviderEvent, ProviderKey
from core.providers.rows import add_event, let_breakers_try

LONGEST_REST = timedelta(hours=1)
"""Where the vendor names no time, a key is tried again after this at the latest."""
MOST_TIMES = 16
"""More doublings than any rest can take."""
WHY: Mapping[ErrorClass, str] = {
    ErrorClass.AUTHENTICATION: "the vendor rejected it",
    ErrorClass.QUOTA: "its quota is exhausted",
}


async def set_key_aside(
    database: Database,
    provider_id: UUID,
    key_id: UUID,
    error_class: ErrorClass,
    words: str,
    *,
    until: datetime | None,
    rest: timedelta,
) -> datetime:
    """Takes a rejected or exhausted key out of use, and tells everybody.

    Args:
        words: the vendor's own.
        until: the time that the vendor has named; without one the key rests for `rest`, and twice as long each time
            that it was tried again and failed.

    Returns:
        When it is tried again.
    """
    now = datetime.now(UTC)
    async with database.transaction() as session:
        key = await session.get(ProviderKey, key_id, with_for_update=True)
        if key is None or key.state == "disabled":
            return until or now + rest
        ends = key.state_until if key.state == "set_aside" else None
        if ends is not None and ends > now:
            # It rests: this call went out before, or is a breaker's probe. Only a later time that the vendor names is news.
            if until is None or until <= ends:
                return ends
            key.state_until = until
        else:
            times = await _times_before(session, key)
            until = until or now + min(LONGEST_REST, rest * 2**times)
            key.state, key.state_until = "set_aside", until
            detail = {
                "key": str(key_id),
                "last_four": key.last_four,
                "class": error_class.value,
                "vendor": words,
                "until": until.isoformat(),
                "times": times,
            }
            add_event(session, provider_id, "key_set_aside", WHY[error_class], SYSTEM, detail=detail)
        key.state_class, key.state_reason = error_class.value, words
        session.add(key)
        await announce(session, CONFIG)
    return until


async def restore_key(database: Database, key_id: UUID) -> None:
    """Puts a key that was set aside, and that the vendor has just taken, back into ordinary use."""
    async with database.transaction() as session:
        key = await session.get(ProviderKey, key_id, with_for_update=True)
        if key is None or key.state != "set_aside":
            return  # somebody was quicker
        key.state, key.state_class, key.state_reason, key.state_until = "active", None, None, None
        session.add(key)
        about = {"key": str(key_id), "last_four": key.last_four}
        add_event(session, key.provider_id, "key_restored", "the vendor takes it again", SYSTEM, detail=about)
        await announce(session, CONFIG)
        await let_breakers_try(session, key.provider_id)


async def mark_used(database: Database, used: Mapping[UUID, datetime]) -> None:
    """Keeps when keys were last used; nobody is told, and an older time changes nothing."""
    if used:
        ids = sorted(used)
        await database.execute(MARK, {"ids": ids, "times": [used[one] for one in ids]})


async def last_used(database: Database, provider_id: UUID) -> Mapping[UUID, datetime]:
    """When each of a provider's keys was last used, to within a minute; keys never used are not among them."""
    return dict(
        await database.fetch_all(
            "select id, last_used_at from provider_keys where provider_id = %s and last_used_at is not null",
            (provider_id,),
        )
    )


async def _times_before(session: AsyncSession, key: ProviderKey) -> int:
    """How often the key was tried again in vain since it last served."""
    if key.state != "set_aside":
        return 0
    last = (
        await session.exec(
            select(ProviderEvent.detail)
            .where(
                col(ProviderEvent.provider_id) == key.provider_id,
                col(ProviderEvent.kind) == "key_set_aside",
                col(ProviderEvent.detail)["key"].astext == str(key.id),
            )
            .order_by(col(ProviderEvent.id).desc())
            .limit(1)
        )
    ).first()
    return min(MOST_TIMES, 1 + int((last or {}).get("times", 0)))


# In the order of ids, so that two processes that write at the same moment do not wait for one another in a circle.
MARK = """
with told as (select * from unnest(%(ids)s::uuid[], %(times)s::timestamptz[]) as t(id, at)),
held as (select id from provider_keys where id = any(%(ids)s) order by id for no key update)
update provider_keys k set last_used_at = greatest(k.last_used_at, told.at)
from told join held using (id) where k.id = told.id
"""
