"""The integrity check that is kept: what it proved, when, and what it found."""

from core.audit import SYSTEM
from core.credits.models import EntryType
from core.credits.posting import open_account, post
from core.database import Database
from core.system.reports import check_books, last_proof
from tests.factories import make_user


async def test_books_that_agree_are_said_to_agree_as_of_the_check(database: Database) -> None:
    assert await last_proof(database) is None

    proof = await check_books(database)

    assert (proof.differences, proof.findings) == (0, ())
    assert await last_proof(database) == proof


async def test_a_difference_is_counted_and_told_in_words(database: Database) -> None:
    user = await make_user(database)
    async with database.transaction() as session:
        account = await open_account(session, user.id)
        await post(session, account, type=EntryType.GRANT, amount=100, reason="welcome", actor=SYSTEM)
    await check_books(database)
    await database.execute("update credit_accounts set balance = 101")

    await check_books(database)

    proof = await last_proof(database)
    assert proof is not None
    assert proof.differences >= 1
    assert f"user {user.id}: expected 100, found 101" in "\n".join(proof.findings)
