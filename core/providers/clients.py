"""One built provider per key, kept for as long as its connection stays the same."""

import asyncio
from collections.abc import Callable, Collection

from core.log import get_logger
from core.providers.base import Connection, Provider
from core.providers.registry import build

log = get_logger(__name__)

GRACE = 120.0
"""Seconds that a replaced provider lives on, so that calls under way can finish: twice the deadline of a text."""


class ClientPool:
    """Hands out providers; building a client takes some 40 ms, handing one out a dictionary's look-up.

    A provider is built once per key id and connection (kind, base URL, secret). When a key's connection changes, the
    older provider is closed after `grace` seconds, unless somebody asked for it within them.
    """

    def __init__(self, *, grace: float = GRACE, make: Callable[[Connection], Provider] = build) -> None:
        self._grace = grace
        self._make = make
        self._providers: dict[tuple[str, Connection], Provider] = {}
        self._newest: dict[str, Connection] = {}
        self._closing: dict[tuple[str, Connection], asyncio.Task[None]] = {}
        self._wanted: set[tuple[str, Connection]] = set()

    def get(self, key_id: str, connection: Connection) -> Provider:
        """The provider of a key.

        Raises:
            InvalidRequest: the connection's kind is unknown.
        """
        entry = (key_id, connection)
        if (provider := self._providers.get(entry)) is not None:
            if entry in self._closing:
                self._wanted.add(entry)
            return provider
        provider = self._providers[entry] = self._make(connection)
        replaced, self._newest[key_id] = self._newest.get(key_id), connection
        if replaced is not None:
            self._close_later((key_id, replaced))
        return provider

    def drop(self, key_id: str) -> None:
        """Forgets a deleted key; its provider is closed after the grace."""
        connection = self._newest.pop(key_id, None)
        if connection is not None:
            self._close_later((key_id, connection))

    def keep_only(self, key_ids: Collection[str]) -> None:
        """Forgets all other keys, as `drop` does."""
        for key_id in self._newest.keys() - set(key_ids):
            self.drop(key_id)

    async def close_all(self) -> None:
        """Closes every provider now, those in their grace too."""
        for task in self._closing.values():
            task.cancel()
        await asyncio.gather(*self._closing.values(), return_exceptions=True)
        self._closing.clear()
        self._newest.clear()
        while self._providers:
            _, provider = self._providers.popitem()
            await _close(provider)

    def _close_later(self, entry: tuple[str, Connection]) -> None:
        if entry in self._providers and entry not in self._closing:
            self._closing[entry] = asyncio.create_task(self._close_after_grace(entry))

    async def _close_after_grace(self, entry: tuple[str, Connection]) -> None:
        await asyncio.sleep(self._grace)
        del self._closing[entry]
        key_id, connection = entry
        if entry in self._wanted:  # changed back in the meantime: now the other one is the replaced
            self._wanted.discard(entry)
            replaced, self._newest[key_id] = self._newest.get(key_id), connection
            if replaced is not None:
                self._close_later((key_id, replaced))
        elif (provider := self._providers.pop(entry, None)) is not None:
            await _close(provider)


async def _close(provider: Provider) -> None:
    try:
        await provider.close()
    except Exception as failure:  # closing what is thrown away must not stop the rest
        log.warning("provider.close_failed", kind=provider.kind, exc_info=failure)
