"""Choosing one's own password: a plain form, also where a one-time password has just been used."""

from urllib.parse import quote

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import RedirectResponse
from nicegui import ui

from core.accounts.service import set_password
from core.errors import Conflict, DatabaseUnavailable, InvalidRequest, NotAllowed
from dashboard import shell
from dashboard.access import purser_of, safe_destination, same_origin, visitor_of
from dashboard.components.html import Node, link
from dashboard.components.login_card import form_card, password_field
from dashboard.page import away, environment_of

# What a failed try says.
REASONS = {
    "wrong": "The current password is wrong.",
    "weak": "The new password needs at least 12 characters.",
    "unlike": "The two new passwords differ.",
    "meanwhile": "The password was changed meanwhile. Sign in again.",
    "away": "The database does not answer. Nothing was changed; try again in a moment.",
    "foreign": "The form came from another site. Try again here.",
}

FIELDS = (
    ("current", "Current password", "current-password"),
    ("chosen", "New password, at least 12 characters", "new-password"),
    ("again", "New password again", "new-password"),
)
"""Name, label, and what a browser's store of passwords makes of it."""

router = APIRouter(include_in_schema=False)


@ui.page("/password")
async def password(request: Request) -> Response | None:
    try:
        visitor = await visitor_of(request)
    except DatabaseUnavailable as absence:
        away(request, absence)
        return None
    if visitor is None:
        return RedirectResponse("/login?next=/password", 303)
    destination = safe_destination(request.query_params.get("next"))
    with shell.bare(title="Your password", environment=environment_of(visitor.purser)):
        _card(
            destination,
            REASONS.get(request.query_params.get("failed", ""), ""),
            first="first" in request.query_params,
        )
    return None


@router.post("/password")
async def post_password(
    request: Request,
    current: str = Form("", max_length=1000),
    chosen: str = Form("", max_length=1000),
    again: str = Form("", max_length=1000),
    redirect_to: str = Form("/", max_length=2000),
) -> Response:
    """Changes it, ends the person's other sessions, and goes on."""
    destination = safe_destination(redirect_to)
    try:
        visitor = await visitor_of(request)
    except DatabaseUnavailable:
        return _back("away", destination)
    if visitor is None:
        return RedirectResponse("/login", 303)
    if not same_origin(request):
        return _back("foreign", destination)
    if chosen != again:
        return _back("unlike", destination)
    purser = purser_of(request)
    try:
        async with purser.database.transaction() as session:
            await set_password(
                session,
                visitor.person.actor(visitor.address),
                visitor.person.id,
                chosen,
                old=current,
                keep_session=visitor.person.session_id,
            )
    except InvalidRequest:
        return _back("weak", destination)
    except NotAllowed:
        return _back("wrong", destination)
    except Conflict:
        return _back("meanwhile", destination)
    except DatabaseUnavailable:
        return _back("away", destination)
    await purser.changes.refresh()
    return RedirectResponse(destination, 303)


def _card(destination: str, error: str, *, first: bool) -> None:
    faulty = "password-error" if error else None
    with form_card(
        "Choose your password" if first else "Change your password",
        action="/password",
        hidden={"redirect_to": destination},
        verb="Save",
        sub="The one you signed in with was for once" if first else "Your other sessions end",
        error=error,
        error_id="password-error",
    ) as card:
        for name, label, autocomplete in FIELDS:
            password_field(name, label, autocomplete, prefix="password", error_id=faulty)
    with card, Node("p", "", "pu-foot-note"):
        link("Later" if first else "Back", destination, "pu-link")


def _back(reason: str, destination: str) -> RedirectResponse:
    query = f"&next={quote(destination, safe='/')}" if destination != "/" else ""
    return RedirectResponse(f"/password?failed={reason}{query}", 303)
