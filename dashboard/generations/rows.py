"""A generation as a row of the list."""

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from core.generation.queries import Line
from dashboard.components import time
from dashboard.components.cells import DASH, Bit, Cell, chip
from dashboard.components.money import format_credits, format_usd
from dashboard.components.status import generation
from dashboard.components.table import Column, Row
from dashboard.generations.address import Address
from dashboard.generations.reader import Reader

COLUMNS = (
    Column("status", "Status", 106, card="status"),
    Column("created", "Created", 68, sort=True, card="meta"),
    Column("user", "User", 120),
    Column("model", "Model, provider", 144, link=True, card="title"),
    Column("cause", "Cause", 104),
    Column("took", "Took", 54, "end"),
    Column("credits", "Credits", 74, "end", card="key"),
)
UNDER_WAY = ("pending", "processing")


def rows(
    lines: Iterable[Line],
    address: Address,
    *,
    now: datetime,
    reader: Reader,
) -> list[Row]:
    """The rows of a page."""
    return [
        Row(
            str(line.id),
            [
                chip(generation(line.status)),
                _created(line.created_at, now, reader.zone),
                _user(line.email),
                [Bit(line.model or "no model", "strong", title=line.model), _route(line, reader.name)],
                Bit(line.cause, title=line.cause) if line.cause else DASH,
                _took(line, now),
                _money(line, costs=reader.costs),
            ],
            href=address.opened(line.id).url,
        )
        for line in lines
    ]


def _created(moment: datetime, now: datetime, zone: ZoneInfo) -> Cell:
    title = f"{time.absolute(moment, zone)} {time.zone_name(zone, moment)}"
    clock = Bit(time.clock(moment, zone), title=title, moment=time.iso(moment))
    if now - moment < timedelta(days=1):
        return clock
    return [clock, time.day(moment, zone)[2:]]


def _user(email: str | None) -> Cell:
    if not email:
        return Bit("no user", "quiet")
    name, _, domain = email.rpartition("@")
    return [Bit(name, title=email), Bit(domain, title=email)]


def _route(line: Line, name: Callable[[str], str]) -> list[str | Bit]:
    if not line.provider:
        return [Bit("no provider", "quiet")]
    if not line.via:
        return [name(line.provider)]
    return [name(line.via), Bit(icon="arrow_forward", label="then"), name(line.provider)]


def _took(line: Line, now: datetime) -> Cell:
    if line.status in UNDER_WAY:
        return Bit(time.duration(now - line.created_at, 0), "info", title="running")
    return DASH if not line.latency_ms else time.duration(line.latency_ms / 1000)


def _money(line: Line, *, costs: bool) -> Cell:
    if line.status in UNDER_WAY:
        return [format_credits(line.held), "held"]
    charged = format_credits(line.credits)
    return [charged, cost_words(line.cost, unpriced=line.unpriced)] if costs else charged


def cost_words(cost: Decimal | None, *, unpriced: bool) -> str:
    """What the vendors took: a sum, `none`, `No price`, or what is known of it."""
    if not unpriced:
        return format_usd(cost or Decimal(0), zero="none")
    return f"from {format_usd(cost)}" if cost else format_usd(None)
