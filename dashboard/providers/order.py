"""The card of the fallback order: a column per modality, put in order by dragging or with arrows, saved at once."""

from collections.abc import Sequence
from functools import partial
from uuid import UUID

from core.providers.config import ProviderConfig
from core.providers.order import reorder
from core.routing.health import Health
from core.system.board import BoardState
from core.vocabulary import Modality
from dashboard.components import status
from dashboard.components.button import Handler
from dashboard.components.card import Card
from dashboard.components.html import Icon, Node
from dashboard.components.sortable import Item, Sortable
from dashboard.components.toast import toast
from dashboard.providers.desk import Desk
from dashboard.providers.words import MODALITY_ICONS

SAID = (Health.DOWN, Health.DEGRADED, Health.HALF_OPEN)


class FallbackOrder:
    """`show(board)` shows the order of now; providers that are switched off keep their place, unseen."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        note = "applies to the next request · drag, or arrows" if desk.admin else "who is asked first"
        card = Card("Fallback order", ruled=True, flush=True)
        with card.end:
            Node("span", note)
        self._lists: dict[Modality, Sortable] = {}
        self._nobody: dict[Modality, Node] = {}
        with card.body.classes("pu-order"):
            for modality in Modality:
                self._column(modality)

    def show(self, board: BoardState) -> None:
        for modality, shown in self._lists.items():
            items = _items(self._providers(modality), board, modality)
            shown.show_items(items).set_visibility(bool(items))
            self._nobody[modality].show(not items)

    def _column(self, modality: Modality) -> None:
        with Node("section") as column:
            with Node("h3", modality.capitalize()) as head:
                Icon(MODALITY_ICONS[modality])
            column.set(aria_labelledby=head.html_id)
            moved = partial(self._moved, modality) if self._desk.admin else None
            self._lists[modality] = Sortable(f"in {modality}", moved=moved)
            self._nobody[modality] = Node("p", f"Nobody serves {modality} yet.")

    def _providers(self, modality: Modality) -> list[ProviderConfig]:
        """Those of the modality that are switched on, as the next request would ask them."""
        return [one for one in self._all(modality) if one.enabled]

    def _all(self, modality: Modality) -> list[ProviderConfig]:
        known = self._desk.purser.snapshots.current.providers
        return sorted(
            (one for one in known if modality in one.ranks), key=lambda one: (one.rank(modality), one.slug)
        )

    async def _moved(self, modality: Modality, row: str, place: int) -> None:
        """Saves the order with the row at its new place; the others keep theirs among each other."""
        before = [one.id for one in self._all(modality)]
        seen = [one.id for one in self._providers(modality)]
        moved = next(one for one in seen if str(one) == row)
        neighbour = seen[place]
        after = [one for one in before if one != moved]
        behind = seen.index(moved) < place
        after.insert(after.index(neighbour) + behind, moved)
        name = next(one.name for one in self._all(modality) if one.id == moved)
        done = f"{name} is now number {place + 1} in {modality}, from the next request on"
        await self._save(modality, after, done, undo=partial(self._take_back, modality, before, after))

    async def _take_back(self, modality: Modality, before: Sequence[UUID], after: Sequence[UUID]) -> None:
        """The order from before the move, unless somebody has moved something since."""
        if [one.id for one in self._all(modality)] != list(after):
            toast(f"The order of {modality} has been changed since; it stays.", "warn")
            return
        await self._save(modality, before, f"The order of {modality} is as it was")

    async def _save(
        self, modality: Modality, ordered: Sequence[UUID], done: str, *, undo: Handler | None = None
    ) -> None:
        saved = await self._desk.write(
            lambda session, actor: reorder(session, modality, ordered, actor=actor), done, undo=undo
        )
        if not saved:
            self._lists[modality].show_again()  # somebody else was quicker: the order as it is now


def _items(providers: Sequence[ProviderConfig], board: BoardState, modality: Modality) -> list[Item]:
    items: list[Item] = []
    for provider in providers:
        state = board.find(provider.id)
        one = state.by_modality.get(modality) if state else None
        said = status.health(one.health) if one and one.health in SAID else None
        items.append(
            Item(
                str(provider.id),
                provider.name,
                said and said.icon,
                said and said.word,
                said and said.tone,
            )
        )
    return items
