"""Recording writes: who, what, when, from where, why, and the fields before and after.

A row is written in the transaction of the change itself, so that neither exists without the other. Secrets never
come here: callers pass the fields that may be seen, and values under telling names are struck out all the same.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from core.audit.models import AuditEntry
from core.log import PLAIN_NAMES, SECRET_NAME, STRUCK
from core.vocabulary import Role

# An e-mail address is personal, but "whose e-mail changed to what" is what an audit is for.
SHOWN_HERE = frozenset({"email"}) | PLAIN_NAMES


@dataclass(frozen=True, slots=True)
class Actor:
    """Who is acting: a person, an API key, the command line, or Purser itself.

    `kind` is `user`, `key`, `system` or `command_line`; `role` is what the actor may do.
    """

    kind: str
    label: str
    role: Role = Role.USER
    id: UUID | None = None
    address: str | None = None
    request_id: str | None = None


SYSTEM = Actor("system", "Purser", Role.SUPERADMIN)
COMMAND_LINE = Actor("command_line", "command line", Role.SUPERADMIN)


async def record(
    session: AsyncSession,
    actor: Actor,
    action: str,
    subject: tuple[str, UUID | str | None],
    *,
    reason: str | None = None,
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
) -> None:
    """Adds one row to the audit in this transaction.

    `action` reads like `provider.update`; `subject` is a kind and an id, as in `("user", user.id)`.
    """
    kind, identifier = subject
    session.add(
        AuditEntry(
            actor_kind=actor.kind,
            actor_id=actor.id,
            actor_label=actor.label,
            action=action,
            subject_kind=kind,
            subject_id=None if identifier is None else str(identifier),
            reason=reason,
            before=_shown(before),
            after=_shown(after),
            address=actor.address,
            request_id=actor.request_id,
        )
    )


def _shown(fields: Mapping[str, Any] | None) -> dict[str, Any] | None:
    if fields is None:
        return None
    return {name: STRUCK if _secret(name) else _plain(value) for name, value in fields.items()}


def _secret(name: str) -> bool:
    return name not in SHOWN_HERE and bool(SECRET_NAME.search(name))


def _plain(value: Any) -> Any:
    return value if value is None or isinstance(value, (bool, int, float, str, list, dict)) else str(value)
