"""What the page knows of a provider at one moment."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from core.bootstrap import Purser
from core.providers.config import ProviderConfig
from core.routing.breaker import Status
from core.routing.health import NO_CALLS, Calls, Health, health
from core.vocabulary import Modality


@dataclass(frozen=True, slots=True)
class State:
    """A provider with its breaker, its calls of late, and the one word for all of it."""

    provider: ProviderConfig
    breaker: Status
    calls: Calls
    health: Health
    usable_keys: int
    probe_due: bool

    @property
    def without_key(self) -> bool:
        """Whether it could be called but for a key."""
        return self.provider.needs_key and not self.usable_keys


async def states(purser: Purser, now: datetime) -> list[State]:
    """All providers, in the order of text; their calls are read once for all open pages."""
    calls = await purser.parts.calls(now)
    return [
        _state(purser, provider, calls.get(provider.id, NO_CALLS), now)
        for provider in purser.snapshots.current.providers
    ]


def find(known: list[State], provider_id: UUID | None) -> State | None:
    """The state of one of them."""
    return next((one for one in known if one.provider.id == provider_id), None)


def _state(purser: Purser, provider: ProviderConfig, calls: Calls, now: datetime) -> State:
    breaker = purser.breakers.status(provider.id, Modality.TEXT)
    usable = len(purser.keys.usable(provider))
    return State(
        provider,
        breaker,
        calls,
        health(provider, breaker, calls, now, usable_keys=usable),
        usable,
        breaker.probe_due(now),
    )
