"""Plans: who gets what, and what changes for whom (mock-ups 05 and 06)."""

from fastapi import Request, Response
from fastapi.responses import PlainTextResponse, RedirectResponse
from nicegui import app

from core.entitlements.counts import users_per_plan
from core.entitlements.files import export
from core.entitlements.matrix import matrix
from core.errors import PurserError
from dashboard.access import MANAGERS, SignInFirst, require_visitor
from dashboard.page import Screen, page
from dashboard.plans.address import PATH
from dashboard.plans.file_tab import FILE
from dashboard.plans.view import View


@page(PATH, title="Plans", group="Configure", roles=MANAGERS)
async def plans(screen: Screen) -> None:
    """The matrix, its history, and what stands beside it."""
    database = screen.purser.database
    await View(screen, await matrix(database), await users_per_plan(database)).start()


@app.get(FILE, include_in_schema=False)
async def download(request: Request) -> Response:
    """Plans and features as a file, for those who may see the page."""
    try:
        visitor = await require_visitor(request, MANAGERS)
        text = export(await matrix(visitor.purser.database))
    except SignInFirst as first:
        return RedirectResponse(first.location, 303)
    except PurserError as refusal:
        return PlainTextResponse(refusal.message, refusal.status)
    headers = {"Content-Disposition": 'attachment; filename="plans.toml"', "Cache-Control": "no-store"}
    return PlainTextResponse(text, headers=headers)
