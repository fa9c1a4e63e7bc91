"""The address that the palette asks. It takes a question and gives entries: there is no way to write here."""

import asyncio

from fastapi import APIRouter, Query, Request
from fastapi.responses import JSONResponse

from core.errors import PurserError
from core.log import get_logger
from core.vocabulary import STAFF
from dashboard.access import PATIENCE, purser_of, visitor_of
from dashboard.palette.search import LONGEST, search

log = get_logger(__name__)

PATH = "/palette"
NOT_KEPT = {"Cache-Control": "no-store"}

router = APIRouter(include_in_schema=False)


@router.get(PATH)
async def ask(request: Request, q: str = Query("", max_length=LONGEST)) -> JSONResponse:
    """Groups of entries for the person of the session, as their role is now."""
    try:
        visitor = await visitor_of(request)
        if visitor is None or visitor.person.role not in STAFF:
            return JSONResponse({"message": "You are signed out."}, 401, NOT_KEPT)
        async with asyncio.timeout(PATIENCE):
            found = await search(purser_of(request), visitor.person, q)
    except TimeoutError:
        return JSONResponse(
            {"message": "The database does not answer. Try again in a moment."}, 503, NOT_KEPT
        )
    except PurserError as refusal:
        return JSONResponse({"message": refusal.message}, refusal.status, NOT_KEPT)
    except Exception:
        log.exception("the palette could not answer")
        return JSONResponse({"message": "Something in Purser went wrong while looking."}, 500, NOT_KEPT)
    said = [{"name": group.name, "entries": [entry.said() for entry in group.entries]} for group in found]
    return JSONResponse({"groups": said}, headers=NOT_KEPT)
