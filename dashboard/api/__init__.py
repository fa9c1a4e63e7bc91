"""The HTTP API: one file per resource. What is added under /api goes into `RESOURCES`: the last route takes the rest."""

from fastapi import APIRouter, Request
from starlette.exceptions import HTTPException
from starlette.routing import Match

from dashboard.api import (
    credit_writes,
    credits,
    docs,
    features,
    generate,
    health,
    models,
    plans,
    preferences,
    projects,
    usage,
    users,
)
from dashboard.api.errors import install_errors
from dashboard.api.paths import is_api

__all__ = ["api_router", "install_errors", "is_api"]

RESOURCES = (
    features.router,
    plans.router,
    models.router,
    generate.router,
    usage.router,
    credits.router,
    credit_writes.router,
    projects.router,
    preferences.router,
    users.router,
    health.router,
    docs.router,
)
METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]


def api_router() -> APIRouter:
    """Every resource, and for what is left under their addresses a clear 404 or 405."""
    router = APIRouter()
    for resource in RESOURCES:
        router.include_router(resource)
    for path in ("/api", "/api/{rest:path}", "/healthz", "/readyz"):
        router.add_api_route(path, nothing_here, methods=METHODS, include_in_schema=False)
    return router


async def nothing_here(request: Request) -> None:
    """The end of the API's addresses; without it, a page would answer in HTML."""
    allowed: set[str] = set()
    for resource in RESOURCES:
        for route in resource.routes:
            if route.matches(request.scope)[0] is not Match.NONE:
                allowed |= getattr(route, "methods", None) or set()
    if allowed:
        raise HTTPException(405, headers={"Allow": ", ".join(sorted(allowed))})
    raise HTTPException(404)
