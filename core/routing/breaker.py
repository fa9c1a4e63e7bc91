"""The circuit breaker, one per provider and modality: closed, open, half-open, isolated.

Failures are counted in each process; the first process to reach the threshold opens the breaker for all, by a write
and a word to the others. Half-open is a conditional UPDATE with a lease: one probe in the world. `isolated` is set
and lifted by people only.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

from core.database import BREAKERS, Database, announce_now
from core.errors import ErrorClass
from core.ids import new_id
from core.log import get_logger
from core.routing.models import BreakerState
from core.vocabulary import Modality

log = get_logger(__name__)

LONGEST_OPENING = timedelta(hours=1)
PROBE_LEASE = timedelta(seconds=90)
"""How long a probe may stay unanswered before another may go: longer than a text call's deadline."""

Key = tuple[UUID, Modality]


@dataclass(frozen=True, slots=True)
class Status:
    """What the database says of one breaker, and this process's count of consecutive failures."""

    state: BreakerState = BreakerState.CLOSED
    failures: int = 0
    openings: int = 0
    error_class: ErrorClass | None = None
    reason: str | None = None
    vendor_message: str | None = None
    opened_at: datetime | None = None
    open_until: datetime | None = None
    probe_lease_until: datetime | None = None

    def probe_due(self, now: datetime) -> bool:
        """Whether the next request may be the probe."""
        if self.state is BreakerState.OPEN:
            return self.open_until is not None and self.open_until <= now
        return self.state is BreakerState.HALF_OPEN and (
            self.probe_lease_until is None or self.probe_lease_until <= now
        )

    def refuses(self, now: datetime) -> bool:
        """Whether a request is turned away without asking the database."""
        return self.state is not BreakerState.CLOSED and not self.probe_due(now)


CLOSED = Status()


def opening_time(timeout: timedelta, openings: int, retry_after: float | None) -> timedelta:
    """How long the breaker stays open: twice as long on each repeat, at most an hour; longer if the vendor says so."""
    doubled = min(LONGEST_OPENING, timeout * 2 ** min(openings, 20))
    return max(doubled, timedelta(seconds=retry_after or 0))


class Breakers:
    """This process's view of all breakers, and the only writer of their rows."""

    def __init__(
        self,
        database: Database,
        *,
        threshold: int,
        timeout: timedelta,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._database = database
        self._threshold = threshold
        self._timeout = timeout
        self._clock = clock
        self._known: dict[Key, Status] = {}

    @property
    def threshold(self) -> int:
        return self._threshold

    def status(self, provider_id: UUID, modality: Modality) -> Status:
        """The state as this process knows it, at most a second old."""
        return self._known.get((provider_id, modality), CLOSED)

    async def reload(self) -> None:
        """Reads all rows: at start, and when another process has changed one."""
        fresh: dict[Key, Status] = {}
        for provider_id, modality, *rest in await self._database.fetch_all(
            "select provider_id, modality, state, openings, error_class, reason, vendor_message, opened_at, open_until,"
            " probe_lease_until from breakers"
        ):
            key = (provider_id, Modality(modality))
            fresh[key] = self._read(key, rest)
        for key, status in self._known.items():
            # A count of failures lives in this process only; no row means that nothing has opened yet.
            fresh.setdefault(
                key, Status(failures=status.failures) if status.state is BreakerState.CLOSED else CLOSED
            )
        self._known = fresh

    async def take_probe(self, provider_id: UUID, modality: Modality) -> bool:
        """Tries to become the one probe of an open breaker whose time has come."""
        row = await self._database.fetch_one(
            "update breakers set state = 'half_open', probe_lease_until = now() + %(lease)s, updated_at = now()"
            " where provider_id = %(provider)s and modality = %(modality)s"
            " and ((state = 'open' and open_until <= now())"
            "   or (state = 'half_open' and coalesce(probe_lease_until, now()) <= now())) " + RETURNING,
            {"provider": provider_id, "modality": modality, "lease": PROBE_LEASE},
        )
        if row is None:
            await self.reload()
            return False
        self._learn(provider_id, modality, row)
        await self._tell(provider_id, modality, "half_open", "one probe goes out")
        return True

    async def succeeded(self, provider_id: UUID, modality: Modality, *, probe: bool) -> None:
        """A call went well: the count of failures starts anew, and a probe closes the breaker."""
        key = (provider_id, modality)
        status = self._known.get(key)
        if status is None:
            return
        if probe:
            row = await self._database.fetch_one(
                "update breakers set state = 'closed', openings = 0, error_class = null, reason = null,"
                " vendor_message = null, opened_at = null, open_until = null, probe_lease_until = null, updated_at = now()"
                " where provider_id = %(provider)s and modality = %(modality)s and state = 'half_open' "
                + RETURNING,
                {"provider": provider_id, "modality": modality},
            )
            if row:
                self._learn(provider_id, modality, row)
                await self._tell(provider_id, modality, "closed", "the probe was answered")
        elif status.failures:
            self._known[key] = replace(status, failures=0)

    async def failed(
        self,
        provider_id: UUID,
        modality: Modality,
        error_class: ErrorClass,
        vendor_message: str,
        *,
        probe: bool,
        retry_after: float | None = None,
        at_once: bool = False,
    ) -> bool:
        """A call failed in a way that counts. Opens at the threshold, at once for `at_once` (no key left) and after a
        failed probe.

        Returns:
            Whether the breaker is open now.
        """
        key = (provider_id, modality)
        status = self._known.get(key, CLOSED)
        if status.state is BreakerState.HALF_OPEN and not probe:
            return True  # a call from before the opening; the probe decides
        failures = status.failures + 1
        self._known[key] = replace(status, failures=failures)
        opens = at_once or failures >= self._threshold
        if status.state is BreakerState.CLOSED and not opens:
            return False
        if at_once:
            reason = f"no usable key left: {error_class}"
        elif probe:
            reason = f"the probe failed: {error_class}"
        else:
            reason = f"{failures} of {self._threshold} consecutive failures, the last: {error_class}"
        await self._open(key, error_class, reason, vendor_message, retry_after, probe=probe, opens=opens)
        return self._known[key].state is not BreakerState.CLOSED

    async def give_probe_back(self, provider_id: UUID, modality: Modality) -> None:
        """A probe ended without telling anything (cancelled, the caller's own fault): the next request may probe."""
        await self._database.execute(
            "update breakers set state = 'open', open_until = now(), probe_lease_until = null"
            " where provider_id = %s and modality = %s and state = 'half_open'",
            (provider_id, modality),
        )
        await announce_now(self._database, BREAKERS)
        await self.reload()

    async def _open(
        self,
        key: Key,
        error_class: ErrorClass,
        reason: str,
        vendor_message: str,
        retry_after: float | None,
        *,
        probe: bool,
        opens: bool,
    ) -> None:
        provider_id, modality = key
        now = self._clock()
        known = self._known[key]
        repeats = known.openings if known.state is not BreakerState.CLOSED else 0
        until = now + opening_time(self._timeout, repeats, retry_after)
        row = await self._database.fetch_one(
            "insert into breakers as b (provider_id, modality, state, openings, error_class, reason, vendor_message,"
            " opened_at, open_until) values (%(provider)s, %(modality)s, 'open', 1, %(class)s, %(reason)s, %(said)s, now(),"
            " %(until)s)"
            " on conflict (provider_id, modality) do update set state = 'open', error_class = excluded.error_class,"
            " reason = excluded.reason, vendor_message = excluded.vendor_message, probe_lease_until = null,"
            # A failure that arrives while the breaker is open already extends it, and is no new opening.
            " openings = b.openings + (b.state <> 'open')::int,"
            " opened_at = case when b.state = 'closed' then now() else coalesce(b.opened_at, now()) end,"
            " open_until = greatest(case when b.state = 'open' then b.open_until end, excluded.open_until),"
            " updated_at = now()"
            # A failure from before the opening does not disturb the probe that is out, and one that comes too late does not
            # open what has been closed meanwhile; what a person isolated stays so.
            " where case b.state when 'isolated' then false when 'half_open' then %(probe)s"
            "   when 'closed' then %(opens)s else true end " + RETURNING,
            {
                "provider": provider_id,
                "modality": modality,
                "class": error_class,
                "reason": reason,
                "said": vendor_message[:500],
                "until": until,
                "probe": probe,
                "opens": opens,
            },
        )
        if row is None:  # isolated or reset by a person meanwhile, or being probed: that stands
            await self.reload()
            return
        self._learn(provider_id, modality, row)
        if known.state is not BreakerState.OPEN:
            log.warning("breaker opened", provider=str(provider_id), modality=str(modality), reason=reason)
            await self._tell(provider_id, modality, "opened", reason, vendor_message)

    def _learn(self, provider_id: UUID, modality: Modality, row: tuple[object, ...]) -> None:
        key = (provider_id, modality)
        self._known[key] = self._read(key, list(row))

    def _read(self, key: Key, row: list[object]) -> Status:
        state, openings, error_class, reason, vendor_message, opened_at, open_until, lease = row
        before = self._known.get(key, CLOSED)
        now_closed = state == BreakerState.CLOSED
        # The count goes on while the breaker stays closed, and begins anew when it has just been closed.
        failures = before.failures if now_closed is (before.state is BreakerState.CLOSED) else 0
        return Status(
            state=BreakerState(str(state)),
            failures=failures,
            openings=int(str(openings)),
            error_class=ErrorClass(str(error_class)) if error_class else None,
            reason=None if reason is None else str(reason),
            vendor_message=None if vendor_message is None else str(vendor_message),
            opened_at=opened_at if isinstance(opened_at, datetime) else None,
            open_until=open_until if isinstance(open_until, datetime) else None,
            probe_lease_until=lease if isinstance(lease, datetime) else None,
        )

    async def _tell(
        self, provider_id: UUID, modality: Modality, kind: str, reason: str, said: str = ""
    ) -> None:
        """Keeps the change with its reason, and wakes the other processes."""
        await self._database.execute(
            "insert into provider_events (id, provider_id, modality, kind, reason, detail)"
            " values (%(id)s, %(provider)s, %(modality)s, %(kind)s, %(reason)s, jsonb_build_object('vendor', %(said)s::varchar))",
            {
                "id": new_id(),
                "provider": provider_id,
                "modality": modality,
                "kind": f"breaker_{kind}",
                "reason": reason,
                "said": said[:500],
            },
        )
        await announce_now(self._database, BREAKERS)


RETURNING = (
    "returning state, openings, error_class, reason, vendor_message, opened_at, open_until, probe_lease_until"
)
