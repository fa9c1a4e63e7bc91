"""The table of providers: its columns, and what their cells say."""

from datetime import datetime

from core.providers.config import ProviderConfig
from core.routing.breaker import Status
from core.routing.health import Calls
from core.routing.models import BreakerState
from core.vocabulary import Modality
from dashboard.components.cells import Bit, Cell
from dashboard.components.money import format_usd
from dashboard.components.table import Column

MODALITY_ICONS = {
    Modality.TEXT: "text_fields",
    Modality.IMAGE: "image",
    Modality.VIDEO: "movie",
    Modality.AUDIO: "graphic_eq",
}


def columns(*, costs: bool, beside: bool = False) -> list[Column]:
    """As mock-up 03, with the default model; spend only for those who may see USD; fewer `beside` the pane."""
    narrow = 12 * beside
    return [
        Column("rank", "#", 34, align="end"),
        Column("name", "Provider", 118 - narrow, link=True, card="title"),
        Column("status", "Status", 148 - narrow, card="status"),
        Column("modalities", "Modalities", 84),
        Column("success", "Success 1 h", 84, align="end", card="key"),
        Column("p95", "p95", 64 - narrow, align="end"),
        *([Column("spend", "Spend 24 h", 84, align="end")] if costs else []),
        Column("breaker", "Breaker", None if beside else 112, card="meta"),
        *([] if beside else [Column("default", "Default model")]),
    ]


def key_words(provider: ProviderConfig) -> str:
    """What is known of a provider's key, in a few words."""
    if provider.kind == "sandbox":
        return "built in"
    if not provider.keys:
        return "no key" if provider.needs_key else "no key needed"
    first = provider.keys[0]
    if first.fault:
        return first.fault
    more = f" +{len(provider.keys) - 1}" if len(provider.keys) > 1 else ""
    return f"key ····{first.last_four}{more}"


def modalities_cell(provider: ProviderConfig) -> Cell:
    """An icon for each modality that the provider serves."""
    served = [
        Bit(icon=MODALITY_ICONS[m], label=m.value, title=m.value) for m in Modality if m in provider.ranks
    ]
    return [served]


def spend_words(provider: ProviderConfig, calls: Calls) -> str:
    """USD of the last day; the sandbox is no money at all."""
    if provider.kind == "sandbox":
        return "—"
    return format_usd(calls.spend, zero="none", missing="none")


def breaker_cell(provider: ProviderConfig, breaker: Status, threshold: int, now: datetime) -> Cell:
    """The breaker's state, and below it the count or the time of the next probe."""
    if not provider.enabled:
        return [Bit("—", "quiet"), Bit("switched off", "second")]
    if breaker.state is BreakerState.CLOSED:
        return ["Closed", Bit(f"{breaker.failures}/{threshold} failures", "second")]
    if breaker.state is BreakerState.HALF_OPEN:
        return [Bit("Half-open", "probe"), Bit("probe running", "second")]
    if breaker.state is BreakerState.ISOLATED:
        return [Bit("Isolated", "bad"), Bit("by a person", "second")]
    wait = (breaker.open_until - now).total_seconds() if breaker.open_until else 0
    return [Bit("Open", "bad"), Bit(f"probe in {wait:.0f} s" if wait > 0 else "probe is due", "second")]
