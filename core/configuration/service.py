"""Changing settings: all of a form at once, by a superadmin, with a reason, and only over what they have seen."""

from collections.abc import Mapping
from typing import Any

import orjson
from sqlmodel.ext.asyncio.session import AsyncSession

from core.audit import Actor, record
from core.audit.rules import require_reason, require_superadmin
from core.configuration.rules import SETTINGS, Value
from core.database import CONFIG, announce, run
from core.errors import Conflict, InvalidRequest


async def change_settings(
    session: AsyncSession,
    values: Mapping[str, object],
    *,
    seen: Mapping[str, Any],
    actor: Actor,
    reason: str,
) -> dict[str, Value | None]:
    """Sets what `values` names; None goes back to the default. `seen` is what the person saw of each.

    Returns:
        What is different now, as it is stored.

    Raises:
        NotAllowed: not a superadmin.
        InvalidRequest: no such setting, a value that means nothing, no reason, or nothing is different.
        Conflict: `changed_meanwhile`, one of them is not as it was seen.
    """
    require_superadmin(actor, "change settings")
    reason = require_reason(reason)
    if unknown := values.keys() - SETTINGS.keys():
        raise InvalidRequest(f"There is no setting {', '.join(sorted(unknown))}.")
    wanted = {key: SETTINGS[key].checked(value) for key, value in values.items()}
    stored = await _stored(session, list(wanted))
    if meanwhile := [key for key in wanted if stored.get(key) != seen.get(key)]:
        names = ", ".join(SETTINGS[key].words for key in meanwhile)
        raise Conflict(
            f"Somebody else has changed this meanwhile: {names}. Load the page again to see it.",
            code="changed_meanwhile",
        )
    changed = {key: value for key, value in wanted.items() if value != stored.get(key)}
    if not changed:
        raise InvalidRequest("Nothing is different from what is saved.", code="nothing_changed")
    for key, value in changed.items():
        await _write(session, key, value, actor)
    await record(
        session,
        actor,
        "settings.change",
        ("settings", None),
        reason=reason,
        before={key: stored.get(key) for key in changed},
        after=changed,
    )
    await announce(session, CONFIG)
    return changed


async def _stored(session: AsyncSession, keys: list[str]) -> dict[str, Any]:
    """What is stored of these, locked for this transaction: a row that is not there cannot be."""
    await run(session, "select pg_advisory_xact_lock(hashtext('settings'))")
    found = await run(session, "select key, value from settings where key = any(:keys)", {"keys": keys})
    return {row.key: row.value for row in found.all()}


async def _write(session: AsyncSession, key: str, value: Value | None, actor: Actor) -> None:
    if value is None:
        await run(session, "delete from settings where key = :key", {"key": key})
        return
    await run(
        session,
        "insert into settings (key, value, updated_by) values (:key, cast(:value as jsonb), :by)"
        " on conflict (key) do update set value = excluded.value, updated_at = now(), updated_by = excluded.updated_by",
        {"key": key, "value": orjson.dumps(value).decode(), "by": actor.id},
    )
