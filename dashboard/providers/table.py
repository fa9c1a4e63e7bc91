"""The table of providers: its columns, and what their cells say (mock-up 03)."""

from datetime import datetime

from core.providers.registry import KINDS
from core.routing.models import BreakerState
from core.system.board import ProviderState
from dashboard.components import cells, status
from dashboard.components.cells import Bit, Cell
from dashboard.components.money import format_percent
from dashboard.components.table import Column, Row
from dashboard.components.time import duration
from dashboard.providers.words import (
    MODALITY_ICONS,
    breaker_word,
    key_words,
    probe_tick,
    spend_words,
    worst,
)


def columns(*, admin: bool, beside: bool) -> list[Column]:
    """Spend and keys are for superadmins; without the pane the key has a column of its own."""
    wide = not beside
    key = [Column("key", "Key", 128)] if admin and wide else []
    spend = [Column("spend", "Spend 24 h", 92 if wide else 74, align="end")] if admin else []
    return [
        Column("rank", "#", 40 if wide else 32, align="end", title="Place in the order of text"),
        Column("name", "Provider", 132 if wide else 100, link=True, card="title"),
        *key,
        Column("status", "Status", 148 if wide else 136, card="status"),
        Column("modalities", "Modalities", 104 if wide else 92),
        Column("success", "Success 1 h", 88 if wide else 80, align="end", card="key"),
        Column("p95", "p95", 64 if wide else 48, align="end"),
        *spend,
        Column("breaker", "Breaker", card="meta"),
    ]


def row(
    number: int, state: ProviderState, *, admin: bool, beside: bool, threshold: int, now: datetime
) -> Row:
    """A provider's row; `threshold` is how many failures open a breaker."""
    provider, hour = state.provider, state.performance.hour
    key = key_words(provider)
    below = key if admin and beside else KINDS[provider.kind].label
    return Row(
        str(provider.id),
        [
            Bit(str(number), "quiet"),
            [Bit(provider.name, "strong"), *([Bit(below, "second")] if below != provider.name else [])],
            *([Bit(key.removeprefix("key "), "second")] if admin and not beside else []),
            cells.chip(status.health(state.health)),
            modalities_cell(state),
            Bit("No traffic", "second") if hour.success is None else format_percent(hour.success),
            cells.DASH if hour.p95_ms is None else duration(hour.p95_ms / 1000),
            *([spend_words(state)] if admin else []),
            breaker_cell(state, threshold, now, admin=admin),
        ],
        href=f"/providers?sel={provider.id}",
    )


def modalities_cell(state: ProviderState) -> Cell:
    """Four icons; those that the provider does not serve are faint, and not read out."""
    served = state.by_modality
    return [
        [
            Bit(icon=icon, look="second", label=modality.value, title=modality.value)
            if modality in served
            else Bit(icon=icon, look="faint")
            for modality, icon in MODALITY_ICONS.items()
        ]
    ]


def breaker_cell(state: ProviderState, threshold: int, now: datetime, *, admin: bool) -> Cell:
    """The breaker's state, and below it the count, or when the next probe comes."""
    if not state.provider.enabled:
        return ["—", Bit("tests only" if state.provider.kind == "sandbox" else "switched off", "second")]
    one = worst(state)
    breaker = one.breaker
    alone = len(state.by_modality) == 1
    if breaker.state is BreakerState.CLOSED:
        return ["Closed", Bit(f"{breaker.failures}/{threshold} failures", "second")]
    word = breaker_word(breaker.state) + ("" if alone else f", {one.modality}")
    tone = "probe" if breaker.state is BreakerState.HALF_OPEN else "bad"
    if breaker.state is BreakerState.HALF_OPEN:
        second = Bit("probe running", "second")
    elif tick := probe_tick(breaker):
        second = cells.ticking(tick, now, "second")
    else:
        second = Bit(
            f"by {breaker.actor or 'a person'}" if admin else "by a person", "second", title=breaker.actor
        )
    return [Bit(word, tone), second]
