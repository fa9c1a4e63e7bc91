"""What the tests of keys share: a vault, and short ways to what people and the program do to a key."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from cryptography.fernet import Fernet

from core.audit import COMMAND_LINE
from core.database import Database
from core.errors import ErrorClass
from core.providers.config import KeyConfig, load
from core.providers.keyring import add_key, change_key, restore, rotate_key
from core.providers.models import ProviderKey
from core.providers.resting import set_key_aside
from core.providers.vault import Vault

SECRET, OTHER = "sk-test-key-number-one", "sk-test-key-number-two"
MINUTE = timedelta(minutes=1)
VAULT = Vault([Fernet.generate_key()])


async def add(database: Database, provider: UUID, secret: str = SECRET, **how: Any) -> ProviderKey:
    async with database.transaction() as session:
        return await add_key(session, VAULT, provider, secret, **{"actor": COMMAND_LINE, **how})


async def change(database: Database, key: ProviderKey, **how: Any) -> ProviderKey:
    async with database.transaction() as session:
        return await change_key(session, key.id, **{"actor": COMMAND_LINE, "reason": "so it is", **how})


async def rotate(database: Database, key: ProviderKey, secret: str = OTHER, **how: Any) -> ProviderKey:
    given = {"overlap": timedelta(hours=1), "actor": COMMAND_LINE, "reason": "yearly", **how}
    async with database.transaction() as session:
        return await rotate_key(session, VAULT, key.id, secret, **given)


async def put_back(database: Database, key: ProviderKey, **how: Any) -> ProviderKey:
    async with database.transaction() as session:
        return await restore(session, key.id, **{"actor": COMMAND_LINE, "reason": "it is paid", **how})


async def aside(database: Database, key: ProviderKey, **how: Any) -> datetime:
    given: dict[str, Any] = {"until": None, "rest": MINUTE} | how
    return await set_key_aside(
        database, key.provider_id, key.id, given.pop("error", ErrorClass.QUOTA), "said", **given
    )


async def keys(database: Database) -> list[KeyConfig]:
    return [key for one in await load(database, VAULT, {}) for key in one.keys]
