"""One question to everything. Exact ids and addresses come first; what no index finds at once is not looked for."""

import asyncio
import re
from datetime import UTC, datetime
from urllib.parse import quote
from uuid import UUID
from zoneinfo import ZoneInfo

from core.accounts.lookup import Found, look_up
from core.accounts.person import Person
from core.bootstrap import Purser
from core.credits.queries import accounts_of
from core.generation import lookup
from core.generation.lookup import Hit
from core.snapshot import Snapshot
from core.system import demo
from core.vocabulary import Role, Traffic
from dashboard import shell
from dashboard.components import status, time
from dashboard.components.money import format_credits
from dashboard.generations.address import Address, own
from dashboard.palette import places
from dashboard.palette.entries import Entry, Group, fitting
from dashboard.palette.things import of_id
from dashboard.playground.draft import key_of, offered

MOST = 5
LONGEST = 400
ID = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}|\b[0-9a-f]{32}\b", re.IGNORECASE)
"""An id wherever it stands in what was pasted: a line of a log, a link."""


async def search(purser: Purser, person: Person, text: str) -> list[Group]:
    """What `text` finds for this person, in groups; nothing typed finds pages and what is often done."""
    text = " ".join(text[:LONGEST].split())
    if not text.isprintable():
        return []
    if (pasted := ID.search(text)) and (named := await _object(purser, person, UUID(pasted[0]))):
        return named
    wanted = text.lower().split()
    people = await _people(purser, person, text)
    hits = await _hits(purser, person, text, people)
    groups = [
        Group("Users", await _users(purser, people), exact=_is_address(text, people)),
        Group("Generations", [_generation(hit, purser.settings.zone) for hit in hits]),
        Group("Models", _models(purser.snapshots.current, wanted)),
        Group("Pages", [*_pages(purser.snapshots.current, person, wanted), *_filtered(text, people)]),
        Group("Actions", [*_on_people(people), *await _actions(purser, person, wanted)]),
    ]
    return sorted((group for group in groups if group.entries), key=lambda group: not group.exact)


async def _object(purser: Purser, person: Person, identifier: UUID) -> list[Group]:
    """What an id names: a generation (also by its request's id), a user, an entry of the ledger, a bulk grant, an
    organisation, a project, a provider."""
    hit, people, things = await asyncio.gather(
        lookup.by_id(purser.database, identifier, user_id=own(person)),
        _people(purser, person, str(identifier)),
        of_id(purser.database, person, identifier),
    )
    named = [one for one in places.providers(purser.snapshots.current) if str(identifier) in one.words]
    groups = [
        Group("Generations", [_generation(hit, purser.settings.zone)] if hit else [], exact=True),
        Group("Users", await _users(purser, people), exact=True),
        *things,
        Group("Pages", named, exact=True),
    ]
    return [group for group in groups if group.entries]


async def _people(purser: Purser, person: Person, text: str) -> list[Found]:
    if person.role not in places.SEES_USERS or not text:
        return []
    return await look_up(purser.database, text, limit=MOST)


async def _hits(purser: Purser, person: Person, text: str, people: list[Found]) -> list[Hit]:
    """The generation whose id ends so, else the latest two of the first person found."""
    hit = await lookup.by_ending(purser.database, text.lower(), user_id=own(person))
    if hit:
        return [hit]
    return await lookup.latest(purser.database, people[0].id) if people else []


async def _users(purser: Purser, people: list[Found]) -> list[Entry]:
    accounts = await accounts_of(purser.database, [one.id for one in people]) if people else {}
    plans = purser.snapshots.current.entitlements.plans
    entries: list[Entry] = []
    for one in people:
        owned = accounts.get(one.id, {})
        balance = next((owned[traffic] for traffic in Traffic if traffic in owned), None)
        plan = plans.get(one.plan_id or "")
        entries.append(
            Entry(
                "person",
                one.email,
                note=one.name,
                aside=plan.display_name if plan else "no plan",
                number=format_credits(balance.balance) if balance else "",
                href=f"/users/{one.id}",
                object=True,
            )
        )
    return entries


def _is_address(text: str, people: list[Found]) -> bool:
    return bool(people) and people[0].email.lower() == text.lower()


def _generation(hit: Hit, zone: ZoneInfo) -> Entry:
    who = hit.email.split("@")[0] if hit.email else "no user"
    address = Address(traffic=None if hit.traffic == Traffic.LIVE else hit.traffic)
    return Entry(
        "auto_awesome",
        hit.model or "no model",
        note=f"{who}, {_when(hit.created_at, zone)}",
        chip=status.generation(hit.status),
        href=address.opened(hit.id).url,
        object=True,
    )


def _when(moment: datetime, zone: ZoneInfo) -> str:
    today = datetime.now(zone).date() == moment.astimezone(zone).date()
    return f"{time.clock(moment, zone)} {'today' if today else 'on ' + time.day(moment, zone)}"


def _models(snapshot: Snapshot, wanted: list[str]) -> list[Entry]:
    """Those that can be tried lead to the playground, the others to their provider."""
    if not wanted:
        return []
    tried = offered(snapshot, datetime.now(UTC))
    entries = [
        Entry(
            "deployed_code",
            offer.model.id,
            note=offer.provider.name,
            aside=f"{offer.model.modality}, in the playground"
            if key_of(offer) in tried
            else offer.model.modality.value,
            href=f"/playground?model={quote(key_of(offer))}"
            if key_of(offer) in tried
            else f"/providers?sel={offer.provider.id}",
            object=True,
            words=offer.model.display_name,
        )
        for offer in snapshot.offers
        if offer.provider.enabled
    ]
    return fitting(entries, wanted, MOST)


def _pages(snapshot: Snapshot, person: Person, wanted: list[str]) -> list[Entry]:
    every = places.pages(shell.NAV, person.role)
    if not wanted:
        return every
    return fitting([*every, *places.providers(snapshot)], wanted, MOST)


def _filtered(text: str, people: list[Found]) -> list[Entry]:
    if not people:
        return []
    return [
        Entry("group", f"Users, filtered by “{text}”", href=f"/users?q={quote(text)}"),
        Entry("auto_awesome", f"Generations, filtered by “{text}”", href=f"/generations?q={quote(text)}"),
    ]


def _on_people(people: list[Found]) -> list[Entry]:
    """What may be done for the first who was found; whoever may not see people finds none."""
    return [entry for one in people[:1] for entry in places.on_person(one.email, one.id)]


async def _actions(purser: Purser, person: Person, wanted: list[str]) -> list[Entry]:
    there = person.role is Role.SUPERADMIN and bool(wanted) and await demo.find(purser.database) is not None
    entries = places.actions(purser.snapshots.current, person, demo=there)
    if not wanted:
        return [entry for entry in entries if entry.common]
    return fitting(entries, wanted, MOST)
