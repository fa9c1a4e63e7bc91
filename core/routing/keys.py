"""Which of a provider's keys a call goes out with, and what becomes of a key that failed.

A rejected or exhausted key is set aside, with the reason, while the others serve; it is tried again after its time, by
one request at a time.
"""

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from core.database import Database
from core.errors import DatabaseUnavailable, ErrorClass
from core.log import get_logger
from core.providers import resting
from core.providers.config import KeyConfig, ProviderConfig
from core.snapshot import Snapshot

log = get_logger(__name__)

FIRST_REST = timedelta(minutes=1)
TRYING = timedelta(seconds=90)
"""How long a key that is being tried again is left to the one request that tries it."""


@dataclass(slots=True)
class _Aside:
    """A key that failed here: until when it rests, and since when the database knows."""

    until: datetime
    told: datetime | None = None


class Keys:
    """Chooses keys, and remembers at once what the database will tell everybody a moment later.

    Args:
        rest: how long a key rests where the vendor names no time, twice as long each time that it fails again: as a
            breaker stays open.
    """

    def __init__(
        self,
        database: Database,
        *,
        rest: timedelta = FIRST_REST,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._database = database
        self._rest = rest
        self._clock = clock
        self._aside: dict[UUID, _Aside] = {}
        self._latest: Mapping[UUID, KeyConfig] = {}
        self._trying: dict[UUID, datetime] = {}
        self._used: dict[UUID, datetime] = {}
        self._unkept: set[UUID] = set()

    def usable(self, provider: ProviderConfig) -> list[KeyConfig]:
        """The keys that calls may go out with now."""
        now = self._clock()
        return [key for key in self._known(provider) if key.usable(now) and not self._rests(key, now)]

    def choose(self, provider: ProviderConfig) -> KeyConfig | None:
        """One usable key, at random by weight; one that failed before only while nobody else is trying it."""
        now = self._clock()
        keys = self.usable(provider)
        if len(keys) > 1:
            keys = [key for key in keys if self._trying.get(key.id, now) <= now] or keys
        if not keys:
            return None
        key = keys[0]
        if len(keys) > 1:
            key = random.choices(keys, [key.weight for key in keys])[0]  # noqa: S311 - spreads load, guards nothing
        if key.state == "set_aside" or key.id in self._aside:
            self._trying[key.id] = now + TRYING
        self.used(key)
        return key

    def choose_for_probe(self, provider: ProviderConfig) -> KeyConfig | None:
        """A key for a half-open breaker's probe: a usable one, else the one whose time comes soonest.

        A breaker that opened because the last key was set aside is closed by trying that key again.
        """
        if key := self.choose(provider):
            return key
        now = self._clock()
        key = min(self._resting(provider), key=lambda key: self._back(key) or LAST, default=None)
        if key:
            self._trying[key.id] = now + TRYING
            self.used(key)
        return key

    def back_in(self, provider: ProviderConfig) -> float | None:
        """Seconds until the first of the keys that are set aside comes back; None where there is none."""
        times = [back for key in self._resting(provider) if (back := self._back(key))]
        return max(0.0, (min(times) - self._clock()).total_seconds()) if times else None

    async def failed(
        self,
        provider: ProviderConfig,
        key: KeyConfig,
        error_class: ErrorClass,
        reason: str,
        retry_after: float | None,
    ) -> None:
        """Sets the key aside, here and for everybody."""
        named = self._clock() + timedelta(seconds=retry_after) if retry_after else None
        # Here at once, so that nobody takes it while the database is being told.
        mine = self._aside[key.id] = _Aside(named or self._clock() + self._rest)
        self._trying.pop(key.id, None)
        mine.until = await resting.set_key_aside(
            self._database, provider.id, key.id, error_class, reason[:500], until=named, rest=self._rest
        )
        mine.told = datetime.now(UTC)

    async def served(self, key: KeyConfig) -> None:
        """A key that was set aside and tried again has served: back into use.

        A call that went out before it was set aside says nothing about it now.
        """
        if self._trying.pop(key.id, None) is not None:
            await self.accepted(key)

    async def accepted(self, key: KeyConfig) -> None:
        """The vendor takes a key that was set aside: back into use."""
        self._aside.pop(key.id, None)
        await resting.restore_key(self._database, key.id)

    def learn(self, snapshot: Snapshot) -> None:
        """What the database was told before it was read for this snapshot, the snapshot knows, and rules.

        So a key that a person has put back is not held aside here any longer; and a request that began with an older
        snapshot does not take a key that has been set aside since.
        """
        self._latest = {key.id: key for provider in snapshot.providers for key in provider.keys}
        now = self._clock()
        for key_id, aside in list(self._aside.items()):
            if aside.until <= now if aside.told is None else aside.told <= snapshot.taken_at:
                del self._aside[key_id]

    def used(self, key: KeyConfig) -> None:
        """Notes that a call goes out with the key."""
        self._used[key.id] = self._clock()
        self._unkept.add(key.id)

    async def last_used(self, provider: ProviderConfig) -> Mapping[UUID, datetime]:
        """When each key was last used: here to the moment, elsewhere to within a minute."""
        times = dict(await resting.last_used(self._database, provider.id))
        for key in provider.keys:
            if here := self._used.get(key.id):
                times[key.id] = max(here, times.get(key.id, here))
        return times

    async def keep_used(self) -> None:
        """Keeps when keys were last used, for everybody and after a restart: now and then, and at the stop.

        A process that is killed loses what came after the last time, and nothing depends on it.
        """
        fresh, self._unkept = self._unkept, set()
        try:
            await resting.mark_used(self._database, {key_id: self._used[key_id] for key_id in fresh})
        except DatabaseUnavailable:
            self._unkept |= fresh
            log.warning("the last use of keys was not kept, the database does not answer")

    def why_none(self, provider: ProviderConfig) -> str:
        """The sentence for the trace when no key is usable: each key with its reason."""
        if not provider.keys:
            return "no key is configured"
        now = self._clock()
        return "; ".join(self._why(key, now) for key in self._known(provider))

    def _why(self, key: KeyConfig, now: datetime) -> str:
        name = f"key ····{key.last_four}"
        if key.fault:
            return f"{name}: {key.fault}"
        if key.state == "disabled":
            return f"{name} is switched off"
        if key.expired(now):
            return f"{name} has expired"
        until = self._back(key)
        when = f", tried again at {until:%H:%M:%S} UTC" if until else ""
        return f"{name} is set aside: {key.state_class or 'just now'}{when}"

    def _known(self, provider: ProviderConfig) -> list[KeyConfig]:
        """The provider's keys as the newest snapshot has them, whatever snapshot the provider is from."""
        return [self._latest.get(key.id, key) for key in provider.keys]

    def _rests(self, key: KeyConfig, now: datetime) -> bool:
        aside = self._aside.get(key.id)
        return aside is not None and aside.until > now

    def _resting(self, provider: ProviderConfig) -> list[KeyConfig]:
        """The keys that would serve if they were not set aside."""
        now = self._clock()
        return [
            key
            for key in self._known(provider)
            if key.secret and key.state != "disabled" and not key.expired(now)
        ]

    def _back(self, key: KeyConfig) -> datetime | None:
        """When a key is tried again."""
        aside = self._aside.get(key.id)
        return aside.until if aside else key.state_until


LAST = datetime.max.replace(tzinfo=UTC)
