"""The frame of every page: environment stripe, header, sidebar, main, and the detail pane.

    with shell.frame(person, title="Generations", group="Operate", environment="prod", time_zone="Europe/Berlin", pane=True) as page:
        with page.actions: Button(…)
        DataTable(…)

Plain HTML and CSS: one grid, responsive without script; links are real links. The sidebar shows what the person's role
may open and what exists (`NAV`).
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from nicegui import ui

from core.vocabulary import Role
from dashboard import theme
from dashboard.components import density, header, toast
from dashboard.components.bell import Bell
from dashboard.components.header import Person
from dashboard.components.html import Icon, Node
from dashboard.components.palette import Palette, find_box
from dashboard.components.pane import Pane
from dashboard.components.sheet import keys_sheet
from dashboard.components.sidebar import NavItem, Sidebar
from dashboard.components.status import Status
from dashboard.components.tray import Tray

_ADMIN = frozenset({Role.SUPERADMIN})
_SUPPORT = frozenset({Role.SUPERADMIN, Role.SUPPORT})
_MONEY = frozenset({Role.SUPERADMIN, Role.TESTER})

NAV: tuple[NavItem, ...] = (
    NavItem("/", "Overview", "space_dashboard", "Operate", go="o"),
    NavItem("/generations", "Generations", "auto_awesome", "Operate", go="t"),
    NavItem("/users", "Users", "group", "Operate", _SUPPORT, go="u"),
    NavItem("/credits", "Credits", "toll", "Operate", _SUPPORT, go="c"),
    NavItem("/files", "Files", "folder", "Operate", available=False),
    NavItem("/providers", "Providers", "dns", "Configure", go="p"),
    NavItem("/models", "Models", "deployed_code", "Configure", available=False, go="m"),
    NavItem("/plans", "Plans", "grid_on", "Configure", _SUPPORT),
    NavItem("/costs", "Costs", "payments", "Money", _MONEY, available=False),
    NavItem("/playground", "Playground", "science", "Test"),
    NavItem("/audit", "Audit", "history", "System"),
    NavItem("/settings", "Settings", "settings", "System", _ADMIN),
    NavItem("/system", "System health", "monitor_heart", "", _SUPPORT, available=False),
)
"""Who may open what (DATA, "Who may"), in the order of the sidebar; `/system` is its foot. Generations go by `g t`: the
tasks that people ask for."""


PALETTE = "/palette"
"""Where the palette asks (`dashboard.palette.route`)."""


@dataclass(slots=True)
class Page:
    """The page being built: the places that it fills."""

    main: Node
    crumb: Node
    title: Node
    head: Node
    note: Node
    actions: Node
    pane: Pane | None
    side: Sidebar
    tray: Tray
    bell: Bell

    def set_title(self, text: str) -> None:
        """Change the heading, the breadcrumb and the tab's title."""
        self.title.set_text(text)
        self.crumb.set_text(text)
        ui.page_title(f"{text} · Purser")


@contextmanager
def frame(
    person: Person,
    *,
    title: str,
    group: str = "",
    environment: str = "dev",
    time_zone: str = "UTC",
    crumbs: Sequence[tuple[str, str]] = (),
    note: str = "",
    pane: bool | str = False,
    marks: Mapping[str, str | Status] | None = None,
    health: Status | None = None,
    nav: Sequence[NavItem] = NAV,
) -> Iterator[Page]:
    """The frame; the body of the `with` is the content of `<main>`.

    Args:
        title: the only h1, and the tab's title.
        group: the sidebar's group, first of the breadcrumb.
        crumbs: pages between group and title, as (label, address).
        note: beside the title, such as "as of 14:01:32"; `page.note.set_text` changes it.
        pane: whether the page has a detail pane, or the pane's name; it is `page.pane`.
        marks: by route, a count or a status that stands at a sidebar's entry.
        health: the state of the system, at the sidebar's foot.
    """
    chosen = theme.apply()
    ui.page_title(f"{title} · Purser")
    _plain_document()
    with Node("div", "", "pu-app", data_rows=density.chosen()):
        skip = Node("a", "Skip to the content", "pu-skip")
        _stripe(environment)
        side = Sidebar(person.role, nav, marks or {}, health)
        with Node("header", "", f"pu-head {header.environment_class(environment)}"):
            header.environment_badge(environment)
            header.menu_button(side)
            crumb = header.breadcrumb([(group, ""), *crumbs] if group else list(crumbs), title)
            find_box()
            header.time_zone_chip(time_zone)
            tray, bell = Tray(), Bell()
            header.theme_toggle(chosen)
            header.account(person)
        main = Node("main", "", "pu-main", tabindex=-1)
        skip.set(href=f"#{main.html_id}")
        beside = Pane(pane if isinstance(pane, str) else f"{title}: details") if pane else None
        with main:
            page = Page(main, crumb, *_head_row(title, note), beside, side, tray, bell)
    _furniture()
    Palette(PALETTE, person.email)
    keys_sheet([item for item in nav if item.available and person.role in item.roles])
    with main:
        yield page


@contextmanager
def bare(*, title: str, environment: str = "dev") -> Iterator[Node]:
    """The frame of pages outside: stripe, badge, theme, and one narrow column (sign-in)."""
    chosen = theme.apply()
    ui.page_title(f"{title} · Purser")
    _plain_document()
    with Node("div", "", "pu-bare"):
        _stripe(environment)
        with Node("header", "", f"pu-bare-head {header.environment_class(environment)}"):
            header.environment_badge(environment)
            header.theme_toggle(chosen)
        main = Node("main", "", "pu-bare-main")
    _furniture()
    with main:
        yield main


def _head_row(title: str, note: str) -> tuple[Node, Node, Node, Node]:
    """Heading, the row that it stands in, what is said beside it, and the place of actions."""
    with Node("div", "", "pu-title-row") as head:
        return Node("h1", title), head, Node("span", note, "pu-meta"), Node("div", "", "pu-actions")


def _stripe(environment: str) -> None:
    Node("div", "", f"pu-env {header.environment_class(environment)}", aria_hidden="true")


def _furniture() -> None:
    """What every page has and no page shows by itself: the offline banner and the toasts."""
    with Node("div", "", "pu-offline", role="status"):
        Icon("cloud_off")
        Node("span", "No connection. What you see is old, and nothing can be changed until it is back.")
    toast.region()


def _plain_document() -> None:
    """Turn Quasar's page containers into plain ones: its QPage is a `<main>` around everything, and there is one main."""
    client = ui.context.client
    client.page_container.tag = "div"
    slot = client.content.parent_slot
    if slot is not None:
        slot.parent.tag = "div"
