"""A feature decision: in process, with snapshot and user at hand, and over HTTP."""

import asyncio
import math
import tempfile
import time
import timeit
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import MappingProxyType

import aiohttp

from core.accounts.keys import create_key
from core.accounts.models import UserStatus
from core.accounts.person import ActiveOverride, Person
from core.audit import SYSTEM
from core.database import Database, EmbeddedServer
from core.entitlements.models import Tier
from core.entitlements.rules import Entitlements, PlanView, check
from core.ids import new_id
from core.signup import sign_up
from core.vocabulary import Role
from tests.bench.measure import Figure
from tests.server import serving

COUNT = 20_000
CALLS = 3_000
AT_ONCE = 32


def measure() -> list[Figure]:
    now = datetime.now(UTC)
    features = {f"feature-{number}": f"Feature {number}" for number in range(9)}
    plan = PlanView("pro", "Pro", Tier.PREMIUM, features=frozenset(features))
    entitlements = Entitlements(MappingProxyType({"pro": plan}), MappingProxyType(features))
    person = Person(
        id=new_id(), email="a@example.com", name="", role=Role.USER, status=UserStatus.ACTIVE, status_reason=None,
        plan_id="pro", plan_expires_at=now + timedelta(days=3), trial_ends_at=None, trial_uses=None, time_zone="UTC",
        language="en", preferred_provider=None, preferred_model=None,
        overrides=(ActiveOverride("feature-3", None, True, None, now + timedelta(days=1)),),
    )  # fmt: skip

    def decide() -> object:
        return check(entitlements, person, "feature-3", now)

    each = min(timeit.repeat(decide, number=COUNT, repeat=5)) / COUNT * 1e6
    return [Figure("feature decision in process", f"{each:.2f} µs", "", "", "≤ 10 µs", "≤ 2 µs", each <= 10)]


def measure_http() -> list[Figure]:
    """`POST /api/features/check` by a user key, 32 at once, at a server of its own."""
    with tempfile.TemporaryDirectory(prefix="purser-bench-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        with serving(folder, RATE_API="10000000/m") as live:
            url = EmbeddedServer(folder / "postgres").start()
            times = sorted(asyncio.run(_ask(live.url, url)))
    p95 = times[math.ceil(0.95 * len(times)) - 1] * 1000
    median = times[len(times) // 2] * 1000
    return [
        Figure(
            f"feature check over HTTP, {AT_ONCE} at once, p95",
            f"{p95:.1f} ms, median {median:.1f} ms", "", "", "≤ 20 ms", "≤ 8 ms", p95 <= 20,
        )
    ]  # fmt: skip


async def _ask(base: str, database_url: str) -> list[float]:
    """Seconds of each call, after as many that warm up."""
    database = Database(database_url)
    await database.open()
    async with database.transaction() as session:
        user = await sign_up(session, email="bench@example.com", plan_id="pro", actor=SYSTEM)
        key = await create_key(session, SYSTEM, user.id, name="bench")
    await database.close()
    times: list[float] = []
    left = CALLS * 2

    async def worker(client: aiohttp.ClientSession) -> None:
        nonlocal left
        while left > 0:
            left -= 1
            began = time.perf_counter()
            async with client.post(f"{base}/api/features/check", json={"featureId": "voice-over"}) as answer:
                assert (await answer.json())["hasAccess"] is True
            times.append(time.perf_counter() - began)

    headers = {"Authorization": f"Bearer {key.secret}"}
    async with aiohttp.ClientSession(headers=headers) as client:
        await asyncio.gather(*(worker(client) for _ in range(AT_ONCE)))
    return times[CALLS:]
