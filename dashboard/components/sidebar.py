"""The sidebar: the pages that a person's role may open and that exist, in groups; System health at its foot."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from nicegui import ui

from core.vocabulary import STAFF, Role
from dashboard.components.html import Icon, Node, link
from dashboard.components.logo import Logo
from dashboard.components.status import Status


@dataclass(frozen=True, slots=True)
class NavItem:
    """A page in the sidebar; `available` once it is built. After `g`, the key `go` leads there."""

    route: str
    label: str
    icon: str
    group: str
    roles: frozenset[Role] = STAFF
    available: bool = True
    go: str = ""


Mark = str | Status
"""What stands at an entry's right: a count, or a state."""


class Sidebar(Node):
    """The navigation. `set_mark` changes what stands at an entry."""

    def __init__(
        self, role: Role, nav: Sequence[NavItem], marks: Mapping[str, Mark], health: Status | None
    ) -> None:
        super().__init__("nav", "", "pu-side", aria_label="Pages", popover="auto")
        self._marks: dict[str, tuple[Node, Mark | None]] = {}
        shown = [item for item in nav if item.available and role in item.roles]
        here = _current(shown, ui.context.client.request.url.path)
        with self:
            with link("", "/", "pu-brand", aria_label="Purser, overview"):
                Logo()
                Node("span", "Purser", "pu-brand-name")
            for group in dict.fromkeys(item.group for item in shown if item.group):
                heading = Node("h2", group)
                with Node("ul", aria_labelledby=heading.html_id):
                    for item in (item for item in shown if item.group == group):
                        with Node("li"):
                            self._entry(item, marks.get(item.route), current=item is here)
            for item in (item for item in shown if not item.group):
                with Node("div", "", "pu-side-foot"):
                    self._entry(item, health.word if health else None, current=item is here, state=health)

    def set_mark(self, route: str, mark: Mark | None) -> None:
        """Show a count or a state at an entry, or nothing; an entry that is not there has none."""
        place, shown = self._marks.get(route, (None, None))
        if place is None or shown == mark:
            return
        self._marks[route] = place, mark
        place.clear()
        with place:
            _write(mark)

    def _entry(self, item: NavItem, mark: Mark | None, *, current: bool, state: Status | None = None) -> None:
        entry = link(
            item.label, item.route, "pu-nav", data_name=item.label, aria_current="page" if current else None,
            data_go=item.go or None,
        )  # fmt: skip
        with entry:
            Icon(state.icon if state else item.icon, f"is-{state.tone}" if state else "")
            with Node("span", "", "pu-nav-mark") as place:
                _write(mark)
        self._marks[item.route] = place, mark


def _write(mark: Mark | None) -> None:
    if isinstance(mark, Status):
        Icon(mark.icon, f"is-{mark.tone}", label=mark.word)
    elif mark:
        Node("span", mark)


def _current(shown: Sequence[NavItem], path: str) -> NavItem | None:
    inside = [
        item
        for item in shown
        if path == item.route or (item.route != "/" and path.startswith(f"{item.route}/"))
    ]
    return max(inside, key=lambda item: len(item.route), default=None)
