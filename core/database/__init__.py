"""PostgreSQL: connections, the embedded server, migrations, and news of changes."""

from sqlmodel.ext.asyncio.session import AsyncSession as Session

from core.database.changes import BREAKERS, CONFIG, PEOPLE, Changes, announce, announce_now, end
from core.database.connection import DATA_ERRORS, Database, run
from core.database.embedded import EmbeddedServer
from core.database.migrate import migrate

__all__ = [
    "BREAKERS",
    "CONFIG",
    "DATA_ERRORS",
    "PEOPLE",
    "Changes",
    "Database",
    "EmbeddedServer",
    "Session",
    "announce",
    "announce_now",
    "end",
    "migrate",
    "run",
]
