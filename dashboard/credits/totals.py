"""The figures above the tabs: what was booked in the range, by type, and what users have; each leads to its rows."""

from collections.abc import Mapping

from core.credits.models import EntryType
from core.credits.totals import Outstanding, Totals
from dashboard.components.html import Node, link
from dashboard.components.money import format_count, format_credits
from dashboard.credits.address import Address

FIGURES: Mapping[EntryType, str] = {
    EntryType.GRANT: "Granted",
    EntryType.BONUS: "Bonus",
    EntryType.PURCHASE: "Purchased",
    EntryType.USAGE: "Used",
    EntryType.REFUND: "Refunded",
    EntryType.ADJUSTMENT: "Adjusted",
    EntryType.EXPIRY: "Expired",
}
OUTSTANDING = "Outstanding"


class TotalsStrip(Node):
    """One card of cells; drawn in place."""

    def __init__(self) -> None:
        super().__init__(
            "div", "", "pu-card pu-strip pu-totals", role="group", aria_label="Totals of the range"
        )
        self._cells: dict[str, tuple[Node, Node, Node]] = {}
        with self:
            for name in (*FIGURES.values(), OUTSTANDING):
                with link("", "/credits", "pu-total") as cell:
                    Node("span", name, "pu-total-name")
                    self._cells[name] = (
                        cell,
                        Node("span", "—", "pu-total-figure"),
                        Node("span", "", "pu-total-note"),
                    )

    def draw(self, found: Totals, owned: Outstanding, address: Address) -> None:
        """Shows other figures, of the range and books of an address."""
        self.set(title=None)
        base = address.of_tab("ledger")
        for kind, name in FIGURES.items():
            booked = found.by_type.get(kind)
            credits, entries = (booked.credits, booked.entries) if booked else (0, 0)
            cell, figure, note = self._cells[name]
            cell.set(href=base.changed(type=kind.value).url)
            figure.set_text(format_credits(credits))
            note.set_text(f"{format_count(entries)} {'entry' if entries == 1 else 'entries'}")
        cell, figure, note = self._cells[OUTSTANDING]
        cell.set(href=base.url)
        figure.set_text(format_credits(owned.balance))
        note.set_text(f"{format_credits(owned.held)} held" if owned.held else "nothing held")

    def say_failed(self, words: str) -> None:
        """They could not be read: what stands there is of before."""
        for _, _, note in self._cells.values():
            note.set_text("not read")
        self.set(title=words)
