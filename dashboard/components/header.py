"""The header: environment, breadcrumb, time zone, theme, and who is signed in."""

from collections.abc import Sequence
from typing import Protocol

from core.vocabulary import Role
from dashboard.components.button import Button, IconButton
from dashboard.components.html import Icon, Node, link

ENVIRONMENTS = {"prod": "PROD", "staging": "STAGING", "sandbox": "SANDBOX", "dev": "DEV"}


class Person(Protocol):
    """Who looks at the page."""

    @property
    def email(self) -> str: ...
    @property
    def name(self) -> str | None: ...
    @property
    def role(self) -> Role: ...


def environment_class(environment: str) -> str:
    """The class that carries an environment's colours."""
    return f"is-env-{environment if environment in ENVIRONMENTS else 'dev'}"


def environment_badge(environment: str) -> Node:
    """`PROD`, in its colour."""
    return Node("span", ENVIRONMENTS.get(environment, environment.upper()), "pu-badge-env")


def menu_button(side: Node) -> None:
    """Folds the sidebar to a rail, or opens it as a drawer."""
    IconButton("menu", "Pages").set(data_nav_toggle="true", data_local="true", aria_controls=side.html_id)


def breadcrumb(above: Sequence[tuple[str, str]], title: str) -> Node:
    """`Operate › Generations`; gives the last, which is the page."""
    with Node("nav", "", "pu-crumbs", aria_label="Breadcrumb"), Node("ol"):
        for number, (label, address) in enumerate(above):
            with Node("li"):
                if number:
                    Icon("chevron_right")
                link(label, address) if address else Node("span", label)
        with Node("li", aria_current="page"):
            if above:
                Icon("chevron_right")
            return Node("span", title)


def time_zone_chip(time_zone: str) -> None:
    """The zone in which all times of the page are."""
    with Node("span", "", "pu-zone", title=f"All times in {time_zone}"):
        Icon("public")
        Node("span", time_zone)


def theme_toggle(chosen: str) -> None:
    """Cycles the theme, in the browser alone."""
    button = IconButton("contrast", f"Theme: {chosen}").set(data_theme_toggle="true", data_local="true")
    button.classes("pu-theme")


def account(person: Person) -> None:
    """Initials that open name, role, Change password, the keys, and Sign out."""
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
        Button("Change password", icon="key", href="/password", cls="is-wide")
        Button("Theme", icon="contrast", cls="is-wide is-theme").set(
            data_theme_toggle="true", data_local="true"
        )
        Button("Keyboard shortcuts", icon="keyboard", cls="is-wide is-keyboard").set(
            data_keys="true", data_local="true"
        )
        with Node("form", method="post", action="/logout"):
            Button("Sign out", icon="logout", submit=True, cls="is-wide")
    button.set(popovertarget=menu.html_id)


def initials(name: str) -> str:
    """Two letters for a person: `MK` of "Mira Keller" or of mira.keller@northlight.example."""
    words = name.split("@")[0].replace(".", " ").replace("_", " ").replace("-", " ").split()
    letters = [word[0] for word in words if word[0].isalpha()] or ["?"]
    return (letters[0] + (letters[-1] if len(letters) > 1 else "")).upper()
