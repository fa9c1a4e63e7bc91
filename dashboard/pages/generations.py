"""Generations: what is stuck, what failed and why, what was charged (mock-up 09)."""

from datetime import UTC, datetime

from fastapi import Request, Response
from fastapi.responses import RedirectResponse, StreamingResponse
from nicegui import app, ui

from core.errors import NotAllowed
from core.vocabulary import Role, Traffic
from dashboard.access import SignInFirst, require_visitor
from dashboard.generations.address import PATH, Address, own
from dashboard.generations.export import csv_lines
from dashboard.generations.view import View, default_traffic
from dashboard.generations.window import window
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


@app.get(f"{PATH}.csv", include_in_schema=False)
async def export(request: Request) -> Response:
    """The list of an address as a file, under the same rules as the page."""
    try:
        visitor = await require_visitor(request)
    except SignInFirst as first:
        return RedirectResponse(first.location, 303)
    except NotAllowed as refusal:
        return Response(refusal.message, 403, media_type="text/plain")
    purser, person, address = visitor.purser, visitor.person, Address.of(request.query_params)
    now = datetime.now(UTC)
    which = address.filter(
        window(address, now, purser.settings.zone).begin,
        traffic=await default_traffic(purser.database, own(person)) or Traffic.LIVE,
        user_id=own(person),
    )
    lines = csv_lines(
        purser.database, which, costs=person.role is not Role.SUPPORT, oldest_first=address.oldest_first
    )
    name = f"generations-{now.astimezone(purser.settings.zone):%Y-%m-%d}.csv"
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
    return StreamingResponse(lines, media_type="text/csv; charset=utf-8", headers=headers)
