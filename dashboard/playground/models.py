"""The models of a run: one to four selects with their letters, added and removed."""

from collections.abc import Callable, Mapping, Sequence

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
        self.keys = list(chosen)
        self._rows: list[_Row] = []
        with self:
            self._count = Node("span", "", "pu-label")
            self._list = Node("div", "", "pu-play-rows")
            self._add = Button("Add a model", self._append, icon="add", kind="plain", small=True)
        self._build()

    @property
    def offers(self) -> list[Offer]:
        """The chosen models as they are offered."""
        return [self._offers[key] for key in self.keys]

    def _build(self) -> None:
        """All rows anew: there are four at most, and their letters move."""
        self._list.clear()
        with self._list:
            self._rows = [
                _Row(letter, self._offers, key, self._choose, self._remove if len(self.keys) > 1 else None)
                for letter, key in zip(LETTERS, self.keys, strict=False)
            ]
        self._count.set_text(f"Models, {len(self.keys)} of {len(LETTERS)}")
        self._add.show(len(self.keys) < min(len(LETTERS), len(self._offers)))

    def _choose(self, row: "_Row", key: str | None) -> None:
        if key is not None and key in self._offers:
            self.keys[self._rows.index(row)] = key
            row.provider.set_text(self._offers[key].provider.name)
            self._on_change()

    def _append(self) -> None:
        unused = [key for key in self._offers if key not in self.keys]
        if unused and len(self.keys) < len(LETTERS):
            self.keys.append(unused[0])
            self._build()
            self._rows[-1].focus()
            self._on_change()

    def _remove(self, row: "_Row") -> None:
        place = self._rows.index(row)
        del self.keys[place]
        self._build()
        self._rows[min(place, len(self.keys) - 1)].focus()
        self._on_change()


class _Row(Node):
    """One select: its letter before the model, the provider and the cross behind it."""

    def __init__(
        self,
        letter: str,
        offers: Mapping[str, Offer],
        key: str,
        on_choice: Callable[["_Row", str | None], None],
        on_remove: Callable[["_Row"], None] | None,
    ) -> None:
        super().__init__("div", "", "pu-play-model")
        with self:
            self._field = fields.select(
                f"Model {letter}",
                {key: f"{offer.model.id}{BETWEEN}{offer.provider.name}" for key, offer in offers.items()},
                value=key,
                silent=True,
                on_change=lambda event: on_choice(self, event.value),
            )
            self._field.add_slot("option", OPTION)
            self._field.add_slot("selected-item", CHOSEN)
            with self._field.add_slot("prepend"):
                Node("span", letter, "pu-letter", aria_hidden="true")
            with self._field.add_slot("append"):
                self.provider = Node("span", offers[key].provider.name, "pu-inside")
            if on_remove:
                IconButton("close", f"Remove model {letter}", lambda: on_remove(self), small=True)

    def focus(self) -> None:
        """The focus goes to the select."""
        self._field.run_method("focus")
