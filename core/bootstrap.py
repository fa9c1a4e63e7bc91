"""The composition root: from Settings to everything wired, started and stopped in order."""

import asyncio
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from core.accounts.identities import Identities
from core.catalogue.file import catalogue
from core.config import Settings
from core.database import BREAKERS, CONFIG, PEOPLE, Changes, Database, EmbeddedServer, end, migrate
from core.entitlements.seed import seed
from core.entitlements.service import UndefinedFeatures
from core.errors import DatabaseUnavailable
from core.generation.figures import KeyFigures
from core.generation.service import Generations
from core.jobs import jobs
from core.log import get_logger
from core.providers.base import Connection, ProviderError
from core.providers.clients import ClientPool
from core.providers.defaults import KindDefaults
from core.providers.environment import import_environment
from core.providers.vault import Vault
from core.queue import Queue
from core.quotas.rates import Rates
from core.routing.breaker import Breakers
from core.routing.gate import Means
from core.routing.keys import Keys
from core.routing.manager import Manager
from core.routing.meter import Meter
from core.routing.prober import Prober
from core.routing.scores import Scores
from core.secrets import encryption_keys
from core.signup import FirstSuperadmin, ensure_superadmin
from core.snapshot import Snapshot, SnapshotHolder
from core.system.attention import Attention
from core.system.board import Board
from core.system.parts import Parts

log = get_logger(__name__)

LEASE_RENEWAL_SECONDS = 15
USE_SECONDS = 60
WATCH_SECONDS = 2.0


@dataclass
class Purser:
    """All parts of a running process. Made by `start`, ended by `stop`."""

    settings: Settings
    database: Database
    changes: Changes
    vault: Vault
    snapshots: SnapshotHolder
    identities: Identities
    undefined_features: UndefinedFeatures
    breakers: Breakers
    meter: Meter
    keys: Keys
    clients: ClientPool
    scores: Scores
    generations: Generations
    figures: KeyFigures
    board: Board
    parts: Parts
    attention: Attention
    rates: Rates
    prober: Prober
    queue: Queue | None = None
    server: EmbeddedServer | None = None
    first_superadmin: FirstSuperadmin | None = None
    _tasks: list[asyncio.Task[None]] = field(default_factory=list)

    async def stop(self) -> None:
        """Finishes or releases what runs, then lets go of everything, the database last."""
        await end(self._tasks)
        self.prober.close()
        await self.generations.drain()
        if self.queue:
            await self.queue.stop()
        await self.changes.stop()
        await self.board.close()
        self.snapshots.stop()
        await self.meter.stop()
        await self.keys.keep_used()
        await self.undefined_features.close()
        await self.identities.close()
        await self.rates.stop()
        await self.clients.close_all()
        await self.database.close()
        if self.server:
            await asyncio.to_thread(self.server.stop)


async def start(settings: Settings, *, worker: bool = True) -> Purser:
    """Everything, ready to serve: database up to date, seeds in place, snapshot built, schedules running.

    Args:
        worker: whether this process also runs schedules and jobs.

    Raises:
        DatabaseUnavailable: no server answers.
    """
    server = embedded_server(settings)
    url = await asyncio.to_thread(database_url, settings, server)
    await asyncio.to_thread(migrate, url)
    database = Database(
        url,
        pool_size=settings.database_pool_size,
        pool_timeout=settings.database_pool_timeout,
        connect_timeout=settings.database_connect_timeout,
    )
    await database.open()
    vault = Vault(encryption_keys(settings))
    first_superadmin = await first_start(settings, database, vault)

    snapshots = SnapshotHolder(database, catalogue(), vault)
    rest = timedelta(milliseconds=settings.circuit_breaker_timeout)
    breakers = Breakers(database, threshold=settings.circuit_breaker_threshold, timeout=rest)
    meter, clients, scores = Meter(database, settings.zone), ClientPool(), Scores()
    keys = Keys(database, rest=rest)
    board = Board(database, snapshots, breakers, keys, settings.zone)
    parts = Parts(database, board)
    prober = Prober(database, snapshots, keys, clients)
    listen_url = settings.database_listen_url.get_secret_value() if settings.database_listen_url else None
    purser = Purser(
        settings=settings,
        database=database,
        changes=Changes(database, listen_url=listen_url),
        vault=vault,
        snapshots=snapshots,
        identities=Identities(database),
        undefined_features=UndefinedFeatures(database),
        breakers=breakers,
        meter=meter,
        keys=keys,
        clients=clients,
        scores=scores,
        generations=Generations(
            database,
            snapshots,
            Manager(Means(clients, breakers, meter, keys, scores)),
            zone=settings.zone,
            credit_usd_value=settings.credit_usd_value,
        ),
        figures=KeyFigures(database, settings.zone),
        board=board,
        parts=parts,
        attention=Attention(database, snapshots, board, parts, meter, settings.zone),
        rates=Rates(
            database,
            address=settings.rate_api,
            service_key=settings.rate_service_key,
            generation=settings.rate_generation,
        ),
        prober=prober,
        queue=Queue(url, jobs, {"database": database, "prober": prober, "zone": settings.zone})
        if worker
        else None,
        server=server,
        first_superadmin=first_superadmin,
    )
    await _begin(purser)
    return purser


async def first_start(settings: Settings, database: Database, vault: Vault) -> FirstSuperadmin | None:
    """What an empty database needs: plans and features, providers from the environment, a superadmin.

    Each part is idempotent and one transaction; processes that start together do it once.
    """
    await furnish(settings, database, vault)
    password = settings.admin_password.get_secret_value() if settings.admin_password else None
    return await ensure_superadmin(database, settings.admin_email, password, time_zone=settings.time_zone)


async def furnish(settings: Settings, database: Database, vault: Vault) -> None:
    """Plans, features and providers, where they are missing: what the command line stands on too."""
    defaults = {
        kind: KindDefaults(
            {modality.value: model for modality, model in said.default.items()},
            {modality.value: model for modality, model in said.fallback.items()},
        )
        for kind, said in catalogue().kinds.items()
    }
    async with database.transaction() as session:
        await seed(session, free_daily_limit=settings.free_user_daily_limit)
        await import_environment(session, settings, vault, defaults)


def embedded_server(settings: Settings) -> EmbeddedServer | None:
    """The server that comes with Purser, where `DATABASE_URL` names no other."""
    return None if settings.database_url else EmbeddedServer(Path(settings.data_dir) / "postgres")


def database_url(settings: Settings, server: EmbeddedServer | None) -> str:
    """The address of the database, its embedded server started where that is the one; blocking."""
    if server:
        return server.start()
    assert settings.database_url is not None, "either is given"
    # SQLAlchemy's spelling is accepted; libpq, which migrations and the queue speak to, knows only the plain one.
    return settings.database_url.get_secret_value().replace("+psycopg://", "://", 1)


async def _begin(purser: Purser) -> None:
    purser.snapshots.on_change(purser.keys.learn)
    purser.snapshots.on_change(lambda snapshot: _drop_clients(purser.clients, snapshot))
    await purser.snapshots.rebuild()
    await purser.breakers.reload()
    await purser.scores.load(purser.database)
    purser.changes.subscribe(CONFIG, purser.snapshots.rebuild)
    purser.changes.subscribe(BREAKERS, purser.breakers.reload)
    purser.changes.subscribe(PEOPLE, purser.identities.forget)
    await purser.changes.start()
    await purser.meter.start()
    purser.undefined_features.start()
    purser.rates.start()
    if purser.queue:
        await purser.queue.start()
    purser._tasks.append(asyncio.create_task(_keep_leases(purser)))
    purser._tasks.append(asyncio.create_task(_keep_used(purser)))
    purser._tasks.append(asyncio.create_task(_warm(purser)))
    if purser.server:
        purser._tasks.append(asyncio.create_task(_keep_server(purser.database, purser.server)))


async def _warm(purser: Purser) -> None:
    """Loads the SDKs of the providers that are on, one after another: the first request does not wait for an import."""
    for provider in purser.snapshots.current.real_providers:
        for key in purser.keys.usable(provider)[:1]:
            connection = Connection(provider.kind, provider.base_url, key.secret)
            try:
                await purser.clients.get(str(key.id), connection).warm()
            except ProviderError as fault:
                log.warning("a provider could not be made ready", provider=provider.slug, error=fault.message)


async def _keep_leases(purser: Purser) -> None:
    while True:
        await asyncio.sleep(LEASE_RENEWAL_SECONDS)
        try:
            await purser.generations.keep_leases()
        except DatabaseUnavailable:
            log.warning("leases not renewed, the database does not answer")


async def _keep_used(purser: Purser) -> None:
    while True:
        await asyncio.sleep(USE_SECONDS)
        await purser.keys.keep_used()


def _drop_clients(clients: ClientPool, snapshot: Snapshot) -> None:
    """Keys that are gone leave no client behind, and no secret in it."""
    clients.keep_only(
        {str(provider.id) for provider in snapshot.providers}
        | {str(key.id) for provider in snapshot.providers for key in provider.keys}
    )


async def _keep_server(database: Database, server: EmbeddedServer) -> None:
    """An embedded server that dies is started again."""
    while True:
        await asyncio.sleep(WATCH_SECONDS)
        try:
            await database.ping()
        except DatabaseUnavailable:
            log.warning("the embedded database does not answer, starting it")
            try:
                await asyncio.to_thread(server.ensure_running)
            except Exception:
                log.exception("the embedded database does not start")
