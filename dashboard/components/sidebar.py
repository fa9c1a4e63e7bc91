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
    """A page in the sidebar; `available` once it is built."""

    route: str
    label: str
    icon: str
    group: str
    roles: frozenset[Role] = STAFF
    available: bool = True


def sidebar(
    role: Role, nav: Sequence[NavItem], marks: Mapping[str, str | Status], health: Status | None
) -> Node:
    """The navigation; `marks` are counts or states by route."""
    shown = [item for item in nav if item.available and role in item.roles]
    here = _current(shown, ui.context.client.request.url.path)
    with Node("nav", "", "pu-side", aria_label="Pages", popover="auto") as side:
        with link("", "/", "pu-brand", aria_label="Purser, overview"):
            Logo()
            Node("span", "Purser", "pu-brand-name")
        for group in dict.fromkeys(item.group for item in shown if item.group):
            heading = Node("h2", group)
            with Node("ul", aria_labelledby=heading.html_id):
                for item in (item for item in shown if item.group == group):
                    with Node("li"):
                        _entry(item, marks.get(item.route), current=item is here)
        for item in (item for item in shown if not item.group):
            with Node("div", "", "pu-side-foot"):
                _entry(item, health.word if health else None, current=item is here, state=health)
    return side


def _entry(item: NavItem, mark: str | Status | None, *, current: bool, state: Status | None = None) -> None:
    entry = link(
        item.label, item.route, "pu-nav", data_name=item.label, aria_current="page" if current else None
    )
    with entry:
        Icon(state.icon if state else item.icon, f"is-{state.tone}" if state else "")
        if isinstance(mark, Status):
            with Node("span", "", f"pu-nav-mark is-{mark.tone}"):
                Icon(mark.icon, label=mark.word)
        elif mark:
            Node("span", mark, "pu-nav-mark")


def _current(shown: Sequence[NavItem], path: str) -> NavItem | None:
    inside = [item for item in shown if path == item.route or path.startswith(f"{item.route.rstrip('/')}/")]
    return max(inside, key=lambda item: len(item.route), default=None)
