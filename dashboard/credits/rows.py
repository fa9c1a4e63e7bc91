"""An entry of the ledger as a row: of the list, of the refunds, and of whoever else shows entries."""

from collections.abc import Iterable, Sequence
from uuid import UUID
from zoneinfo import ZoneInfo

from core.credits.ledger import LedgerLine
from core.credits.reasons import words_of
from core.ids import short
from dashboard.components import time
from dashboard.components.cells import DASH, Bit, Cell, chip
from dashboard.components.money import format_credits, format_credits_signed
from dashboard.components.status import ENTRY
from dashboard.components.table import Column, Row
from dashboard.credits.address import BULK, Address
from dashboard.parameters import identifier

TIME = Column("time", "Time", 150, card="meta")
USER = Column("user", "User", 238, link=True, card="title")
TYPE = Column("type", "Type", 116, card="status")
CREDITS = Column("credits", "Credits", 88, "end", card="key")
AFTER = Column("after", "Balance after", 108, "end")
REASON = Column("reason", "Reason", None)
GENERATION = Column("generation", "Generation", 90)
ACTOR = Column("actor", "Actor, approver", 140)

COLUMNS = (TIME, USER, TYPE, CREDITS, AFTER, REASON, GENERATION, ACTOR)
BESIDE = (
    Column("time", "Time", 92, card="meta"),
    Column("user", "User", 152, link=True, card="title"),
    TYPE,
    CREDITS,
    REASON,
)
"""Beside the pane, which tells the rest."""


def rows(
    lines: Iterable[LedgerLine], address: Address, zone: ZoneInfo, columns: Sequence[Column] = COLUMNS
) -> list[Row]:
    """The rows of a page; a ledger's times are absolute, always."""
    beside = GENERATION not in columns
    return [
        Row(
            str(line.id),
            [_cell(column.key, line, zone, beside=beside) for column in columns],
            href=address.opened(line.id).url,
        )
        for line in lines
    ]


def reason_words(line: LedgerLine) -> str:
    """Why an entry was made: the words of its reason code, or what the program wrote."""
    return words_of(line.reason_code) if line.reason_code else line.reason


def _cell(key: str, line: LedgerLine, zone: ZoneInfo, *, beside: bool) -> Cell:
    match key:
        case "time":
            return _time(line, zone, stacked=beside)
        case "user":
            return Bit(line.email, title=line.email)
        case "type":
            return chip(ENTRY[line.type])
        case "credits":
            return Bit(format_credits_signed(line.amount), "ok" if line.amount > 0 else "")
        case "after":
            return format_credits(line.balance_after)
        case "reason":
            return _reason(line)
        case "generation":
            return _generation(line)
        case _:
            return _actor(line)


def _time(line: LedgerLine, zone: ZoneInfo, *, stacked: bool) -> Cell:
    iso, tip = time.iso(line.at), f"{time.absolute(line.at, zone)} {time.zone_name(zone, line.at)}"
    if stacked:
        return [Bit(time.clock(line.at, zone), title=tip, moment=iso), time.day(line.at, zone)]
    return Bit(time.absolute(line.at, zone), title=tip, moment=iso)


def _reason(line: LedgerLine) -> Cell:
    said = reason_words(line)
    first = Bit(said, title=" · ".join(part for part in (said, line.note, reference_of(line)[0]) if part))
    rest = line.note or reference_of(line)[0]
    return [first, Bit(rest, title=rest)] if rest else first


def reference_of(line: LedgerLine) -> tuple[str, str | None]:
    """What an entry refers to, in words, and where that is: the reference of a payment stands for itself."""
    kind, _, name = (line.reference or "").partition(":")
    match kind, identifier(name):
        case "bulk", UUID() as bulk_id:
            return f"bulk grant {short(bulk_id)}", Address(tab=BULK, sel=bulk_id).url
        case "code", _:
            return f"code {name}", None
        case _:
            return line.reference or "", None


def _generation(line: LedgerLine) -> Cell:
    made = line.generation_id
    return Bit(short(made), href=f"/generations/{made}", title=str(made)) if made else DASH


def _actor(line: LedgerLine) -> Cell:
    who = actor_words(line)
    first = Bit(name_of(who), "" if line.actor_id else "quiet", title=who)
    if not line.approver:
        return first
    return [first, Bit(f"approved by {name_of(line.approver)}", title=line.approver)]


def name_of(address: str) -> str:
    """A colleague by the first half of the address; the tooltip has the whole."""
    return address.partition("@")[0]


def actor_words(line: LedgerLine) -> str:
    """Who made an entry; a charge was asked for by the user."""
    return line.actor or "user"
