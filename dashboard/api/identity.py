"""Who calls the API: a key or the pages' session, the user it is for, and what it may.

A user key acts for its user. A service key acts for the user named in `X-User`, or for a visitor without an account at
the address in `X-Client-IP`, within its scopes; without these headers it acts as itself, where the call needs no user. A session acts for its person, from our own pages only.
"""

import contextlib
from dataclasses import dataclass
from typing import Annotated
from urllib.parse import urlsplit

from fastapi import Depends, Request

from core.accounts.keys import Scope
from core.accounts.models import KeyKind
from core.accounts.person import Person
from core.accounts.rules import network_of, require_active
from core.accounts.sessions import authenticate_session
from core.audit import Actor
from core.bootstrap import Purser
from core.errors import (
    DatabaseUnavailable,
    InvalidRequest,
    LimitReached,
    NotAllowed,
    NotFound,
    NotSignedIn,
    UserRequired,
)
from core.generation.visitors import visitor
from core.vocabulary import Role
from dashboard.access import address_of, cookie_name

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
SERVICE_KEY = "psr_s_"
"""How service keys begin."""


@dataclass(frozen=True, slots=True)
class Caller:
    """The one who calls.

    `person` is whose key or session it is. `user` is whom the call is for: the same, or for a service key the user in
    `X-User`; None where it names nobody, or (`named`) somebody whom nobody knows. `visitor` is whom a service key
    names by the address in `X-Client-IP`: somebody without an account.
    """

    purser: Purser
    person: Person
    user: Person | None
    visitor: Person | None
    named: bool
    address: str
    request_id: str | None
    call: str = ""
    """Method and path, as in `POST /api/credits/adjust`."""
    looks: bool = False
    """Whether a page only shows what the call would answer: then not even free credits of the day are taken."""

    @property
    def service(self) -> bool:
        """Whether a service key calls."""
        return self.person.key is not None and self.person.key.kind is KeyKind.SERVICE

    @property
    def actor(self) -> Actor:
        """As the audit names the caller."""
        return self.person.actor(self.address, self.request_id)

    @property
    def superadmin(self) -> bool:
        """Whether a superadmin calls in person: signed in, or by their own user key."""
        return self.person.role is Role.SUPERADMIN and not self.service

    @property
    def sees_costs(self) -> bool:
        """Whether USD may be told: to superadmins, and to service keys with the scope."""
        return self.superadmin or (self.service and self.has(Scope.COSTS))

    @property
    def sees_own_costs(self) -> bool:
        """The same for the caller's own runs: testers see what theirs cost."""
        return self.sees_costs or (self.person.role is Role.TESTER and not self.service)

    def has(self, *scopes: Scope) -> bool:
        """Whether a service key has one of these scopes; others need none."""
        key = self.person.key
        return not self.service or (key is not None and not key.scopes.isdisjoint(scopes))

    def require(self, *scopes: Scope) -> None:
        """Raises `NotAllowed` (`scope_missing`) where a service key has none of these scopes."""
        if not self.has(*scopes):
            raise NotAllowed(
                f"This service key lacks the scope {' or '.join(f'“{scope}”' for scope in scopes)}; a superadmin can make one"
                " that has it.",
                code="scope_missing",
                details={"scope": scopes[0].value},
            )

    def active_user(self) -> Person:
        """Whom the call is for.

        Raises:
            UserRequired: a service key that names nobody.
            NotFound: `unknown_user`.
            NotAllowed: `account_suspended`.
        """
        if self.user is None:
            if self.named:
                raise NotFound("There is no user with the id or e-mail in X-User.", code="unknown_user")
            if self.visitor:
                raise UserRequired("A visitor has no account, which this call needs: name a user in X-User.")
            raise UserRequired("This call is for a user: a service key names one in X-User, by id or e-mail.")
        require_active(self.user)
        return self.user

    def active_user_or_visitor(self) -> Person:
        """The same, for calls that somebody without an account may make, too."""
        return self.visitor or self.active_user()

    def require_active(self) -> None:
        """Raises `NotAllowed` (`account_suspended`) where the caller's own account is suspended."""
        require_active(self.person)

    def require_superadmin(self, deed: str, scope: Scope) -> None:
        """Raises `NotAllowed` unless a superadmin calls, in person or by a service key of theirs with the scope."""
        self.require_active()
        self.require(scope)
        if self.person.role is not Role.SUPERADMIN:
            raise NotAllowed(f"Only a superadmin can {deed}.")

    async def count_generation(self) -> None:
        """Counts one generation of a user key or signed-in user; a service key's own limit has been counted."""
        if self.service:
            return
        key = self.person.key
        subject = f"key:{key.id}" if key else f"user:{self.person.id}"
        await self.purser.rates.count_generation(subject)


async def identify(request: Request) -> Caller:
    """The caller of a request.

    Raises:
        NotSignedIn: no identity, or none that is good; the answer does not tell which secrets exist.
        NotAllowed: a session used from another site, or X-User or X-Client-IP by another than a service key.
        InvalidRequest: both of these headers, or an X-Client-IP that is no address.
        LimitReached: too many requests from this address, or by this service key.
    """
    purser: Purser = request.state.purser
    rates = purser.rates
    address = address_of(request)
    named, client = (request.headers.get(name, "").strip() for name in ("x-user", "x-client-ip"))
    # Before anything is looked up, so that guessing costs the guesser; only what looks like a service key is spared.
    claims_service = SERVICE_KEY in request.headers.get("authorization", "")
    if not claims_service:
        rates.count_address(network_of(address))
    try:
        person = await _person(request, purser)
    except NotSignedIn:
        if claims_service:
            rates.count_address(network_of(address))
        raise
    service = person.key is not None and person.key.kind is KeyKind.SERVICE
    if service and person.key:
        rates.count_service_key(person.key.id)
    elif named or client:
        raise NotAllowed(
            f"{'X-User' if named else 'X-Client-IP'} is for service keys; this key or session acts for its own user."
        )
    if named and client:
        raise InvalidRequest(
            "X-User names a user, X-Client-IP a visitor without an account: send one of them."
        )
    return Caller(
        purser=purser,
        person=person,
        user=await _named_user(purser, person, named) if service else person,
        visitor=visitor(client, person.key) if client and person.key else None,
        named=bool(named),
        address=address,
        request_id=getattr(request.state, "request_id", None),
        call=f"{request.method} {request.url.path}",
    )


Identified = Annotated[Caller, Depends(identify)]


async def identify_if_given(request: Request) -> Caller | None:
    """The caller, or None where nobody is known: for calls that anybody may make, the database being away or not."""
    if "authorization" in request.headers or cookie_name(request.state.purser) in request.cookies:
        with contextlib.suppress(NotSignedIn, LimitReached, DatabaseUnavailable):
            return await identify(request)
    return None


async def _person(request: Request, purser: Purser) -> Person:
    authorization = request.headers.get("authorization")
    if authorization is not None:
        return await _of_key(purser, authorization)
    token = request.cookies.get(cookie_name(purser))
    if not token:
        raise NotSignedIn("Send a key as “Authorization: Bearer psr_…”, or sign in to the pages.")
    if request.method not in SAFE_METHODS:
        _require_same_origin(request)
    person = await authenticate_session(purser.database, token)
    if person is None:
        raise NotSignedIn("The session has ended. Sign in again.", code="session_ended")
    return person


async def _of_key(purser: Purser, authorization: str) -> Person:
    scheme, _, secret = authorization.partition(" ")
    if scheme.lower() != "bearer" or not secret.strip():
        raise NotSignedIn(
            "The Authorization header must read “Bearer”, a space, and the key.",
            code="malformed_authorization",
        )
    person = await purser.identities.authenticate_key(secret.strip())
    if person is None:
        raise NotSignedIn("This key is unknown, revoked or expired.", code="invalid_key")
    return person


async def _named_user(purser: Purser, owner: Person, named: str) -> Person | None:
    if not named or owner.key is None:
        return None
    user = await purser.identities.resolve_user(named)
    return user.through(owner.key) if user else None


def _require_same_origin(request: Request) -> None:
    """A browser sends the cookie along with whatever site asks it to: writes must come from our own pages."""
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        same = site == "same-origin"
    else:
        origin = urlsplit(request.headers.get("origin", ""))
        same = (origin.scheme, origin.netloc) == (request.url.scheme, request.headers.get("host"))
    if not same:
        raise NotAllowed(
            "A session may only be used from Purser's own pages; programs use a key.", code="cross_site"
        )
