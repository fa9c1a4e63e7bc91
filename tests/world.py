"""A running Purser for tests: three vendors (the local fakes), a user with credits, and short ways to look at the books."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from pydantic import AnyHttpUrl, SecretStr

from core import bootstrap
from core.accounts.person import Person
from core.audit import SYSTEM
from core.audit.sealing import seal
from core.bootstrap import Purser
from core.config import Settings
from core.credits.models import EntryType
from core.credits.service import Balance, adjust, balance_of
from core.database import Database
from core.entitlements.seed import seed
from core.errors import PurserError
from core.generation.order import TextOrder
from core.generation.outcome import Result
from core.signup import ensure_superadmin, sign_up
from core.vocabulary import Role, Traffic
from tests.fakes import FakeVendors

PASSWORD = "correct-horse-battery"
ADMIN = "admin@example.com"
USER = "user@example.com"
CREDITS = 1_000


def settings_for(
    database_url: str, data_dir: Path, fakes: FakeVendors | None = None, **more: Any
) -> Settings:
    """Settings of a test: this database, no environment, and the fakes as OpenAI, Gemini and Anthropic."""
    vendors: dict[str, Any] = {}
    if fakes:
        vendors = {
            "openai_api_key": SecretStr("sk-test-openai-1234"),
            "google_ai_api_key": SecretStr("AIzaTestGemini5678"),
            "anthropic_api_key": SecretStr("sk-ant-test-9012"),
            "openai_base_url": AnyHttpUrl(fakes.openai.url),
            "gemini_base_url": AnyHttpUrl(fakes.gemini.url),
            "anthropic_base_url": AnyHttpUrl(fakes.anthropic.url),
        }
    given: dict[str, Any] = {
        "database_url": SecretStr(database_url),
        "data_dir": data_dir,
        "admin_email": ADMIN,
        "admin_password": SecretStr(PASSWORD),
        **vendors,
        **more,
    }
    return Settings(_env_file=None, **given)  # pyright: ignore[reportCallIssue] - pydantic-settings takes it


async def make_people(database_url: str) -> None:
    """Plans, the superadmin of `settings_for` and the user of `running`: what a first start and a sign-up leave behind."""
    database = Database(database_url)
    await database.open()
    try:
        async with database.transaction() as session:
            await seed(session)
        await ensure_superadmin(database, ADMIN, PASSWORD)
        await _sign_up(database, USER, credits=CREDITS)
        await seal(database)  # what is left unsealed for minutes is a finding of the integrity check
    finally:
        await database.close()


@asynccontextmanager
async def running(settings: Settings, *, worker: bool = False) -> AsyncIterator["World"]:
    """A started Purser with one user who has a thousand credits on plan pro."""
    purser = await bootstrap.start(settings, worker=worker)
    try:
        yield World(purser, await person(purser, USER, credits=CREDITS))
    finally:
        await purser.stop()


async def person(
    purser: Purser, email: str, *, credits: int, plan: str = "unlimited", role: Role = Role.USER
) -> Person:
    """A user with exactly so many credits; the same one when asked for again."""
    found = await purser.identities.resolve_user(email)
    if found is None:
        await _sign_up(purser.database, email, credits=credits, plan=plan, role=role)
        found = await purser.identities.resolve_user(email)
    assert found is not None
    return found


async def _sign_up(
    database: Database, email: str, *, credits: int, plan: str = "unlimited", role: Role = Role.USER
) -> None:
    async with database.transaction() as session:
        user = await sign_up(session, email=email, plan_id=plan, role=role, actor=SYSTEM)
    start = (await balance_of(database, user.id)).balance
    if credits != start:
        async with database.transaction() as session:
            await adjust(
                session,
                user.id,
                credits - start,
                actor=SYSTEM,
                reason_code="test",
                type=EntryType.ADJUSTMENT,
            )


class World:
    """What a test of generations talks to."""

    def __init__(self, purser: Purser, user: Person) -> None:
        self.purser = purser
        self.user = user

    async def ask(self, prompt: str = "Say hello", *, by: Person | None = None, **order: Any) -> Result:
        """One whole text."""
        return await self.purser.generations.generate_text(
            by or self.user, TextOrder.of_prompt(prompt, **order)
        )

    async def refused(
        self, prompt: str = "Say hello", *, by: Person | None = None, **order: Any
    ) -> PurserError:
        """The error that a request ends with."""
        try:
            await self.ask(prompt, by=by, **order)
        except PurserError as error:
            return error
        raise AssertionError("it went through")

    async def balance(self, of: Person | None = None, traffic: Traffic = Traffic.LIVE) -> Balance:
        return await balance_of(self.purser.database, (of or self.user).id, traffic)

    async def row(self, generation_id: Any) -> dict[str, Any]:
        """A generation's row."""
        found = await self.purser.database.fetch_one(
            "select to_jsonb(g) from generations g where id = %s", (generation_id,)
        )
        assert found is not None
        return found[0]

    async def rows(self) -> list[dict[str, Any]]:
        """All generations, in the order of their beginning."""
        found = await self.purser.database.fetch_all("select to_jsonb(g) from generations g order by id")
        return [row for (row,) in found]

    async def attempts(self, generation_id: Any) -> list[dict[str, Any]]:
        found = await self.purser.database.fetch_all(
            "select to_jsonb(a) from attempts a where generation_id = %s order by number", (generation_id,)
        )
        return [row for (row,) in found]

    async def held(self) -> int:
        """How many reservations are open."""
        row = await self.purser.database.fetch_one("select count(*) from reservations where state = 'held'")
        assert row is not None
        return row[0]
