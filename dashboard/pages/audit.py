"""Audit: who did what, when, from where and why; and what it was before."""

from datetime import UTC, datetime

from fastapi import Request, Response
from fastapi.responses import RedirectResponse, StreamingResponse
from nicegui import app, ui

from core.audit import queries
from core.errors import NotAllowed, PurserError
from dashboard.access import SignInFirst, require_visitor
from dashboard.audit.address import PATH, Address
from dashboard.audit.export import csv_lines
from dashboard.audit.view import View, sight
from dashboard.page import Screen, page, parse_uuid


@page(PATH, title="Audit", group="System", pane="Audit row")
async def audit(screen: Screen) -> None:
    database, seen = screen.purser.database, sight(screen.person)
    view = View(
        screen,
        Address.of(screen.request.query_params),
        actions=await queries.actions(database, seen),
        kinds=await queries.subject_kinds(database, seen),
    )
    await view.start()


@ui.page(f"{PATH}/{{identifier}}")
async def audit_row(identifier: str) -> Response:
    """A row's own address: the list, with it open. Who may see it is asked there."""
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
    purser, now = visitor.purser, datetime.now(UTC)
    which, seen = Address.of(request.query_params).filter(now), sight(visitor.person)
    try:
        await queries.listing(purser.database, seen, which, limit=1)
    except PurserError as refusal:  # said now: a file that has begun cannot say it any more
        return Response(refusal.message, refusal.status, media_type="text/plain")
    lines = csv_lines(purser.database, seen, which)
    name = f"audit-{now.astimezone(purser.settings.zone):%Y-%m-%d}.csv"
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
    return StreamingResponse(lines, media_type="text/csv; charset=utf-8", headers=headers)
