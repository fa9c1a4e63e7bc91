"""UUIDv7: an id orders by time and says when it was made."""

from datetime import UTC, datetime, timedelta, timezone
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from core.ids import first_id_at, new_id, short, time_of

moments = st.datetimes(datetime(2020, 1, 1), datetime(2090, 1, 1), timezones=st.just(UTC))
milliseconds = st.integers(0, (1 << 42) - 1)


def test_later_ids_sort_after_earlier_ones_and_never_repeat() -> None:
    ids = [new_id() for _ in range(10_000)]

    assert ids == sorted(ids)
    assert len(set(ids)) == len(ids)


def test_an_id_is_a_version_7_of_now() -> None:
    before = datetime.now(UTC) - timedelta(milliseconds=1)

    identifier = new_id()

    assert (identifier.version, identifier.variant) == (7, "specified in RFC 4122")
    assert before <= time_of(identifier) <= datetime.now(UTC)


@given(moments)
def test_the_first_id_of_a_moment_is_made_then_and_is_a_uuid7(moment: datetime) -> None:
    first = first_id_at(moment)

    assert first.version == 7
    assert timedelta(0) <= moment - time_of(first) < timedelta(milliseconds=1)


@given(milliseconds, st.integers(0, (1 << 12) - 1), st.integers(0, (1 << 62) - 1))
def test_the_first_id_of_a_moment_is_below_every_other_of_it_and_above_those_before(
    at: int, high: int, low: int
) -> None:
    made_then = UUID(int=(at << 80) | (0x7 << 76) | (high << 64) | (0x2 << 62) | low)

    assert first_id_at(time_of(made_then)) <= made_then
    assert made_then < first_id_at(time_of(made_then) + timedelta(milliseconds=1))


@given(moments, st.integers(-14, 14))
def test_the_zone_in_which_a_moment_is_told_does_not_matter(moment: datetime, hours: int) -> None:
    elsewhere = moment.astimezone(timezone(timedelta(hours=hours)))

    assert first_id_at(elsewhere) == first_id_at(moment)


def test_people_call_an_id_by_its_last_eight_characters() -> None:
    assert short(UUID("019a0000-0000-7000-8000-0000deadbeef")) == "deadbeef"
    assert len({short(new_id()) for _ in range(1_000)}) == 1_000
