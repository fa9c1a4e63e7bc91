"""How a provider is doing: one word, and the reasons for it, from its breaker, its keys, its probes and its calls of late.

Probes prove key and reach, not quota, and calls prove everything: where both speak, a call that went well outweighs
probes that did not.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from core.providers.config import ProviderConfig
from core.routing.breaker import Status
from core.routing.models import BreakerState
from core.routing.probes import LATELY, Probe

DEGRADED_BELOW = 0.95
LEAST_CALLS = 5
"""So many calls are needed before a rate says anything."""
FAILURES_IN_A_ROW = 2
PROBES_IN_A_ROW = 3


class Health(StrEnum):
    HEALTHY = "healthy"
    DEGRADED = "degraded"
    DOWN = "down"
    HALF_OPEN = "half_open"
    UNKNOWN = "unknown"
    DISABLED = "disabled"


@dataclass(frozen=True, slots=True)
class Calls:
    """Real calls of the last five minutes, live and test, and how many went well.

    Simulated and cancelled calls and the caller's own faults (invalid requests, blocked content) are none of them.
    """

    recent: int = 0
    good: int = 0


NO_CALLS = Calls()


@dataclass(frozen=True, slots=True)
class Verdict:
    """The word, and what led to it in a few words each; nothing has to be said of what is healthy."""

    word: Health
    reasons: tuple[str, ...] = ()


def health(
    provider: ProviderConfig,
    breaker: Status,
    calls: Calls,
    now: datetime,
    *,
    usable_keys: int,
    probes: Sequence[Probe] = (),
) -> Verdict:
    """The one word for a provider in one modality; `probes` the newest first."""
    if not provider.enabled:
        return Verdict(Health.DISABLED)
    if breaker.state is BreakerState.HALF_OPEN:
        return Verdict(Health.HALF_OPEN, ("one request is out as the probe",))
    reasons: list[str] = []
    if breaker.state is not BreakerState.CLOSED:
        word = "isolated" if breaker.state is BreakerState.ISOLATED else "breaker open"
        reasons.append(f"{word}: {breaker.reason}" if breaker.reason else word)
    if provider.needs_key and not usable_keys:
        reasons.append("no key can be used" if provider.keys else "no key is stored")
    if reasons:
        return Verdict(Health.DOWN, tuple(reasons))
    lately = [probe for probe in probes if now - probe.at <= LATELY]
    newest = lately[:PROBES_IN_A_ROW]
    unanswered = sum(not probe.answered for probe in newest) if newest and not newest[0].answered else 0
    if breaker.failures >= FAILURES_IN_A_ROW:
        reasons.append(f"{breaker.failures} failures in a row")
    if _poor(calls):
        reasons.append(f"{calls.good} of {calls.recent} calls answered in 5 minutes")
    if unanswered:
        reasons.append(f"{unanswered} of {len(newest)} probes unanswered: {newest[0].fault}")
    if unanswered == PROBES_IN_A_ROW and not calls.good:
        return Verdict(Health.DOWN, tuple(reasons))
    if reasons:
        return Verdict(Health.DEGRADED, tuple(reasons))
    if calls.recent or lately or provider.kind == "sandbox":
        return Verdict(Health.HEALTHY)
    return Verdict(Health.UNKNOWN)


def overall(verdicts: Iterable[Verdict]) -> Verdict:
    """The worst of a provider's modalities, with the reasons of all that are as bad; what is not known does not count
    beside what is."""
    known = list(verdicts)
    if not known:
        return Verdict(Health.UNKNOWN)
    worst = max((one.word for one in known), key=BADNESS.index)
    reasons = dict.fromkeys(reason for one in known if one.word is worst for reason in one.reasons)
    return Verdict(worst, tuple(reasons))


BADNESS = (
    Health.DISABLED, Health.UNKNOWN, Health.HEALTHY, Health.DEGRADED, Health.HALF_OPEN, Health.DOWN,
)  # fmt: skip
"""From what matters least to what matters most."""


def _poor(calls: Calls) -> bool:
    """Whether the calls of late went badly: none of them well, or too few of enough."""
    if not calls.recent or calls.good == calls.recent:
        return False
    return not calls.good or (calls.recent >= LEAST_CALLS and calls.good / calls.recent < DEGRADED_BELOW)
