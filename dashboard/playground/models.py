"""The models of a run: one to four selects with their letters, added and removed."""

from collections.abc import Callable, Mapping, Sequence

from nicegui import ui
from nicegui.element import Element

from core.snapshot import Offer
from dashboard.components import fields
from dashboard.components.button import Button, IconButton
from dashboard.components.html import Node
from dashboard.playground.draft import LETTERS

BETWEEN = " · "
OPTION = f"""
<q-item v-bind="props.itemProps">
  <q-item-section>{{{{ props.opt.label.split('{BETWEEN}')[0] }}}}</q-item-section>
  <q-item-section side class="pu-meta">{{{{ props.opt.label.split('{BETWEEN}')[1] }}}}</q-item-section>
</q-item>
"""
CHOSEN = f"""<span class="pu-play-chosen">{{{{ props.opt.label.split('{BETWEEN}')[0] }}}}</span>"""
"""What the control shows of an option: the model; its provider stands at the right."""


class Models(Node):
    """`models.keys` are the chosen ones in order; `on_change` is told whenever they differ."""

    def __init__(
        self, offers: Mapping[str, Offer], chosen: Sequence[str], on_change: Callable[[], None]
    ) -> None:
        super().__init__("div", "", "pu-play-models", role="group", aria_label="Models")
        self._offers = offers
        self._on_change = on_change
        self._options = {
            key: f"{offer.model.id}{BETWEEN}{offer.provider.name}" for key, offer in offers.items()
        }
        self.keys = list(chosen)
        self._selects: list[ui.select] = []
        with self:
            self._count = Node("span", "", "pu-label")
            self._rows = Node("div", "", "pu-play-rows")
            self._add = Button("Add a model", self._append, icon="add", kind="plain", small=True)
        self._build()

    @property
    def offers(self) -> list[Offer]:
        """The chosen models as they are offered."""
        return [self._offers[key] for key in self.keys]

    def enable(self, enabled: bool) -> None:
        """While a run is going, its models stay."""
        for child in self._rows.descendants():
            if isinstance(child, ui.select):
                child.set_enabled(enabled)
            elif isinstance(child, IconButton):
                child.enable(enabled)
        self._add.enable(enabled)

    def _build(self) -> None:
        """All rows anew: there are four at most, and their letters move."""
        self._rows.clear()
        with self._rows:
            self._selects = [self._row(place) for place in range(len(self.keys))]
        self._count.set_text(f"Models, {len(self.keys)} of {len(LETTERS)}")
        self._add.show(len(self.keys) < min(len(LETTERS), len(self._options)))

    def _row(self, place: int) -> ui.select:
        letter, key = LETTERS[place], self.keys[place]
        with Node("div", "", "pu-play-model"):
            field = fields.select(
                f"Model {letter}",
                self._options,
                value=key,
                silent=True,
                on_change=lambda event: self._choose(place, event.value),
            )
            field.add_slot("option", OPTION)
            field.add_slot("selected-item", CHOSEN)
            with field.add_slot("prepend"):
                Node("span", letter, "pu-letter", aria_hidden="true")
            with field.add_slot("append"):
                Node("span", self._offers[key].provider.name, "pu-inside").mark(f"provider-{letter}")
            if len(self.keys) > 1:
                IconButton("close", f"Remove model {letter}", lambda: self._remove(place), small=True)
        return field

    def _choose(self, place: int, key: str | None) -> None:
        if key not in self._offers or key == self.keys[place]:
            return
        self.keys[place] = key
        for element in _marked(self._selects[place], f"provider-{LETTERS[place]}"):
            element.set_text(self._offers[key].provider.name)
        self._on_change()

    def _append(self) -> None:
        if len(self.keys) >= len(LETTERS):
            return
        unused = [key for key in self._options if key not in self.keys]
        self.keys.append((unused or list(self._options))[0])
        self._build()
        self._focus(len(self.keys) - 1)
        self._on_change()

    def _remove(self, place: int) -> None:
        del self.keys[place]
        self._build()
        self._focus(min(place, len(self.keys) - 1))
        self._on_change()

    def _focus(self, place: int) -> None:
        self._selects[place].run_method("focus")


def _marked(field: Element, marker: str) -> list[Node]:
    return [
        child
        for slot in field.slots.values()
        for child in slot.children
        if isinstance(child, Node) and marker in child._markers
    ]
