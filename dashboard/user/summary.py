"""What support hands on about a user: plain text, with the ids to look things up by and nothing secret."""

from collections.abc import Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from core.bootstrap import Purser
from core.generation import queries
from core.generation.queries import Filter, Line
from core.vocabulary import Role, Traffic
from dashboard.components import time
from dashboard.components.money import format_count, format_credits
from dashboard.user.reading import Reading, plan_words, trouble

FAILURES = 5


async def last_failures(purser: Purser, found: Reading) -> Sequence[Line]:
    """The newest generations of the user that failed."""
    which = Filter(status="failed", user_id=found.user.id, traffic=(found.traffic,))
    return (await queries.listing(purser.database, which, limit=FAILURES)).lines


def summary(found: Reading, failures: Sequence[Line], now: datetime, zone: ZoneInfo) -> str:
    """Who it is, what they have, how they fare, and what failed last and why."""
    person = found.user
    plan, left = plan_words(found, zone, now)
    lines = [
        f"User: {person.email}{f' ({person.name})' if person.name else ''}",
        f"Id: {person.id}",
        f"Status: {_status(found)}",
        f"Plan: {plan}, {left}",
        f"Balance: {format_credits(found.balance.balance)}, {held_words(found)}",
        f"Today: {today_words(found)}, resets at {time.clock(found.usage.resets_at, zone, seconds=False)}",
        *_week(found),
        f"Last active: {_moment(found.active_at, zone) if found.active_at else 'never'}",
        f"Member since: {time.day(found.since, zone)}",
        "Last failures:" if failures else "Last failures: none",
        *(f"- {_failure(line, zone)}" for line in failures),
        f"As of {_moment(now, zone)}",
    ]
    return "\n".join(lines)


def held_words(found: Reading) -> str:
    """What runs now, in credits."""
    held = found.balance.held
    return f"{format_credits(held)} held" if held else "nothing held"


def today_words(found: Reading) -> str:
    """`5 of 500 generations`."""
    limit = found.usage.daily_limit
    done = format_count(found.usage.today)
    return f"{done} generations" if limit is None else f"{done} of {format_count(limit)} generations"


def _status(found: Reading) -> str:
    person, wrong = found.user, trouble(found)
    words = [person.status.value, *([wrong.lower()] if wrong else [])]
    if person.status_reason:
        words.append(person.status_reason)
    if person.role is not Role.USER:
        words.append(f"role {person.role}")
    if found.traffic is not Traffic.LIVE:
        words.append(f"{found.traffic} account")
    return ", ".join(words)


def _week(found: Reading) -> list[str]:
    week = found.week
    if week is None:
        return []
    return [
        f"Last 7 days: {format_credits(week.credits)}, {format_count(week.generations)} generations,"
        f" {format_count(week.failed)} failed ({format_count(week.days[-1].failed)} in the last 24 h)"
    ]


def _failure(line: Line, zone: ZoneInfo) -> str:
    served = ", ".join(part for part in (line.model, line.provider) if part)
    return f"{_moment(line.created_at, zone)}  {line.cause or 'no cause noted'}, {served or 'nobody was called'}, generation {line.id}"


def _moment(at: datetime, zone: ZoneInfo) -> str:
    return f"{time.absolute(at, zone)} {time.zone_name(zone, at)}"
