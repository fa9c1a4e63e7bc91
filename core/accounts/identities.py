"""Who a request acts for, from memory: the keys and users that this process has met lately.

Nothing here is older than a minute, and all of it is dropped within a second of any write that changes who may do
what (`Changes.subscribe(PEOPLE, identities.forget)`). What was not found is never kept, so that a new key or user
works at once.
"""

import asyncio
import contextlib
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from core.accounts.keys import KEY_SHAPE
from core.accounts.models import KeyKind
from core.accounts.person import PERSON_COLUMNS, PERSON_WIDTH, KeyIdentity, Person, person_from
from core.accounts.queries import parse_id
from core.accounts.sessions import hash_token
from core.database import Database
from core.errors import DatabaseUnavailable
from core.log import get_logger

log = get_logger(__name__)

CAPACITY = 10_000
KEEP_SECONDS = 60.0

USE_WRITTEN_EVERY = 60.0
USE_GATHERED_FOR = 2.0
"""Seconds for which uses of keys are gathered before one statement writes them all."""

# A service key works only as long as its owner is an active superadmin. A user key of a suspended person is still
# somebody's: the answer to it says that the account is suspended.
BY_KEY = f"""
select {PERSON_COLUMNS}, k.id, k.kind, k.name, k.scopes, extract(epoch from k.expires_at - now())::float8
from api_keys k join users u on u.id = k.user_id
where k.key_hash = %s and k.revoked_at is null and (k.expires_at is null or k.expires_at > now())
    and (k.kind = 'user' or (u.role = 'superadmin' and u.status = 'active'))
"""
BY_ID = f"select {PERSON_COLUMNS} from users u where u.id = %s"
BY_EMAIL = f"select {PERSON_COLUMNS} from users u where lower(u.email) = %s"


class Identities:
    """The two hot look-ups, each with one prepared statement behind a bounded cache. One per process."""

    def __init__(
        self,
        database: Database,
        *,
        capacity: int = CAPACITY,
        keep_seconds: float = KEEP_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._database = database
        self._capacity = capacity
        self._keep_seconds = keep_seconds
        self._clock = clock
        self._known: dict[bytes | str, tuple[float, Person]] = {}
        self._drops = 0
        self._uses = _Uses(database, clock)

    async def authenticate_key(self, secret: str) -> Person | None:
        """The person whose key this is, with `key` set; None for a key that is unknown, revoked or over.

        The person of a user key may be suspended: `rules.require_active` says so in words.
        """
        if not KEY_SHAPE.fullmatch(secret):
            return None
        digest = hash_token(secret)
        person = self._recall(digest) or await self._look_up_key(digest)
        if person and person.key:
            self._uses.note(person.key.id)
        return person

    async def resolve_user(self, id_or_email: str) -> Person | None:
        """The user whom a service key names in `X-User`, or None; may be suspended."""
        identifier = parse_id(id_or_email)
        name = str(identifier) if identifier else id_or_email.strip().lower()
        person = self._recall(name)
        if person or not name.isprintable():
            return person
        drops = self._drops
        row = await self._database.fetch_one(BY_ID if identifier else BY_EMAIL, (identifier or name,))
        return self._keep(name, person_from(row), drops) if row else None

    async def forget(self) -> None:
        """Drops everything: somebody's rights have changed."""
        self._drops += 1
        self._known.clear()

    async def close(self) -> None:
        """Writes down what is still to be written."""
        await self._uses.close()

    async def _look_up_key(self, digest: bytes) -> Person | None:
        drops = self._drops
        row = await self._database.fetch_one(BY_KEY, (digest,))
        if row is None:
            return None
        key_id, kind, name, scopes, ends_in = row[PERSON_WIDTH:]
        person = person_from(row, key=KeyIdentity(key_id, KeyKind(kind), name, frozenset(scopes)))
        return self._keep(digest, person, drops, ends_in)

    def _recall(self, name: bytes | str) -> Person | None:
        found = self._known.get(name)
        if found is None:
            return None
        if self._clock() < found[0]:
            return found[1]
        self._known.pop(name, None)
        return None

    def _keep(self, name: bytes | str, person: Person, drops: int, ends_in: float | None = None) -> Person:
        # A change told while the statement ran may be missing from its answer: that answer serves once.
        if drops == self._drops:
            if len(self._known) >= self._capacity:
                del self._known[next(iter(self._known))]
            life = self._keep_seconds if ends_in is None else min(self._keep_seconds, ends_in)
            self._known[name] = (self._clock() + life, person)
        return person


class _Uses:
    """Writes when keys were last used: at most once a minute each, many at once, and never in a caller's time."""

    def __init__(self, database: Database, clock: Callable[[], float]) -> None:
        self._database = database
        self._clock = clock
        self._noted: dict[UUID, float] = {}
        self._due: dict[UUID, datetime] = {}
        self._writer: asyncio.Task[None] | None = None

    def note(self, key_id: UUID) -> None:
        now = self._clock()
        if now - self._noted.get(key_id, -USE_WRITTEN_EVERY) < USE_WRITTEN_EVERY:
            return
        if len(self._noted) >= CAPACITY:
            self._noted.clear()  # costs a few early writes, which the statement's own condition refuses
        self._noted[key_id] = now
        self._due[key_id] = datetime.now(UTC)
        if self._writer is None or self._writer.done():
            self._writer = asyncio.create_task(self._write_soon())

    async def close(self) -> None:
        if self._writer and not self._writer.done():
            self._writer.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._writer
        await self._write()

    async def _write_soon(self) -> None:
        while self._due:
            await asyncio.sleep(USE_GATHERED_FOR)
            await self._write()

    async def _write(self) -> None:
        due, self._due = self._due, {}
        if not due:
            return
        parameters: dict[str, Any] = {"ids": list(due), "moments": list(due.values())}
        try:
            await self._database.execute(WRITE_USES, parameters)
        except DatabaseUnavailable:
            log.warning("last uses of keys not written", keys=len(due))


# Rows that another process is writing just now are skipped: it writes the same.
WRITE_USES = """
update api_keys k set last_used_at = n.moment
from unnest(%(ids)s::uuid[], %(moments)s::timestamptz[]) n(id, moment)
where k.id = n.id and (k.last_used_at is null or k.last_used_at <= n.moment - interval '1 minute')
    and k.id in (select id from api_keys where id = any(%(ids)s::uuid[]) for update skip locked)
"""
