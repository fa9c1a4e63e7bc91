"""The history of health as pages show it: the course of a day, when breakers were open, 24 hours, 90 days.

It is read from quarters of an hour, which `core.routing.fold` keeps, and from the breakers' own story.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from core.database import Database
from core.ids import first_id_at
from core.routing.health import DEGRADED_BELOW, LEAST_CALLS, Health
from core.routing.models import BreakerState
from core.vocabulary import Modality

QUARTER = timedelta(minutes=15)
DAYS = 90
DOWN_FROM = 0.25
"""The share of an hour from which on it is shown as down."""


@dataclass(frozen=True, slots=True)
class Quarter:
    """A quarter of an hour: calls, how many went well, and the others by class."""

    at: datetime
    calls: int = 0
    good: int = 0
    errors: Mapping[str, int] = field(default_factory=dict[str, int])


@dataclass(frozen=True, slots=True)
class Band:
    """A time in which a breaker let no ordinary call through; `end` is None while it lasts.

    `state` is open (with the probes in between) or isolated.
    """

    modality: Modality
    start: datetime
    end: datetime | None
    state: BreakerState
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Day:
    """A day of the reporting zone, and the share of the known time in which the provider could be called."""

    date: date
    share: float | None


@dataclass(frozen=True, slots=True)
class Tick:
    """An hour in one word: healthy, degraded, down, or unknown."""

    at: datetime
    state: Health


async def course(
    database: Database, provider_id: UUID, modality: Modality | None, now: datetime
) -> list[Quarter]:
    """The last 96 quarters, the one under way among them; without a modality, all together."""
    begin = quarter_of(now) - 95 * QUARTER
    quarters = {begin + number * QUARTER: Quarter(begin + number * QUARTER) for number in range(96)}
    for at, calls, good, errors in await database.fetch_all(
        "select at, calls, good, errors from provider_health where provider_id = %s and at >= %s and calls > 0"
        " and modality = coalesce(%s::varchar, modality)",
        (provider_id, begin, modality),
    ):
        before = quarters.get(at, Quarter(at))
        quarters[at] = Quarter(
            at, before.calls + calls, before.good + good, dict(Counter(before.errors) + Counter(errors))
        )
    return [quarters[at] for at in sorted(quarters)]


async def bands(database: Database, provider_id: UUID, now: datetime, hours: int = 24) -> list[Band]:
    """When the provider's breakers were not closed, in the last hours; a band may have begun before."""
    begin = now - timedelta(hours=hours)
    found = (await bands_since(database, begin, provider_id)).get(provider_id, [])
    return [band for band in found if band.end is None or band.end > begin]


async def uptime(
    database: Database, zone: ZoneInfo, now: datetime, days: int = DAYS
) -> Mapping[UUID, list[Day]]:
    """For each provider with a history its last days, today last; a day of which nothing is known has no share."""
    today = now.astimezone(zone).date()
    dates = [today - timedelta(days=ago) for ago in reversed(range(days))]
    begin = datetime.combine(dates[0], datetime.min.time(), zone)
    shares: dict[UUID, dict[date, float]] = defaultdict(dict)
    for provider_id, day, known, down in await database.fetch_all(
        f"select provider_id, (at at time zone %(zone)s)::date, count(*), sum({DOWN}) from"
        f" ({BY_QUARTER}) q group by 1, 2",
        {"zone": zone.key, "begin": begin},
    ):
        shares[provider_id][day] = 1 - float(down) / known
    return {provider_id: [Day(day, known.get(day)) for day in dates] for provider_id, known in shares.items()}


async def hours(database: Database, now: datetime) -> Mapping[UUID, list[Tick]]:
    """For each provider with a history its last 24 hours, the one under way last."""
    last = now.replace(minute=0, second=0, microsecond=0)
    edges = [last - timedelta(hours=ago) for ago in reversed(range(24))]
    found: dict[UUID, dict[datetime, Health]] = defaultdict(dict)
    for provider_id, hour, known, down, calls, good in await database.fetch_all(
        f"select provider_id, date_trunc('hour', at), count(*), sum({DOWN}), sum(calls), sum(good) from"
        f" ({BY_QUARTER}) q group by 1, 2",
        {"begin": edges[0]},
    ):
        found[provider_id][hour] = _word(float(down) / known, int(calls), int(good))
    return {
        provider_id: [Tick(edge, known.get(edge, Health.UNKNOWN)) for edge in edges]
        for provider_id, known in found.items()
    }


async def bands_since(
    database: Database, begin: datetime, provider_id: UUID | None = None
) -> dict[UUID, list[Band]]:
    """The bands that may reach beyond `begin`, of one provider or of all."""
    params = {"begin": first_id_at(begin), "provider": provider_id}
    stories: dict[tuple[UUID, Modality], list[Event]] = defaultdict(list)
    for provider, modality, kind, reason, at in await database.fetch_all(STORY, params):
        if (state := STATES.get(kind)) is not None:
            stories[provider, Modality(modality)].append((at, state, reason))
    for provider, modality, state, reason, at in await database.fetch_all(
        "select provider_id, modality, state, coalesce(reason, ''), updated_at from breakers"
        " where provider_id = coalesce(%(provider)s, provider_id)",
        params,
    ):
        # A process may have died between the change and its event: the breaker's own row has the last word.
        story = stories[provider, Modality(modality)]
        if not story or _shut(story[-1][1]) is not _shut(BreakerState(state)):
            story.append((at, BreakerState(state), reason))
    found: dict[UUID, list[Band]] = defaultdict(list)
    for (provider, modality), story in stories.items():
        found[provider].extend(banded(modality, story))
    return found


Event = tuple[datetime, BreakerState, str]


def banded(modality: Modality, story: Iterable[Event]) -> list[Band]:
    """The bands of one breaker from its changes in order; the probes while it is open do not part a band."""
    found: list[Band] = []
    start, shut, why = None, None, ""
    for at, state, reason in story:
        if _shut(state) is shut:
            continue
        if start is not None and shut is not None:
            found.append(Band(modality, start, at, shut, why))
        start, shut, why = at, _shut(state), reason
    if start is not None and shut is not None:
        found.append(Band(modality, start, None, shut, why))
    return found


def _shut(state: BreakerState) -> BreakerState | None:
    """As what a state is shown: half-open is a part of being open, closed is nothing."""
    if state is BreakerState.CLOSED:
        return None
    return BreakerState.ISOLATED if state is BreakerState.ISOLATED else BreakerState.OPEN


def quarter_of(moment: datetime) -> datetime:
    """The beginning of the quarter of an hour in which a moment lies."""
    moment = moment.astimezone(UTC)
    return moment.replace(minute=moment.minute // 15 * 15, second=0, microsecond=0)


def _word(down: float, calls: int, good: int) -> Health:
    """An hour's word from the share of it that the provider was down, and its calls."""
    if down >= DOWN_FROM or (calls >= LEAST_CALLS and not good):
        return Health.DOWN
    if down or (calls >= LEAST_CALLS and good / calls < DEGRADED_BELOW):
        return Health.DEGRADED
    return Health.HEALTHY


STATES = {f"breaker_{word}": state for word, state in (
    ("opened", BreakerState.OPEN), ("half_open", BreakerState.HALF_OPEN), ("closed", BreakerState.CLOSED),
    ("isolated", BreakerState.ISOLATED), ("reset", BreakerState.OPEN),
)}  # fmt: skip
"""What a breaker is after an event of each kind; other kinds change nothing."""

# What happened since, and in what state each breaker came into that time.
STORY = """
select provider_id, modality, kind, reason, at from (
    select id, provider_id, modality, kind, reason, at from provider_events
    where id >= %(begin)s and modality is not null and starts_with(kind, 'breaker_')
        and provider_id = coalesce(%(provider)s, provider_id)
    union all
    select e.id, b.provider_id, b.modality, e.kind, e.reason, e.at from breakers b cross join lateral (
        select id, kind, reason, at from provider_events
        where provider_id = b.provider_id and modality = b.modality and id < %(begin)s
            and starts_with(kind, 'breaker_') and kind <> 'breaker_probe_now'
        order by id desc limit 1) e
    where b.provider_id = coalesce(%(provider)s, b.provider_id)
) story order by id
"""

DOWN = "greatest(down, unanswered)"
BY_QUARTER = """
select provider_id, at, max(down_seconds) / 900.0 as down, sum(calls) as calls, sum(good) as good,
    coalesce(max(case when probes > 0 then (probes - probes_good)::numeric / probes end), 0) as unanswered
from provider_health where at >= %(begin)s and (calls > 0 or probes > 0 or down_seconds > 0)
group by provider_id, at
"""
