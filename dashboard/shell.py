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
from typing import Protocol

from nicegui import ui

from core.vocabulary import STAFF, Role
from dashboard import theme
from dashboard.components import toast
from dashboard.components.button import Button, IconButton
from dashboard.components.html import Icon, Node, link
from dashboard.components.logo import Logo
from dashboard.components.pane import Pane
from dashboard.components.status import Status


class Person(Protocol):
    """Who looks at the page."""

    @property
    def email(self) -> str: ...
    @property
    def name(self) -> str | None: ...
    @property
    def role(self) -> Role: ...


@dataclass(frozen=True, slots=True)
class NavItem:
    """A page in the sidebar; `available` once it is built."""

    route: str
    label: str
    icon: str
    group: str
    roles: frozenset[Role] = STAFF
    available: bool = True


_ADMIN = frozenset({Role.SUPERADMIN})
_SUPPORT = frozenset({Role.SUPERADMIN, Role.SUPPORT})
_MONEY = frozenset({Role.SUPERADMIN, Role.TESTER})

NAV: tuple[NavItem, ...] = (
    NavItem("/", "Overview", "space_dashboard", "Operate"),
    NavItem("/generations", "Generations", "auto_awesome", "Operate"),
    NavItem("/users", "Users", "group", "Operate", _SUPPORT, available=False),
    NavItem("/credits", "Credits", "toll", "Operate", available=False),
    NavItem("/files", "Files", "folder", "Operate", available=False),
    NavItem("/providers", "Providers", "dns", "Configure"),
    NavItem("/models", "Models", "deployed_code", "Configure", available=False),
    NavItem("/plans", "Plans", "grid_on", "Configure", _SUPPORT, available=False),
    NavItem("/costs", "Costs", "payments", "Money", _MONEY, available=False),
    NavItem("/playground", "Playground", "science", "Test"),
    NavItem("/audit", "Audit", "history", "System", available=False),
    NavItem("/settings", "Settings", "settings", "System", _ADMIN, available=False),
    NavItem("/system", "System health", "monitor_heart", "", _SUPPORT, available=False),
)
"""Who may open what (DATA, "Who may"), in the order of the sidebar; `/system` is its foot."""

ENVIRONMENTS = {"prod": "PROD", "staging": "STAGING", "sandbox": "SANDBOX", "dev": "DEV"}


@dataclass(slots=True)
class Page:
    """The page being built: the places that it fills."""

    main: Node
    title: Node
    head: Node
    note: Node
    actions: Node
    pane: Pane | None

    def set_title(self, text: str) -> None:
        """Change the heading and the tab's title."""
        self.title.set_text(text)
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
    with Node("div", "", "pu-app"):
        skip = Node("a", "Skip to the content", "pu-skip")
        _stripe(environment)
        side = _sidebar(person.role, nav, marks or {}, health)
        with Node("header", "", f"pu-head {_environment(environment)}"):
            _header(person, title, group, crumbs, environment, time_zone, chosen, side)
        main = Node("main", "", "pu-main", tabindex=-1)
        skip.set(href=f"#{main.html_id}")
        beside = Pane(pane if isinstance(pane, str) else f"{title}: details") if pane else None
        with main:
            page = _head_row(main, title, note, beside)
    _furniture()
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
        with Node("header", "", f"pu-bare-head {_environment(environment)}"):
            Node("span", ENVIRONMENTS.get(environment, environment.upper()), "pu-badge-env")
            _theme_toggle(chosen)
        main = Node("main", "", "pu-bare-main")
    _furniture()
    with main:
        yield main


def _head_row(main: Node, title: str, note: str, pane: Pane | None) -> Page:
    with Node("div", "", "pu-title-row") as head:
        heading = Node("h1", title)
        said = Node("span", note, "pu-meta")
        actions = Node("div", "", "pu-actions")
    return Page(main, heading, head, said, actions, pane)


def _sidebar(
    role: Role, nav: Sequence[NavItem], marks: Mapping[str, str | Status], health: Status | None
) -> Node:
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


def _header(
    person: Person,
    title: str,
    group: str,
    crumbs: Sequence[tuple[str, str]],
    environment: str,
    time_zone: str,
    chosen: theme.Theme,
    side: Node,
) -> None:
    Node("span", ENVIRONMENTS.get(environment, environment.upper()), "pu-badge-env")
    IconButton("menu", "Pages").set(data_nav_toggle="true", data_local="true", aria_controls=side.html_id)
    _breadcrumb([(group, ""), *crumbs] if group else list(crumbs), title)
    with Node("span", "", "pu-zone", title=f"All times in {time_zone}"):
        Icon("public")
        Node("span", time_zone)
    _theme_toggle(chosen)
    _account(person)


def _breadcrumb(above: Sequence[tuple[str, str]], title: str) -> None:
    with Node("nav", "", "pu-crumbs", aria_label="Breadcrumb"), Node("ol"):
        for number, (label, address) in enumerate([*above, (title, "")]):
            last = number == len(above)
            with Node("li", aria_current="page" if last else None):
                if number:
                    Icon("chevron_right")
                link(label, address) if address else Node("span", label)


def _account(person: Person) -> None:
    name = person.name or person.email
    button = Button("", cls="is-icon").set(aria_label=f"Account: {name}", data_local="true")
    with button:
        Node("span", initials(name), "pu-avatar", aria_hidden="true")
    with Node("div", "", "pu-account", popover="auto") as menu:
        with Node("div", "", "pu-account-who"):
            Node("div", name, "is-strong")
            if name != person.email:
                Node("div", person.email, "is-second")
            Node("div", person.role.capitalize(), "pu-meta")
        with Node("form", method="post", action="/logout"):
            Button("Sign out", icon="logout", submit=True, cls="is-wide")
    button.set(popovertarget=menu.html_id)


def initials(name: str) -> str:
    """Two letters for a person: `MK` of "Mira Keller" or of mira.keller@northlight.example."""
    words = name.split("@")[0].replace(".", " ").replace("_", " ").replace("-", " ").split()
    letters = [word[0] for word in words if word[0].isalpha()] or ["?"]
    return (letters[0] + (letters[-1] if len(letters) > 1 else "")).upper()


def _theme_toggle(chosen: theme.Theme) -> None:
    IconButton("contrast", f"Theme: {chosen}").set(data_theme_toggle="true", data_local="true")


def _environment(environment: str) -> str:
    return f"is-env-{environment if environment in ENVIRONMENTS else 'dev'}"


def _stripe(environment: str) -> None:
    Node("div", "", f"pu-env {_environment(environment)}", aria_hidden="true")


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
