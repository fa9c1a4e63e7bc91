"""Generations: what is stuck, what failed and why, what was charged (mock-up 09)."""

from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime

from fastapi import Response
from fastapi.responses import RedirectResponse
from nicegui import ui

from core.vocabulary import Role, Traffic
from dashboard.access import Visitor
from dashboard.generations.address import PATH, Address, own
from dashboard.generations.export import csv_lines
from dashboard.generations.view import View, default_traffic
from dashboard.generations.window import window
from dashboard.lists.export import list_file
from dashboard.page import Screen, page, parse_uuid


@page(PATH, title="Generations", group="Operate", pane="Generation")
async def generations(screen: Screen) -> None:
    address = Address.of(screen.request.query_params)
    traffic = await default_traffic(screen.purser.database, own(screen.person))
    await View(screen, address, default_traffic=traffic).start()


@ui.page(f"{PATH}/{{identifier}}")
async def generation(identifier: str) -> Response:
    """A generation's own address: the list, with it open. Who may see it is asked there."""
    return RedirectResponse(Address(sel=parse_uuid(identifier)).url, 303)


@list_file(PATH)
async def export(visitor: Visitor, query: Mapping[str, str]) -> AsyncIterator[str]:
    purser, person, address = visitor.purser, visitor.person, Address.of(query)
    which = address.filter(
        window(address, datetime.now(UTC), purser.settings.zone).begin,
        traffic=await default_traffic(purser.database, own(person)) or Traffic.LIVE,
        user_id=own(person),
    )
    return csv_lines(
        purser.database, which, costs=person.role is not Role.SUPPORT, oldest_first=address.oldest_first
    )
