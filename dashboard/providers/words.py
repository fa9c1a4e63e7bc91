"""What the page says of a provider, as text: pure functions, no elements."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from decimal import Decimal

from core.errors import ErrorClass
from core.providers.config import KeyConfig, ProviderConfig
from core.routing.breaker import Status, opening_time
from core.routing.health import Health
from core.routing.models import BreakerState
from core.system.board import BoardState, ModalityState, ProviderState
from core.vocabulary import Modality
from dashboard.components.money import format_usd
from dashboard.components.ticking import Tick
from dashboard.components.time import span

MODALITY_ICONS = {
    Modality.TEXT: "text_fields",
    Modality.IMAGE: "image",
    Modality.VIDEO: "movie",
    Modality.AUDIO: "graphic_eq",
}
KEYS_FAULT = (ErrorClass.AUTHENTICATION, ErrorClass.QUOTA)
TROUBLE = ((Health.DOWN, "down"), (Health.DEGRADED, "degraded"), (Health.HALF_OPEN, "testing"))


def head_words(board: BoardState) -> str:
    """`1 down, 1 degraded, 1 testing`, or that none is."""
    words = [one.health for one in board.providers]
    said = [f"{words.count(health)} {word}" for health, word in TROUBLE if health in words]
    return ", ".join(said) or ("none down" if board.providers else "none yet")


def key_words(provider: ProviderConfig) -> str:
    """What is known of a provider's key, in a few words; for superadmins only."""
    if provider.kind == "sandbox":
        return "built in"
    if not provider.keys:
        return "no key" if provider.needs_key else "no key needed"
    first = provider.keys[0]
    if first.fault:
        return first.fault
    more = f" +{len(provider.keys) - 1}" if len(provider.keys) > 1 else ""
    return f"key {ending(first)}{more}"


def ending(key: KeyConfig) -> str:
    """The key as pages name it: `····7Kd2`; one too short to show four characters of goes by its fingerprint."""
    return f"····{key.last_four or key.fingerprint[:4]}"


def worst(state: ProviderState) -> ModalityState:
    """The modality whose breaker matters most."""

    def weight(one: ModalityState) -> tuple[int, int]:
        return BREAKER_WEIGHT[one.breaker.state], one.breaker.failures

    return max(state.by_modality.values(), key=weight)


BREAKER_WEIGHT = {
    BreakerState.CLOSED: 0,
    BreakerState.HALF_OPEN: 1,
    BreakerState.OPEN: 2,
    BreakerState.ISOLATED: 3,
}


def breaker_word(state: BreakerState) -> str:
    """`Closed`, `Open`, `Half-open`, `Isolated`."""
    return state.value.replace("_", "-").capitalize()


def spend_words(state: ProviderState) -> str:
    """USD of the last day; the sandbox is no money at all, and what has no price is not free."""
    done = state.performance
    if state.provider.kind == "sandbox" or not (done.cost or done.unpriced or done.day.calls):
        return "—"
    return format_usd(done.cost, zero="No price" if done.unpriced else "Free")


def spend_note(state: ProviderState) -> str:
    """What stands below the spend: the limit, or what is not in the sum."""
    limit, unpriced = state.provider.limits.usd_per_day, state.performance.unpriced
    if unpriced:
        return f"{unpriced:,} unpriced"
    return f"of {format_usd(Decimal(str(limit)))} a day" if limit else "all priced"


def probe_tick(breaker: Status, words: str = "probe in {}") -> Tick | None:
    """Until when an open breaker waits, counting down; None where nothing is waited for."""
    if breaker.state is not BreakerState.OPEN or breaker.open_until is None:
        return None
    return Tick("until", breaker.open_until, words, "probe with the next request")


def wait_of(breaker: Status, timeout: timedelta) -> tuple[datetime, datetime] | None:
    """When an open breaker's wait for its probe began, and when it ends."""
    if breaker.opened_at is None or breaker.open_until is None:
        return None
    usual = opening_time(timeout, max(breaker.openings - 1, 0), None)
    begin = breaker.opened_at if breaker.openings <= 1 else max(breaker.opened_at, breaker.open_until - usual)
    return min(begin, breaker.open_until), breaker.open_until


def wait_words(breaker: Status, timeout: timedelta) -> str:
    """`wait 16 min, doubles each time`: how long it waits now, and the rule."""
    waits = wait_of(breaker, timeout)
    if waits is None:
        return ""
    length = waits[1] - waits[0]
    usual = opening_time(timeout, max(breaker.openings - 1, 0), None)
    if length > usual + timedelta(seconds=2):
        return f"wait {span(round(length.total_seconds()))}, as the vendor asked"
    longest = opening_time(timeout, 20, None)
    rule = "the longest there is" if usual >= longest else "doubles each time"
    return f"wait {span(round(length.total_seconds()))}, {rule}"


def blame(error_class: ErrorClass | None) -> str:
    """Whether the key is at fault, which is what a person asks first."""
    if error_class is ErrorClass.AUTHENTICATION:
        return "The key was refused: rotate it, or put in another."
    if error_class is ErrorClass.QUOTA:
        return "The account behind the key has nothing left."
    return "Nothing is wrong with the key." if error_class else ""


def skip_words(one: ModalityState, provider: ProviderState, limit: str | None) -> tuple[str, str]:
    """Why requests pass a provider by, as (words, tone); empty where they don't."""
    match one.breaker.state:
        case BreakerState.ISOLATED:
            return "skipped: isolated", "bad"
        case BreakerState.OPEN:
            return "skipped: breaker open", "bad"
        case BreakerState.HALF_OPEN:
            return "skipped: testing", "probe"
        case _:
            pass
    if provider.without_key:
        return "skipped: no usable key", "bad"
    return (f"skipped: {limit}", "warn") if limit else ("", "")


def listed(words: Iterable[str]) -> str:
    """`a, b and c`."""
    known = list(words)
    return " and ".join([", ".join(known[:-1]), known[-1]]) if len(known) > 1 else "".join(known)
