"""What stands above the tabs and in their row: the totals of the range, and whether the ledger agrees with the balances."""

from datetime import datetime, timedelta

from core.credits.totals import outstanding, totals
from core.system.reports import Proof, last_proof
from dashboard.components import time
from dashboard.components.facts import Box
from dashboard.components.html import Icon, Node
from dashboard.credits.address import Address
from dashboard.credits.totals import TotalsStrip
from dashboard.page import Screen

MOST_TOLD = 5
EVERY = timedelta(seconds=5)
"""How often the totals are read anew while entries come."""


class Summary:
    """One open page's. Made before the tabs; `proof` puts its line into their row."""

    def __init__(self, screen: Screen) -> None:
        self._screen = screen
        self._at: datetime | None = None
        self._alarm = Node("div")
        with Node("div", "", "pu-totals-box"):
            self.strip = TotalsStrip()

    def forget(self) -> None:
        """What is shown is of before something was done here."""
        self._at = None

    def due(self, now: datetime) -> bool:
        """Whether what is shown is old enough to be read again."""
        return self._at is None or now - self._at >= EVERY

    async def show(self, address: Address) -> None:
        """Reads and shows the figures of an address's range and books."""
        database, now = self._screen.purser.database, self._screen.now()
        begin, end = address.stretch(now)
        found = await totals(database, address.books, begin, end)
        owned = await outstanding(database, address.books)
        self.strip.draw(found, owned, address)
        self._at = now
        zone = self._screen.zone
        self._screen.frame.note.set_text(
            f"as of {time.clock(now, zone)} · totals of the {address.time_words(zone)}"
        )

    def say_failed(self, words: str) -> None:
        """The figures could not be read."""
        self.strip.say_failed(words)

    async def proof(self) -> None:
        """Says in the row of the tabs what the last integrity check found."""
        found = await last_proof(self._screen.purser.database)
        with Node("div", "", "pu-books", role="status"):
            _say(found, self._screen)
        if found and found.differences:
            with self._alarm:
                _say_loudly(found)


def _say(found: Proof | None, screen: Screen) -> None:
    if found is None:
        Icon("schedule")
        Node("span", "ledger not checked yet")
        return
    at = time.clock_or_day(found.at, screen.zone, screen.now())
    if not found.differences:
        Icon("check_circle", "is-ok")
        Node("span", f"ledger = balance, as of {at}")
        return
    Icon("error", "is-bad")
    Node("b", f"ledger ≠ balance, as of {at}", "is-bad")


def _say_loudly(found: Proof) -> None:
    """What is wrong, and what to do."""
    many = "1 difference" if found.differences == 1 else f"{found.differences:,} differences"
    with Box("bad").classes("pu-books-bad").set(role="alert"):
        Node("p", f"The books do not agree: {many}.", "is-strong")
        with Node("ul"):
            for finding in found.findings[:MOST_TOLD]:
                Node("li", finding, "is-mono")
        Node(
            "p",
            "Do not edit rows. Keep the evidence: run “python main.py verify” and save what it prints; what each line"
            " means, and what to do on it, stands in docs/operations.md.",
        )
