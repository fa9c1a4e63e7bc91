"""What stands at an address that names no page."""

from fastapi import Request, Response
from nicegui import Client, app, ui

from dashboard import shell
from dashboard.access import purser_of
from dashboard.components import states
from dashboard.components.button import Button
from dashboard.components.card import Card
from dashboard.components.html import Node
from dashboard.page import environment_of

OF_NICEGUI = "/_nicegui"


def install() -> None:
    """Takes the place of NiceGUI's own page for addresses it does not know."""
    theirs = app.exception_handlers[404]

    async def answer(request: Request, exception: Exception) -> Response:
        if request.url.path.startswith(OF_NICEGUI):
            return await theirs(request, exception)  # pyright: ignore[reportGeneralTypeIssues] - theirs is asynchronous
        return _missing(request)

    app.add_exception_handler(404, answer)


def _missing(request: Request) -> Response:
    with Client(ui.page(""), request=request) as client:
        with shell.bare(title="Not found", environment=environment_of(purser_of(request))):
            Node("h1", "Not found", "pu-hidden")
            with Card(), states.not_found("page"), Node("div", "", "pu-row"):
                Button("Overview", icon="space_dashboard", href="/")
        return client.build_response(request, 404)
