"""The Audit page where something is wrong: it says so where the thing would stand, with an id to quote and a way on."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from core.audit import queries
from core.errors import DatabaseUnavailable
from core.vocabulary import Role
from dashboard.components.button import Button
from tests.pages.conftest import Visit

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
