"""Whether Purser lives, is ready, and how its parts are."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from pydantic import Field

from core.bootstrap import Purser
from core.errors import DatabaseUnavailable
from core.routing.health import Health
from core.system.parts import Part, Parts, Report
from core.version import VERSION
from dashboard.api.answers import Answer, Shape, utc
from dashboard.api.identity import Caller, identify_if_given

router = APIRouter(tags=["Health"])


class PartAnswer(Shape):
    """One part."""

    state: Health
    detail: str | None = Field(None, description="For superadmins and service keys.")
    figures: dict[str, float | None] | None = Field(None, description="For superadmins and service keys.")


class PartsAnswer(Shape):
    database: PartAnswer
    queue: PartAnswer
    schedules: PartAnswer
    providers: PartAnswer | dict[str, PartAnswer] = Field(
        description="By slug for superadmins and service keys; for others all in one."
    )


class HealthAnswer(Shape):
    """All parts; `status` is the whole in one word."""

    status: Health
    version: str
    parts: PartsAnswer


class Alive(Shape):
    status: str = Field(examples=["ok"])


def parts_of(request: Request) -> Parts:
    """The process's look at its parts."""
    purser: Purser = request.state.purser
    return purser.parts


@router.get(
    "/api/health",
    summary="All parts with their state",
    responses={
        200: {"model": HealthAnswer, "description": "Requests can be served, perhaps with parts down."},
        503: {"model": HealthAnswer, "description": "The database is away: nothing can be served."},
    },
)
async def get_health(
    request: Request, caller: Annotated[Caller | None, Depends(identify_if_given)]
) -> Answer:
    """The state of the database, the providers, the queue and the schedules.

    Anybody may ask for the states; details are for superadmins and service keys.
    """
    report = await parts_of(request).report()
    detailed = caller is not None and (caller.service or caller.superadmin)
    return Answer(_told(report, detailed), status_code=200 if report.usable else 503)


@router.api_route("/healthz", methods=["GET", "HEAD"], include_in_schema=False)
async def alive() -> Answer:
    """The process answers; nothing else is looked at."""
    return Answer({"status": "ok"})


@router.api_route("/readyz", methods=["GET", "HEAD"], include_in_schema=False)
async def ready(request: Request) -> Answer:
    """The process can serve: its database answers."""
    if not await parts_of(request).ready():
        raise DatabaseUnavailable
    return Answer({"status": "ok"})


def _told(report: Report, detailed: bool) -> dict[str, Any]:
    parts: dict[str, Any] = {
        name: _part(part, detailed)
        for name, part in (
            ("database", report.database),
            ("queue", report.queue),
            ("schedules", report.schedules),
        )
    }
    if detailed:
        parts["providers"] = {slug: _part(part, True) for slug, part in report.providers.items()}
    else:
        parts["providers"] = {"state": report.all_providers}
    return {"status": report.whole, "version": VERSION, "takenAt": utc(report.taken_at), "parts": parts}


def _part(part: Part, detailed: bool) -> dict[str, Any]:
    if not detailed:
        return {"state": part.state}
    return {"state": part.state, "detail": part.detail, "figures": dict(part.figures)}
