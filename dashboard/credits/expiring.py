"""What expires in the coming days, and how many people lose it."""

from datetime import timedelta

from core.credits.expiry import expiring
from dashboard.access import MANAGERS
from dashboard.components import states
from dashboard.components.html import Node
from dashboard.components.money import format_count, format_credits
from dashboard.components.table import Column, DataTable, Row
from dashboard.credits.address import Address
from dashboard.lists.refresher import Refresher, fail_table
from dashboard.live import credits_changed
from dashboard.page import Screen

DAYS = 30
EVERY = 60.0
"""Seconds: all open lots of a month are looked through for it, and days change slowly."""
COLUMNS = (
    Column("day", "Day", 200, card="title"),
    Column("people", "People", 140, "end", card="meta"),
    Column("credits", "Credits", 160, "end", card="key"),
    Column("rest", "", None, silent=True),
)


class Expiring:
    """The tab."""

    def __init__(self, screen: Screen, address: Address) -> None:
        self._screen, self._address = screen, address
        Node(
            "p",
            f"What is left of grants that end in the next {DAYS} days; the soonest is spent first.",
            "pu-meta pu-tab-note",
        )
        self._table = DataTable("Credits that expire", COLUMNS, row_height=40, skeletons=4)
        self._reader = Refresher(
            screen, self._load, self._fail, roles=MANAGERS, news=credits_changed, seconds=EVERY
        )

    async def refresh(self) -> None:
        """As of now; by itself at most once a minute."""
        await self._reader.refresh()

    def _fail(self, words: str, request_id: str) -> None:
        fail_table(self._table, words, request_id, self.refresh)

    async def _load(self) -> None:
        now, zone = self._screen.now(), self._screen.zone
        found = await expiring(
            self._screen.purser.database, self._address.books, now, now + timedelta(days=DAYS), zone
        )
        if not found:
            with self._table.show_state():
                states.empty(
                    "Nothing expires soon", f"No grant ends in the next {DAYS} days.", icon="event_available"
                )
            return
        rows = [
            Row(
                str(one.day),
                [f"{one.day:%Y-%m-%d}", format_count(one.people), format_credits(one.credits), ""],
            )
            for one in found
        ]
        total = Row(
            "total",
            [
                f"{len(found)} {'day' if len(found) == 1 else 'days'}",
                "",
                format_credits(sum(one.credits for one in found)),
                "",
            ],
            look="total",
        )
        self._table.show_rows([*rows, total])
