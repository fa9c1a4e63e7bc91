"""Who is calling, now: the guards of pages, actions and the sign-in form.

Authorisation at page load is not enough: a tab outlives a sign-out, and a socket's events can be sent by hand. So
every action asks again, in the database, whether its person may still act (`Visitor.now`).
"""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, field
from urllib.parse import quote, urlsplit

from fastapi import Request

from core.accounts.person import Person
from core.accounts.sessions import authenticate_session
from core.audit import Actor
from core.bootstrap import Purser
from core.errors import DatabaseUnavailable, NotAllowed, NotSignedIn
from core.vocabulary import STAFF, Role

DEV_COOKIE = "purser_session"
PROD_COOKIE = "__Host-purser_session"
PATIENCE = 5.0
"""Seconds that a person waits for the database to know them; then it is said to be away."""

SUPERADMINS = (Role.SUPERADMIN,)
MANAGERS = (Role.SUPERADMIN, Role.SUPPORT)
"""Who may manage people and their credits."""


class SignInFirst(Exception):
    """The page needs a person: the browser is sent to sign in, and comes back to where it was going."""

    def __init__(self, going_to: str) -> None:
        super().__init__(going_to)
        self.location = f"/login?next={quote(going_to, safe='/')}" if going_to not in ("", "/") else "/login"


@dataclass(frozen=True, slots=True)
class Visitor:
    """The person who opened a page, and how to ask who they are now."""

    purser: Purser = field(repr=False)
    person: Person
    token: str = field(repr=False)
    address: str

    async def now(self, roles: Iterable[Role] = STAFF) -> Person:
        """The person as the database knows them at this moment.

        Raises:
            NotSignedIn: the session has ended meanwhile.
            NotAllowed: the role is not (or no longer) one of `roles`.
            DatabaseUnavailable: nobody can say.
        """
        person = await _person(self.purser, self.token)
        if person is None:
            raise NotSignedIn("You are signed out. Sign in again to go on.")
        require_role(person, roles)
        return person

    async def actor(self, roles: Iterable[Role] = STAFF) -> Actor:
        """The same, as the audit names them."""
        return (await self.now(roles)).actor(self.address)


def purser_of(request: Request) -> Purser:
    """The running process's parts, which the outermost middleware hands to every request."""
    return request.state.purser


def cookie_name(purser: Purser) -> str:
    """The session cookie's name; `__Host-` binds it to this host over TLS in production."""
    return PROD_COOKIE if purser.settings.environment == "prod" else DEV_COOKIE


async def visitor_of(request: Request) -> Visitor | None:
    """The person of the request's session cookie, or None; raises `DatabaseUnavailable` where nobody can say."""
    purser = purser_of(request)
    token = request.cookies.get(cookie_name(purser))
    if not token:
        return None
    person = await _person(purser, token)
    return Visitor(purser, person, token, address_of(request)) if person else None


async def require_visitor(request: Request, roles: Iterable[Role] = STAFF) -> Visitor:
    """The person who opens a page.

    Raises:
        SignInFirst: nobody is signed in.
        NotAllowed: the role is none of `roles`.
        DatabaseUnavailable: nobody can say.
    """
    visitor = await visitor_of(request)
    if visitor is None:
        query = f"?{request.url.query}" if request.url.query else ""
        raise SignInFirst(f"{request.url.path}{query}")
    require_role(visitor.person, roles)
    return visitor


async def _person(purser: Purser, token: str) -> Person | None:
    try:
        async with asyncio.timeout(PATIENCE):
            return await authenticate_session(purser.database, token)
    except TimeoutError as late:
        raise DatabaseUnavailable from late


def require_role(person: Person, roles: Iterable[Role]) -> None:
    """Raises `NotAllowed`, naming who may, unless the person's role is one of `roles`."""
    roles = list(roles)
    if person.role not in roles:
        names = " or ".join(sorted(role.value for role in roles))
        raise NotAllowed(
            f"This is for {names}; you are signed in as {person.role}. A superadmin can change roles.",
            details={"roles": [role.value for role in roles]},
        )


def safe_destination(wanted: str | None) -> str:
    """Where to go after signing in: a path of this site, whatever was asked for."""
    if not wanted or not wanted.startswith("/") or wanted.startswith(("//", "/\\")):
        return "/"
    parts = urlsplit(wanted)
    if parts.scheme or parts.netloc or any(ord(character) < 32 for character in wanted) or "\\" in wanted:
        return "/"
    return "/" if parts.path in ("/login", "/logout") else wanted


def same_origin(request: Request) -> bool:
    """Whether a form was sent from a page of this site; browsers say so, and others need no cookie."""
    if site := request.headers.get("sec-fetch-site"):
        return site in ("same-origin", "none")
    origin = request.headers.get("origin")
    return origin is None or origin.split("://", 1)[-1] == request.headers.get("host")


def address_of(request: Request) -> str:
    """The client's address; proxies are believed only where they are trusted (see `dashboard.app`)."""
    return request.client.host if request.client else "unknown"
