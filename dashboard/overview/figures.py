"""The five key figures, each with its last seven days."""

from core.generation.figures import Figures
from dashboard.components.money import format_percent, format_usd
from dashboard.components.stat import Stat, stats
from dashboard.components.time import span


class FigureRow:
    """Made where the row of figures stands; `show_figures` fills it."""

    def __init__(self, *, costs: bool, month: str) -> None:
        self._costs = costs
        with stats():
            self._success = Stat("Success, 24 h", "—", spark=(0,), href="/generations")
            self._p95 = Stat("p95 latency, text", "—", spark=(0,))
            self._queue = Stat("Queue age", "0", "s", spark=(0,), href="/generations?status=processing")
            self._spend = Stat(f"Spend in {month}", "—", spark=(0,)) if costs else None
            if self._spend:
                self._spend.classes("is-wide-only")  # on a phone the chart of the same figure says it
            self._credits = Stat("Credits used, 24 h", "0", "cr", spark=(0,))

    def show_figures(self, now: Figures) -> None:
        """Shows the figures of now."""
        self._show_success(now)
        self._show_p95(now)
        self._show_queue(now)
        self._show_spend(now)
        worth = f"worth {format_usd(now.revenue)}" if self._costs and now.revenue else "live traffic, 24 h"
        self._credits.set_value(f"{now.credits:,}", "cr", sub="as a test" if now.tests_only else worth)
        self._credits.set_spark(now.courses.credits)

    def _show_success(self, now: Figures) -> None:
        who = "test runs only" if now.tests_only and now.total else "no traffic yet" if not now.total else ""
        success = "—" if now.success is None else format_percent(now.success).removesuffix(" %")
        self._success.set_value(
            success,
            "%" if now.success is not None else "",
            sub=who or f"{now.failed:,} of {now.total:,} failed",
        )
        self._success.set_spark(now.courses.success)

    def _show_p95(self, now: Figures) -> None:
        value, unit = _latency(now.p95_ms)
        about = "≈ " if now.p95_about else ""
        sub = f"{now.completed:,} completed in 24 h"
        if now.p95_ms is not None and now.p95_yesterday_ms is not None:
            change = (now.p95_ms - now.p95_yesterday_ms) / 1000
            sub = "as yesterday" if abs(change) < 0.05 else f"{change:+.1f} s on yesterday".replace("-", "−")
        self._p95.set_value(value, unit, sub=about + sub)
        self._p95.set_spark(now.courses.p95_ms)

    def _show_queue(self, now: Figures) -> None:
        age = (now.as_of - now.oldest_pending).total_seconds() if now.oldest_pending else 0
        short = age < 60
        self._queue.set_value(
            f"{age:.0f}" if short else span(age), "s" if short else "", sub=f"{now.pending:,} under way"
        )
        self._queue.set_spark(now.courses.queue_age_s)

    def _show_spend(self, now: Figures) -> None:
        if self._spend is None:
            return
        nothing = not now.month_spend
        sub = "the sandbox costs nothing" if nothing else "all calls priced"
        if now.month_unpriced:
            sub = f"{now.month_unpriced:,} calls unpriced"
        self._spend.set_value("—" if nothing else format_usd(now.month_spend), sub=sub)
        self._spend.set_spark([] if nothing else now.courses.spend)


def _latency(milliseconds: float | None) -> tuple[str, str]:
    """A figure and its unit."""
    if milliseconds is None:
        return "—", ""
    return (f"{milliseconds:.0f}", "ms") if milliseconds < 100 else (f"{milliseconds / 1000:.1f}", "s")
