"""The list of an address as a file: the route of a list, under the same rules as its page."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from datetime import UTC, datetime

from fastapi import Request, Response
from fastapi.responses import RedirectResponse, StreamingResponse
from nicegui import app

from core.errors import NotAllowed, PurserError
from core.vocabulary import STAFF, Role
from dashboard.access import SignInFirst, Visitor, require_visitor

Lines = Callable[[Visitor, Mapping[str, str]], Awaitable[AsyncIterator[str]]]
"""The pieces of the file, for who asks and the parameters of the address. It refuses before the first of them: a file
that has begun cannot say it any more."""


def list_file(path: str, roles: Iterable[Role] = STAFF) -> Callable[[Lines], Lines]:
    """Registers `{path}.csv`, which answers with the pieces, or with a refusal in words."""

    def register(lines: Lines) -> Lines:
        @app.get(f"{path}.csv", include_in_schema=False)
        async def file(request: Request) -> Response:
            try:
                visitor = await require_visitor(request, roles)
            except SignInFirst as first:
                return RedirectResponse(first.location, 303)
            except NotAllowed as refusal:
                return _refused(refusal)
            try:
                pieces = await lines(visitor, request.query_params)
            except PurserError as refusal:
                return _refused(refusal)
            today = datetime.now(UTC).astimezone(visitor.purser.settings.zone)
            name = f"{path.strip('/')}-{today:%Y-%m-%d}.csv"
            headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
            return StreamingResponse(pieces, media_type="text/csv; charset=utf-8", headers=headers)

        return lines

    return register


def _refused(refusal: PurserError) -> Response:
    return Response(refusal.message, refusal.status, media_type="text/plain")
