"""Audit: who did what, when, from where and why; and what it was before."""

from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime

from fastapi import Response
from fastapi.responses import RedirectResponse
from nicegui import ui

from core.audit import queries
from dashboard.access import Visitor
from dashboard.audit.address import PATH, Address
from dashboard.audit.export import csv_lines
from dashboard.audit.view import View, sight
from dashboard.lists.export import list_file
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


@list_file(PATH)
async def export(visitor: Visitor, query: Mapping[str, str]) -> AsyncIterator[str]:
    database, seen = visitor.purser.database, sight(visitor.person)
    which = Address.of(query).filter(datetime.now(UTC))
    await queries.listing(database, seen, which, limit=1)  # refuses what cannot be listed
    return csv_lines(database, seen, which)
