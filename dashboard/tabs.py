"""The open pages of this process: closed when their session ends, loaded anew when their person's role changes."""

import asyncio
from weakref import WeakKeyDictionary

from nicegui import Client

from core.accounts.sessions import authenticate_session
from core.errors import DatabaseUnavailable
from dashboard.access import Visitor

_open: WeakKeyDictionary[Client, Visitor] = WeakKeyDictionary()

GOODBYE_SECONDS = 0.3
"""Given to the browser to follow the redirect before its client is taken away."""


def register(client: Client, visitor: Visitor) -> None:
    """Remembers whose page this is, for as long as it is open."""
    _open[client] = visitor


async def recheck() -> None:
    """Asks for every open page whether its person may still be there; called when people have changed."""
    by_token: dict[str, list[Client]] = {}
    for client, visitor in list(_open.items()):
        by_token.setdefault(visitor.token, []).append(client)
    for token, clients in by_token.items():
        visitor = _open[clients[0]]
        try:
            person = await authenticate_session(visitor.purser.database, token)
        except DatabaseUnavailable:
            return  # nobody can do anything meanwhile; the next change, or the next action, asks again
        if person is None:
            await close(clients)
        elif person.role != visitor.person.role:
            for client in clients:
                client.open(client.request.url.path)


async def close(clients: list[Client]) -> None:
    """Sends pages to the sign-in, and ends them."""
    for client in clients:
        _open.pop(client, None)
        client.open("/login")
    await asyncio.sleep(GOODBYE_SECONDS)
    for client in clients:
        client.delete()
