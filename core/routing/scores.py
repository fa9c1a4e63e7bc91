"""The strategy "score": what speaks for each candidate, as one figure with its parts.

Reliability and latency are moving averages of the calls that this process made. They start from the last attempts in
the database, so that a restart forgets nothing. The figures themselves are a pure function over the candidates of one
request.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from uuid import UUID

from core.database import Database
from core.entitlements.models import Tier
from core.errors import ErrorClass
from core.routing.policy import POLICIES
from core.snapshot import Offer

SUCCESS_KEPT, LATENCY_KEPT = 0.9, 0.8
"""What a moving average keeps of its past at each call; the rest is the call's."""
REMEMBERED = 200
"""So many attempts of each provider are read at the start: what came before weighs nothing any more."""
TYPICAL_INPUT, TYPICAL_OUTPUT = 1_000, 500
"""Tokens of the request that a page compares prices by."""


@dataclass(frozen=True, slots=True)
class Track:
    """How a model has done at a provider: the share of good calls, and seconds until the whole answer."""

    success: float = 0.9
    latency: float = 15.0

    def after(self, latency: float | None) -> "Track":
        """The averages after one more call: `latency` in seconds, None where it failed.

        A failure says nothing of how long an answer takes.
        """
        if latency is None:
            return Track(self.success * SUCCESS_KEPT, self.latency)
        return Track(
            self.success * SUCCESS_KEPT + (1 - SUCCESS_KEPT),
            self.latency * LATENCY_KEPT + latency * (1 - LATENCY_KEPT),
        )


UNTRIED = Track()


@dataclass(frozen=True, slots=True)
class Weights:
    """What counts how much (DATA, Defaults)."""

    cost: float = 0.3
    quality: float = 0.3
    speed: float = 0.2
    reliability: float = 0.4


WEIGHTS: Mapping[Tier, Weights] = {
    Tier.FREE: Weights(cost=0.7),
    Tier.PAID: Weights(),
    Tier.PREMIUM: Weights(quality=0.7),
}


@dataclass(frozen=True, slots=True)
class Candidate:
    """What a score is made of: cost in USD (None: unpriced), quality and success 0 to 1, latency in seconds."""

    cost: Decimal | None
    quality: float
    latency: float
    success: float


@dataclass(frozen=True, slots=True)
class Score:
    """All figures are 0 to 1, 1 the best; `total` is the mean of the parts by weight."""

    total: float
    cost: float
    quality: float
    speed: float
    reliability: float

    def words(self) -> str:
        """The score with its parts, for a trace."""
        return (
            f"score {self.total:.2f}: cost {self.cost:.2f}, quality {self.quality:.2f}, speed {self.speed:.2f},"
            f" reliability {self.reliability:.2f}"
        )


def rate(candidates: Sequence[Candidate], weights: Weights) -> list[Score]:
    """The score of each candidate, in their order.

    Cost and speed are relative: the cheapest and the quickest get 1, one that is twice as dear or slow 0.5. What is
    unpriced counts as the dearest. Quality and reliability stand for themselves.
    """
    if not candidates:
        return []
    known = [one.cost for one in candidates if one.cost is not None]
    dearest, cheapest = max(known, default=Decimal(0)), min(known, default=Decimal(0))
    quickest = min(one.latency for one in candidates)
    whole = weights.cost + weights.quality + weights.speed + weights.reliability
    scores: list[Score] = []
    for one in candidates:
        usd = dearest if one.cost is None else one.cost
        cost = float(cheapest / usd) if usd else 1.0
        speed = quickest / one.latency if one.latency else 1.0
        total = (
            weights.cost * cost
            + weights.quality * one.quality
            + weights.speed * speed
            + weights.reliability * one.success
        ) / whole
        scores.append(Score(total, cost, one.quality, speed, one.success))
    return scores


class Scores:
    """This process's experience with each model at each provider; one per process."""

    def __init__(self) -> None:
        self._tracks: dict[tuple[UUID, str], Track] = {}

    async def load(self, database: Database) -> None:
        """Starts from the last attempts of all processes."""
        tracks: dict[tuple[UUID, str], Track] = {}
        for provider_id, model, outcome, latency_ms in await database.fetch_all(
            LAST_ATTEMPTS, {"limit": REMEMBERED, "faults": CALLERS_FAULTS}
        ):
            key = (provider_id, model)
            latency = latency_ms / 1000 if outcome == "completed" else None
            tracks[key] = tracks.get(key, UNTRIED).after(latency)
        self._tracks = tracks

    def track(self, provider_id: UUID, model_id: str) -> Track:
        """How the model has done there; the start values where it was never called."""
        return self._tracks.get((provider_id, model_id), UNTRIED)

    def learn(self, provider_id: UUID, model_id: str, latency: float | None) -> None:
        """One more call: seconds until the whole answer, None where the provider failed.

        Callers leave out what says nothing of the provider: simulated and cancelled calls, the caller's own faults.
        """
        key = (provider_id, model_id)
        self._tracks[key] = self._tracks.get(key, UNTRIED).after(latency)

    def parts(
        self,
        offers: Sequence[Offer],
        *,
        tier: Tier = Tier.PAID,
        input_tokens: int = TYPICAL_INPUT,
        max_tokens: int = TYPICAL_OUTPUT,
        now: datetime | None = None,
    ) -> list[Score]:
        """The scores of the offers that compete for one request, in their order."""
        now = now or datetime.now(UTC)
        tracks = [self.track(offer.provider.id, offer.model.id) for offer in offers]
        return rate(
            [
                Candidate(
                    offer.estimated_cost(input_tokens, max_tokens, now),
                    offer.model.quality,
                    track.latency,
                    track.success,
                )
                for offer, track in zip(offers, tracks, strict=True)
            ],
            WEIGHTS[tier],
        )


CALLERS_FAULTS = [one.value for one in ErrorClass if not POLICIES[one].next_provider]

# The index on provider and id brings the newest of each provider; nothing else of the table is read.
LAST_ATTEMPTS = """
select p.id, a.model, a.outcome, a.latency_ms
from providers p cross join lateral (
    select id, model, outcome, latency_ms, error_class, simulated, traffic from attempts
    where provider_id = p.id order by id desc limit %(limit)s
) a
where not a.simulated and a.traffic <> 'demo' and a.outcome <> 'cancelled'
    and coalesce(a.error_class, '') <> all(%(faults)s::varchar[])
order by a.id
"""
