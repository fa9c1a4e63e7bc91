"""The pages under NiceGUI's simulated user: no browser, but the real page builders, services and database."""

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest
from nicegui import Client, core, ui
from nicegui.functions.navigate import Navigate
from nicegui.functions.notify import notify
from nicegui.testing import User
from nicegui.testing.general import prepare_simulation
from starlette.types import Receive, Scope, Send

from core.accounts.sessions import sign_in
from core.audit import SYSTEM
from core.database import PEOPLE
from core.signup import sign_up
from core.vocabulary import Role
from dashboard import tabs
from dashboard.access import DEV_COOKIE
from dashboard.pages import (
    audit,
    credits,
    generations,
    overview,
    plans,
    playground,
    providers,
    settings,
    user,
    users,
)
from tests.world import PASSWORD, World, running, settings_for

PAGES = (overview, generations, playground, plans, providers, user, users, audit, credits, settings)
"""Imported, so that they are registered."""


class Patient(User):
    """A simulated browser that waits for what it expects to see as long as a person would."""

    async def should_see(self, *args: Any, retries: int = 150, **options: Any) -> None:
        await super().should_see(*args, retries=retries, **options)

    async def should_not_see(self, *args: Any, retries: int = 150, **options: Any) -> None:
        await super().should_not_see(*args, retries=retries, **options)


class Visit:
    """A simulated browser of one person."""

    def __init__(self, user: User, world: World, token: str) -> None:
        self.user = user
        self.world = world
        self.token = token


@pytest.fixture
async def world(database_url: str, tmp_path: Path) -> AsyncIterator[World]:
    """Purser with the sandbox, behind the pages of this process."""
    async with running(settings_for(database_url, tmp_path)) as world:
        world.purser.changes.subscribe(PEOPLE, tabs.recheck)
        yield world


@pytest.fixture
async def enter(world: World) -> AsyncIterator[Callable[..., object]]:
    """`visit = await enter(Role.SUPPORT)`: a person of that role, signed in, in a browser of their own."""
    async with AsyncExitStack() as stack:
        prepare_simulation()
        await stack.enter_async_context(core.app.router.lifespan_context(core.app))
        transport = httpx.ASGITransport(_Behind(world))

        async def make(role: Role = Role.SUPERADMIN) -> Visit:
            email = f"{role}@example.com"
            async with world.purser.database.transaction() as session:
                await sign_up(session, email=email, password=PASSWORD, role=role, actor=SYSTEM)
            token, _ = await sign_in(
                world.purser.database, email, PASSWORD, address="127.0.0.1", user_agent="test", keep=True,
                rate=world.purser.settings.rate_login,
            )  # fmt: skip
            client = httpx.AsyncClient(
                transport=transport, base_url="http://test", cookies={DEV_COOKIE: token}
            )
            await stack.enter_async_context(client)
            return Visit(Patient(client), world, token)

        yield make
    Client.instances.clear()
    tabs._open.clear()
    ui.navigate, ui.notify = Navigate(), notify


class _Behind:
    """The pages as the outermost middleware hands the running process to them."""

    def __init__(self, world: World) -> None:
        self._purser = world.purser

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope.setdefault("state", {})["purser"] = self._purser
        await core.app(scope, receive, send)
