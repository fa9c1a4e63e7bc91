"""Whom a change set touches, before it is saved: how many gain and lose, by change and in all, each user once.

Users are counted along an index of plans; only exceptions about something that changes, and projects where fewer may
be had, are looked at one by one.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import NamedTuple
from uuid import UUID

from core.database import Database
from core.database.reading import TOO_SLOW, read_within
from core.entitlements.changes import Change, applied
from core.entitlements.counts import LONGEST_AGE, users_per_plan
from core.entitlements.impact_words import by_exception, sentence
from core.entitlements.rules import Entitlements
from core.entitlements.tally import (
    RAISABLE,
    Difference,
    Exceptional,
    Somebody,
    Tally,
    changed_features,
    differences,
)
from core.errors import Fault

SECONDS_FOR_EXCEPTIONS, SECONDS_FOR_PROJECTS = 5, 2


@dataclass(frozen=True, slots=True)
class ChangeImpact:
    """How many users gain and lose by one change."""

    change: Change
    gain: int
    lose: int


class Sentence(NamedTuple):
    """`387 on Premium` and `381 gain voice-over, 6 have it already by override`."""

    plan_id: str
    head: str
    text: str


@dataclass(frozen=True, slots=True)
class Impact:
    """What a change set does to users. `users` are all whom it touches, each once; who gains here may lose there."""

    users: int
    gain: int
    lose: int
    changes: tuple[ChangeImpact, ...]
    sentences: tuple[Sentence, ...]


async def impact(
    database: Database,
    entitlements: Entitlements,
    changes: Sequence[Change],
    *,
    longest_age: float = LONGEST_AGE,
) -> Impact:
    """The impact of a change set that has been checked. Users of the demo are left out, those who cannot use their
    plan now (suspended, run out) are not.

    Args:
        entitlements: as they are now.
        longest_age: seconds that the count of users may be old.

    Raises:
        Fault: `query_too_slow`.
        InvalidRequest: a change of what is not there.
    """
    after = applied(entitlements, changes)
    tally = Tally(
        entitlements,
        after,
        await users_per_plan(database, longest_age=longest_age),
        await _people(database, entitlements, after),
        datetime.now(UTC),
    )
    effects = [(change, tally.of_change(change)) for change in changes]
    return Impact(
        tally.users,
        tally.gain,
        tally.lose,
        tuple(ChangeImpact(change, effect.gain, effect.lose) for change, effect in effects),
        (*[await _sentence(database, tally, plan_id) for plan_id in tally.differences], *_others(tally)),
    )


async def _people(database: Database, before: Entitlements, after: Entitlements) -> list[Somebody]:
    """Users with exceptions in force about something that changes."""
    changing = {part.name for parts in differences(before, after).values() for part in parts}
    wanted = {
        "features": sorted(changed_features(before, after)),
        "limits": [limit for limit in RAISABLE if limit in changing],
    }
    if not any(wanted.values()):
        return []
    people: dict[UUID, Somebody] = {}
    for user_id, plan_id, *exception in await read_within(
        database, SECONDS_FOR_EXCEPTIONS, EXCEPTIONS, wanted, by_index=True
    ):
        people.setdefault(user_id, Somebody(plan_id)).overrides.append(Exceptional(*exception))
    return list(people.values())


async def _sentence(database: Database, tally: Tally, plan_id: str) -> Sentence:
    plan, users = tally.before.plans[plan_id], tally.on_plan.get(plan_id, 0)
    if not users:
        return Sentence(plan_id, f"Nobody on {plan.display_name}", "nobody gains or loses")
    parts = tally.differences[plan_id]
    above = None
    for part in parts:
        if part.name == "max_projects" and part.loses:
            above = await _with_more_projects(database, plan_id, part)
    counts = {name: part for (on, name), part in tally.parts.items() if on == plan_id}
    return Sentence(plan_id, f"{users:,} on {plan.display_name}", sentence(parts, counts, above))


def _others(tally: Tally) -> list[Sentence]:
    """Those whose plan stays as it is, and who have by exception what is retired or comes back."""
    return [
        Sentence(plan_id, f"On {tally.before.plans[plan_id].display_name}", by_exception(name, part))
        for (plan_id, name), part in tally.parts.items()
        if plan_id not in tally.differences and (part.gain or part.lose)
    ]


async def _with_more_projects(database: Database, plan_id: str, part: Difference) -> int | None:
    """Users on a plan who have more projects than they may from now on; None where it takes too long to count."""
    params = {"plan": plan_id, "most": part.after}
    try:
        return (await read_within(database, SECONDS_FOR_PROJECTS, PROJECTS, params, by_index=True))[0][0]
    except Fault as fault:
        if fault.code != TOO_SLOW:
            raise
        return None


EXCEPTIONS = """
select o.user_id, s.plan_id, o.feature_id, o.limit_name, o.allowed, o.value
from (
    select * from overrides where feature_id = any(%(features)s)
    union all select * from overrides where limit_name = any(%(limits)s)) o
join user_stats s on s.user_id = o.user_id
where o.ended_at is null and (o.expires_at is null or o.expires_at > now()) and not s.demo and s.plan_id is not null
"""
# Along the plan's users, each as far as the first project too many; whom an exception allows as many is left out.
PROJECTS = """
select count(*) from user_stats s
where s.demo = false and s.plan_id = %(plan)s
    and exists (
        select from projects p where p.owner_id = s.user_id and p.archived_at is null
        order by p.owner_id offset %(most)s)
    and not exists (
        select from overrides o where o.user_id = s.user_id and o.limit_name = 'max_projects' and o.value > %(most)s
            and o.ended_at is null and (o.expires_at is null or o.expires_at > now())
            and o.value >= (
                select count(*) from projects p where p.owner_id = s.user_id and p.archived_at is null))
"""
