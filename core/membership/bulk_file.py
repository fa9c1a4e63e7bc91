"""The file of a bulk grant: lines of e-mail or id, and amount; each is good, or named with what is wrong with it."""

import asyncio
import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from core.accounts.queries import parse_id
from core.credits.limits import LARGEST
from core.database import run
from core.errors import InvalidRequest

LONGEST_FILE = 20_000_000
"""Characters."""
MOST_LINES = 200_000
HEADS = frozenset({"email", "e-mail", "user", "id", "user_id", "userid"})

Refusal = tuple[int, str]
"""A line's number in the file, and why it is left out."""

_Asked = tuple[int, str, int]
"""A line's number, whom it names, and the amount."""


@dataclass(frozen=True, slots=True)
class FileLine:
    """A line that can be booked."""

    number: int
    user_id: UUID
    amount: int


async def read_lines(session: AsyncSession, text: str) -> tuple[list[FileLine], list[Refusal]]:
    """The good lines of a file, and the others with why. A first line of column names is passed over.

    Raises:
        InvalidRequest: too long, or no text that is separated by commas, semicolons or tabs.
    """
    if len(text) > LONGEST_FILE:
        raise InvalidRequest(f"The file has more than {LONGEST_FILE:,} characters.")
    asked, refusals = await asyncio.to_thread(_parsed, text)
    people = await _people(session, [name for _, name, _ in asked])
    lines: list[FileLine] = []
    first: dict[UUID, int] = {}
    for number, name, amount in asked:
        user_id, demo = people.get(name.lower(), (None, False))
        if user_id is None:
            refusals.append((number, f"nobody is known as “{name[:80]}”"))
        elif demo:
            refusals.append((number, "belongs to the demo data"))
        elif user_id in first:
            refusals.append((number, f"the same person as in line {first[user_id]}"))
        else:
            first[user_id] = number
            lines.append(FileLine(number, user_id, amount))
    return lines, sorted(refusals)


def _parsed(text: str) -> tuple[list[_Asked], list[Refusal]]:
    """What the lines ask for, and those that say nothing that could be booked. It ends at the first line too many."""
    asked: list[_Asked] = []
    refusals: list[Refusal] = []
    for count, (number, cells) in enumerate(_rows(text), 1):
        if count > MOST_LINES:
            raise InvalidRequest(f"At most {MOST_LINES:,} lines are granted at once.")
        amount = _amount(cells[1]) if len(cells) > 1 else None
        if len(cells) < 2:
            refusals.append((number, "a line is e-mail or id, and amount"))
        elif amount is None:
            refusals.append((number, f"“{cells[1][:40]}” is no amount: whole credits from 1 to {LARGEST:,}"))
        else:
            asked.append((number, cells[0], amount))
    return asked, refusals


def _rows(text: str) -> Iterator[tuple[int, list[str]]]:
    """Line numbers and their cells, empty lines left out."""
    text = text.removeprefix("\ufeff").replace("\0", "")
    head = text.partition("\n")[0]
    separator = max(",;\t", key=head.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
    try:
        for place, row in enumerate(reader):
            cells = [cell.strip() for cell in row]
            if not any(cells) or (place == 0 and cells[0].lower() in HEADS):
                continue
            yield reader.line_num, cells
    except csv.Error as fault:
        raise InvalidRequest(f"Line {reader.line_num} cannot be read: {fault}.") from None


def _amount(cell: str) -> int | None:
    digits = cell.removeprefix("+")
    if not digits.isascii() or not digits.isdigit() or len(digits) > 12:
        return None
    amount = int(digits)
    return amount if 0 < amount <= LARGEST else None


async def _people(session: AsyncSession, names: Sequence[str]) -> dict[str, tuple[UUID, bool]]:
    """Who is meant by addresses and ids, lower case, and whether they belong to the demo."""
    lower = {name.lower() for name in names}
    ids = {name: identifier for name in lower if (identifier := parse_id(name))}
    emails = [name for name in lower if name not in ids and name.isprintable()]
    found: dict[str, tuple[UUID, bool]] = {}
    rows = await run(session, BY_EMAIL, {"emails": emails})
    for name, user_id, demo in rows.all():
        found[name] = (user_id, demo)
    rows = await run(session, BY_ID, {"ids": list(ids.values())})
    known = {row[0]: row[1] for row in rows.all()}
    for name, identifier in ids.items():
        if identifier in known:
            found[name] = (identifier, known[identifier])
    return found


BY_EMAIL = """
select lower(u.email), u.id, coalesce(s.demo, false) from users u left join user_stats s on s.user_id = u.id
where lower(u.email) = any(:emails)
"""
BY_ID = """
select u.id, coalesce(s.demo, false) from users u left join user_stats s on s.user_id = u.id where u.id = any(:ids)
"""
