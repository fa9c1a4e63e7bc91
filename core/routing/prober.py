"""Cost-free probes: once a minute one process asks every vendor whether it is there and takes our keys.

A probe never opens or closes a breaker: it proves key and reach, not that a generation would succeed
(docs/decisions/0005). What it says of a key counts: a rejected one is set aside, and put back when it answers again.
"""

import asyncio
import random
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime

from core.database import Database
from core.errors import DatabaseUnavailable, ErrorClass
from core.log import get_logger
from core.providers.base import CONNECT_TIMEOUT, Connection, ProviderError
from core.providers.clients import ClientPool
from core.providers.config import KeyConfig, ProviderConfig
from core.routing.keys import Keys
from core.routing.probes import Probe, keep_probe
from core.snapshot import SnapshotHolder

log = get_logger(__name__)

SPREAD_SECONDS = 20.0
"""The providers of a round are asked at moments spread over so long."""
LONGEST_SECONDS = 35.0
"""For one provider with all its keys: a round is over before the next one begins."""


class Prober:
    """Probes with the connections that calls use; one per process, of which one makes the rounds."""

    def __init__(
        self,
        database: Database,
        snapshots: SnapshotHolder,
        keys: Keys,
        clients: ClientPool,
        *,
        spread: float | None = None,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._database = database
        self._snapshots = snapshots
        self._keys = keys
        self._clients = clients
        self._spread = SPREAD_SECONDS if spread is None else spread
        self._clock = clock
        self._looks: set[asyncio.Task[None]] = set()
        self._closed = False

    async def round(self) -> None:
        """Every provider that is on and may be probed, at once but for the spread. Vendors' failures are what is being
        looked for; a database that is away leaves the round without a record."""
        async with asyncio.TaskGroup() as group:
            for provider in self._snapshots.current.real_providers:
                if provider.probing and not self._closed:
                    look = group.create_task(self._look_at(provider))
                    self._looks.add(look)
                    look.add_done_callback(self._looks.discard)

    def close(self) -> None:
        """No more probes: a process that ends waits neither for its place in the minute nor for a slow vendor."""
        self._closed = True
        for look in self._looks:
            look.cancel()

    async def _look_at(self, provider: ProviderConfig) -> None:
        await asyncio.sleep(random.uniform(0, self._spread))  # noqa: S311 - spreads load, guards nothing
        try:
            with suppress(TimeoutError):
                async with asyncio.timeout(LONGEST_SECONDS):
                    await self._ask(provider)
        except DatabaseUnavailable:
            log.warning("a probe could not be recorded, the database does not answer", provider=provider.slug)

    async def _ask(self, provider: ProviderConfig) -> None:
        """With one key after another, until the trouble is the vendor's and not a key's."""
        now = self._clock()
        keys = [key for key in provider.keys if _worth_asking(key, now)]
        for key in keys if provider.needs_key or keys else [None]:
            probe = await self._probe(provider, key)
            await keep_probe(self._database, provider.id, probe)
            if key is not None:
                await self._draw_consequences(provider, key, probe)
            if not probe.answered:
                return

    async def _probe(self, provider: ProviderConfig, key: KeyConfig | None) -> Probe:
        connection = Connection(provider.kind, provider.base_url, key.secret if key else None)
        client = self._clients.get(str(key.id if key else provider.id), connection)
        key_id, at, started = key.id if key else None, self._clock(), time.perf_counter()
        try:
            async with asyncio.timeout(CONNECT_TIMEOUT):
                result = await client.probe(timeout=CONNECT_TIMEOUT)
        except (ProviderError, TimeoutError) as failure:
            taken = round((time.perf_counter() - started) * 1000)
            if isinstance(failure, ProviderError):
                return Probe(
                    at, key_id, False, taken, failure.error_class, failure.status, failure.message or None
                )
            return Probe(at, key_id, False, taken, ErrorClass.TIMEOUT)
        return Probe(at, key_id, True, round(result.latency_ms))

    async def _draw_consequences(self, provider: ProviderConfig, key: KeyConfig, probe: Probe) -> None:
        """What the probe means for the key."""
        if probe.ok and _rejected(key):
            await self._keys.accepted(key)
        elif probe.error_class is ErrorClass.AUTHENTICATION and key in self._keys.usable(provider):
            await self._keys.failed(
                provider, key, ErrorClass.AUTHENTICATION, probe.vendor_message or "", None
            )


def _worth_asking(key: KeyConfig, now: datetime) -> bool:
    """Usable ones, and those rejected; of an exhausted one a probe would say nothing."""
    return key.usable(now) or (_rejected(key) and not key.fault and not key.expired(now))


def _rejected(key: KeyConfig) -> bool:
    return key.state == "set_aside" and key.state_class is ErrorClass.AUTHENTICATION
