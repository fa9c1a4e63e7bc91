"""When the demo's people ask."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from core.system.demo.rhythm import batches, slots

BEGINS = datetime(2026, 10, 22, 7, 31, tzinfo=UTC)
ENDS = BEGINS + timedelta(days=30)


@given(calls=st.integers(0, 100_000), hours=st.floats(0.01, 1_000))
def test_no_call_is_lost_and_none_lies_outside(calls: int, hours: float) -> None:
    ends = BEGINS + timedelta(hours=hours)
    found = slots(BEGINS, ends, calls)

    assert sum(slot.calls for slot in found) == calls
    assert all(
        slot.begins >= BEGINS and slot.begins + timedelta(seconds=slot.seconds) <= ends for slot in found
    )


def test_days_are_busier_than_nights_and_weekdays_than_weekends() -> None:
    found = slots(BEGINS, ENDS, 100_000)

    def calls(*, weekend: bool, hours: range) -> int:
        return sum(
            slot.calls
            for slot in found
            if (slot.begins.weekday() >= 5) == weekend and slot.begins.hour in hours
        )

    assert calls(weekend=False, hours=range(9, 17)) > 5 * calls(weekend=False, hours=range(8))
    assert calls(weekend=False, hours=range(24)) / 22 > calls(weekend=True, hours=range(24)) / 8


@given(most=st.integers(1, 5_000))
def test_batches_keep_order_and_size_and_lose_nothing(most: int) -> None:
    found = slots(BEGINS, ENDS, 20_000)
    grouped = list(batches(found, most))

    assert sum(slot.calls for batch in grouped for slot in batch) == 20_000
    assert all(sum(slot.calls for slot in batch) <= most for batch in grouped)
    moments = [slot.begins for batch in grouped for slot in batch]
    assert moments == sorted(moments)
