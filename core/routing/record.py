"""What happened on one walk: its steps, which become the trace, and its attempts."""

import time

from core.errors import AllProvidersFailed
from core.providers.base import Usage
from core.routing.attempt import Attempt
from core.routing.route import Route, Stop
from core.routing.trace import Decision, Reason, Step
from core.snapshot import Offer


class Record:
    """Begins with the route's own steps. Times in milliseconds from its beginning."""

    def __init__(self, route: Route) -> None:
        self._began = time.perf_counter()
        self.modality = route.modality
        self.attempts: list[Attempt] = []
        self.steps: list[Step] = list(route.skipped)

    @property
    def current(self) -> Attempt | None:
        """The attempt that serves, else the last one made."""
        for attempt in self.attempts:
            if attempt.serving:
                return attempt
        return self.attempts[-1] if self.attempts else None

    def delivered(self) -> Usage:
        """What a stream that was cut had brought: known, or estimated and marked so."""
        attempt = self.current
        return attempt.usage if attempt and attempt.usage else Usage()

    def elapsed(self) -> float:
        """Seconds since the beginning."""
        return time.perf_counter() - self._began

    def elapsed_ms(self) -> int:
        return round(self.elapsed() * 1000)

    def vendor_ms(self) -> int:
        """The time during which a vendor was waited for; calls that ran side by side count once."""
        total = until = 0
        for attempt in self.attempts:
            end = attempt.offset_ms + attempt.latency_ms
            total += max(0, end - max(until, attempt.offset_ms))
            until = max(until, end)
        return total

    def skip(self, stop: Stop, reason: Reason, detail: str, offer: Offer | None = None) -> None:
        """A step for a candidate that was not asked."""
        self._add(stop, offer or stop.offers[0], Decision.SKIPPED, reason, detail)

    def not_needed(self, stop: Stop, reason: Reason, detail: str) -> None:
        """A step for a candidate whose turn never came."""
        self._add(stop, stop.offers[0], Decision.NOT_NEEDED, reason, detail)

    def exhausted(self) -> AllProvidersFailed:
        """The error that lists each provider with its cause."""
        causes: dict[str, Step] = {
            step.provider: step for step in self.steps if step.reason is not Reason.NO_FALLBACK
        }
        sentences = [f"{step.provider}: {step.detail}" for step in causes.values()]
        return AllProvidersFailed(
            "No provider could answer. " + "; ".join(sentences) + ".",
            details={
                "causes": [
                    {
                        "provider": s.provider,
                        "model": s.model,
                        "class": s.error_class or s.reason.value,
                        "message": s.detail,
                    }
                    for s in causes.values()
                ]
            },
        )

    def _add(self, stop: Stop, offer: Offer, decision: Decision, reason: Reason, detail: str) -> None:
        step = Step(stop.provider.slug, offer.model.id, decision, reason, detail, self.elapsed_ms())
        step.note = stop.note
        self.steps.append(step)
