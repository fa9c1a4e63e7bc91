"""How every process learns, within a second, that something in the database has changed.

Each topic has a version that its writers raise in their own transaction (`announce`). A listener wakes at once on
NOTIFY; a look at the versions each second finds what a notification did not bring (a pooler in between, a lost
connection), so that nothing depends on NOTIFY arriving. docs/decisions/0002 says why both.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress

import psycopg
from sqlmodel.ext.asyncio.session import AsyncSession

from core.database.connection import Database, run
from core.errors import DatabaseUnavailable
from core.log import get_logger

log = get_logger(__name__)

CONFIG = "config"
BREAKERS = "breakers"
PEOPLE = "people"

CHANNEL = "purser"
POLL_SECONDS = 1.0

Callback = Callable[[], Awaitable[None]]

ANNOUNCE = (
    "insert into versions (topic, version) values (%(topic)s, 1) "
    "on conflict (topic) do update set version = versions.version + 1"
)


async def announce(session: AsyncSession, topic: str) -> None:
    """Tells all processes, when this transaction commits, that `topic` has changed."""
    await run(session, ANNOUNCE.replace("%(topic)s", ":topic"), {"topic": topic})
    await run(session, "select pg_notify(:channel, :topic)", {"channel": CHANNEL, "topic": topic})


async def announce_now(database: Database, topic: str) -> None:
    """The same, in a transaction of its own."""
    await database.fetch_one(
        f"with raised as ({ANNOUNCE} returning topic) select pg_notify('{CHANNEL}', topic) from raised",
        {"topic": topic},
    )


async def end(tasks: Iterable[asyncio.Task[None]]) -> None:
    """Cancels tasks until they are over.

    Once is not enough: before Python 3.12 `wait_for`, in libraries too, loses a cancellation that comes together with
    what is waited for.
    """
    while unended := [task for task in tasks if not task.done()]:
        for task in unended:
            task.cancel()
        await asyncio.wait(unended, timeout=1)


class Changes:
    """Calls the callbacks of a topic after its version has moved; one task per process."""

    def __init__(self, database: Database, *, listen_url: str | None = None) -> None:
        self._database = database
        # SQLAlchemy's spelling is accepted, as for the database's own address.
        self._listen_url = (listen_url or database.url).replace("postgresql+psycopg://", "postgresql://", 1)
        self._callbacks: dict[str, list[Callback]] = {}
        self._seen: dict[str, int] = {}
        self._wake = asyncio.Event()
        self._looking = asyncio.Lock()
        self._tasks: list[asyncio.Task[None]] = []

    def subscribe(self, topic: str, callback: Callback) -> None:
        """`callback` is awaited after each change of `topic`, one change at a time."""
        self._callbacks.setdefault(topic, []).append(callback)

    async def start(self) -> None:
        self._seen = await self._versions()
        self._tasks = [asyncio.create_task(self._watch()), asyncio.create_task(self._listen())]

    async def stop(self) -> None:
        await end(self._tasks)

    async def refresh(self) -> None:
        """Looks now: what changed before this call has been told when it returns.

        Raises:
            Exception: the first failure of a callback, after the other topics have been told.
        """
        failures: list[Exception] = []
        async with self._looking:
            for topic, version in (await self._versions()).items():
                if self._seen.get(topic) != version:
                    try:
                        for callback in self._callbacks.get(topic, ()):
                            await callback()
                    except Exception as failure:  # noqa: BLE001 - raised below
                        failures.append(failure)
                    else:
                        self._seen[topic] = version  # only now: a callback that failed is called again
        if failures:
            raise failures[0]

    async def _watch(self) -> None:
        while True:
            try:
                await self.refresh()
            except DatabaseUnavailable:
                log.warning("database does not answer, looking again", every_seconds=POLL_SECONDS)
            except Exception:  # a callback's; it is called again, and the watch goes on
                log.exception("a change could not be taken in, trying again", every_seconds=POLL_SECONDS)
            with suppress(TimeoutError):
                async with asyncio.timeout(POLL_SECONDS):
                    await self._wake.wait()
            self._wake.clear()

    async def _listen(self) -> None:
        while True:
            try:
                connection = await psycopg.AsyncConnection.connect(self._listen_url, autocommit=True)
                async with connection:
                    await connection.execute(f"listen {CHANNEL}".encode())
                    self._wake.set()
                    async for _ in connection.notifies():
                        self._wake.set()
            except psycopg.Error as failure:
                log.debug("listener lost its connection", error=str(failure))
            await asyncio.sleep(POLL_SECONDS)

    async def _versions(self) -> dict[str, int]:
        return dict(await self._database.fetch_all("select topic, version from versions"))
