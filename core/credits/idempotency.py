"""Calls that may be repeated: the same key and body get the first answer, another body is refused.

The key's row is written first, in the transaction of the call itself: a second caller with the same key waits for the
first to finish, and finds its answer or, where that failed, nothing.
"""

import hashlib
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import orjson
from sqlmodel.ext.asyncio.session import AsyncSession

from core.database import Database, run
from core.errors import Conflict, InvalidRequest

LONGEST_KEY = 200
KEPT_FOR = timedelta(days=7)
"""How long a key is remembered; who repeats a call later makes it anew."""
FORGOTTEN_AT_ONCE = 10_000


class Once:
    """One idempotent call: `answer` is the first call's, if there was one; else `keep()` ours at the end."""

    def __init__(self, session: AsyncSession, caller: str, key: str, answer: dict[str, Any] | None) -> None:
        self._session = session
        self._caller = caller
        self._key = key
        self.answer = answer

    async def keep(self, answer: Mapping[str, Any]) -> None:
        """Stores the answer that repetitions of this call get."""
        await run(
            self._session,
            "update idempotency set answer = cast(:answer as jsonb) where caller = :caller and key = :key",
            {"answer": orjson.dumps(answer).decode(), "caller": self._caller, "key": self._key},
        )


async def once(session: AsyncSession, caller: str, key: str, body: Any) -> Once:
    """Claims `key` for `caller` in this transaction.

    Raises:
        InvalidRequest: a key that is empty, longer than 200 characters, or not printable.
        Conflict: `idempotency_conflict`, the key was used with another body.
    """
    if not 0 < len(key) <= LONGEST_KEY or not key.isprintable():
        raise InvalidRequest(f"An Idempotency-Key has 1 to {LONGEST_KEY} characters, all of them printable.")
    body_hash = hashlib.sha256(orjson.dumps(body, option=orjson.OPT_SORT_KEYS)).digest()
    claimed = await run(
        session,
        "insert into idempotency (caller, key, body_hash) values (:caller, :key, :body_hash)"
        " on conflict (caller, key) do nothing returning true",
        {"caller": caller, "key": key, "body_hash": body_hash},
    )
    if claimed.first():
        return Once(session, caller, key, None)
    first_hash, answer = (
        await run(
            session,
            "select body_hash, answer from idempotency where caller = :caller and key = :key",
            {"caller": caller, "key": key},
        )
    ).one()
    if bytes(first_hash) != body_hash:
        raise Conflict("This Idempotency-Key was used for another request.", code="idempotency_conflict")
    return Once(session, caller, key, answer or {})


async def forget_keys(database: Database, now: datetime) -> int:
    """Deletes keys older than a week, some at a time; returns how many."""
    gone = 0
    while True:
        deleted = await database.execute(
            "delete from idempotency where ctid = any(array("
            "select ctid from idempotency where created_at < %s order by created_at limit %s))",
            (now - KEPT_FOR, FORGOTTEN_AT_ONCE),
        )
        gone += deleted
        if deleted < FORGOTTEN_AT_ONCE:
            return gone
