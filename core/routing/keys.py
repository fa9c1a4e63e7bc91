"""Which of a provider's keys a call goes out with, and what becomes of a key that failed.

A rejected or exhausted key is set aside, with the reason, while the others serve; it is tried again after its time.
"""

import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from uuid import UUID

from core.database import Database
from core.errors import ErrorClass
from core.providers.config import KeyConfig, ProviderConfig
from core.providers.service import restore_key, set_key_aside

ASIDE = {ErrorClass.QUOTA: timedelta(minutes=15), ErrorClass.AUTHENTICATION: timedelta(hours=1)}
"""How long a key rests where the vendor names no time."""


class Keys:
    """Chooses keys, and remembers at once what the database will tell everybody a moment later."""

    def __init__(
        self, database: Database, *, clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        self._database = database
        self._clock = clock
        self._aside: dict[UUID, datetime] = {}

    def usable(self, provider: ProviderConfig) -> list[KeyConfig]:
        """The keys that calls may go out with now."""
        now = self._clock()
        return [key for key in provider.usable_keys(now) if self._aside.get(key.id, now) <= now]

    def choose(self, provider: ProviderConfig) -> KeyConfig | None:
        """One usable key, at random by weight."""
        keys = self.usable(provider)
        if len(keys) > 1:
            return random.choices(keys, [key.weight for key in keys])[0]  # noqa: S311 - spreads load, guards nothing
        return keys[0] if keys else None

    def choose_for_probe(self, provider: ProviderConfig) -> KeyConfig | None:
        """A key for a half-open breaker's probe: a usable one, else the one whose time comes soonest.

        A breaker that opened because the last key was set aside is closed by trying that key again.
        """
        if key := self.choose(provider):
            return key
        aside = [key for key in provider.keys if key.secret and key.state != "disabled"]
        return min(
            aside, key=lambda key: (key.state_until is None, key.state_until or self._clock()), default=None
        )

    async def failed(
        self,
        provider: ProviderConfig,
        key: KeyConfig,
        error_class: ErrorClass,
        reason: str,
        retry_after: float | None,
    ) -> None:
        """Sets the key aside, here and for everybody."""
        rest = timedelta(seconds=retry_after) if retry_after else ASIDE[error_class]
        until = self._clock() + rest
        self._aside[key.id] = until
        await set_key_aside(self._database, provider.id, key.id, error_class, reason[:500], until)

    async def served(self, key: KeyConfig) -> None:
        """A key that was set aside has served: back into use."""
        if self._aside.pop(key.id, None) is not None or key.state == "set_aside":
            await restore_key(self._database, key.id)

    def why_none(self, provider: ProviderConfig) -> str:
        """The sentence for the trace when no key is usable."""
        if not provider.keys:
            return "no key is configured"
        key = provider.keys[0]
        if key.fault:
            return f"key ····{key.last_four}: {key.fault}"
        until = self._aside.get(key.id) or key.state_until
        when = f", tried again at {until:%H:%M:%S} UTC" if until else ""
        return f"key ····{key.last_four} is set aside: {key.state_class or 'just now'}{when}"
