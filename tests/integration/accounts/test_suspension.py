"""Suspension in one process stops keys and open pages in another within a second."""

from pathlib import Path

import pytest

from core.accounts import create_key, find_user, reactivate, sign_in, suspend
from core.accounts.rules import require_active
from core.accounts.sessions import authenticate_session
from core.audit import SYSTEM
from core.config import Rate
from core.errors import NotAllowed
from core.signup import sign_up
from core.vocabulary import Role
from tests.fakes import FakeVendors
from tests.waiting import until
from tests.world import PASSWORD, running, settings_for


async def test_a_suspended_persons_key_and_pages_stop_in_every_process(
    database_url: str, fakes: FakeVendors, tmp_path: Path
) -> None:
    settings = settings_for(database_url, tmp_path, fakes)
    async with running(settings) as here, running(settings) as there:
        async with here.purser.database.transaction() as session:
            tester = await sign_up(
                session, email="t@example.com", password=PASSWORD, role=Role.TESTER, actor=SYSTEM
            )
            key = await create_key(session, SYSTEM, tester.id, name="test")
        token, _ = await sign_in(
            there.purser.database, "t@example.com", PASSWORD, address=None, user_agent=None, keep=True,
            rate=Rate(100, 60),
        )  # fmt: skip
        known = await there.purser.identities.authenticate_key(key.secret)
        assert known is not None
        require_active(known)
        assert (await there.ask(by=known)).credits > 0

        async with here.purser.database.transaction() as session:
            await suspend(session, SYSTEM, tester.id, reason="Chargeback")

        assert await authenticate_session(there.purser.database, token) is None

        async def stopped() -> bool:
            nonlocal known
            known = await there.purser.identities.authenticate_key(key.secret)
            assert known is not None
            return known.status != "active"

        await until(stopped)
        with pytest.raises(NotAllowed, match="Chargeback"):
            require_active(known)
        assert (await there.refused(by=known)).code == "account_suspended"

        async with here.purser.database.transaction() as session:
            user = await find_user(session, "t@example.com")
            await reactivate(session, SYSTEM, user.id, reason="Paid")

        async def active() -> bool:
            found = await there.purser.identities.authenticate_key(key.secret)
            return found is not None and found.status == "active"

        await until(active)
        assert await authenticate_session(there.purser.database, token) is None
