"""A provider's keys as people handle them: added, weighed, rotated by overlap, switched off, removed.

The secret goes in and never comes out: rows keep it encrypted, and events and the audit know only its last four
characters. What the program itself does to keys is `core.providers.resting`.
"""

from datetime import UTC, datetime, timedelta
from uuid import UUID

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from core.audit import Actor, record
from core.audit.rules import require_reason, require_superadmin
from core.database import CONFIG, announce
from core.errors import Conflict, InvalidRequest
from core.providers.models import ProviderKey, ProviderRow
from core.providers.rows import UNSET, Unset, add_event, let_breakers_try, lock_key, lock_provider
from core.providers.vault import Vault, fingerprint, last_four

LONGEST_SECRET = 4_000
MOST_KEYS = 50
HEAVIEST = 1_000
LONGEST_OVERLAP = timedelta(days=30)


def encrypted_key(vault: Vault, provider_id: UUID, secret: str) -> ProviderKey:
    """A key as it is stored: encrypted, with the four characters and the fingerprint by which it is known."""
    return ProviderKey(
        provider_id=provider_id,
        ciphertext=vault.encrypt(secret),
        last_four=last_four(secret),
        fingerprint=fingerprint(secret),
    )


def checked_secret(secret: str) -> str:
    """A key as it was pasted, without the spaces around it.

    Raises:
        InvalidRequest: nothing, or something that no key is and no HTTP header can carry.
    """
    cleaned = secret.strip()
    if not cleaned:
        raise InvalidRequest("The key is missing.", code="invalid_key")
    if len(cleaned) > LONGEST_SECRET or not cleaned.isascii() or not cleaned.isprintable() or " " in cleaned:
        raise InvalidRequest(
            "This is no key: a key is one word of plain letters, digits and signs.", code="invalid_key"
        )
    return cleaned


async def add_key(
    session: AsyncSession,
    vault: Vault,
    provider_id: UUID,
    secret: str,
    *,
    weight: int = 1,
    expires_at: datetime | None = None,
    actor: Actor,
) -> ProviderKey:
    """Adds a key, which serves at once beside the others.

    Args:
        weight: its share of the calls, against the weights of the other keys.
        expires_at: when the vendor ends it, where that is known.

    Raises:
        NotAllowed: the actor is no superadmin.
        NotFound: no such provider.
        InvalidRequest: no key, a weight or an expiry that makes no sense.
        Conflict: `key_exists`, the provider has this very key.
    """
    require_superadmin(actor, "add keys")
    _check_weight(weight)
    _check_expiry(expires_at)
    provider = await lock_provider(session, provider_id)
    key = await _store(session, vault, provider, secret, actor)
    key.weight, key.expires_at = weight, expires_at
    await _tell(session, provider, key, "key_added", "serves beside the others", actor, after=_as_stored(key))
    await let_breakers_try(session, provider.id)
    return key


async def rotate_key(
    session: AsyncSession,
    vault: Vault,
    key_id: UUID,
    secret: str,
    *,
    overlap: timedelta,
    actor: Actor,
    reason: str,
) -> ProviderKey:
    """Puts a new key in the place of an old one: both serve until the overlap is over, then the old one never again.

    The new key takes the old one's weight. An old key that ends sooner by itself still does.

    Raises:
        NotAllowed: the actor is no superadmin.
        NotFound: the old key is gone.
        InvalidRequest: no key, no reason, or an overlap below nothing or above thirty days.
        Conflict: `key_exists`.
    """
    require_superadmin(actor, "rotate keys")
    reason = require_reason(reason)
    if not timedelta(0) <= overlap <= LONGEST_OVERLAP:
        raise InvalidRequest("Two keys overlap for thirty days at most.")
    provider, old = await lock_key(session, key_id)
    before = _as_stored(old)
    new = await _store(session, vault, provider, secret, actor)
    new.weight = old.weight
    ends = datetime.now(UTC) + overlap
    old.expires_at = min(old.expires_at, ends) if old.expires_at else ends
    session.add(old)
    ending = f"serves for {_spoken(overlap)} more" if overlap else "serves no more"
    await _tell(
        session,
        provider,
        new,
        "key_rotated",
        f"the old one {ending}: {reason}",
        actor,
        before=before,
        after=_as_stored(new) | {"old_expires_at": old.expires_at},
        why=reason,
        replaces=old.last_four,
        until=old.expires_at.isoformat(),
    )
    await let_breakers_try(session, provider.id)
    return new


async def change_key(
    session: AsyncSession,
    key_id: UUID,
    *,
    weight: int | None = None,
    expires_at: datetime | Unset | None = UNSET,
    enabled: bool | None = None,
    actor: Actor,
    reason: str,
) -> ProviderKey:
    """Changes a key's weight or expiry, or switches it off and on. A key that is set aside stays so: see `restore`.

    Raises:
        NotAllowed: the actor is no superadmin.
        NotFound: the key is gone.
        InvalidRequest: no reason, a weight or an expiry that makes no sense.
        Conflict: `key_expired`, it cannot be switched on without another expiry.
    """
    require_superadmin(actor, "change keys")
    reason = require_reason(reason)
    provider, key = await lock_key(session, key_id)
    before = _as_stored(key)
    if weight is not None:
        _check_weight(weight)
        key.weight = weight
    if not isinstance(expires_at, Unset) and expires_at != key.expires_at:
        _check_expiry(expires_at)
        key.expires_at = expires_at
    if enabled is True and key.state == "disabled":
        if key.expires_at and key.expires_at <= datetime.now(UTC):
            raise Conflict("This key's time is over. Give it another expiry first.", code="key_expired")
        _make_active(key)
    elif enabled is False:
        _make_active(key)
        key.state = "disabled"
    after = _as_stored(key)
    if after == before:
        return key
    session.add(key)
    changed = [name for name in after if after[name] != before[name]]
    words = ", ".join(f"{WORDS[name]} {before[name]} → {after[name]}" for name in changed)
    await _tell(
        session, provider, key, "key_changed", f"{words}: {reason}", actor,
        before={name: before[name] for name in changed}, after={name: after[name] for name in changed}, why=reason,
    )  # fmt: skip
    if key.state == "active" and (before["state"], before["expires_at"]) != (key.state, after["expires_at"]):
        await let_breakers_try(session, provider.id)
    return key


async def remove_key(session: AsyncSession, key_id: UUID, *, actor: Actor, reason: str) -> None:
    """Deletes a key for good. It may be the last: `core.routing.impact` says what that means, before.

    Raises:
        NotAllowed: the actor is no superadmin.
        NotFound: the key is gone.
        InvalidRequest: no reason.
    """
    require_superadmin(actor, "remove keys")
    reason = require_reason(reason)
    provider, key = await lock_key(session, key_id)
    await _tell(session, provider, key, "key_removed", reason, actor, before=_as_stored(key), why=reason)
    await session.delete(key)


async def restore(session: AsyncSession, key_id: UUID, *, actor: Actor, reason: str) -> ProviderKey:
    """Puts a key that was set aside back into use at once, since a person knows better than its time.

    Raises:
        NotAllowed: the actor is no superadmin.
        NotFound: the key is gone.
        InvalidRequest: no reason.
        Conflict: `key_not_set_aside`.
    """
    require_superadmin(actor, "put keys back into use")
    reason = require_reason(reason)
    provider, key = await lock_key(session, key_id)
    if key.state != "set_aside":
        raise Conflict("This key is not set aside.", code="key_not_set_aside")
    before = {"state": key.state, "state_class": key.state_class, "state_until": key.state_until}
    _make_active(key)
    session.add(key)
    await _tell(
        session, provider, key, "key_restored", reason, actor, before=before, after={"state": key.state}, why=reason
    )  # fmt: skip
    await let_breakers_try(session, provider.id)
    return key


async def _store(
    session: AsyncSession, vault: Vault, provider: ProviderRow, secret: str, actor: Actor
) -> ProviderKey:
    """The new row. Its provider is locked: of two that add the same key at once, one is refused."""
    if provider.kind == "sandbox":
        raise InvalidRequest("The sandbox needs no key.")
    secret = checked_secret(secret)
    keys = (await session.exec(select(ProviderKey).where(col(ProviderKey.provider_id) == provider.id))).all()
    if same := next((key for key in keys if key.fingerprint == fingerprint(secret)), None):
        state = {"disabled": ", switched off", "set_aside": ", set aside"}.get(same.state, "")
        raise Conflict(
            f"{provider.name} has this very key already: ····{same.last_four}{state}.", code="key_exists"
        )
    if len(keys) >= MOST_KEYS:
        raise Conflict(f"{provider.name} has {MOST_KEYS} keys; remove one first.", code="too_many_keys")
    key = encrypted_key(vault, provider.id, secret)
    key.created_by = actor.id
    session.add(key)
    return key


def _check_weight(weight: int) -> None:
    if isinstance(weight, bool) or not isinstance(weight, int) or not 1 <= weight <= HEAVIEST:
        raise InvalidRequest(f"A key's weight is a whole number from 1 to {HEAVIEST:,}.")


def _check_expiry(expires_at: datetime | None) -> None:
    if expires_at is not None and (expires_at.tzinfo is None or expires_at <= datetime.now(UTC)):
        raise InvalidRequest("A key's expiry lies ahead. To end it now, switch it off.")


def _make_active(key: ProviderKey) -> None:
    key.state, key.state_class, key.state_reason, key.state_until = "active", None, None, None


def _spoken(overlap: timedelta) -> str:
    minutes = round(overlap.total_seconds() / 60)
    for word, size in (("day", 1440), ("hour", 60), ("minute", 1)):
        if minutes % size == 0:
            count = minutes // size
            return f"{count} {word}{'' if count == 1 else 's'}"
    raise AssertionError("every number of minutes is one")


async def _tell(
    session: AsyncSession,
    provider: ProviderRow,
    key: ProviderKey,
    kind: str,
    words: str,
    actor: Actor,
    *,
    before: dict[str, object] | None = None,
    after: dict[str, object] | None = None,
    why: str | None = None,
    **detail: str,
) -> None:
    """The provider's story, the audit, and the word to all processes."""
    about = {"key": str(key.id), "last_four": key.last_four}
    add_event(session, provider.id, kind, words, actor, detail=about | detail)
    await record(
        session,
        actor,
        f"provider.{kind}",
        ("provider", provider.id),
        reason=why,
        before=before and {"last_four": key.last_four} | before,
        after=after and {"last_four": key.last_four} | after,
    )
    await announce(session, CONFIG)


def _as_stored(key: ProviderKey) -> dict[str, object]:
    return {"weight": key.weight, "expires_at": key.expires_at, "state": key.state}


WORDS = {"weight": "weight", "expires_at": "expiry", "state": "state"}
