"""The history of health: quarters of an hour, folded every minute from attempts, probes and the story of the breaker.

A fold computes whole quarters anew from what lies beneath, so that it may be repeated, killed and run twice. It goes
on where the last one ended; what a process that was off has missed is filled in bounded pieces.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from uuid import UUID
from zoneinfo import ZoneInfo

import orjson

from core.database import Database
from core.ids import first_id_at, time_of
from core.routing.health import DEGRADED_BELOW, LEAST_CALLS, Health
from core.routing.models import BreakerState
from core.routing.performance import COUNTS
from core.routing.probes import KEY_ALONE
from core.vocabulary import Modality

QUARTER = timedelta(minutes=15)
AGAIN = timedelta(minutes=30)
"""Quarters that ended so long ago are computed once more: their last calls may have ended late."""
PIECE = timedelta(hours=6)
MOST_PIECES = 60
"""Pieces with something in them that one fold goes through; the next one goes on."""
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


async def fold(database: Database, now: datetime, *, since: datetime | None = None) -> int:
    """Computes the history anew from `since`, or from where the last fold ended; returns how many quarters it wrote."""
    begin = _quarter_of(since or await _end_of_last(database, now))
    written = pieces = 0
    while begin <= now and (since or pieces < MOST_PIECES):
        end = min(begin + PIECE, _quarter_of(now) + QUARTER)
        found = await _fold_piece(database, begin, end, now)
        pieces += bool(found)
        written += found
        begin = end
    return written


async def course(
    database: Database, provider_id: UUID, modality: Modality | None, now: datetime
) -> list[Quarter]:
    """The last 96 quarters, the one under way among them; without a modality, all together."""
    begin = _quarter_of(now) - 95 * QUARTER
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
    found = (await _bands(database, begin, provider_id)).get(provider_id, [])
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


async def _fold_piece(database: Database, begin: datetime, end: datetime, now: datetime) -> int:
    """Computes the quarters from `begin` up to `end` and writes those of which anything is known."""
    edges = [begin + QUARTER * number for number in range((end - begin) // QUARTER + 1)]
    params = {
        "edges": [first_id_at(edge) for edge in edges],
        "first": first_id_at(begin),
        "last": first_id_at(end),
    }
    folded: dict[tuple[UUID, Modality, int], _Folded] = defaultdict(_Folded)
    for provider_id, modality, place, fault, count in await database.fetch_all(CALLS, params):
        folded[provider_id, Modality(modality), place - 1].add(fault, count)
    served = {
        provider_id: [Modality(one) for one in ranks or default_models or [Modality.TEXT]]
        for provider_id, ranks, default_models in await database.fetch_all(
            "select id, ranks, default_models from providers"
        )
    }
    for provider_id, place, probes, good in await database.fetch_all(PROBES, params):
        for modality in served.get(provider_id, ()):
            one = folded[provider_id, modality, place - 1]
            one.probes, one.probes_good = probes, good
    for provider_id, found in (await _bands(database, begin)).items():
        for band in found:
            if band.state is BreakerState.OPEN:
                for place, seconds in _spread(band, edges, now):
                    folded[provider_id, band.modality, place].down_seconds += seconds
    if not folded:
        return 0
    lines = sorted(folded.items())
    return await database.execute(
        WRITE,
        {
            "providers": [provider_id for (provider_id, _, _), _ in lines],
            "modalities": [modality for (_, modality, _), _ in lines],
            "at": [edges[place] for (_, _, place), _ in lines],
            "calls": [one.calls for _, one in lines],
            "good": [one.good for _, one in lines],
            "errors": [orjson.dumps(one.errors).decode() for _, one in lines],
            "down": [min(one.down_seconds, 900) for _, one in lines],
            "probes": [one.probes for _, one in lines],
            "probes_good": [one.probes_good for _, one in lines],
        },
    )


@dataclass(slots=True)
class _Folded:
    """What one quarter comes to."""

    calls: int = 0
    good: int = 0
    errors: dict[str, int] = field(default_factory=dict[str, int])
    down_seconds: int = 0
    probes: int = 0
    probes_good: int = 0

    def add(self, fault: str | None, count: int) -> None:
        self.calls += count
        if fault is None:
            self.good += count
        else:
            self.errors[fault] = self.errors.get(fault, 0) + count


def _spread(band: Band, edges: Sequence[datetime], now: datetime) -> Iterable[tuple[int, int]]:
    """The seconds that a band covers of each of the quarters between `edges`."""
    end = min(band.end or now, now)
    for place, (first, last) in enumerate(pairwise(edges)):
        covered = (min(end, last) - max(band.start, first)).total_seconds()
        if covered >= 1:
            yield place, round(covered)


async def _end_of_last(database: Database, now: datetime) -> datetime:
    """Where a fold goes on: a little before the last quarter there is, at first with the oldest call of 90 days."""
    oldest = now - timedelta(days=DAYS)
    row = await database.fetch_one(
        "select max(at), (select id from attempts where id >= %s order by id limit 1) from provider_health",
        (first_id_at(oldest),),
    )
    last, first = row or (None, None)
    if last is not None:
        return max(oldest, min(last, now) - AGAIN)
    return time_of(first) if first else now - AGAIN


async def _bands(
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


def _quarter_of(moment: datetime) -> datetime:
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

CALLS = f"""
select provider_id, modality, width_bucket(id, %(edges)s::uuid[]),
    case when outcome <> 'completed' then coalesce(error_class, 'unknown') end, count(*)
from attempts
where id >= %(first)s and id < %(last)s and provider_id is not null and {COUNTS}
group by 1, 2, 3, 4
"""

PROBES = f"""
select provider_id, width_bucket(id, %(edges)s::uuid[]), count(*),
    count(*) filter (where ok or error_class in ({", ".join(f"'{one.value}'" for one in sorted(KEY_ALONE))}))
from probes where id >= %(first)s and id < %(last)s group by 1, 2
"""

WRITE = """
insert into provider_health (provider_id, modality, at, calls, good, errors, down_seconds, probes, probes_good)
select q.provider_id, q.modality, q.at, q.calls, q.good, q.errors::jsonb, q.down, q.probes, q.probes_good
from unnest(%(providers)s::uuid[], %(modalities)s::varchar[], %(at)s::timestamptz[], %(calls)s::int[], %(good)s::int[],
    %(errors)s::varchar[], %(down)s::int[], %(probes)s::int[], %(probes_good)s::int[])
    as q (provider_id, modality, at, calls, good, errors, down, probes, probes_good)
join providers p on p.id = q.provider_id
order by 1, 2, 3
on conflict (provider_id, modality, at) do update set calls = excluded.calls, good = excluded.good,
    errors = excluded.errors, down_seconds = excluded.down_seconds, probes = excluded.probes,
    probes_good = excluded.probes_good
"""

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
