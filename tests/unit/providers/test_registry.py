"""The kinds, and the pool of built providers."""

import asyncio
import subprocess
import sys

import pytest

from core.errors import InvalidRequest
from core.providers.base import Connection, Provider
from core.providers.clients import ClientPool
from core.providers.registry import KINDS, build
from core.providers.sandbox import Sandbox


class Watched(Sandbox):
    def __init__(self, connection: Connection) -> None:
        super().__init__(Connection("sandbox"))
        self.closed = 0

    async def close(self) -> None:
        self.closed += 1


def watched(provider: Provider) -> Watched:
    assert isinstance(provider, Watched)
    return provider


OLD, NEW = Connection("sandbox", api_key="old"), Connection("sandbox", api_key="new")


def test_importing_the_registry_imports_no_vendors_sdk() -> None:
    script = (
        "import sys, core.providers.clients; "
        "print([m for m in ('openai', 'anthropic', 'google.genai', 'httpx2', 'aiohttp') if m in sys.modules])"
    )
    out = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"


def test_every_kind_is_registered_under_its_own_name() -> None:
    assert set(KINDS) == {"openai", "gemini", "anthropic", "deepseek", "openai_compatible", "sandbox"}
    assert all(kind.kind == name and kind.label for name, kind in KINDS.items())


def test_building_imports_nothing_and_shows_no_key() -> None:
    for kind in KINDS:
        provider = build(Connection(kind, None, "sk-very-secret"))
        assert "very-secret" not in repr(provider.connection)


def test_an_unknown_kind_is_refused() -> None:
    with pytest.raises(InvalidRequest, match="no provider kind 'oracle'"):
        build(Connection("oracle"))


async def test_the_same_key_gets_the_same_provider() -> None:
    pool = ClientPool(make=Watched)
    assert pool.get("1", OLD) is pool.get("1", Connection("sandbox", api_key="old"))
    assert pool.get("1", OLD) is not pool.get("2", OLD)
    await pool.close_all()


async def test_a_replaced_provider_is_closed_after_the_grace_and_not_before() -> None:
    pool = ClientPool(grace=0.05, make=Watched)
    old = watched(pool.get("1", OLD))
    new = watched(pool.get("1", NEW))
    assert new is not old
    await asyncio.sleep(0.02)
    assert old.closed == 0
    await asyncio.sleep(0.08)
    assert (old.closed, new.closed) == (1, 0)
    await pool.close_all()
    assert (old.closed, new.closed) == (1, 1)


async def test_a_connection_that_is_changed_back_within_the_grace_stays_open() -> None:
    pool = ClientPool(grace=0.05, make=Watched)
    old = watched(pool.get("1", OLD))
    new = watched(pool.get("1", NEW))
    assert pool.get("1", OLD) is old
    await asyncio.sleep(0.2)
    assert (old.closed, new.closed) == (0, 1)
    assert pool.get("1", OLD) is old
    await pool.close_all()


async def test_a_dropped_key_is_closed_after_the_grace() -> None:
    pool = ClientPool(grace=0.02, make=Watched)
    old = watched(pool.get("1", OLD))
    pool.drop("1")
    pool.drop("unknown")
    await asyncio.sleep(0.06)
    assert old.closed == 1
    await pool.close_all()


async def test_closing_all_closes_those_in_their_grace_too() -> None:
    pool = ClientPool(grace=60, make=Watched)
    old, new = watched(pool.get("1", OLD)), watched(pool.get("1", NEW))
    await pool.close_all()
    assert (old.closed, new.closed) == (1, 1)


async def test_a_provider_that_fails_to_close_does_not_keep_the_others_open() -> None:
    class Stuck(Watched):
        async def close(self) -> None:
            await super().close()
            raise OSError("stuck")

    pool = ClientPool(make=Stuck)
    providers = [watched(pool.get(str(number), OLD)) for number in range(3)]
    await pool.close_all()
    assert [provider.closed for provider in providers] == [1, 1, 1]
