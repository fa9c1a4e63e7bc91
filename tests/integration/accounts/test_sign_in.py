"""Signing in: who gets in, what the others are told, and how often anybody may try."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher

from core.accounts import Person, authenticate_session, passwords, sign_in, suspend
from core.accounts.attempts import forget_attempts
from core.audit import SYSTEM
from core.config import Rate
from core.database import Database
from core.errors import LimitReached, NotAllowed, NotSignedIn
from core.vocabulary import Role
from tests.factories import PASSWORD, QUICK, make_override, make_user, somebody_waits

NOW = datetime(2026, 11, 21, 12, 0, 0, tzinfo=UTC)

Enter = Callable[..., Awaitable[tuple[str, Person]]]


@pytest.fixture
def enter(database: Database) -> Enter:
    def sign(email: str, password: str = PASSWORD, **options: Any) -> Awaitable[tuple[str, Person]]:
        asked: dict[str, Any] = {
            "address": "192.0.2.7",
            "user_agent": "Firefox",
            "keep": False,
            "rate": Rate(5, 60),
            "now": NOW,
        }
        return sign_in(database, email, password, **(asked | options))

    return sign


async def refusal_of(attempt: Awaitable[Any]) -> str:
    with pytest.raises(NotSignedIn) as refusal:
        await attempt
    assert refusal.value.code == "wrong_credentials"
    return refusal.value.message


@pytest.mark.parametrize("role", [Role.SUPERADMIN, Role.SUPPORT, Role.TESTER])
async def test_staff_with_the_right_password_get_in(database: Database, enter: Enter, role: Role) -> None:
    user = await make_user(database, email="mira@example.com", role=role, password=PASSWORD, name="Mira")
    token, person = await enter(" Mira@Example.com ")
    assert (person.id, person.email, person.name, person.role) == (user.id, "mira@example.com", "Mira", role)
    assert person.session_id
    assert await authenticate_session(database, token, now=NOW) == person


async def test_the_token_is_stored_nowhere(database: Database, enter: Enter) -> None:
    await make_user(database, email="mira@example.com", role=Role.TESTER, password=PASSWORD)
    token, _ = await enter("mira@example.com")
    (row,) = await database.fetch_all("select s::text from sessions s")
    assert token not in row[0]
    assert token.encode().hex() not in row[0]


async def test_wrong_unknown_and_suspended_are_told_the_same(database: Database, enter: Enter) -> None:
    await make_user(database, email="mira@example.com", role=Role.SUPPORT, password=PASSWORD)
    await make_user(database, email="without@example.com", role=Role.SUPPORT)
    gone = await make_user(database, email="gone@example.com", role=Role.SUPPORT, password=PASSWORD)
    async with database.transaction() as session:
        await suspend(session, SYSTEM, gone.id, reason="left")
    rate = Rate(50, 60)
    told = {
        await refusal_of(enter("mira@example.com", "wrong horse battery", rate=rate)),
        await refusal_of(enter("nobody@example.com", rate=rate)),
        await refusal_of(enter("without@example.com", rate=rate)),
        await refusal_of(enter("gone@example.com", rate=rate)),
        await refusal_of(enter("not an address\0", rate=rate)),
        await refusal_of(enter("\ud800@example.com", rate=rate)),
    }
    assert len(told) == 1
    assert await database.fetch_one("select count(*) from sessions") == (0,)


async def test_an_unknown_address_costs_the_same_work_as_a_wrong_password(
    database: Database, enter: Enter, monkeypatch: pytest.MonkeyPatch
) -> None:
    await make_user(database, email="mira@example.com", role=Role.SUPPORT, password=PASSWORD)
    await make_user(database, email="without@example.com", role=Role.SUPPORT)
    counted = Counted(**QUICK)
    monkeypatch.setattr(passwords, "hasher", PasswordHash((counted,)))

    work: list[int] = []
    for email in ("mira@example.com", "nobody@example.com", "without@example.com"):
        counted.hashes = 0
        await refusal_of(enter(email, "wrong horse battery"))
        work.append(counted.hashes)

    assert work == [1, 1, 1]


class Counted(Argon2Hasher):
    """Counts the passes over the memory: making a hash and comparing with one are the same work."""

    hashes = 0

    def hash(self, *args: Any, **options: Any) -> str:
        self.hashes += 1
        return super().hash(*args, **options)

    def verify(self, *args: Any, **options: Any) -> bool:
        self.hashes += 1
        return super().verify(*args, **options)


async def test_a_user_of_the_api_is_told_that_the_pages_are_for_staff(
    database: Database, enter: Enter
) -> None:
    await make_user(database, email="customer@example.com", password=PASSWORD)
    with pytest.raises(NotAllowed, match="for staff") as refusal:
        await enter("customer@example.com")
    assert refusal.value.code == "staff_only"
    await refusal_of(enter("customer@example.com", "wrong horse battery"))


async def test_who_is_suspended_while_signing_in_stays_outside(database: Database, enter: Enter) -> None:
    user = await make_user(database, email="mira@example.com", role=Role.SUPPORT, password=PASSWORD)
    async with database.transaction() as session:
        await suspend(session, SYSTEM, user.id, reason="left")
        entering = asyncio.ensure_future(enter("mira@example.com"))
        await somebody_waits(database)
    await refusal_of(entering)
    assert await database.fetch_one("select count(*) from sessions") == (0,)


async def test_overrides_come_along_while_they_last(database: Database, enter: Enter) -> None:
    user = await make_user(database, email="mira@example.com", role=Role.TESTER, password=PASSWORD)
    soon = datetime.now(UTC) + timedelta(days=1, microseconds=123_456)
    past = datetime.now(UTC) - timedelta(seconds=1)
    await make_override(database, user.id, feature_id="voice-over", allowed=True, expires_at=soon)
    await make_override(database, user.id, limit_name="daily_generations", value=9)
    await make_override(database, user.id, feature_id="stock-media", allowed=False, expires_at=past)
    await make_override(database, user.id, feature_id="stock-media", allowed=False, ended_at=past)
    _, person = await enter("mira@example.com")
    voice, daily = person.overrides
    assert (voice.feature_id, voice.allowed, voice.expires_at) == ("voice-over", True, soon)
    assert (daily.limit_name, daily.value, daily.expires_at) == ("daily_generations", 9, None)


async def test_an_old_hash_is_renewed_at_sign_in(database: Database, enter: Enter) -> None:
    old = Argon2Hasher(time_cost=1, memory_cost=8_192).hash(PASSWORD)
    user = await make_user(database, email="mira@example.com", role=Role.TESTER, password_hash=old)
    await enter("mira@example.com")
    (renewed,) = await database.fetch_one("select password_hash from users where id = %s", (user.id,)) or (
        "",
    )
    assert renewed != old
    await enter("mira@example.com")


async def test_signing_in_is_audited_without_secrets(database: Database, enter: Enter) -> None:
    user = await make_user(database, email="mira@example.com", role=Role.TESTER, password=PASSWORD)
    token, person = await enter("mira@example.com", keep=True)
    rows = await database.fetch_all("select action, actor_id, subject_id, address, a::text from audit a")
    assert [row[:4] for row in rows] == [("session.open", user.id, str(user.id), "192.0.2.7")]
    assert token not in rows[0][4]
    assert PASSWORD not in rows[0][4]
    assert str(person.session_id) in rows[0][4]


# How often


async def test_of_twenty_attempts_at_once_over_two_processes_five_are_heard(
    database: Database, database_url: str, enter: Enter
) -> None:
    await make_user(database, email="mira@example.com", role=Role.SUPPORT, password=PASSWORD)
    other = Database(database_url)
    await other.open()

    def attempt(number: int) -> Awaitable[Any]:
        through = database if number % 2 else other
        return sign_in(
            through, "mira@example.com", "wrong horse battery",
            address=f"192.0.2.{number}", user_agent=None, keep=False, rate=Rate(5, 60), now=NOW,
        )  # fmt: skip

    answers = await asyncio.gather(*(attempt(number) for number in range(20)), return_exceptions=True)
    await other.close()
    assert sum(isinstance(answer, NotSignedIn) for answer in answers) == 5
    assert sum(isinstance(answer, LimitReached) for answer in answers) == 15


async def test_one_address_has_five_attempts_for_all_accounts(enter: Enter) -> None:
    attempts = (enter(f"user{number}@example.com") for number in range(12))
    answers = await asyncio.gather(*attempts, return_exceptions=True)
    assert sum(isinstance(answer, NotSignedIn) for answer in answers) == 5


async def test_the_limit_says_when_to_come_back_and_then_lets_in(database: Database, enter: Enter) -> None:
    await make_user(database, email="mira@example.com", role=Role.SUPPORT, password=PASSWORD)
    late = NOW + timedelta(seconds=47)
    for _ in range(5):
        await refusal_of(enter("mira@example.com", "wrong horse battery", now=late))
    with pytest.raises(LimitReached) as refusal:
        await enter("mira@example.com", now=late)
    assert refusal.value.status == 429
    assert refusal.value.retry_after == 13
    await enter("mira@example.com", now=late + timedelta(seconds=13))


async def test_a_success_forgives_the_account_and_not_the_address(database: Database, enter: Enter) -> None:
    await make_user(database, email="mira@example.com", role=Role.SUPPORT, password=PASSWORD)
    for number in range(4):
        await refusal_of(enter("mira@example.com", "wrong horse battery", address=f"192.0.2.{number}"))
    await enter("mira@example.com", address="198.51.100.1")
    for _ in range(4):
        await refusal_of(enter("mira@example.com", "wrong horse battery", address="198.51.100.1"))
    with pytest.raises(LimitReached):
        await enter("mira@example.com", address="198.51.100.1")


async def test_nobody_locks_others_out_from_one_address(database: Database, enter: Enter) -> None:
    await make_user(database, email="mira@example.com", role=Role.SUPPORT, password=PASSWORD)
    for _ in range(5):
        await refusal_of(enter("nobody@example.com", address="203.0.113.9"))
    for _ in range(20):
        with pytest.raises(LimitReached):
            await enter("mira@example.com", address="203.0.113.9")
    await enter("mira@example.com", address="192.0.2.1")


async def test_counters_name_nobody_and_go_after_a_day(database: Database, enter: Enter) -> None:
    await refusal_of(enter("nobody@example.com"))
    subjects = await database.fetch_all("select subject from quota_counters order by subject")
    assert not any("nobody" in subject for (subject,) in subjects)
    assert await forget_attempts(database, datetime.now(UTC)) == 0
    assert await forget_attempts(database, datetime.now(UTC) + timedelta(days=2)) == 2
