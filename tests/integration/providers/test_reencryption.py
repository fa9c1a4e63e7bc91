"""Vendors' keys are stored under the first encryption key, whatever they were stored under; the keys stay as they are."""

from uuid import UUID

import pytest
from cryptography.fernet import Fernet

from core.audit import COMMAND_LINE, Actor
from core.database import Database
from core.errors import NotAllowed
from core.ids import new_id
from core.providers.config import load
from core.providers.keyring import add_key
from core.providers.reencryption import Reencrypted, reencrypt_keys
from core.providers.vault import Vault
from core.vocabulary import Role
from tests.rows import make_provider

OLD, NEW, LOST = (Fernet.generate_key() for _ in range(3))


async def add(database: Database, provider: UUID, secret: str, under: bytes) -> None:
    async with database.transaction() as session:
        await add_key(session, Vault([under]), provider, secret, actor=COMMAND_LINE)


async def reencrypt(database: Database, *keys: bytes, actor: Actor = COMMAND_LINE) -> Reencrypted:
    async with database.transaction() as session:
        return await reencrypt_keys(session, Vault(keys), actor=actor)


async def secrets(database: Database, *keys: bytes) -> list[str]:
    return sorted(key.secret or "" for one in await load(database, Vault(keys), {}) for key in one.keys)


async def test_afterwards_the_new_encryption_key_alone_reads_them_all(database: Database) -> None:
    provider = await make_provider(database)
    for number, under in enumerate((OLD, OLD, NEW)):
        await add(database, provider, f"sk-test-key-number-{number}", under)

    found = await reencrypt(database, NEW, OLD)

    assert found == Reencrypted(renewed=2, current=1, unreadable=[])
    assert await secrets(database, NEW) == [f"sk-test-key-number-{number}" for number in range(3)]
    (audited,) = await database.fetch_all(
        "select after from audit where action = 'provider.keys_reencrypted' and subject_id = %s",
        (str(provider),),
    )
    assert audited == ({"last_four": ["er-0", "er-1"]},)
    assert await reencrypt(database, NEW) == Reencrypted(renewed=0, current=3, unreadable=[])


async def test_one_that_cannot_be_read_is_named_stays_and_keeps_the_others_from_nothing(
    database: Database,
) -> None:
    provider = await make_provider(database, "acme")
    await add(database, provider, "sk-test-key-that-is-lost", LOST)
    await add(database, provider, "sk-test-key-number-1", OLD)

    found = await reencrypt(database, NEW, OLD)

    assert found == Reencrypted(renewed=1, current=0, unreadable=["acme ····lost"])
    assert await secrets(database, NEW, LOST) == ["sk-test-key-number-1", "sk-test-key-that-is-lost"]


@pytest.mark.parametrize("role", [Role.SUPPORT, Role.TESTER, Role.USER])
async def test_only_superadmins_do_it(database: Database, role: Role) -> None:
    with pytest.raises(NotAllowed):
        await reencrypt(database, NEW, OLD, actor=Actor("user", "somebody", role, new_id()))
