"""Users: who they are, what they have and use, and what fails for them (mock-ups 12 and 17); organisations beside."""

from datetime import UTC, datetime

from fastapi import Request, Response
from fastapi.responses import RedirectResponse, StreamingResponse
from nicegui import app

from core.accounts.listing import listing
from core.errors import NotAllowed, PurserError
from core.vocabulary import Role
from dashboard.access import SignInFirst, require_visitor
from dashboard.components.button import Button
from dashboard.components.choice import Tabs
from dashboard.components.html import Node
from dashboard.organisations.tab import organisations_tab
from dashboard.page import Screen, page
from dashboard.parameters import identifier
from dashboard.user.desk import MAY
from dashboard.users.address import ORGANISATIONS, PATH, USERS, Address
from dashboard.users.chosen import MOST
from dashboard.users.export import chosen_lines, csv_lines
from dashboard.users.view import View


@page(PATH, title="Users", group="Operate", roles=MAY, pane="Organisation")
async def users(screen: Screen) -> None:
    query = screen.request.query_params
    address = Address.of(query)
    # Each tab has its own address and list.
    choices = {USERS: "Users", ORGANISATIONS: "Organisations"}
    with Node("div", "", "pu-tab-row"):
        tabs = Tabs(
            "Users",
            choices,
            address.tab or USERS,
            address=lambda key: PATH if key == USERS else f"{PATH}?tab={key}",
        )
    with tabs.panel(tabs.value):
        await (organisations_tab(screen, query) if address.tab else _users(screen, address))


async def _users(screen: Screen, address: Address) -> None:
    screen.frame.main.classes("pu-users-page")
    view = View(screen, address)
    with screen.frame.actions:
        if screen.person.role is Role.SUPERADMIN:
            Button("Grant credits…", icon="redeem", href="/credits?tab=bulk&new=1")
        Button("Add user…", view.add, icon="person_add", kind="primary", cls="pu-add-user")
    await view.start()
    if screen.query("add"):
        view.add()


@app.get(f"{PATH}.csv", include_in_schema=False)
async def export(request: Request) -> Response:
    """The list of an address as a file, or the users of some ids, under the same rules as the page."""
    try:
        visitor = await require_visitor(request, MAY)
    except SignInFirst as first:
        return RedirectResponse(first.location, 303)
    except NotAllowed as refusal:
        return Response(refusal.message, 403, media_type="text/plain")
    purser, address = visitor.purser, Address.of(request.query_params)
    named = [one for one in request.query_params.get("ids", "").split(",")[:MOST] if identifier(one)]
    order = {"sort": address.order, "descending": address.descending}
    if named:
        lines = chosen_lines(purser.database, named)
    else:
        try:
            await listing(purser.database, address.filter, limit=1, **order)
        except PurserError as refusal:  # said now: a file that has begun cannot say it any more
            return Response(refusal.message, refusal.status, media_type="text/plain")
        lines = csv_lines(purser.database, address.filter, **order)
    name = f"users-{datetime.now(UTC).astimezone(purser.settings.zone):%Y-%m-%d}.csv"
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
    return StreamingResponse(lines, media_type="text/csv; charset=utf-8", headers=headers)
