"""Choosing one's own password: a plain form, also where a one-time password has just been used."""

from urllib.parse import quote

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import RedirectResponse
from nicegui import ui

from core.accounts.service import set_password
from core.errors import Conflict, InvalidRequest, NotAllowed
from dashboard import shell
from dashboard.access import purser_of, safe_destination, same_origin, visitor_of
from dashboard.components.button import Button
from dashboard.components.html import Node, link
from dashboard.components.logo import Logo
from dashboard.page import environment_of

# What a failed try says.
REASONS = {
    "wrong": "The current password is wrong.",
    "weak": "The new password needs at least 12 characters.",
    "unlike": "The two new passwords differ.",
    "meanwhile": "The password was changed meanwhile. Sign in again.",
    "foreign": "The form came from another site. Try again here.",
}

router = APIRouter(include_in_schema=False)


@ui.page("/password")
async def password(request: Request) -> Response | None:
    visitor = await visitor_of(request)
    if visitor is None:
        return RedirectResponse("/login?next=/password", 303)
    destination = safe_destination(request.query_params.get("next"))
    with shell.bare(title="Your password", environment=environment_of(visitor.purser)):
        _card(
            destination,
            REASONS.get(request.query_params.get("failed", "")),
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
    visitor, destination = await visitor_of(request), safe_destination(redirect_to)
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
    await purser.changes.refresh()
    return RedirectResponse(destination, 303)


def _card(destination: str, error: str | None, *, first: bool) -> None:
    with Node("div", "", "pu-login-brand"):
        Logo()
        Node("span", "Purser")
    with Node("div", "", "pu-card pu-login"):
        Node("h1", "Choose your password" if first else "Change your password")
        Node(
            "p",
            "The one you signed in with was for once." if first else "Your other sessions end.",
            "is-second",
        )
        with Node("form", method="post", action="/password"):
            Node("input", type="hidden", name="redirect_to", value=destination)
            if error:
                Node("p", error, "pu-alert", role="alert")
            _field("current", "Current password", "current-password")
            _field("chosen", "New password, at least 12 characters", "new-password")
            _field("again", "New password again", "new-password")
            Button("Save", kind="primary", submit=True, cls="is-wide")
        with Node("p", "", "pu-foot-note"):
            link("Later" if first else "Back", destination, "pu-link")


def _field(name: str, label: str, autocomplete: str) -> None:
    with Node("div", "", "pu-field"):
        Node("label", label, "pu-label", for_=f"password-{name}")
        Node(
            "input", "", "pu-input", id=f"password-{name}", name=name, type="password",
            autocomplete=autocomplete, required=True, autofocus=name == "current",
        )  # fmt: skip


def _back(reason: str, destination: str) -> RedirectResponse:
    query = f"&next={quote(destination, safe='/')}" if destination != "/" else ""
    return RedirectResponse(f"/password?failed={reason}{query}", 303)
