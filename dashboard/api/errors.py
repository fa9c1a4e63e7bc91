"""The one shape of errors, `{"error": {code, message, retryable, details?}}`, and how exceptions become it.

Messages are sentences for the caller; what is not meant for them (an unexpected exception) is logged under the
request's id and answered with that id alone.
"""

import math
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exception_handlers import http_exception_handler, request_validation_exception_handler
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import PlainTextResponse, Response

from core.database import DATA_ERRORS
from core.errors import InvalidRequest, NotFound, NotSignedIn, PurserError, TooLarge
from core.log import get_logger
from dashboard.api.answers import Answer
from dashboard.api.docs import describe
from dashboard.api.paths import is_api

log = get_logger(__name__)

Handler = Callable[[Request, Any], Awaitable[Response]]


def error_body(error: PurserError) -> dict[str, Any]:
    """The body of an error, also as a stream's `error` event carries it."""
    body: dict[str, Any] = {"code": error.code, "message": error.message, "retryable": error.retryable}
    if error.details:
        body["details"] = error.details
    return {"error": body}


def error_answer(error: PurserError, headers: Mapping[str, str] | None = None) -> Response:
    """The whole answer, with the headers that belong to its status."""
    sent = dict(headers or {})
    if error.retry_after is not None:
        sent["Retry-After"] = str(max(1, math.ceil(error.retry_after)))
    if error.status == 401:
        sent["WWW-Authenticate"] = 'Bearer realm="Purser"'
    return Answer(error_body(error), status_code=error.status, headers=sent)


def unexpected(request_id: str | None) -> PurserError:
    """What the caller hears about an exception that nobody foresaw."""
    return PurserError(
        "Something in Purser went wrong, and it has been noted. If it stays so, quote the request id.",
        details={"requestId": request_id} if request_id else None,
    )


def install_errors(app: FastAPI) -> None:
    """Gives the API's addresses their errors and the application its description; pages keep what they have."""
    _install(app, PurserError, _purser_error, _page_error)
    _install(app, HTTPException, _http_error, http_exception_handler)
    _install(app, RequestValidationError, _validation_error, request_validation_exception_handler)
    for kind in DATA_ERRORS:
        _install(app, kind, _data_error, _unforeseen)
    describe(app)


def _install(app: FastAPI, kind: type[Exception], ours: Handler, default: Handler) -> None:
    theirs: Any = app.exception_handlers.get(kind, default)

    async def handle(request: Request, error: Exception) -> Response:
        return await (ours if is_api(request.scope["path"]) else theirs)(request, error)

    app.add_exception_handler(kind, handle)


async def _purser_error(_request: Request, error: PurserError) -> Response:
    return error_answer(error)


async def _page_error(_request: Request, error: PurserError) -> Response:
    return PlainTextResponse(error.message, error.status)


async def _data_error(request: Request, error: Exception) -> Response:
    """A value that a column cannot hold, and that nobody caught before: logged, since our own checks let it pass."""
    log.warning(
        "the database refused a value",
        path=request.scope["path"][:200],
        error=str(getattr(error, "orig", None) or error),
    )
    return error_answer(InvalidRequest("A value of the request cannot be stored or looked for."))


async def _unforeseen(_request: Request, error: Exception) -> Response:
    raise error


async def _http_error(request: Request, error: HTTPException) -> Response:
    return error_answer(_of_http(request, error), error.headers)


def _of_http(request: Request, error: HTTPException) -> PurserError:
    path = request.scope["path"][:200].encode("ascii", "replace").decode()
    match error.status_code:
        case 404:
            return NotFound(f"There is nothing at {path}. The API is described at /api/docs.")
        case 405:
            return InvalidRequest(
                f"{request.method} is not possible at {path}.", code="method_not_allowed", status=405
            )
        case 401:
            return NotSignedIn("This needs a key or a session.")
        case 413:
            return TooLarge(str(error.detail))
        case status if status < 500:
            return InvalidRequest("The request's body could not be read.", status=status)
        case status:
            return PurserError("The request could not be served.", status=status)


async def _validation_error(_request: Request, error: RequestValidationError) -> Response:
    return error_answer(_of_validation(error.errors()))


def _of_validation(faults: Iterable[Mapping[str, Any]]) -> PurserError:
    """All that is wrong with a request, in one sentence and as a list."""
    fields: list[dict[str, str]] = []
    for fault in faults:
        if fault["type"] == "json_invalid":
            return InvalidRequest("The body is not valid JSON.", code="invalid_json")
        place, field = str(fault["loc"][0]), ".".join(map(_clean, fault["loc"][1:]))
        if not field:
            return InvalidRequest("The body must be a JSON object, sent as application/json.", status=422)
        fields.append({"field": field, "in": place, "problem": _problem(fault)})
    unknown = [fault["field"] for fault in fields if fault["problem"] == UNKNOWN]
    if unknown:
        noun = "field" if len(unknown) == 1 else "fields"
        message = f"Unknown {noun}: {', '.join(unknown[:10])}."
    else:
        message = "; ".join(f"{fault['field']}: {fault['problem']}" for fault in fields[:5]) + "."
    return InvalidRequest(message, status=422, details={"fields": fields[:50]})


UNKNOWN = "unknown field"


def _problem(fault: Mapping[str, Any]) -> str:
    if fault["type"] == "extra_forbidden":
        return UNKNOWN
    if fault["type"] == "missing":
        return "is required"
    message = str(fault["msg"]).removeprefix("Value error, ").removesuffix(".")
    return _clean(message[:1].lower() + message[1:])


def _clean(part: object) -> str:
    """A name that came from the caller, short enough to be said again and fit for JSON."""
    text = str(part)[:100].encode("utf-8", "replace").decode()
    return "".join(character if character.isprintable() else "?" for character in text)
