"""All that happened to a user and by them, as one stream: generations, movements of credits, and what people did."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

from core.accounts.person import Person
from core.audit import queries as audit
from core.audit.asking import Filter as AuditFilter
from core.audit.asking import sight_of
from core.audit.queries import Line as Deed
from core.credits import ledger
from core.credits.ledger import Filter as LedgerFilter
from core.credits.ledger import LedgerLine
from core.credits.models import EntryType
from core.generation import queries
from core.generation.queries import Filter, Line
from dashboard.audit import words
from dashboard.audit.address import Address as AuditAddress
from dashboard.components import states
from dashboard.components.cells import DASH, Bit, Cell, chip
from dashboard.components.money import format_credits_signed
from dashboard.components.status import ENTRY, Status, generation
from dashboard.components.table import Column, DataTable, Row
from dashboard.credits.rows import actor_words, reason_words
from dashboard.generations.address import Address
from dashboard.user.desk import Desk
from dashboard.user.tab import PAGE, PagedTab, at

COLUMNS = (
    Column("time", "Time", 170, card="meta"),
    Column("what", "What", 190, card="status"),
    Column("detail", "Details", None, link=True, card="title"),
    Column("credits", "Credits", 110, "end", card="key"),
    Column("actor", "By", 190),
)
MONEY = "credits."
"""How deeds begin that are told by their entry in the ledger."""
NOT_USAGE = tuple(kind for kind in EntryType if kind is not EntryType.USAGE)


@dataclass(frozen=True, slots=True)
class Happening:
    """One line of the stream, from wherever it comes."""

    id: UUID
    row: Row


@dataclass(frozen=True, slots=True)
class Source:
    """What one of the three had next, and the id up to which it was read where it has more."""

    happenings: list[Happening]
    reached: UUID | None


@dataclass(frozen=True, slots=True)
class Stream:
    """A page, up to where it is known (`end`), and whether there is more."""

    page: list[Happening]
    end: UUID | None
    more: bool

    def ends(self, *, backwards: bool) -> tuple[UUID, UUID] | None:
        """From where the pages beside it go on."""
        if not self.page or self.end is None:
            return None
        return (self.end, self.page[-1].id) if backwards else (self.page[0].id, self.end)


class Pages(Protocol):
    """One page of a source, and whether there is another on either side of it."""

    @property
    def lines(self) -> Sequence[Any]: ...
    @property
    def previous(self) -> bool: ...
    @property
    def next(self) -> bool: ...


class ActivityTab(PagedTab):
    """A charge stands with its generation, and a movement by hand with its entry: nothing is told twice."""

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk, DataTable("Activity", COLUMNS).classes("pu-user-activity"))

    async def load(self, person: Person) -> None:
        address = self.desk.address
        found = await self._page(person)
        if address != self.desk.address:
            return
        if not found.page:
            with self.table.show_state():
                states.empty(
                    "Nothing happened yet",
                    "Generations, movements of credits and what people change stand here, in one stream.",
                    icon="history",
                )
        else:
            self.show_page(
                [one.row for one in found.page],
                found.ends(backwards=address.before is not None),
                previous=found.more if address.before else address.after is not None,
                following=True if address.before else found.more,
            )
        self.succeed()

    async def _page(self, person: Person) -> "Stream":
        """One page of all three. Where a source has more than was read, the stream is known no further than that."""
        backwards = self.desk.address.before is not None
        found: list[Happening] = []
        reached: list[UUID] = []
        for source in await self._sources(person):
            found += source.happenings
            if source.reached is not None:
                reached.append(source.reached)
        end = (min if backwards else max)(reached, default=None)
        if end is not None:
            found = [one for one in found if (one.id <= end if backwards else one.id >= end)]
        found.sort(key=lambda one: one.id, reverse=not backwards)
        page = found[:PAGE]
        if len(found) > PAGE or end is None:
            end = page[-1].id if page else None
        more = bool(reached) or len(found) > PAGE
        return Stream(page[::-1] if backwards else page, end, more)

    async def _sources(self, person: Person) -> "list[Source]":
        """What each of the three has next."""
        desk, database, address = self.desk, self.desk.purser.database, self.desk.address
        after, before = address.after, address.before
        made = await queries.listing(
            database,
            Filter(user_id=desk.user_id, traffic=(desk.traffic,)),
            after=after,
            before=before,
            limit=PAGE,
        )
        moved = await ledger.ledger(
            database,
            LedgerFilter(user_id=desk.user_id, traffic=desk.traffic, types=NOT_USAGE),
            after=after,
            before=before,
            limit=PAGE,
        )
        done = await audit.listing(
            database,
            sight_of(person.role, person.id),
            AuditFilter(about=desk.user_id),
            after=after,
            before=before,
            limit=PAGE,
        )
        return [
            Source(list(self._generations(made.lines)), _reached(made, before)),
            Source(list(self._movements(moved.lines)), _reached(moved, before)),
            Source(list(self._deeds(done.lines)), _reached(done, before)),
        ]

    def _generations(self, lines: tuple[Line, ...]) -> Iterator[Happening]:
        desk = self.desk
        theirs = Address(q=desk.email, traffic=desk.traffic, range="30d")
        for line in lines:
            served = " at ".join(
                part
                for part in (line.model, desk.reader.name(line.provider) if line.provider else None)
                if part
            )
            said = [Bit(served or line.modality, title=line.model)]
            if line.cause:
                said.append(Bit(line.cause, "bad" if line.status == "failed" else "quiet"))
            charged = format_credits_signed(-line.credits) if line.credits else DASH
            yield self._happening(
                line.id, line.created_at, chip(generation(line.status)), [said], charged, Bit("user", "quiet"),
                href=theirs.opened(line.id).url,
            )  # fmt: skip

    def _movements(self, lines: tuple[LedgerLine, ...]) -> Iterator[Happening]:
        for line in lines:
            said = " · ".join(part for part in (reason_words(line), line.note, line.reference) if part)
            credits = Bit(format_credits_signed(line.amount), "ok" if line.amount > 0 else "")
            yield self._happening(
                line.id, line.at, chip(ENTRY[line.type]), Bit(said, title=said), credits,
                Bit(actor_words(line), "" if line.actor_id else "quiet", title=line.actor),
                href=f"/credits?sel={line.id}&range=all&traffic={line.traffic}",
            )  # fmt: skip

    def _deeds(self, lines: tuple[Deed, ...]) -> Iterator[Happening]:
        for line in lines:
            if line.action.startswith(MONEY):
                continue
            deed = words.deed(line.action)
            yield self._happening(
                line.id,
                line.at,
                chip(Status(deed.words, deed.icon, "neutral")),
                Bit(line.reason, title=line.reason) if line.reason else DASH,
                DASH,
                Bit(line.actor_label, title=line.actor_label),
                href=AuditAddress(sel=line.id, q=str(self.desk.user_id)).url,
            )

    def _happening(
        self,
        identifier: UUID,
        when: datetime,
        what: Bit,
        detail: Cell,
        credits: Cell,
        actor: Bit,
        *,
        href: str,
    ) -> Happening:
        cells = [at(when, self.desk.screen.zone), what, detail, credits, actor]
        return Happening(identifier, Row(str(identifier), cells, href=href))


def _reached(page: Pages, before: UUID | None) -> UUID | None:
    """The id up to which a source was read, where it has more."""
    more = page.previous if before else page.next
    return page.lines[0 if before else -1].id if more and page.lines else None
