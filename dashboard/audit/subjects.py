"""What rows are about, by name and with the page where it is found: users by e-mail, providers by name."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from uuid import UUID

from core.accounts.lookup import emails
from core.accounts.organisation_lists import organisation_names
from core.accounts.person import Person
from core.accounts.project_lists import project_names
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
    names = {
        kind: await read(
            purser.database, [found for of, name in keys if of == kind and (found := identifier(name))]
        )
        for kind, read in NAMES.items()
    }
    providers = {str(one.id): one.name for one in purser.snapshots.current.providers}
    return {key: _subject(*key, people, providers, names, reader) for key in keys}


NAMES = {"organisation": organisation_names, "project": project_names}


def _subject(
    kind: str,
    name: str | None,
    people: Mapping[UUID, str],
    providers: Mapping[str, str],
    names: Mapping[str, Mapping[UUID, str]],
    reader: Person,
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
        case "organisation" if known:
            there = f"/users?tab=organisations&sel={known}" if known in names[kind] else None
            return Subject(word, names[kind].get(known, short(known)), there)
        case "project" if known:
            there = f"/generations?project={known}" if known in names[kind] else None
            return Subject(word, names[kind].get(known, short(known)), there)
        case "plans" | "proposal":
            sees = reader.role in (Role.SUPERADMIN, Role.SUPPORT)
            there = f"/plans?tab=history&version={name}" if kind == "plans" else "/plans?tab=proposals"
            return Subject(word, short(known) if known else name, there if sees else None)
        case "bulk_grant" if known:
            sees = reader.role in (Role.SUPERADMIN, Role.SUPPORT)
            return Subject(word, short(known), f"/credits?tab=bulk&sel={known}" if sees else None)
        case "package" | "code":
            there = f"/settings?tab={kind}s" if reader.role is Role.SUPERADMIN else None
            return Subject(word, short(known) if known else name, there)
        case "fallback_order":
            return Subject(word, name, "/providers")
        case _:
            return Subject(word, short(known) if known else name)
