"""How every provider is, in one reading that all pages of a process share.

Breakers, keys and configuration are in memory and read each time; what the database says of calls, probes and history
is read at most every few seconds, however many ask. A database that is away leaves the last figures standing.
"""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from itertools import takewhile
from types import MappingProxyType
from uuid import UUID
from zoneinfo import ZoneInfo

from core.database import Database, end
from core.errors import DatabaseUnavailable
from core.log import get_logger
from core.providers.config import ProviderConfig
from core.routing import history
from core.routing.breaker import Breakers, Status
from core.routing.health import Health, Verdict, health, overall
from core.routing.history import Day, Tick
from core.routing.keys import Keys
from core.routing.performance import NOTHING, Line, Performance, Performances, shares
from core.routing.probes import Probe, recent_probes
from core.snapshot import SnapshotHolder
from core.vocabulary import Modality

log = get_logger(__name__)

KEPT_SECONDS = 0.5
FIGURES_SECONDS = 5.0
TICKS_SECONDS = 60.0
UPTIME_SECONDS = 300.0
LATE_SECONDS = 15.0
"""Figures older than this are shown as old: the database does not answer."""
PATIENCE = 2.0
"""Seconds for which a reading waits for figures; then it goes out with the last ones."""


@dataclass(frozen=True, slots=True)
class ModalityState:
    """A provider in one modality. `share` is its part of the live traffic of 15 minutes, None where there was none."""

    modality: Modality
    health: Health
    reasons: tuple[str, ...]
    breaker: Status
    performance: Performance
    share: float | None = None


@dataclass(frozen=True, slots=True)
class ProviderState:
    """A provider at one moment; `health` and `reasons` are the worst of its modalities.

    `last_probe` is the newest cost-free probe of the last hour, `silent_since` the first of those that have gone
    unanswered since the last answer. `ticks` are the last 24 hours, `uptime` 90 days with today last; both are empty
    while nothing is known.
    """

    provider: ProviderConfig
    health: Health
    reasons: tuple[str, ...]
    usable_keys: int
    by_modality: Mapping[Modality, ModalityState]
    performance: Performance = NOTHING
    last_probe: Probe | None = None
    silent_since: datetime | None = None
    ticks: tuple[Tick, ...] = ()
    uptime: tuple[Day, ...] = ()

    @property
    def spend_24h(self) -> Decimal:
        """USD of the last 24 hours, as far as priced."""
        return self.performance.cost

    @property
    def without_key(self) -> bool:
        """Whether it could be called but for a key."""
        return self.provider.needs_key and not self.usable_keys

    @property
    def uptime_share(self) -> float | None:
        """The mean of the days of which something is known."""
        known = [day.share for day in self.uptime if day.share is not None]
        return sum(known) / len(known) if known else None


@dataclass(frozen=True, slots=True)
class BoardState:
    """All providers, in the order of text. Two are equal when a page would show the same; when they were taken, and
    how old their figures are (None: there are none yet), makes no difference, as long as they are not `late`."""

    taken_at: datetime = field(compare=False)
    figures_at: datetime | None = field(compare=False)
    providers: tuple[ProviderState, ...]
    late: bool = False

    def find(self, provider_id: UUID | None) -> ProviderState | None:
        """One provider, by its id."""
        return next((one for one in self.providers if one.provider.id == provider_id), None)


@dataclass(frozen=True, slots=True)
class _Figures:
    """What the database says."""

    at: datetime
    performance: Mapping[Line, Performance]
    probes: Mapping[UUID, Sequence[Probe]]
    ticks: Mapping[UUID, Sequence[Tick]]
    uptime: Mapping[UUID, Sequence[Day]]


class Board:
    """One per process."""

    def __init__(
        self,
        database: Database,
        snapshots: SnapshotHolder,
        breakers: Breakers,
        keys: Keys,
        zone: ZoneInfo,
        *,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._database = database
        self._snapshots = snapshots
        self._breakers = breakers
        self._keys = keys
        self._zone = zone
        self._clock = clock
        self._performances = Performances(database)
        self._reading = asyncio.Lock()
        self._last: tuple[float, BoardState] | None = None
        self._figures: _Figures | None = None
        self._providers: frozenset[UUID] = frozenset()
        self._figures_due = 0.0
        self._patient_until = 0.0
        self._ticks_due = 0.0
        self._uptime_due = 0.0
        self._learning: asyncio.Task[None] | None = None

    async def read(self) -> BoardState:
        """All providers as of now or of half a second ago. Never raises for a database that is away."""
        async with self._reading:
            if self._last is None or time.monotonic() - self._last[0] > KEPT_SECONDS:
                await self._learn()
                self._last = time.monotonic(), self._state()
            return self._last[1]

    def forget(self) -> None:
        """The next reading is made anew: what somebody has just changed is seen at once."""
        self._last = None

    async def close(self) -> None:
        """Ends a reading under way."""
        if self._learning:
            await end([self._learning])

    async def _learn(self) -> None:
        """Figures that are due are read, and waited for a moment; they come in even when nobody waits any more."""
        now = time.monotonic()
        if self._learning is None and now >= self._figures_due:
            self._figures_due = now + FIGURES_SECONDS
            self._patient_until = now + PATIENCE
            self._learning = asyncio.create_task(self._read_figures(now))
        if self._learning:
            await asyncio.wait([self._learning], timeout=max(0.0, self._patient_until - now))
            if self._learning.done():
                self._learning = None

    async def _read_figures(self, started: float) -> None:
        now, before = self._clock(), self._figures
        providers = frozenset(one.id for one in self._snapshots.current.providers)
        if providers != self._providers:
            # The demo's come with a past.
            self._performances.forget()
            self._ticks_due = self._uptime_due = 0.0
            self._providers = providers
        try:
            performance = await self._performances.read(now)
            probes = await recent_probes(self._database, now)
            ticks, uptime = (before.ticks, before.uptime) if before else ({}, {})
            if started >= self._ticks_due:
                ticks = await history.hours(self._database, now)
                self._ticks_due = started + TICKS_SECONDS
            if started >= self._uptime_due:
                uptime = await history.uptime(self._database, self._zone, now)
                self._uptime_due = started + UPTIME_SECONDS
        except DatabaseUnavailable:
            return
        except Exception:
            log.exception("the providers' figures could not be read")
            return
        self._figures = _Figures(now, performance, probes, ticks, uptime)

    def _state(self) -> BoardState:
        now, figures = self._clock(), self._figures
        share = shares(figures.performance) if figures else {}
        providers = tuple(
            self._provider(provider, figures, share, now) for provider in self._snapshots.current.providers
        )
        late = figures is not None and (now - figures.at).total_seconds() > LATE_SECONDS
        return BoardState(now, figures.at if figures else None, providers, late)

    def _provider(
        self, provider: ProviderConfig, figures: _Figures | None, share: Mapping[Line, float], now: datetime
    ) -> ProviderState:
        performance = figures.performance if figures else {}
        probes = figures.probes.get(provider.id, ()) if figures else ()
        usable = len(self._keys.usable(provider))
        by_modality: dict[Modality, ModalityState] = {}
        for modality in modalities(provider):
            breaker = self._breakers.status(provider.id, modality)
            done = performance.get((provider.id, modality), NOTHING)
            verdict = health(provider, breaker, done.recent, now, usable_keys=usable, probes=probes)
            by_modality[modality] = ModalityState(
                modality, verdict.word, verdict.reasons, breaker, done, share.get((provider.id, modality))
            )
        whole = overall(Verdict(one.health, one.reasons) for one in by_modality.values())
        ticks = tuple(figures.ticks.get(provider.id, ())) if figures else ()
        if ticks and whole.word in (Health.DOWN, Health.HALF_OPEN):
            ticks = (*ticks[:-1], Tick(ticks[-1].at, whole.word))  # known sooner than the next fold
        return ProviderState(
            provider,
            whole.word,
            whole.reasons,
            usable,
            MappingProxyType(by_modality),
            performance.get((provider.id, None), NOTHING),
            probes[0] if probes else None,
            min((probe.at for probe in takewhile(lambda one: not one.answered, probes)), default=None),
            ticks,
            tuple(figures.uptime.get(provider.id, ())) if figures else (),
        )


def modalities(provider: ProviderConfig) -> tuple[Modality, ...]:
    """What a provider serves: where it has a rank, else (the demo's have none) where it has a model."""
    named = provider.ranks or provider.default_models
    return tuple(modality for modality in Modality if modality in named) or (Modality.TEXT,)
