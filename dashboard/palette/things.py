"""What an id names beside generations and people: entries of the ledger, bulk grants, organisations, projects."""

import asyncio
from uuid import UUID

from core.accounts.organisation_lists import organisation_names
from core.accounts.person import Person
from core.accounts.project_lists import project_names
from core.credits.ledger import LedgerLine, lines_of
from core.database import Database
from core.membership.bulk_lists import BulkSummary, bulk_grant
from core.vocabulary import Traffic
from dashboard.components.money import format_count, format_credits
from dashboard.credits import address as credits
from dashboard.generations import address as generations
from dashboard.organisations import address as organisations
from dashboard.palette.entries import Entry, Group
from dashboard.palette.places import SEES_USERS


async def of_id(database: Database, person: Person, identifier: UUID) -> list[Group]:
    """The thing of this id, for whoever may see users; the other groups are empty."""
    if person.role not in SEES_USERS:
        return []
    lines, bulk, named, projects = await asyncio.gather(
        lines_of(database, [identifier]),
        bulk_grant(database, identifier),
        organisation_names(database, [identifier]),
        project_names(database, [identifier]),
    )
    return [
        Group("Ledger", [_entry(line) for line in lines], exact=True),
        Group("Bulk grants", [_bulk(bulk)] if bulk else [], exact=True),
        Group("Organisations", [_organisation(*one) for one in named.items()], exact=True),
        Group("Projects", [_project(*one) for one in projects.items()], exact=True),
    ]


def _entry(line: LedgerLine) -> Entry:
    books = None if line.traffic is Traffic.LIVE else str(line.traffic)
    return Entry(
        "receipt_long",
        line.reason or line.type.capitalize(),
        note=line.email,
        aside=line.type,
        number=format_credits(line.amount),
        href=credits.Address(traffic=books).opened(line.id).url,
        object=True,
    )


def _bulk(found: BulkSummary) -> Entry:
    grant = found.grant
    return Entry(
        "group_add",
        grant.title,
        note=f"bulk grant to {format_count(grant.people)}",
        aside=grant.state,
        number=format_credits(grant.credits),
        href=credits.Address(tab=credits.BULK).opened(grant.id).url,
        object=True,
    )


def _organisation(identifier: UUID, name: str) -> Entry:
    return Entry(
        "domain",
        name,
        note="organisation",
        href=organisations.Address(sel=identifier).url,
        object=True,
    )


def _project(identifier: UUID, name: str) -> Entry:
    return Entry(
        "folder",
        name,
        note="project",
        aside="its generations",
        href=generations.Address(project=identifier).url,
        object=True,
    )
