"""A row of the audit as a row of the list."""

from collections.abc import Iterable, Mapping
from zoneinfo import ZoneInfo

from core.audit.queries import Line
from dashboard.audit import words
from dashboard.audit.address import Address
from dashboard.audit.subjects import Key, Subject
from dashboard.components import time
from dashboard.components.cells import Bit, Cell
from dashboard.components.table import Column, Row

BESIDE = (
    Column("time", "Time", 88, card="meta"),
    Column("actor", "Actor", 144, card="status"),
    Column("action", "Action, reason", None, link=True, card="title"),
    Column("subject", "Subject", 160, card="key"),
)
"""Beside the pane, which tells the rest."""
COLUMNS = (
    Column("time", "Time", 110, card="meta"),
    Column("actor", "Actor", 230, card="status"),
    Column("action", "Action, reason", None, link=True, card="title"),
    Column("subject", "Subject", 300, card="key"),
    Column("seal", "Seal", 110, "end", title="The row's number in the chain of hashes"),
)


def rows(
    lines: Iterable[Line], subjects: Mapping[Key, Subject], address: Address, zone: ZoneInfo
) -> list[Row]:
    """The rows of a page."""
    return [
        Row(
            str(line.id),
            [
                _time(line, zone),
                _actor(line),
                _action(line),
                _subject(subjects[line.subject_kind, line.subject_id]),
                _seal(line),
            ],
            href=address.opened(line.id).url,
        )
        for line in lines
    ]


def _time(line: Line, zone: ZoneInfo) -> Cell:
    title = f"{time.absolute(line.at, zone)} {time.zone_name(zone, line.at)}"
    return [Bit(time.clock(line.at, zone), title=title, moment=time.iso(line.at)), time.day(line.at, zone)]


def _actor(line: Line) -> Cell:
    name, rest = words.actor(line)
    icon, how = words.ACTORS[line.actor_kind]
    first = Bit(name, icon=icon, title=f"{line.actor_label}, {how}")
    return [first, Bit(rest, title=line.actor_label)] if rest else first


def _action(line: Line) -> Cell:
    deed = words.deed(line.action)
    first = Bit(deed.words, "strong", icon=deed.icon, title=line.action)
    return [first, Bit(line.reason, title=line.reason)] if line.reason else first


def _subject(subject: Subject) -> Cell:
    if not subject.name:
        return Bit(subject.kind.capitalize(), "second")
    return [Bit(subject.name, title=subject.name, href=subject.href), subject.kind]


def _seal(line: Line) -> Cell:
    if line.seq is None:
        return Bit("not yet", "quiet", icon="schedule", title="It is sealed within seconds")
    return Bit(f"{line.seq:,}", icon="lock", title=f"Sealed as number {line.seq:,}")
