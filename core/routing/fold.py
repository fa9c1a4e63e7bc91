"""Folding the history of health: every minute, from attempts, probes and the story of the breakers.

A fold computes whole quarters of an hour anew from what lies beneath, so that it may be repeated, killed and run twice.
It goes on where the last one ended; what a process that was off has missed is filled in bounded pieces.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import pairwise
from uuid import UUID

import orjson

from core.database import Database
from core.ids import first_id_at, time_of
from core.routing.history import DAYS, QUARTER, Band, bands_since, quarter_of
from core.routing.models import BreakerState
from core.routing.performance import COUNTS
from core.routing.probes import KEY_ALONE
from core.vocabulary import Modality

AGAIN = timedelta(minutes=30)
"""Quarters that ended so long ago are computed once more: their last calls may have ended late."""
PIECE = timedelta(hours=6)
MOST_PIECES = 60
"""Pieces with something in them that one fold goes through; the next one goes on."""


async def fold(database: Database, now: datetime, *, since: datetime | None = None) -> int:
    """Computes the history anew from `since`, or from where the last fold ended; returns how many quarters it wrote."""
    begin = quarter_of(since or await _end_of_last(database, now))
    written = pieces = 0
    while begin <= now and (since or pieces < MOST_PIECES):
        end = min(begin + PIECE, quarter_of(now) + QUARTER)
        found = await _fold_piece(database, begin, end, now)
        pieces += bool(found)
        written += found
        begin = end
    return written


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
    for provider_id, found in (await bands_since(database, begin)).items():
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
