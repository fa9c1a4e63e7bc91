"""Every component on one page, and pages as in the mock-ups: for eyes, for axe, and for the browser tests.

    python -m tests.browser.gallery --port 9100

`/` all components, `/generations` as mock-up 09, `/playground` as 11, `/login` as 13, `/empty` the states. The data are
those of the mock-ups' invented world. Nothing here is part of Purser.
"""

import argparse
from dataclasses import dataclass, replace

import uvicorn
from fastapi import FastAPI, Request
from nicegui import ui

from core.vocabulary import Role
from dashboard import shell, theme
from dashboard.components.status import SEVERITY, Status
from tests.browser import gallery_forms, gallery_parts, gallery_rows

NAV = tuple(replace(item, available=True) for item in shell.NAV)
WARNING = Status("1 warning", "warning", "warn")


@dataclass(frozen=True)
class Person:
    email: str = "mira.keller@northlight.example"
    name: str | None = "Mira Keller"
    role: Role = Role.SUPERADMIN


FRAME = {
    "environment": "prod",
    "time_zone": "Europe/Berlin",
    "marks": {"/credits": "1", "/providers": SEVERITY["critical"]},
    "health": WARNING,
    "nav": NAV,
}


@ui.page("/")
def overview() -> None:
    with shell.frame(
        Person(), title="Overview", group="Operate", note="Live · as of 14:01:32", **FRAME
    ) as page:
        gallery_parts.build(page)


@ui.page("/generations")
def generations(request: Request) -> None:
    with shell.frame(Person(), title="Generations", group="Operate", pane="Generation", **FRAME) as page:
        gallery_rows.build(page, request.query_params)


@ui.page("/playground")
def playground() -> None:
    with shell.frame(Person(), title="Playground", group="Test", **FRAME) as page:
        gallery_forms.build(page)


@ui.page("/empty")
def empty(role: str = "tester") -> None:
    person = Person("t@example.com", None, Role(role))
    with shell.frame(person, title="States", group="Test", environment="sandbox") as page:
        gallery_parts.build_states(page)


@ui.page("/login")
def login(error: str = "") -> None:
    with shell.bare(title="Sign in", environment="prod"):
        gallery_forms.build_login(error)


def build() -> FastAPI:
    """The gallery as an application."""
    api = FastAPI()
    theme.mount(api)
    ui.run_with(
        api,
        title="Purser",
        language="en-US",
        tailwind=False,
        reconnect_timeout=10,
        storage_secret="gallery",
        show_welcome_message=False,
    )
    return api


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, default=9100)
    uvicorn.run(build(), host="127.0.0.1", port=parser.parse_args().port, log_level="warning")
