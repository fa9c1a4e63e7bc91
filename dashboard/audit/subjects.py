"""What rows are about, by name and with the page where it is found: users by e-mail, providers by name."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from uuid import UUID

from core.accounts.lookup import emails
from core.accounts.person import Person
from core.bootstrap import Purser
from core.ids import short
from core.vocabulary import Role
from dashboard.audit import words
from dashboard.parameters import identifier

Key = tuple[str, str | None]
"""Kind and id of a subject."""


@dataclass(frozen=True, slots=True)
class Subject:
    """How a subject is called, and where it is; no page where there is none, or none for this reader."""

    kind: str
    name: str
    href: str | None = None


async def name_subjects(purser: Purser, reader: Person, keys: Iterable[Key]) -> Mapping[Key, Subject]:
    """The subjects of a page of rows, their names read at once."""
    keys = set(keys)
    ids = [found for kind, name in keys if kind == "user" and (found := identifier(name))]
    people = await emails(purser.database, ids)
    providers = {str(one.id): one.name for one in purser.snapshots.current.providers}
    return {key: _subject(*key, people, providers, reader) for key in keys}


def _subject(
    kind: str, name: str | None, people: Mapping[UUID, str], providers: Mapping[str, str], reader: Person
) -> Subject:
    word, known = words.kind(kind), identifier(name)
    if name is None:
        return Subject(word, "")
    match kind:
        case "user" if known:
            sees = reader.role in (Role.SUPERADMIN, Role.SUPPORT)
            return Subject(word, people.get(known, short(known)), f"/users/{known}" if sees else None)
        case "provider" if known:
            there = f"/providers?sel={known}" if name in providers else None
            return Subject(word, providers.get(name, f"{short(known)}, gone"), there)
        case "generation" if known:
            return Subject(word, short(known), f"/generations/{known}")
        case "fallback_order":
            return Subject(word, name, "/providers")
        case _:
            return Subject(word, short(known) if known else name)
