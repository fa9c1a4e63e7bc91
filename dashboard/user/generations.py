"""A user's newest generations as a table: the columns of the list, without the user."""

from dataclasses import replace
from datetime import datetime

from dashboard.components.table import Column, Row
from dashboard.generations.address import ALL, Address
from dashboard.generations.reader import Reader
from dashboard.generations.rows import COLUMNS as OF_THE_LIST
from dashboard.generations.rows import rows as rows_of_the_list
from dashboard.user.reading import Reading

WIDTHS = {"status": 130, "created": 110, "model": None, "cause": 180, "took": 90, "credits": 130}
COLUMNS: tuple[Column, ...] = tuple(
    replace(column, width=WIDTHS[column.key], sort=False) for column in OF_THE_LIST if column.key in WIDTHS
)


def rows(found: Reading, *, now: datetime, reader: Reader) -> list[Row]:
    """Each leads to the list of this user's, with the row open."""
    theirs = Address(q=found.user.email, traffic=ALL, range="30d")
    return [
        replace(
            row,
            cells=[cell for column, cell in zip(OF_THE_LIST, row.cells, strict=True) if column.key in WIDTHS],
        )
        for row in rows_of_the_list(found.lines, theirs, now=now, reader=reader)
    ]
