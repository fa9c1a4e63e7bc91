"""One entry whole: the refunds of a charge, the lots that paid for it, and the lot that a grant made."""

from uuid import UUID

from core.audit import SYSTEM
from core.credits.detail import entries_of_generation, entry
from core.credits.models import EntryType
from core.credits.news import signature
from core.credits.posting import RESERVE, SETTLE, open_account, post
from core.credits.service import refund
from core.database import Database
from core.ids import new_id
from tests.factories import make_user


async def test_a_charge_shows_what_paid_for_it_and_what_was_given_back(database: Database) -> None:
    user = await make_user(database)
    async with database.transaction() as session:
        account = await open_account(session, user.id)
        granted = await post(session, account, type=EntryType.GRANT, amount=100, reason="x", actor=SYSTEM)
    made = await charged(database, user.id, 30)
    async with database.transaction() as session:
        back = await refund(session, actor=SYSTEM, reason_code="outage", generation_id=made, amount=10)

    newest, oldest = await entries_of_generation(database, made)
    charge = await entry(database, oldest.id)

    assert charge is not None
    assert (charge.seq, charge.line.amount) == (2, -30)
    assert [one.id for one in charge.refunds] == [newest.id] == [back.id]
    assert [(lot.entry_id, lot.granted, lot.remaining) for lot in charge.lots] == [(granted.id, 100, 70)]
    grant = await entry(database, granted.id)
    assert grant is not None
    assert (grant.refunds, [lot.remaining for lot in grant.lots]) == ((), [70])
    assert await entry(database, new_id()) is None


async def test_pages_learn_that_something_was_booked(database: Database) -> None:
    user = await make_user(database)
    before = await signature(database)
    async with database.transaction() as session:
        account = await open_account(session, user.id)
        await post(session, account, type=EntryType.GRANT, amount=1, reason="x", actor=SYSTEM)

    assert await signature(database) != before
    assert await signature(database) == await signature(database)


async def charged(database: Database, user_id: UUID, amount: int) -> UUID:
    """A generation's id that was charged so much."""
    made = new_id()
    await database.fetch_one(
        RESERVE,
        {"user_id": user_id, "traffic": "live", "id": made, "amounts": [amount], "lease_seconds": 60, "day": None,
            "day_cap": None, "month": None, "month_cap": None, "trial_cap": None},
    )  # fmt: skip
    await database.fetch_one(SETTLE, {"id": made, "charge": amount, "reason": "Text"})
    return made
