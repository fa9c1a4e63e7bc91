"""How a page is made: who may open it, the frame around it, and actions that ask again who is calling.

    @page("/providers", title="Providers", group="Configure", pane=True)
    async def providers(screen: Screen) -> None: …

A person without a session goes to sign in and comes back; a role that may not sees which may. Clicks go through
`screen.act`, which re-checks the person on the server, runs, and says what went wrong in words.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import structlog
from fastapi import Request, Response
from fastapi.responses import RedirectResponse
from nicegui import ui

from core.accounts.person import Person
from core.audit import Actor
from core.bootstrap import Purser
from core.errors import DatabaseUnavailable, NotSignedIn, PurserError
from core.ids import new_id
from core.log import get_logger
from core.vocabulary import STAFF, Role
from dashboard import chrome, shell, tabs
from dashboard.access import SignInFirst, Visitor, purser_of, require_visitor
from dashboard.components import states
from dashboard.components.button import Button
from dashboard.components.card import Card
from dashboard.components.html import Node
from dashboard.components.toast import toast

log = get_logger(__name__)

BUILD_SECONDS = 8.0
"""That the first view of a page may take; what takes longer says so in the page's frame."""
RESPONSE_SECONDS = 15
"""Until NiceGUI gives up, with a page of its own; to know who is calling may take five."""

Build = Callable[["Screen"], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Screen:
    """One opened page: its person, its frame, and the process behind it."""

    visitor: Visitor
    frame: shell.Page
    request: Request

    @property
    def purser(self) -> Purser:
        return self.visitor.purser

    @property
    def person(self) -> Person:
        """The person as they were when the page was opened; actions ask anew."""
        return self.visitor.person

    @property
    def zone(self) -> ZoneInfo:
        """The zone in which this page's times are shown."""
        return self.purser.settings.zone

    @property
    def sees_costs(self) -> bool:
        """USD is for superadmins, and for testers of their own runs."""
        return self.person.role in (Role.SUPERADMIN, Role.TESTER)

    def query(self, name: str) -> str:
        """A parameter of the address; empty where it is not given."""
        return self.request.query_params.get(name, "")

    def now(self) -> datetime:
        return datetime.now(UTC)

    async def read(self, roles: Iterable[Role] = STAFF) -> Person:
        """The person as they are now, asked before a page reads anything again; raises as `Visitor.now` does."""
        return await self.visitor.now(roles)

    async def act(
        self,
        work: Callable[[Actor], Awaitable[Any]],
        *,
        roles: Iterable[Role] = STAFF,
        done: str | None = None,
        refused: Callable[[str], Any] | None = None,
    ) -> bool:
        """Runs an action for the person as they are now, and says how it went: a refusal by `refused` where it
        happened, else as a toast.

        Returns:
            Whether it was done.
        """
        request_id = str(new_id())
        say = refused or partial(toast, tone="bad", seconds=10)
        try:
            actor = replace(await self.visitor.actor(roles), request_id=request_id)
            with structlog.contextvars.bound_contextvars(request_id=request_id):
                await work(actor)
        except NotSignedIn:
            ui.navigate.to("/login")
            return False
        except PurserError as refusal:
            say(refusal.message)
            return False
        except Exception:
            log.exception("an action failed", request_id=request_id)
            say(f"That did not work, and nothing was changed. Quote request {request_id}.")
            return False
        if done:
            toast(done)
        return True


def page(
    path: str,
    *,
    title: str,
    group: str,
    roles: Iterable[Role] = STAFF,
    pane: bool | str = False,
    crumbs: Sequence[tuple[str, str]] = (),
) -> Callable[[Build], Build]:
    """Registers a page under `path`. The builder gets the opened `Screen`, inside the frame's `<main>`.

    `crumbs` stand between group and title, as (label, address).
    """
    allowed = frozenset(roles)

    def register(build: Build) -> Build:
        @ui.page(path, response_timeout=RESPONSE_SECONDS)
        async def opened(request: Request) -> Response | None:
            try:
                visitor = await require_visitor(request)
            except SignInFirst as first:
                return RedirectResponse(first.location, 303)
            except DatabaseUnavailable as absence:
                away(request, absence)
                return None
            tabs.register(ui.context.client, visitor)
            permitted = visitor.person.role in allowed
            with shell.frame(
                visitor.person,
                title=title,
                group=group,
                environment=environment_of(visitor.purser),
                time_zone=visitor.purser.settings.time_zone,
                pane=pane if permitted else False,
                crumbs=crumbs,
            ) as frame:
                await chrome.connect(frame, visitor.purser, visitor.person)
                if not permitted:
                    states.not_permitted(title, role=visitor.person.role, needs=sorted(allowed))
                    return None
                await _build(build, Screen(visitor, frame, request))
            return None

        return build

    return register


async def _build(build: Build, screen: Screen) -> None:
    """A page that cannot be built says so inside its frame, with an id to quote."""
    try:
        async with asyncio.timeout(BUILD_SECONDS):
            await build(screen)
    except TimeoutError:
        states.failed(
            "This took too long to load. The database may be busy.",
            request_id=request_id_of(screen.request),
            on_retry=ui.navigate.reload,
        )
    except PurserError as refusal:
        states.failed(refusal.message, request_id=request_id_of(screen.request), on_retry=ui.navigate.reload)
    except Exception:
        log.exception("a page failed", path=screen.request.url.path)
        states.failed(
            "Something in Purser went wrong while this page was made.",
            request_id=request_id_of(screen.request),
            on_retry=ui.navigate.reload,
        )


def away(request: Request, absence: DatabaseUnavailable) -> None:
    """Nobody can say who is calling: a page of its own, which can be tried again."""
    ui.context.client.status_code = absence.status
    with shell.bare(title="Not available", environment=environment_of(purser_of(request))):
        Node("h1", "Not available", "pu-hidden")
        with (
            Card(),
            states.failed(absence.message, request_id=request_id_of(request)),
            Node("div", "", "pu-row"),
        ):
            query = f"?{request.url.query}" if request.url.query else ""
            Button("Retry", icon="refresh", href=f"{request.url.path}{query}")


def environment_of(purser: Purser) -> str:
    """What the badge says: the configured environment, or SANDBOX where no real provider is on."""
    configured = purser.settings.environment
    return "sandbox" if configured == "dev" and purser.snapshots.current.sandbox_only else configured


def request_id_of(request: Request) -> str | None:
    """The id under which the logs know this request."""
    return getattr(request.state, "request_id", None)


def parse_uuid(text: str) -> UUID | None:
    """An id from an address; None where it is none."""
    try:
        return UUID(text)
    except ValueError:
        return None
