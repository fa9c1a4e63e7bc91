"""When a day and a month begin and end: in the configured time zone, on days of 23 and 25 hours too."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from core.accounts.keys import Scope
from core.accounts.models import KeyKind
from core.accounts.person import KeyIdentity
from core.entitlements.models import Tier
from core.entitlements.rules import PlanView
from core.generation.admission import quota, seconds_to_midnight, seconds_to_month
from core.generation.visitors import visitor
from core.ids import new_id
from core.vocabulary import Traffic

BERLIN, NEW_YORK, HAVANA, CAIRO = (
    ZoneInfo(name) for name in ("Europe/Berlin", "America/New_York", "America/Havana", "Africa/Cairo")
)
FREE = PlanView("free", "Free", Tier.FREE, daily_generations=5, monthly_credits=50, monthly_ceiling=50)
HOUR = 3_600


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


def periods(now: datetime, zone: ZoneInfo) -> tuple[str | None, str | None]:
    key = KeyIdentity(new_id(), KeyKind.SERVICE, "backend", frozenset({Scope.GENERATE}))
    limits = quota(FREE, visitor("203.0.113.7", key), Traffic.LIVE, now, zone)
    return limits.day, limits.month


@pytest.mark.parametrize(
    ("now", "zone", "hours"),
    [
        ("2026-06-01T00:00:00+02:00", BERLIN, 24),
        ("2026-03-29T00:00:00+01:00", BERLIN, 23),
        ("2026-10-25T00:00:00+02:00", BERLIN, 25),
        ("2026-10-25T02:30:00+02:00", BERLIN, 22.5),
        ("2026-10-25T02:30:00+01:00", BERLIN, 21.5),
        ("2026-03-08T00:00:00-05:00", NEW_YORK, 23),
        ("2026-11-01T00:00:00-04:00", NEW_YORK, 25),
        ("2026-11-01T00:30:00-04:00", HAVANA, 24.5),  # midnight comes twice on this day
        ("2026-11-01T00:30:00-05:00", HAVANA, 23.5),
        ("2026-04-23T12:00:00+02:00", CAIRO, 12),  # and on this one's end not at all
    ],
)
def test_a_day_ends_at_midnight_however_long_it_is(now: str, zone: ZoneInfo, hours: float) -> None:
    assert seconds_to_midnight(at(now), zone) == hours * HOUR


@pytest.mark.parametrize(
    "zone", [BERLIN, NEW_YORK, HAVANA, CAIRO, ZoneInfo("Asia/Kolkata")], ids=lambda zone: zone.key
)
def test_a_new_day_is_counted_from_the_very_moment_that_was_told(zone: ZoneInfo) -> None:
    moment, end = datetime(2026, 1, 1, 5, 17, tzinfo=UTC), datetime(2027, 1, 2, tzinfo=UTC)
    while moment < end:
        midnight = moment + timedelta(seconds=seconds_to_midnight(moment, zone))
        day, month = periods(moment, zone)
        assert periods(midnight - timedelta(microseconds=1), zone) == (day, month)
        after, month_after = periods(midnight, zone)
        assert after != day
        told = moment + timedelta(seconds=seconds_to_month(moment, zone))
        assert (month_after != month) == (told == midnight)
        moment += timedelta(hours=7, minutes=13)


def test_the_last_second_of_a_month_is_its_own_and_december_leads_to_january() -> None:
    last = at("2026-12-31T23:59:59+01:00")
    assert periods(last, BERLIN) == ("2026-12-31", "2026-12")
    assert periods(last, ZoneInfo("Pacific/Auckland")) == ("2027-01-01", "2027-01")
    assert seconds_to_month(last, BERLIN) == 1
    assert seconds_to_month(at("2026-02-01T00:00:00+01:00"), BERLIN) == 28 * 24 * HOUR
