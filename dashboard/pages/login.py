"""Sign in and sign out: plain form posts, since a socket cannot set cookies."""

from urllib.parse import quote

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import RedirectResponse
from nicegui import ui

from core.accounts.queries import has_one_time_password
from core.accounts.sessions import revoke_session, sign_in
from core.errors import DatabaseUnavailable, LimitReached, NotAllowed, NotSignedIn
from core.version import VERSION
from dashboard import shell
from dashboard.access import address_of, cookie_name, purser_of, safe_destination, same_origin, visitor_of
from dashboard.components.login_card import login_card
from dashboard.page import environment_of, parse_uuid

TWELVE_HOURS = 12 * 3600

# What a failed try says: never whether the address is known.
REASONS = {
    "wrong": "That e-mail address and password do not fit together.",
    "limit": "Too many tries. Wait a minute, then try again.",
    "role": "This account is for the API. Ask a superadmin for a role that opens pages.",
    "away": "The database does not answer. Try again in a moment.",
    "foreign": "The form came from another site. Try again here.",
}

router = APIRouter(include_in_schema=False)


@ui.page("/login")
async def login(request: Request) -> Response | None:
    destination = safe_destination(request.query_params.get("next"))
    purser, failed = purser_of(request), request.query_params.get("failed", "")
    try:
        if await visitor_of(request):
            return RedirectResponse(destination, 303)
    except DatabaseUnavailable:
        failed = "away"
    words, identifier = _where_to(destination)
    with shell.bare(title="Sign in", environment=environment_of(purser)):
        login_card(
            destination=words,
            destination_id=identifier,
            return_to=destination,
            error=REASONS.get(failed, ""),
            foot=f"Times in {purser.settings.time_zone} · version {VERSION}",
        )
    return None


@router.post("/login")
async def post_login(
    request: Request,
    email: str = Form("", max_length=320),
    password: str = Form("", max_length=1000),
    redirect_to: str = Form("/", max_length=2000),
    remember: str = Form("", max_length=10),
) -> Response:
    """Opens a session, and goes where the person was going."""
    purser, destination = purser_of(request), safe_destination(redirect_to)
    if not same_origin(request):
        return _back("foreign", destination)
    try:
        token, person = await sign_in(
            purser.database,
            email,
            password,
            address=address_of(request),
            user_agent=request.headers.get("user-agent"),
            keep=bool(remember),
            rate=purser.settings.rate_login,
        )
    except NotSignedIn:
        return _back("wrong", destination)
    except NotAllowed:
        return _back("role", destination)
    except LimitReached:
        return _back("limit", destination)
    except DatabaseUnavailable:
        return _back("away", destination)
    async with purser.database.transaction() as session:
        for_once = await has_one_time_password(session, person.id)
    onward = f"/password?first=1&next={quote(destination, safe='/')}" if for_once else destination
    response = RedirectResponse(onward, 303)
    response.set_cookie(
        cookie_name(purser),
        token,
        max_age=TWELVE_HOURS if remember else None,
        httponly=True,
        samesite="lax",
        secure=purser.settings.environment == "prod",
        path="/",
    )
    return response


@router.post("/logout")
async def post_logout(request: Request) -> Response:
    """Ends the session; every tab of it is closed."""
    purser = purser_of(request)
    try:
        visitor = await visitor_of(request) if same_origin(request) else None
    except DatabaseUnavailable:
        return _back("away", "/")
    response = RedirectResponse("/login", 303)
    if visitor and visitor.person.session_id:
        async with purser.database.transaction() as session:
            await revoke_session(session, visitor.person.actor(visitor.address), visitor.person.session_id)
        await purser.changes.refresh()
        response.delete_cookie(
            cookie_name(purser),
            path="/",
            httponly=True,
            samesite="lax",
            secure=purser.settings.environment == "prod",
        )
    return response


def _back(reason: str, destination: str) -> RedirectResponse:
    query = f"&next={quote(destination, safe='/')}" if destination != "/" else ""
    return RedirectResponse(f"/login?failed={reason}{query}", 303)


def _where_to(destination: str) -> tuple[str, str]:
    """The deep link in words: "generation", and its id."""
    path, _, query = destination.partition("?")
    parts = [part for part in path.split("/") if part]
    if not parts:
        return "", ""
    identifier = parse_uuid(parts[1]) if len(parts) > 1 else None
    selected = next((piece[4:] for piece in query.split("&") if piece.startswith("sel=")), "")
    identifier = identifier or parse_uuid(selected)
    if parts[0] == "generations" and identifier:
        return "generation", identifier.hex[-8:]
    return parts[0].capitalize(), ""
