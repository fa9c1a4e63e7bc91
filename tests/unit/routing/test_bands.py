"""When a breaker was open, from its changes."""

from datetime import datetime, timedelta

from core.routing.history import Band, banded
from core.routing.models import BreakerState
from core.vocabulary import Modality
from tests.unit.routing.samples import NOW

CLOSED, OPEN, HALF, ISOLATED = (
    BreakerState.CLOSED, BreakerState.OPEN, BreakerState.HALF_OPEN, BreakerState.ISOLATED,
)  # fmt: skip


def at(minute: float) -> datetime:
    return NOW + timedelta(minutes=minute)


def bands(*changes: tuple[float, BreakerState]) -> list[tuple[datetime, datetime | None, BreakerState]]:
    story = [(at(minute), state, "") for minute, state in changes]
    return [(band.start, band.end, band.state) for band in banded(Modality.TEXT, story)]


def test_a_band_lasts_from_the_opening_to_the_closing() -> None:
    assert bands((0, OPEN), (31, CLOSED)) == [(at(0), at(31), OPEN)]


def test_probes_that_fail_do_not_part_it() -> None:
    assert bands((0, OPEN), (1, HALF), (2, OPEN), (4, HALF), (5, CLOSED)) == [(at(0), at(5), OPEN)]


def test_it_has_no_end_while_it_lasts() -> None:
    assert bands((0, OPEN), (1, HALF)) == [(at(0), None, OPEN)]


def test_isolation_is_a_band_of_its_own() -> None:
    assert bands((0, OPEN), (5, ISOLATED), (9, OPEN), (10, CLOSED)) == [
        (at(0), at(5), OPEN),
        (at(5), at(9), ISOLATED),
        (at(9), at(10), OPEN),
    ]


def test_each_opening_is_one() -> None:
    assert len(bands((0, OPEN), (1, CLOSED), (2, OPEN), (3, CLOSED), (4, CLOSED))) == 2


def test_a_band_keeps_the_reason_of_its_beginning() -> None:
    story = [
        (at(0), OPEN, "overloaded"),
        (at(1), HALF, "one probe goes out"),
        (at(2), OPEN, "the probe failed"),
    ]
    assert banded(Modality.TEXT, story) == [Band(Modality.TEXT, at(0), None, OPEN, "overloaded")]


def test_nothing_happened_is_no_band() -> None:
    assert bands() == []
    assert bands((0, CLOSED)) == []
