"""The tab Organisations of Users (`/users?tab=organisations`), for support and superadmins."""

from collections.abc import Mapping

from dashboard.organisations.address import Address
from dashboard.organisations.view import View
from dashboard.page import Screen


async def organisations_tab(screen: Screen, query: Mapping[str, str]) -> None:
    """Draws search, list and pane where it is called, as the parameters of the address say; the address is its own
    from then on."""
    await View(screen, Address.of(query)).start()
