"""The sheet of keys: what each does, and whether single keys are on. `?` opens it (keys.js)."""

from collections.abc import Sequence

from dashboard.components.html import Node
from dashboard.components.markup import Drawing, Markup, element, join
from dashboard.components.sidebar import NavItem

ANYWHERE = (
    (("Ctrl", "K"), "Search users, generations, models, pages, actions"),
    (("Esc",), "Close what is open"),
)
IN_LISTS = ((("/",), "Filter"), (("j",), "Next row"), (("k",), "Row before"), (("Enter",), "Open the row"))
ALWAYS = frozenset({"Ctrl", "Esc", "Enter"})


def keys_sheet(pages: Sequence[NavItem]) -> Node:
    """A dialog of the browser's own, in every page."""
    going = [(("g", item.go), item.label) for item in pages if item.go]
    rows = [
        _section("Everywhere", [*ANYWHERE, (("?",), "This sheet")]),
        _section("In a list", IN_LISTS),
        _section("Go to", going),
    ]
    head = element(
        "div",
        element("div", element("h2", "Keyboard shortcuts", class_="pu-h2", id="pu-sheet-title")),
        element(
            "button", element("i", "close", class_="pu-icon", aria_hidden="true"), type="button",
            class_="pu-btn is-secondary is-icon", aria_label="Close", data_sheet_close="true", data_local="true",
        ),
        class_="pu-dialog-head",
    )  # fmt: skip
    switch = element(
        "label",
        element("input", type="checkbox", data_keys_switch="true"),
        element("span", "Single keys, for this browser. Ctrl K, Enter and Esc always work."),
        class_="pu-check",
    )
    return Drawing(
        "dialog",
        join([
            head,
            element("div", *rows, class_="pu-dialog-body"),
            element("div", switch, class_="pu-dialog-foot"),
        ]),
        "pu-sheet",
        aria_labelledby="pu-sheet-title",
    )  # fmt: skip


def _section(name: str, keys: Sequence[tuple[Sequence[str], str]]) -> Markup:
    rows: list[Markup] = []
    for caps, does in keys:
        single = None if set(caps) & ALWAYS else "is-single"
        rows += [
            element("dt", *(element("kbd", cap) for cap in caps), class_=single),
            element("dd", does, class_=single),
        ]
    return element("section", element("h3", name), element("dl", *rows, class_="pu-keys"))
