"""A user as a row of the list (mock-ups 12 and 17)."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from zoneinfo import ZoneInfo

from core.accounts.listing import Line, Sort
from core.entitlements.rules import PlanView
from core.vocabulary import Role
from dashboard.components.cells import Bit, Cell, chip, moment
from dashboard.components.money import format_count, format_credits
from dashboard.components.status import ACCOUNT
from dashboard.components.table import Column, Row

COLUMNS = (
    Column(Sort.EMAIL, "E-mail, name", None, sort=True, link=True, card="title"),
    Column("plan", "Plan", 150, card="meta"),
    Column(Sort.BALANCE, "Balance", 120, "end", sort=True, card="key"),
    Column(Sort.USED, "Use 7 d", 120, "end", sort=True, title="Credits of the last seven days' generations"),
    Column(Sort.FAILURES, "Failures 7 d", 120, "end", sort=True, card="meta"),
    Column(Sort.ACTIVE, "Last active", 140, sort=True, card="meta"),
    Column("status", "Status", 140, card="status"),
)


def rows(lines: Iterable[Line], plans: Mapping[str, PlanView], *, now: datetime, zone: ZoneInfo) -> list[Row]:
    """The rows of a page; each leads to its user."""
    return [
        Row(
            str(line.id),
            [
                _who(line),
                _plan(line, plans),
                _credits(line.balance),
                _credits(line.used_7d) if line.used_7d else Bit("—", "quiet", label="none"),
                _failures(line),
                moment(line.last_active_at, now, zone),
                chip(ACCOUNT[line.status]),
            ],
            href=f"/users/{line.id}",
            name=line.email,
        )
        for line in lines
    ]


def _who(line: Line) -> Cell:
    first = Bit(line.email, "strong", title=line.email)
    rest = " · ".join(
        part for part in (line.name, line.role.value if line.role is not Role.USER else "") if part
    )
    return [first, Bit(rest, title=rest)] if rest else first


def _plan(line: Line, plans: Mapping[str, PlanView]) -> Cell:
    if line.plan_id is None:
        return Bit("no plan", "quiet")
    plan = plans.get(line.plan_id)
    return plan.display_name if plan else line.plan_id


def _credits(amount: int) -> Cell:
    return format_credits(amount)


def _failures(line: Line) -> Cell:
    said = f"{line.failures_7d:,} of {line.generations_7d:,} generations"
    return Bit(format_count(line.failures_7d), "" if line.failures_7d else "quiet", title=said)
