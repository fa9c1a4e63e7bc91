"""Users: who they are, what they have and use, and what fails for them (mock-ups 12 and 17); organisations beside."""

from collections.abc import AsyncIterator, Mapping

from core.accounts.listing import listing
from core.vocabulary import Role
from dashboard.access import MANAGERS, Visitor
from dashboard.components.button import Button
from dashboard.components.choice import Tabs
from dashboard.components.html import Node
from dashboard.lists.export import list_file
from dashboard.organisations.tab import organisations_tab
from dashboard.page import Screen, page
from dashboard.parameters import identifier
from dashboard.users.address import ORGANISATIONS, PATH, USERS, Address
from dashboard.users.chosen import MOST
from dashboard.users.export import chosen_lines, csv_lines
from dashboard.users.view import View


@page(PATH, title="Users", group="Operate", roles=MANAGERS, pane="Organisation")
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


@list_file(PATH, MANAGERS)
async def export(visitor: Visitor, query: Mapping[str, str]) -> AsyncIterator[str]:
    """The users of an address, or those of some ids."""
    database, address = visitor.purser.database, Address.of(query)
    named = [one for one in query.get("ids", "").split(",")[:MOST] if identifier(one)]
    if named:
        return chosen_lines(database, named)
    order = {"sort": address.order, "descending": address.descending}
    await listing(database, address.filter, limit=1, **order)  # refuses what cannot be listed
    return csv_lines(database, address.filter, **order)
