"""What each process has counted in memory, told to the others every second: one limit, however many processes.

Each adds what is new to one small table and reads what has changed in it. A subject can thus exceed its rate by what
other processes let through within that second, and by no more. While the database is away, everyone counts for
themselves.
"""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime, timedelta

from core.database import Database, end
from core.errors import DatabaseUnavailable
from core.log import get_logger
from core.quotas.table import Count, RateTable

log = get_logger(__name__)

EVERY_SECONDS = 1.0
MOST = 5_000
"""Subjects that are told, and learnt of, at once; more wait for the next second."""
OVERLAP = timedelta(seconds=1)
"""A row may become visible so much later than its moment says."""
FORGET_EVERY = 60

# Sorted, so that two processes which tell of the same subjects wait for one another and never in a circle.
TELL = """
insert into rate_windows as r (subject, number, used)
select subject, number, sum(used)::bigint
from unnest(%(subjects)s::varchar[], %(numbers)s::bigint[], %(counts)s::bigint[]) told(subject, number, used)
group by subject, number order by subject, number
on conflict (subject, number) do update set used = r.used + excluded.used, changed_at = clock_timestamp()
"""
LEARN = """
select subject, number, used, changed_at, now() - %(overlap)s::interval from rate_windows
where (changed_at, subject, number)
    > (coalesce(%(since)s, now() - make_interval(secs => %(kept)s)), %(subject)s::varchar, %(number)s::bigint)
order by changed_at, subject, number limit %(most)s
"""
FORGET = """
delete from rate_windows where ctid = any(array(
    select ctid from rate_windows where changed_at < now() - make_interval(secs => %(kept)s) limit %(most)s))
"""


class RateExchange:
    """One per process. `tables` by a name that is the same in all of them."""

    def __init__(self, database: Database, tables: Mapping[str, RateTable]) -> None:
        self._database = database
        # The length of the window is part of the name: numbers of other lengths mean other times.
        self._tables = {f"{name}/{table.rate.seconds}": table for name, table in tables.items()}
        self._kept = 2 * max(table.rate.seconds for table in tables.values())
        self._since: tuple[datetime | None, str, int] = (None, "", 0)
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._task = asyncio.create_task(self._go_on())

    async def stop(self) -> None:
        """Ends the exchange, after telling what is left to tell: a restart begins nobody's count anew."""
        if self._task:
            await end([self._task])
        with suppress(DatabaseUnavailable):
            await self._tell()

    async def exchange(self) -> None:
        """Tells and learns once; raises `DatabaseUnavailable`, and what was to be told is kept."""
        await self._tell()
        await self._learn()

    async def forget(self) -> None:
        """Removes windows that are long past."""
        await self._database.execute(FORGET, {"kept": self._kept, "most": 10 * MOST})

    async def _tell(self) -> None:
        for name, table in self._tables.items():
            counts = table.untold(MOST)
            if not counts:
                continue
            try:
                await self._database.execute(TELL, _columns(name, counts))
            except BaseException:
                # Written or not, nobody knows: told twice, a subject waits a little longer than it had to.
                table.take_back(counts)
                raise

    async def _learn(self) -> None:
        since, last, number = self._since
        asked = {"since": since, "subject": last, "number": number}
        rows = await self._database.fetch_all(
            LEARN, {**asked, "overlap": OVERLAP, "kept": self._kept, "most": MOST}
        )
        for subject, number, used, _, _ in rows:
            name, _, who = subject.partition(":")
            table = self._tables.get(name)
            if table is not None:
                table.learn(who, number, used)
        if rows:
            subject, number, _, newest, certain = rows[-1]
            # What is younger than the overlap is read once more: a row ahead of it may not have been visible yet.
            self._since = (newest, subject, number) if newest < certain else (certain, "", 0)

    async def _go_on(self) -> None:
        turns = 0
        while True:
            await asyncio.sleep(EVERY_SECONDS)
            turns += 1
            try:
                await self.exchange()
                if turns % FORGET_EVERY == 0:
                    await self.forget()
            except DatabaseUnavailable:
                log.debug("rates are counted by each process alone, the database does not answer")
            except (
                Exception
            ):  # whatever it was, the limits of this process hold, and the next second tries again
                log.exception("rates could not be exchanged")


def _columns(name: str, counts: list[Count]) -> dict[str, list[str] | list[int]]:
    return {
        "subjects": [f"{name}:{subject}" for subject, _, _ in counts],
        "numbers": [number for _, number, _ in counts],
        "counts": [count for _, _, count in counts],
    }
