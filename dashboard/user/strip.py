"""The six figures above a user's day (mock-ups 07 and 18): plan, balance, use, failures, today, last active."""

from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from dashboard.components import time
from dashboard.components.html import Node
from dashboard.components.money import format_count, format_credits
from dashboard.components.spark import Sparkline
from dashboard.components.status import ACCOUNT, Chip
from dashboard.user.reading import Reading, plan_words
from dashboard.user.summary import held_words

UNKNOWN = "—"


class UserStrip(Node):
    """A row of six cells in one card; on a phone the card of mock-up 18. `show_reading` changes them in place."""

    def __init__(self, found: Reading, now: datetime, zone: ZoneInfo) -> None:
        super().__init__("dl", "", "pu-card pu-strip pu-user-strip")
        self._zone = zone
        with self:
            self._cells = {name: _cell(name, label) for name, label in CELLS.items()}
        with self._cells["plan"].value:
            self._chip = Chip(ACCOUNT[found.user.status]).classes("pu-phone-only")
            self._plan = Node("span")
        with self._cells["use"].node:
            self._spark = Sparkline([], "pu-stat-spark")
        self.show_reading(found, now)

    def show_reading(self, found: Reading, now: datetime) -> None:
        """Shows what was read."""
        self._chip.set_status(ACCOUNT[found.user.status])
        plan, left = plan_words(found, self._zone, now)
        self._plan.set_text(plan)
        self._cells["plan"].sub.set_text(left)
        self._say("balance", format_credits(found.balance.balance), held_words(found))
        self._show_week(found)
        usage = found.usage
        resets = f"resets at {time.clock(usage.resets_at, self._zone, seconds=False)}"
        if usage.daily_limit is None:
            self._say("today", format_count(usage.today), "no daily limit")
        else:
            self._say("today", f"{format_count(usage.today)} of {format_count(usage.daily_limit)}", resets)
        active = found.active_at
        self._say(
            "active",
            time.relative(active, now, self._zone) if active else "never",
            f"user since {time.day(found.since, self._zone)}",
        )
        self._cells["active"].value.set(title=time.absolute(active, self._zone) if active else None)

    def _show_week(self, found: Reading) -> None:
        week = found.week
        if week is None:
            self._say("use", UNKNOWN, "takes too long to sum up")
            self._say("failures", UNKNOWN, "takes too long to count")
            return
        self._say("use", format_credits(week.credits), f"{format_count(week.generations)} generations")
        self._spark.set_values([day.credits for day in week.days] if week.credits else [])
        today = week.days[-1].failed
        self._say(
            "failures",
            f"{format_count(week.failed)} of {format_count(week.generations)}",
            f"{format_count(today) if today else 'none'} in the last 24 h",
        )

    def _say(self, name: str, value: str, sub: str) -> None:
        self._cells[name].value.set_text(value)
        self._cells[name].sub.set_text(sub)


CELLS = {
    "plan": "Plan",
    "balance": "Balance",
    "use": "Use 7 d",
    "failures": "Failures 7 d",
    "today": "Generations today",
    "active": "Last active",
}


@dataclass(slots=True)
class _Parts:
    node: Node
    value: Node
    sub: Node


def _cell(name: str, label: str) -> _Parts:
    with Node("div", "", f"is-{name}") as node:
        Node("dt", label)
        return _Parts(node, Node("dd"), Node("dd"))
