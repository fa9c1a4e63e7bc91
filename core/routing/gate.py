"""What changes from moment to moment, and belongs to all: breakers, keys, limits, scores.

A walk asks the gate before a call whether a provider may be called now and with which key, and tells it afterwards
what became of the call. An attempt under a drill passes by: it draws no consequences for anybody.
"""

from collections.abc import Container
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from core.errors import DatabaseUnavailable
from core.log import get_logger
from core.providers.base import ProviderError
from core.providers.clients import ClientPool
from core.providers.config import Drill, KeyConfig, ProviderConfig
from core.routing.attempt import Attempt
from core.routing.breaker import Breakers, Lease
from core.routing.drill import DrilledCaller
from core.routing.keys import Keys
from core.routing.meter import Meter
from core.routing.models import BreakerState
from core.routing.policy import POLICIES
from core.routing.record import Record
from core.routing.route import Stop
from core.routing.scores import Scores
from core.routing.trace import Reason

log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Means:
    """What all walks of a process share."""

    clients: ClientPool
    breakers: Breakers
    meter: Meter
    keys: Keys
    scores: Scores


@dataclass(frozen=True, slots=True)
class Admitted:
    """A stop that may be called now; `probe` is the lease where the call is the breaker's one probe."""

    stop: Stop
    probe: Lease | None = None


class Gate:
    """One walk's dealings with what is shared. `test` traffic meets drills."""

    def __init__(self, means: Means, record: Record, *, test: bool) -> None:
        self._means = means
        self._record = record
        self._test = test
        self._probes: dict[UUID, Lease] = {}

    async def admit(self, stop: Stop) -> Admitted | None:
        """Whether the stop may be called now; None where not, with a step that says why."""
        means, record, provider = self._means, self._record, stop.provider
        now = datetime.now(UTC)
        status = means.breakers.status(provider.id, record.modality)
        if status.state is BreakerState.ISOLATED:
            record.skip(stop, Reason.ISOLATED, f"isolated: {status.reason or 'by a person'}")
            return None
        if status.refuses(now):
            if status.state is BreakerState.HALF_OPEN:
                record.skip(stop, Reason.TESTING, "half-open: one probe is out")
            else:
                wait = max(0, round((status.open_until - now).total_seconds())) if status.open_until else 0
                record.skip(
                    stop, Reason.BREAKER_OPEN, f"breaker open ({status.reason}), next probe in {wait} s"
                )
            return None
        refusal = means.meter.refusal(provider.id, provider.limits)
        if refusal:
            record.skip(stop, Reason.LIMIT, refusal)
            return None
        if status.state is BreakerState.CLOSED:
            return Admitted(stop)
        if self._drill(provider):
            record.skip(stop, Reason.BREAKER_OPEN, f"breaker open ({status.reason}); a drill takes no probe")
            return None
        if lease := await means.breakers.take_probe(provider.id, record.modality):
            self._probes[provider.id] = lease
            return Admitted(stop, lease)
        record.skip(stop, Reason.TESTING, "half-open: one probe is out")
        return None

    def is_closed(self, provider: ProviderConfig) -> bool:
        """Whether the breaker lets calls through."""
        return self._means.breakers.status(provider.id, self._record.modality).state is BreakerState.CLOSED

    def key(
        self, provider: ProviderConfig, *, probe: bool, refused: Container[UUID] = ()
    ) -> KeyConfig | None:
        """A key to call with. Under a drill any that it has not refused in this walk: `refused`."""
        keys = self._means.keys
        if self._drill(provider):
            return next((key for key in keys.usable(provider) if key.id not in refused), None)
        return keys.choose_for_probe(provider) if probe else keys.choose(provider)

    def has_key(self, provider: ProviderConfig, refused: Container[UUID]) -> bool:
        """Whether there is a usable key besides those that a drill has refused (real refusals set a key aside)."""
        return any(key.id not in refused for key in self._means.keys.usable(provider))

    def why_no_key(self, provider: ProviderConfig) -> str:
        """The sentence for the trace where no key is usable."""
        return self._means.keys.why_none(provider)

    def began(self, attempt: Attempt) -> None:
        """A call begins: it is counted, or meets the drill of its provider."""
        if drill := self._drill(attempt.offer.provider):
            self._rehearse(attempt, drill)
        else:
            self._means.meter.began(attempt.offer.provider.id)

    def ended(self, attempt: Attempt) -> None:
        """A call is over, however it ended."""
        if attempt.asked:
            usage = attempt.usage
            tokens = usage.input_tokens + usage.output_tokens if usage else 0
            self._means.meter.ended(attempt.offer.provider.id, tokens, attempt.cost)

    async def answered(self, attempt: Attempt) -> None:
        """What an answer means for the breaker, the key and the score."""
        if attempt.drill is not None:
            return
        means, provider = self._means, attempt.offer.provider
        means.scores.learn(provider.id, attempt.offer.model.id, attempt.latency_ms / 1000)
        await means.breakers.succeeded(provider.id, self._record.modality, probe=attempt.probe)
        self._probes.pop(provider.id, None)
        if attempt.key is not None:
            await means.keys.served(attempt.key)

    async def failed(self, attempt: Attempt, error: ProviderError) -> None:
        """What a failure means for them; the caller's own fault says nothing of the provider."""
        means, provider, policy = self._means, attempt.offer.provider, POLICIES[error.error_class]
        if attempt.drill is not None or not policy.next_provider:
            return
        means.scores.learn(provider.id, attempt.offer.model.id, None)
        at_once = False
        if policy.sets_key_aside:
            if attempt.key is not None:
                await means.keys.failed(
                    provider, attempt.key, error.error_class, error.message, error.retry_after
                )
            at_once = not means.keys.usable(provider)
        # Without any key the provider waits for the first that comes back, whatever the vendor said of the last one.
        back = means.keys.back_in(provider) if at_once else None
        if policy.counts or at_once or attempt.probe is not None:
            attempt.opened = await means.breakers.failed(
                provider.id,
                self._record.modality,
                error.error_class,
                error.message,
                probe=attempt.probe,
                status=error.status,
                retry_after=error.retry_after if back is None else back,
                at_once=at_once,
            )
            self._probes.pop(provider.id, None)

    async def close(self) -> None:
        """Gives back the probes that told nothing: cancelled, the caller's own fault, no key to go out with."""
        while self._probes:
            provider_id, lease = self._probes.popitem()
            try:
                await self._means.breakers.give_probe_back(provider_id, self._record.modality, lease)
            except DatabaseUnavailable:  # the probe's lease runs out by itself
                log.warning("a probe could not be given back, the database does not answer")

    def _drill(self, provider: ProviderConfig) -> Drill | None:
        return provider.drilled(datetime.now(UTC)) if self._test and provider.drill else None

    def _rehearse(self, attempt: Attempt, drill: Drill) -> None:
        """Puts the drill before the vendor, who is asked, and counted, only by a call that gets through."""

        def asking() -> None:
            attempt.asked = True
            self._means.meter.began(attempt.offer.provider.id)
            if attempt.key is not None:
                self._means.keys.used(attempt.key)

        attempt.drill, attempt.asked = drill, False
        attempt.client = DrilledCaller(attempt.client, drill, asking)
        attempt.step.simulated = True
