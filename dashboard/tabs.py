"""The open pages of this process: ended when their session ends, and when their person's role changes."""

import asyncio
from collections.abc import Mapping
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
    """Asks for every open page whether its person may still be there; called when people have changed.

    A page was made for one role, so another role needs another page: the browser is sent to the same address, where
    it is made anew or refused, and the old one ends whether or not the browser goes.
    """
    by_token: dict[str, dict[Client, Visitor]] = {}
    for client, visitor in list(_open.items()):
        by_token.setdefault(visitor.token, {})[client] = visitor
    leaving: dict[Client, str] = {}
    for token, pages in by_token.items():
        purser = next(iter(pages.values())).purser
        try:
            person = await authenticate_session(purser.database, token)
        except DatabaseUnavailable:
            break  # nobody can do anything meanwhile; the next change, or the next action, asks again
        for client, visitor in pages.items():
            if person is None:
                leaving[client] = "/login"
            elif person.role != visitor.person.role:
                leaving[client] = client.request.url.path
    if leaving:
        await close(leaving)


async def close(leaving: Mapping[Client, str]) -> None:
    """Sends each page to where it is said to go, and ends it."""
    for client, destination in leaving.items():
        _open.pop(client, None)
        client.open(destination)
    await asyncio.sleep(GOODBYE_SECONDS)
    for client in leaving:
        if client.id in Client.instances:  # it went by itself, most likely
            client.delete()
