"""The palette (mock-up 12): Ctrl+K, one field, everything by name or id. It lives in the browser; the server answers
its questions at one address (`dashboard.palette`), and nothing in it writes."""

from nicegui.element import Element

from dashboard.components.html import Icon, Node


class Palette(Element, component="palette.js"):
    """One a page. `person` keeps the recent entries of several people in one browser apart."""

    def __init__(self, address: str, person: str) -> None:
        super().__init__()
        self.props.update(address=address, person=person)


def find_box() -> Node:
    """The search box in the header, which opens the palette; on a phone an icon."""
    with Node("button", "", "pu-find", type="button", data_palette="true", data_local="true") as box:
        Icon("search")
        Node("span", "Search…")
        Node("kbd", "Ctrl K", aria_hidden="true")
    return box.set(aria_label="Search", aria_keyshortcuts="Control+K", aria_haspopup="dialog")
