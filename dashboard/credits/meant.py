"""Whom or what a search in the ledger means: a user by id or e-mail, a generation by id; several users are a question."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from core.accounts.lookup import Found, look_up
from core.database import Database
from dashboard.parameters import identifier

MOST = 8


@dataclass(frozen=True, slots=True)
class Meant:
    """What was found: a user, else perhaps a generation. `several` users are a question back."""

    user_id: UUID | None = None
    generation_id: UUID | None = None
    several: Sequence[Found] = ()


async def meant_by(database: Database, text: str) -> Meant | None:
    """What `text` means; None where nothing was searched for."""
    if not text:
        return None
    people = await look_up(database, text, limit=MOST)
    exact = [one for one in people if one.email.lower() == text.lower()]
    if len(people) == 1 or exact:
        return Meant(user_id=(exact or people)[0].id)
    return Meant(generation_id=identifier(text), several=people)
