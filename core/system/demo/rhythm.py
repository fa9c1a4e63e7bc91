"""When people ask: more by day than by night, less at weekends, and a little more every week. Pure."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

HOURS = (
    2, 1, 1, 1, 1, 2, 4, 8, 14, 20, 23, 22, 18, 20, 23, 23, 21, 17, 14, 13, 12, 10, 7, 4,
)  # fmt: skip
"""Weight of each hour of the day, UTC."""
WEEKEND = 0.55
GROWTH = 0.4
"""How much more is asked for at the end than at the beginning."""


@dataclass(frozen=True, slots=True)
class Slot:
    """So many calls within so many seconds from a moment on."""

    begins: datetime
    seconds: float
    calls: int


def slots(begins: datetime, ends: datetime, calls: int) -> list[Slot]:
    """`calls` spread over the hours between two moments; they sum to exactly that."""
    hours: list[tuple[datetime, float, float]] = []
    moment = begins
    while moment < ends:
        full = moment.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
        seconds = (min(full, ends) - moment).total_seconds()
        weekend = WEEKEND if moment.weekday() >= 5 else 1.0
        growth = 1 + GROWTH * ((moment - begins) / (ends - begins))
        hours.append((moment, seconds, HOURS[moment.hour] * weekend * growth * seconds / 3600))
        moment = full
    whole = sum(weight for _, _, weight in hours)
    found: list[Slot] = []
    reached, given = 0.0, 0
    for moment, seconds, weight in hours:
        reached += weight
        # Rounded on the running sum, so that no call is lost or made up.
        due = round(calls * reached / whole) - given
        given += due
        if due:
            found.append(Slot(moment, seconds, due))
    return found


def batches(hours: Iterable[Slot], most: int) -> Iterator[list[Slot]]:
    """The slots in groups of about `most` calls, in order; an hour with more is parted."""
    batch: list[Slot] = []
    size = 0
    for slot in hours:
        for part in _parts(slot, most):
            if batch and size + part.calls > most:
                yield batch
                batch, size = [], 0
            batch.append(part)
            size += part.calls
    if batch:
        yield batch


def _parts(slot: Slot, most: int) -> Iterator[Slot]:
    count = -(-slot.calls // most)
    for number in range(count):
        calls = slot.calls * (number + 1) // count - slot.calls * number // count
        seconds = slot.seconds / count
        yield Slot(slot.begins + timedelta(seconds=seconds * number), seconds, calls)
