"""PostgreSQL: connections, the embedded server, migrations, and news of changes."""

from core.database.changes import BREAKERS, CONFIG, PEOPLE, Changes, announce, announce_now, end
from core.database.connection import Database, run
from core.database.embedded import EmbeddedServer
from core.database.migrate import migrate

__all__ = [
    "BREAKERS",
    "CONFIG",
    "PEOPLE",
    "Changes",
    "Database",
    "EmbeddedServer",
    "announce",
    "announce_now",
    "end",
    "migrate",
    "run",
]
