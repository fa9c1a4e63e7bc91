"""What the cost-free probes found: kept for a week, read for the health of now."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from core.database import Database
from core.errors import ErrorClass
from core.ids import first_id_at, new_id

KEPT = timedelta(days=7)
LATELY = timedelta(minutes=5)
"""What a probe found longer ago says nothing about now."""
MOST = 20
"""Probes of one provider that are read: the last rounds of a provider with several keys."""
KEY_ALONE = frozenset({ErrorClass.AUTHENTICATION, ErrorClass.QUOTA})
"""The vendor has answered: the trouble is the key's, not the vendor's."""


@dataclass(frozen=True, slots=True)
class Probe:
    """One look at one provider with one of its keys (None: it needs none)."""

    at: datetime
    key_id: UUID | None
    ok: bool
    latency_ms: int
    error_class: ErrorClass | None = None
    http_status: int | None = None
    vendor_message: str | None = None

    @property
    def answered(self) -> bool:
        """Whether the vendor is there: it answered well, or refused this key."""
        return self.ok or self.error_class in KEY_ALONE

    @property
    def fault(self) -> str:
        """What went wrong in a few words; empty where nothing did."""
        if self.ok:
            return ""
        words = (self.error_class or ErrorClass.SERVER).value.replace("_", " ")
        return f"{words} (HTTP {self.http_status})" if self.http_status else words


async def keep_probe(database: Database, provider_id: UUID, probe: Probe) -> None:
    """Keeps what a probe found; one for a provider that is gone meanwhile is dropped."""
    await database.execute(
        "insert into probes (id, provider_id, key_id, ok, latency_ms, error_class, http_status, vendor_message, at)"
        " select %(id)s, id, %(key)s, %(ok)s, %(latency)s, %(class)s, %(status)s, %(said)s, %(at)s from providers"
        " where id = %(provider)s",
        {
            "id": new_id(),
            "provider": provider_id,
            "key": probe.key_id,
            "ok": probe.ok,
            "latency": probe.latency_ms,
            "class": probe.error_class,
            "status": probe.http_status,
            "said": probe.vendor_message and probe.vendor_message[:500],
            "at": probe.at,
        },
    )


async def recent_probes(database: Database, now: datetime | None = None) -> Mapping[UUID, Sequence[Probe]]:
    """Each provider's probes of the last hour, the newest first."""
    now = now or datetime.now(UTC)
    rows = await database.fetch_all(
        "select p.id, r.at, r.key_id, r.ok, r.latency_ms, r.error_class, r.http_status, r.vendor_message"
        " from providers p cross join lateral (select * from probes where provider_id = p.id and id >= %s"
        " order by id desc limit %s) r order by p.id, r.id desc",
        (first_id_at(now - timedelta(hours=1)), MOST),
    )
    found: dict[UUID, list[Probe]] = {}
    for provider_id, at, key_id, ok, latency, error_class, status, said in rows:
        probe = Probe(at, key_id, ok, latency, ErrorClass(error_class) if error_class else None, status, said)
        found.setdefault(provider_id, []).append(probe)
    return found


async def forget_probes(database: Database, now: datetime) -> int:
    """Deletes probes older than a week; their counts stay in the history."""
    return await database.execute("delete from probes where id < %s", (first_id_at(now - KEPT),))
