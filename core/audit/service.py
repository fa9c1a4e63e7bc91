"""Recording writes: who, what, when, from where, why, and the fields before and after.

A row is written in the transaction of the change itself, so that neither exists without the other. Secrets never
come here: callers pass the fields that may be seen, and what looks like a secret is struck out all the same
(`core.audit.fields`). Rows are sealed afterwards (`core.audit.sealing`).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from core.audit.fields import plain_text, shown
from core.audit.models import AuditEntry
from core.vocabulary import Role


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
            actor_label=plain_text(actor.label),
            action=action,
            subject_kind=kind,
            subject_id=None if identifier is None else plain_text(str(identifier)),
            reason=None if reason is None else plain_text(reason),
            before=shown(before),
            after=shown(after),
            address=actor.address,
            request_id=actor.request_id,
        )
    )
