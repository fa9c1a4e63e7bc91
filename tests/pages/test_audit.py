"""The Audit page where something is wrong: it says so where the thing would stand, with an id to quote and a way on."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import pytest

from core.audit import SYSTEM, queries
from core.errors import DatabaseUnavailable
from core.signup import sign_up
from core.vocabulary import Role
from dashboard.components.button import Button, IconButton
from dashboard.components.table import DataTable, Row
from dashboard.live import audit_changed
from tests.pages.conftest import Visit
from tests.waiting import until

Enter = Callable[..., Awaitable[Visit]]


async def test_a_list_that_cannot_be_read_says_why_and_is_tried_again(
    enter: Enter, monkeypatch: pytest.MonkeyPatch
) -> None:
    visit = await enter(Role.SUPERADMIN)
    listing = queries.listing

    async def away(*_: Any, **__: Any) -> Any:
        raise DatabaseUnavailable

    monkeypatch.setattr(queries, "listing", away)
    await visit.user.open("/audit")
    await visit.user.should_see("This could not be loaded")
    await visit.user.should_see("Request ")

    monkeypatch.setattr(queries, "listing", listing)
    visit.user.find(kind=Button, content="Retry").click()

    await visit.user.should_see("Provider imported")


async def test_a_row_that_cannot_be_read_leaves_the_list_alone(
    enter: Enter, monkeypatch: pytest.MonkeyPatch
) -> None:
    visit = await enter(Role.SUPERADMIN)
    row = await visit.world.purser.database.fetch_one(
        "select id from audit where action = 'user.create' limit 1"
    )
    assert row is not None

    async def broken(*_: Any, **__: Any) -> Any:
        raise RuntimeError("a fault of ours, with internals")

    monkeypatch.setattr(queries, "entry", broken)
    await visit.user.open(f"/audit?sel={row[0]}")

    await visit.user.should_see("Something in Purser went wrong.")
    await visit.user.should_not_see("internals")
    await visit.user.should_see("Provider imported")


async def test_a_row_that_could_not_be_read_again_comes_back_at_retry(
    enter: Enter, monkeypatch: pytest.MonkeyPatch
) -> None:
    visit = await enter(Role.SUPERADMIN)
    await visit.user.open("/audit")
    rows = await rows_of(visit)
    visit.user.find(kind=DataTable).trigger("open", [rows[0].id])
    await visit.user.should_see(kind=IconButton, content="Copy link")
    entry = queries.entry

    async def away(*_: Any, **__: Any) -> Any:
        raise DatabaseUnavailable

    monkeypatch.setattr(queries, "entry", away)
    visit.user.find(kind=DataTable).trigger("open", [rows[0].id])
    await visit.user.should_see("Not loaded")

    monkeypatch.setattr(queries, "entry", entry)
    visit.user.find(kind=Button, content="Retry").click()

    await visit.user.should_see(kind=IconButton, content="Copy link")


async def test_opening_a_row_while_the_list_is_read_again_loses_no_news(
    enter: Enter, monkeypatch: pytest.MonkeyPatch
) -> None:
    visit = await enter(Role.SUPERADMIN)
    await visit.user.open("/audit")
    before = await rows_of(visit)
    listing, gate, begun = queries.listing, asyncio.Event(), asyncio.Event()

    async def slowly(*said: Any, **named: Any) -> Any:
        begun.set()
        await gate.wait()
        return await listing(*said, **named)

    monkeypatch.setattr(queries, "listing", slowly)
    async with visit.world.purser.database.transaction() as session:
        await sign_up(session, email="later@example.com", password=None, role=Role.USER, actor=SYSTEM)
    audit_changed.emit()
    async with asyncio.timeout(20):
        await begun.wait()
    visit.user.find(kind=DataTable).trigger("open", [before[0].id])
    await visit.user.should_see(kind=IconButton, content="Copy link")
    gate.set()

    async def shown() -> bool:
        return len(await rows_of(visit)) != len(before)

    await until(shown)


async def rows_of(visit: Visit) -> Sequence[Row]:
    """The rows that are shown, once there are some."""
    (table,) = visit.user.find(kind=DataTable).elements
    await until(lambda: bool(table.rows))
    return table.rows
