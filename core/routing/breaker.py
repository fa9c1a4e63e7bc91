"""The circuit breaker, one per provider and modality: closed, open, half-open, isolated.

Failures are counted in each process; the first process to reach the threshold opens the breaker for all, by a write
and a word to the others. Half-open is a conditional UPDATE with a lease: one probe in the world, and only who holds
the lease may report for it. `isolated` is set and lifted by people only (`core.routing.operations`). Every change, its
event and the word to the others are one statement.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

from core.database import BREAKERS, Database
from core.database.changes import ANNOUNCE, CHANNEL
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
Lease = datetime
"""What makes a call the probe: the end of its lease, to be shown when it is over. Nobody else has the same."""


@dataclass(frozen=True, slots=True)
class Status:
    """What the database says of one breaker, and this process's count of consecutive failures.

    `actor` is the e-mail of the person who isolated it.
    """

    state: BreakerState = BreakerState.CLOSED
    failures: int = 0
    openings: int = 0
    error_class: ErrorClass | None = None
    reason: str | None = None
    vendor_message: str | None = None
    opened_at: datetime | None = None
    open_until: datetime | None = None
    probe_lease_until: datetime | None = None
    actor: str | None = None

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
    """This process's view of all breakers, and the writer of their rows on behalf of calls."""

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
        for provider_id, modality, actor, *rest in await self._database.fetch_all(
            "select provider_id, modality, (select email from users u where u.id = b.actor_id and b.state = 'isolated'),"
            " state, openings, error_class, reason, vendor_message, opened_at, open_until, probe_lease_until"
            " from breakers b"
        ):
            key = (provider_id, Modality(modality))
            fresh[key] = replace(self._read(key, rest), actor=actor)
        for key, status in self._known.items():
            # A count of failures lives in this process only; no row means that nothing has opened yet.
            fresh.setdefault(
                key, Status(failures=status.failures) if status.state is BreakerState.CLOSED else CLOSED
            )
        self._known = fresh

    async def take_probe(self, provider_id: UUID, modality: Modality) -> Lease | None:
        """Tries to become the one probe of an open breaker whose time has come.

        Returns:
            The lease to report with; None where somebody else was quicker, or its time has not come.
        """
        key, event = (provider_id, modality), ("half_open", "one probe goes out")
        changed = await self._change(key, TAKE, {"lease": PROBE_LEASE}, event=event)
        return self._known[key].probe_lease_until if changed else None

    async def succeeded(self, provider_id: UUID, modality: Modality, *, probe: Lease | None) -> None:
        """A call went well: the count of failures starts anew, and a probe closes the breaker.

        A probe that a person or another probe has overtaken changes nothing.
        """
        key = (provider_id, modality)
        status = self._known.get(key)
        if status is None:
            return
        if probe is not None:
            await self._change(key, CLOSE, {"lease": probe}, event=("closed", "the probe was answered"))
        elif status.failures:
            self._known[key] = replace(status, failures=0)

    async def failed(
        self,
        provider_id: UUID,
        modality: Modality,
        error_class: ErrorClass,
        vendor_message: str,
        *,
        probe: Lease | None,
        status: int | None = None,
        retry_after: float | None = None,
        at_once: bool = False,
    ) -> bool:
        """A call failed in a way that counts. Opens at the threshold, at once for `at_once` (no key left) and after a
        failed probe.

        Args:
            probe: the lease where the call was the probe.
            status: the vendor's HTTP status, where there was one.
            retry_after: seconds that the vendor asks for; for `at_once` those until a key comes back.

        Returns:
            Whether the breaker is open now.
        """
        key = (provider_id, modality)
        known = self._known.get(key, CLOSED)
        if known.state is BreakerState.HALF_OPEN and probe is None:
            return True  # a call from before the opening; the probe decides
        failures = known.failures + 1
        self._known[key] = replace(known, failures=failures)
        opens = at_once or failures >= self._threshold
        if known.state is BreakerState.CLOSED and not opens:
            return False
        if at_once:
            what = "no usable key left"
        elif probe is not None:
            what = "the probe failed"
        else:
            what = f"{failures} of {self._threshold} consecutive failures, the last"
        reason = f"{what}: {error_class}" + (f" (HTTP {status})" if status else "")
        await self._open(key, error_class, reason, vendor_message, retry_after, probe=probe, opens=opens)
        return self._known[key].state is not BreakerState.CLOSED

    async def give_probe_back(self, provider_id: UUID, modality: Modality, lease: Lease) -> None:
        """A probe ended without telling anything (cancelled, the caller's own fault): the next request may probe."""
        await self._change((provider_id, modality), GIVE_BACK, {"lease": lease})

    async def _open(
        self,
        key: Key,
        error_class: ErrorClass,
        reason: str,
        vendor_message: str,
        retry_after: float | None,
        *,
        probe: Lease | None,
        opens: bool,
    ) -> None:
        provider_id, modality = key
        await self._database.execute(
            "insert into breakers (provider_id, modality) values (%s, %s) on conflict do nothing", key
        )
        known = self._known[key]
        repeats = known.openings if known.state is not BreakerState.CLOSED else 0
        until = self._clock() + opening_time(self._timeout, repeats, retry_after)
        changed = await self._change(
            key,
            OPEN,
            {"class": error_class, "until": until, "lease": probe, "opens": opens},
            event=("opened", reason),
            vendor=vendor_message,
        )
        if changed and known.state is not BreakerState.OPEN:
            log.warning("breaker opened", provider=str(provider_id), modality=str(modality), reason=reason)

    async def _change(
        self,
        key: Key,
        statement: str,
        params: dict[str, object],
        *,
        event: tuple[str, str] | None = None,
        vendor: str = "",
    ) -> bool:
        """Changes the row, keeps the event with its reason, and wakes the other processes, all or nothing.

        Returns:
            Whether there was anything to change; if not, the row is read again: a person or another process has
            decided otherwise meanwhile.
        """
        provider_id, modality = key
        kind, reason = event or (None, "")
        row = await self._database.fetch_one(
            statement,
            params
            | {
                "provider": provider_id,
                "modality": modality,
                "event": new_id(),
                "kind": kind and f"breaker_{kind}",
                "reason": reason,
                "said": vendor[:500],
                "topic": BREAKERS,
            },
        )
        if row is None:
            await self.reload()
            return False
        *fields, _ = row
        self._known[key] = self._read(key, fields)
        return True

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


def _changing(condition: str, changes: str) -> str:
    """The statement that changes a breaker where `condition` holds, tells of it, and returns the row.

    What was before is read under the row's lock, so that of two processes only one tells of an opening.
    """
    return f"""
with before as (
    select state as was from breakers
    where provider_id = %(provider)s and modality = %(modality)s and ({condition}) for update
), changed as (
    update breakers b set {changes}, updated_at = now() from before
    where b.provider_id = %(provider)s and b.modality = %(modality)s
    returning b.state, b.openings, b.error_class, b.reason, b.vendor_message, b.opened_at, b.open_until,
        b.probe_lease_until, before.was
), told as (
    insert into provider_events (id, provider_id, modality, kind, reason, detail)
    select %(event)s, %(provider)s, %(modality)s, %(kind)s::varchar, %(reason)s,
        jsonb_build_object('vendor', %(said)s::varchar, 'before', was)
    from changed where %(kind)s::varchar is not null and not (was = 'open' and state = 'open')
), raised as (
    {ANNOUNCE.replace("values (%(topic)s, 1)", "select %(topic)s, 1 from changed")} returning topic
)
select state, openings, error_class, reason, vendor_message, opened_at, open_until, probe_lease_until,
    (select pg_notify('{CHANNEL}', topic) from raised)::varchar
from changed
"""


TAKE = _changing(
    "(state = 'open' and open_until <= now())"
    " or (state = 'half_open' and coalesce(probe_lease_until, now()) <= now())",
    "state = 'half_open', probe_lease_until = now() + %(lease)s",
)
HELD = "state = 'half_open' and probe_lease_until = %(lease)s"
CLOSE = _changing(
    HELD,
    "state = 'closed', openings = 0, error_class = null, reason = null, vendor_message = null, opened_at = null,"
    " open_until = null, probe_lease_until = null, actor_id = null",
)
GIVE_BACK = _changing(HELD, "state = 'open', open_until = now(), probe_lease_until = null")
# A failure that arrives while the breaker is open already extends it, and is no new opening. One from before the opening
# does not disturb the probe that is out, nor the one that a person has asked for by a reset (open without an opening),
# and one that comes too late does not open what has been closed meanwhile. What a person isolated stays so.
OPEN = _changing(
    "case state when 'isolated' then false when 'closed' then %(opens)s"
    " when 'half_open' then probe_lease_until = %(lease)s else openings > 0 end",
    "state = 'open', error_class = %(class)s, reason = %(reason)s, vendor_message = %(said)s,"
    " probe_lease_until = null, actor_id = null, openings = b.openings + (b.state <> 'open')::int,"
    " opened_at = case when b.state = 'closed' then now() else coalesce(b.opened_at, now()) end,"
    " open_until = greatest(case when b.state = 'open' then b.open_until end, %(until)s)",
)
