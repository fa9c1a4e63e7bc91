"""The ledger as a list: every filter, forwards and back without gap or repeat, and a sea of demo entries in nobody's way."""

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from core.audit import Actor
from core.credits import ledger as lists
from core.credits.detail import refundable
from core.credits.ledger import Filter, account_proof, count, ledger
from core.credits.models import EntryType
from core.credits.service import adjust, refund
from core.credits.totals import fold_credit_hours, outstanding, totals
from core.database import Database, run
from core.database.reading import TOO_SLOW
from core.errors import Fault, NotFound
from core.ids import new_id
from core.vocabulary import Role, Traffic
from tests.integration.credits.books import Books
from tests.rows import id_at

NOW = datetime.now(UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
SUPPORT = Actor("user", "support@example.com", Role.SUPPORT, new_id())


@dataclass(frozen=True)
class Entry:
    id: UUID
    type: str
    amount: int
    traffic: str
    actor_id: UUID | None
    user_id: UUID


@dataclass(frozen=True)
class Shelf:
    """Entries of three months, the newest first, in live and demo books."""

    database: Database
    entries: list[Entry]
    users: list[UUID]

    def of(self, **wanted: Any) -> list[UUID]:
        return [one.id for one in self.entries if all(getattr(one, k) in v for k, v in wanted.items())]


KINDS = (
    (Traffic.LIVE, "usage", -3, False),
    (Traffic.LIVE, "grant", 50, False),
    (Traffic.LIVE, "adjustment", 7, True),
    (Traffic.DEMO, "usage", -2, False),
    (Traffic.DEMO, "grant", 40, False),
)


@pytest.fixture
async def shelf(database: Database) -> Shelf:
    """Live charges in few hours of three months, among a demo entry every hour; none of it folded."""
    live, other, demo = (
        await Books.open(database),
        await Books.open(database),
        await Books.open(database, 0, Traffic.DEMO),
    )
    moments = [NOW - timedelta(minutes=minute) for minute in (3, 7, 70)]
    moments += [NOW - days * DAY - shift * HOUR for days in (3, 10, 40, 80) for shift in (0, 0.1, 5)]
    made: list[Entry] = []

    async def put(books: Books, at: datetime, type: str, amount: int, by: UUID | None) -> None:
        identifier = id_at(at)
        await database.execute(
            "with a as (update credit_accounts set seq = seq + 1 where id = %(account)s returning seq)"
            " insert into credit_entries (id, account_id, seq, type, amount, balance_after, reason, actor_kind, actor_id,"
            " traffic) select %(id)s, %(account)s, seq, %(type)s, %(amount)s, 0, 'test', %(kind)s, %(by)s, %(traffic)s from a",
            {"id": identifier, "account": books.account_id, "type": type, "amount": amount, "by": by,
             "kind": "user" if by else "system", "traffic": books.traffic.value},
        )  # fmt: skip
        made.append(Entry(identifier, type, amount, books.traffic.value, by, books.user_id))

    for at in sorted(moments):
        for place, (traffic, type, amount, by_hand) in enumerate(KINDS):
            books = demo if traffic is Traffic.DEMO else (live, other)[place % 2]
            await put(books, at + timedelta(seconds=place), type, amount, SUPPORT.id if by_hand else None)
    made.sort(key=lambda one: one.id, reverse=True)
    return Shelf(database, made, [live.user_id, other.user_id, demo.user_id])


def filters(shelf: Shelf) -> list[tuple[Filter, list[UUID]]]:
    live, users = {"traffic": ("live",)}, shelf.users
    return [
        (Filter(), shelf.of(**live)),
        (Filter(type=EntryType.USAGE), shelf.of(**live, type=("usage",))),
        (Filter(moved_only=True), shelf.of(**live, type=("grant", "adjustment"))),
        (Filter(types=(EntryType.GRANT, EntryType.USAGE)), shelf.of(**live, type=("usage", "grant"))),
        (Filter(type=EntryType.REFUND), []),
        (Filter(type=EntryType.USAGE, moved_only=True), []),
        (Filter(traffic=Traffic.DEMO), shelf.of(traffic=("demo",))),
        (Filter(traffic=Traffic.DEMO, type=EntryType.USAGE), shelf.of(traffic=("demo",), type=("usage",))),
        (Filter(traffic=Traffic.TEST), []),
        (Filter(user_id=users[0]), shelf.of(**live, user_id=users[:1])),
        (Filter(user_id=users[0], moved_only=True), shelf.of(user_id=users[:1], type=("adjustment",))),
        (Filter(user_id=users[0], types=(EntryType.USAGE,)), shelf.of(user_id=users[:1], type=("usage",))),
        (Filter(actor_id=SUPPORT.id), shelf.of(actor_id=(SUPPORT.id,))),
        (Filter(people_only=True), shelf.of(actor_id=(SUPPORT.id,))),
        (Filter(people_only=True, type=EntryType.GRANT), []),
        (Filter(begin=NOW - 20 * DAY), [one for one in shelf.of(**live) if one >= id_from(NOW - 20 * DAY)]),
        (
            Filter(begin=NOW - 41 * DAY, end=NOW - 5 * DAY),
            [one for one in shelf.of(**live) if id_from(NOW - 41 * DAY) <= one < id_from(NOW - 5 * DAY)],
        ),
        (Filter(end=NOW - 50 * DAY, type=EntryType.USAGE),
         [one for one in shelf.of(**live, type=("usage",)) if one < id_from(NOW - 50 * DAY)]),
    ]  # fmt: skip


def id_from(moment: datetime) -> UUID:
    return lists.first_id_at(moment)


@pytest.mark.parametrize("folded", ["never", "half", "all"])
async def test_every_filter_pages_both_ways_without_gap_or_repeat(shelf: Shelf, folded: str) -> None:
    database = shelf.database
    if folded != "never":
        await fold_credit_hours(database, NOW - 5 * DAY if folded == "half" else NOW, since=NOW - 90 * DAY)

    for which, wanted in filters(shelf):
        down: list[UUID] = []
        after = None
        while True:
            page = await ledger(database, which, limit=4, after=after)
            down += [one.id for one in page.lines]
            if not page.next:
                break
            after = page.lines[-1].id
        assert down == wanted, which
        up: list[UUID] = []
        before = wanted[-1] if wanted else None
        while before:
            page = await ledger(database, which, limit=4, before=before)
            assert page.next
            up = [one.id for one in page.lines] + up
            before = page.lines[0].id if page.previous else None
        assert up == wanted[:-1], which
        assert await count(database, which) == len(wanted), which
        if wanted:
            middle = wanted[len(wanted) // 2]
            assert await count(database, which, ahead_of=middle) == len(wanted) // 2, which


async def test_counts_are_exact_up_to_a_bound(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lists, "COUNTED_TO", 5)
    await fold_credit_hours(shelf.database, NOW)

    for which in (
        Filter(),
        Filter(moved_only=True),
        Filter(traffic=Traffic.DEMO),
        Filter(user_id=shelf.users[0]),
    ):
        assert await count(shelf.database, which) == 6


@pytest.mark.parametrize("folded", ["never", "half", "all"])
async def test_totals_of_any_range_are_exact(shelf: Shelf, folded: str) -> None:
    if folded != "never":
        await fold_credit_hours(
            shelf.database, NOW - 5 * DAY if folded == "half" else NOW, since=NOW - 90 * DAY
        )
    edges = [
        None,
        NOW - 80 * DAY,
        NOW - 40 * DAY + timedelta(seconds=2),
        NOW - 3 * DAY,
        NOW - timedelta(minutes=5),
        None,
    ]
    for traffic in Traffic:
        for place, begin in enumerate(edges[:-1]):
            for end in edges[place + 1 :]:
                wanted: dict[str, tuple[int, int]] = {}
                for one in shelf.entries:
                    within = (begin is None or one.id >= id_from(begin)) and (
                        end is None or one.id < id_from(end)
                    )
                    if one.traffic == traffic and within:
                        entries, credits = wanted.get(one.type, (0, 0))
                        wanted[one.type] = entries + 1, credits + one.amount
                found = await totals(shelf.database, traffic, begin, end)
                told = {type.value: (total.entries, total.credits) for type, total in found.by_type.items()}
                assert told == wanted, (traffic, begin, end)


async def test_what_is_booked_after_a_fold_is_in_the_totals_at_once(database: Database) -> None:
    books = await Books.open(database, 100)
    await fold_credit_hours(database, datetime.now(UTC))
    await books.charge(30)
    await books.reserve(20)

    found, owned = await totals(database, Traffic.LIVE), await outstanding(database)

    assert (found.of(EntryType.USAGE).credits, found.all.credits) == (-30, 70)
    assert (owned.balance, owned.held) == (70, 20)


async def test_an_entry_that_comes_late_is_folded_when_its_hour_is_folded_again(shelf: Shelf) -> None:
    database = shelf.database
    await fold_credit_hours(database, NOW - 10 * DAY + timedelta(minutes=1), since=NOW - 90 * DAY)
    before = (await totals(database, Traffic.LIVE)).all
    # Booked a moment before the fold, committed after it.
    await database.execute(
        "insert into credit_entries (id, account_id, seq, type, amount, balance_after, reason, actor_kind)"
        " select %s, id, 999, 'grant', 5, 0, 'late', 'system' from credit_accounts where traffic = 'live' limit 1",
        (id_at(NOW - 10 * DAY - timedelta(minutes=1)),),
    )
    at_once = (await totals(database, Traffic.LIVE)).all
    await fold_credit_hours(database, NOW)
    later = (await totals(database, Traffic.LIVE)).all

    assert at_once == later
    assert (later.entries, later.credits) == (before.entries + 1, before.credits + 5)


async def test_a_line_says_who_did_it_and_why(database: Database) -> None:
    books = await Books.open(database, 100)
    generation = await books.charge(30)
    async with database.transaction() as session:
        given = await refund(
            session, actor=SUPPORT, reason_code="outage", note="sorry", generation_id=generation, amount=10
        )
        await adjust(session, books.user_id, 5, actor=SUPPORT, reason_code="goodwill")

    adjusted, refunded, charged, granted = (await ledger(database, Filter(user_id=books.user_id))).lines

    assert (refunded.reason, refunded.reason_code, refunded.note) == ("Outage", "outage", "sorry")
    assert (refunded.refund_of, refunded.generation_id) == (charged.id, generation)
    assert [one.actor for one in (adjusted, refunded, charged, granted)] == [None, None, None, "schedule"]
    assert [one.actor_id for one in (adjusted, refunded, charged)] == [SUPPORT.id, SUPPORT.id, None]
    assert abs(adjusted.at - datetime.now(UTC)) < timedelta(minutes=1)
    left = await refundable(database, generation_id=generation)
    assert (left.charged, left.refunded, left.left, left.entry_id) == (30, 10, 20, given.refund_of)
    assert await refundable(database, entry_id=charged.id) == left
    with pytest.raises(NotFound):
        await refundable(database, entry_id=granted.id)


async def test_a_refund_leaves_the_total_of_what_was_used(database: Database) -> None:
    books = await Books.open(database, 100)
    generation = await books.charge(30)
    before = (await totals(database, Traffic.LIVE)).of(EntryType.USAGE)
    async with database.transaction() as session:
        await refund(session, actor=SUPPORT, reason_code="outage", generation_id=generation)

    assert (await totals(database, Traffic.LIVE)).of(EntryType.USAGE) == before


async def test_an_account_is_proved_by_its_entries(database: Database) -> None:
    books = await Books.open(database, 100)
    await books.charge(30)

    good = await account_proof(database, books.user_id)
    await database.execute(
        "update credit_accounts set balance = balance + 1 where id = %s", (books.account_id,)
    )
    bad = await account_proof(database, books.user_id)
    nobody = await account_proof(database, new_id())

    assert (good.balance, good.entries_sum, good.entries, good.agrees) == (70, 70, 2, True)
    assert (bad.balance, bad.entries_sum, bad.agrees) == (71, 70, False)
    assert (nobody.balance, nobody.agrees) == (0, True)


async def test_a_proof_that_takes_long_ends_with_a_word(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    books = await Books.open(database, 100)
    monkeypatch.setattr(lists, "SECONDS_FOR_PROOF", 0.1)
    async with database.transaction() as session:
        await run(session, "lock table credit_lots in access exclusive mode")

        with pytest.raises(Fault) as refused:
            await asyncio.wait_for(account_proof(database, books.user_id), 20)

    assert refused.value.code == TOO_SLOW
