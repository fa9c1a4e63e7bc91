"""A user: what they have, what happened to them, what they may and why, and what can be done about it (mock-up 07)."""

from dashboard.access import MANAGERS
from dashboard.components import states
from dashboard.page import Screen, page, parse_uuid
from dashboard.user.address import Address
from dashboard.user.reading import read
from dashboard.user.view import UserView


@page(
    "/users/{identifier}",
    title="User",
    group="Operate",
    roles=MANAGERS,
    crumbs=[("Users", "/users")],
)
async def user(screen: Screen) -> None:
    identifier = parse_uuid(screen.request.path_params["identifier"])
    address = Address.of(identifier, screen.request.query_params) if identifier else None
    found = (
        await read(screen.purser, address.user_id, screen.now(), traffic=address.traffic) if address else None
    )
    if address is None or found is None:
        states.not_found("user")
        return
    await UserView(screen, address, found).start(screen.query("do"))
