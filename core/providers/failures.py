"""One place that sorts every way in which a vendor can fail into the ten classes.

Three sources say what went wrong, and the most telling one counts: the vendor's own code, then its words, then the
HTTP status (`classify`). Failures below HTTP (sockets, timeouts, broken JSON) are sorted by the exception's class
(`class_of_exception`), by name, so that no SDK has to be imported to read the table.
"""

import math
import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any

from core.errors import ErrorClass
from core.log import SECRET_SHAPE, STRUCK

MESSAGE_LIMIT = 500
"""Characters of a vendor's message that are kept."""


def classify(status: int | None, codes: Iterable[object], message: str) -> ErrorClass:
    """The class of a failure that a vendor described.

    Args:
        status: HTTP status; None (or 200, in the middle of a stream) where there was none.
        codes: the vendor's codes and types, most precise first; None and unknown ones are passed over.
        message: the vendor's words.
    """
    names = [str(code).lower() for code in codes if code]
    for name in names:
        if name in CODES:
            return CODES[name]
    # Numbers as codes: OpenRouter puts an HTTP status there in the middle of a stream.
    numbers = [int(name) for name in names if name.isdigit() and len(name) == 3]
    status = status if status and status != HTTPStatus.OK else next(iter(numbers), None)
    for pattern, statuses, error_class in WORDS:
        if (status is None or status in statuses) and pattern.search(message):
            return error_class
    if status is not None:
        return class_of_status(status)
    return next((VAGUE_CODES[name] for name in names if name in VAGUE_CODES), ErrorClass.SERVER)


def class_of_status(status: int) -> ErrorClass:
    """The class of an HTTP status that came without any telling code or words."""
    if status in STATUSES:
        return STATUSES[status]
    if 400 <= status < 500:
        return ErrorClass.INVALID_REQUEST
    return ErrorClass.SERVER  # 5xx, and a redirect or an informational status where an answer was due


def class_of_exception(failure: BaseException) -> ErrorClass | None:
    """The class of a failure below HTTP, or None where the table has no line for it.

    The causes are looked at first: the aiohttp transport reports a refused or dropped connection as a connect
    timeout, and the SDKs wrap that once more; only the innermost exception says which it was.
    """
    chain = [failure]
    while (cause := chain[-1].__cause__) is not None and len(chain) < 10:
        chain.append(cause)
    for exception in reversed(chain):
        for ancestor in type(exception).__mro__:
            root = ancestor.__module__.partition(".")[0]
            if found := EXCEPTIONS.get(f"{root}.{ancestor.__name__}"):
                return found
    return None


def retry_after(headers: Mapping[str, str] | None, now: datetime | None = None) -> float | None:
    """Seconds to wait, as the headers `retry-after-ms` and `retry-after` (seconds or an HTTP date) ask; else None."""
    if not headers:
        return None
    if (milliseconds := _number(headers.get("retry-after-ms"))) is not None:
        return milliseconds / 1000
    value = headers.get("retry-after")
    if not value:
        return None
    if (seconds := _number(value)) is not None:
        return seconds
    try:
        moment = parsedate_to_datetime(value)
    except (ValueError, TypeError):
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return max(0.0, (moment - (now or datetime.now(UTC))).total_seconds())


def words_of(body: object) -> str | None:
    """What a decoded error body says, in any of the shapes vendors and gateways use; None for HTML and silence."""
    if isinstance(body, list):
        return words_of(body[0]) if body else None
    if isinstance(body, Mapping):
        for name in ("error", "message", "detail", "title", "msg"):
            if body.get(name) and (words := words_of(body[name])):
                return words
        return None
    if isinstance(body, str) and body.strip() and not HTML.search(body[:2000]):
        return body
    return None


def sentence(words: str | None, status: int | None, *, key: str | None = None) -> str:
    """A short clean sentence for a person: the vendor's words, or what the status says; never markup, never a key."""
    if not words or HTML.search(words[:2000]):
        return _status_sentence(status)
    if key and len(key) >= 4:
        words = words.replace(key, STRUCK)
    words = MASKED_KEY.sub(STRUCK, SECRET_SHAPE.sub(STRUCK, words))
    words = " ".join(words.split())
    return words if len(words) <= MESSAGE_LIMIT else words[: MESSAGE_LIMIT - 1].rstrip() + "…"


def _status_sentence(status: int | None) -> str:
    if status is None:
        return "The vendor gave no reason."
    try:
        phrase = f" {HTTPStatus(status).phrase}"
    except ValueError:
        phrase = ""
    return f"The vendor answered with HTTP {status}{phrase} and gave no reason."


def _number(value: Any) -> float | None:
    try:
        number = float(value)
    except (TypeError, ValueError):
        return None
    return max(0.0, number) if math.isfinite(number) else None


HTML = re.compile(r"<\s*(!doctype|html|head|body|h1|center|div|p)\b", re.IGNORECASE)
# Vendors echo a refused key with stars in its middle: its ends are still nobody's business.
MASKED_KEY = re.compile(r"\b(sk-|AIza|r8_|gsk_|key-)[\w\-*•…]{4,}")

STATUSES: dict[int, ErrorClass] = {
    401: ErrorClass.AUTHENTICATION,
    402: ErrorClass.QUOTA,
    403: ErrorClass.AUTHENTICATION,
    404: ErrorClass.MODEL_NOT_FOUND,
    407: ErrorClass.CONNECTION,  # a proxy of ours, not the vendor
    408: ErrorClass.TIMEOUT,
    409: ErrorClass.SERVER,  # a race inside the vendor; the request itself is fine
    425: ErrorClass.OVERLOADED,
    429: ErrorClass.RATE_LIMIT,
    499: ErrorClass.CONNECTION,
    503: ErrorClass.OVERLOADED,
    504: ErrorClass.TIMEOUT,
    522: ErrorClass.TIMEOUT,  # Cloudflare's
    524: ErrorClass.TIMEOUT,
    529: ErrorClass.OVERLOADED,
}

_QUOTA = (
    "insufficient_quota credit_balance_exhausted organization_spend_limit_exceeded project_spend_limit_exceeded "
    "organization_usage_limit_exceeded billing_hard_limit_reached billing_not_active insufficient_balance "
    "insufficient_credits payment_required billing_error enforced_spend_limit_reached contract_spend_limit_reached "
    "linked_organization_spend_limit_reached linked_organization_billing_unavailable"
)
_AUTHENTICATION = (
    "invalid_api_key incorrect_api_key authentication_error invalid_authentication account_deactivated "
    "permission_error permission_denied api_key_invalid api_key_expired api_key_service_blocked service_disabled "
    "unauthenticated organization_on_hold access_terminated organization_type_not_supported "
    "parent_organization_required cmek_key_disabled cmek_key_network_blocked"
)
_RATE = "rate_limit_exceeded rate_limit_error rate_limited too_many_requests ramp_limit_exceeded"
_MODEL = "model_not_found not_found_error notfounderror model_decommissioned model_not_available model_not_supported"
_BLOCKED = "content_policy_violation content_filter moderation_blocked content_blocked safety_violation"
_OVERLOADED = "overloaded overloaded_error engine_overloaded service_unavailable slow_down unavailable"
_TIMEOUT = "timeout timeout_error deadline_exceeded request_timeout"

CODES: dict[str, ErrorClass] = {
    name: error_class
    for names, error_class in (
        (_QUOTA, ErrorClass.QUOTA),
        (_AUTHENTICATION, ErrorClass.AUTHENTICATION),
        (_RATE, ErrorClass.RATE_LIMIT),
        (_MODEL, ErrorClass.MODEL_NOT_FOUND),
        (_BLOCKED, ErrorClass.CONTENT_BLOCKED),
        (_OVERLOADED, ErrorClass.OVERLOADED),
        (_TIMEOUT, ErrorClass.TIMEOUT),
        ("context_length_exceeded string_above_max_length request_too_large", ErrorClass.INVALID_REQUEST),
    )
    for name in names.split()
}
"""Codes that say more than the status they come with."""

VAGUE_CODES: dict[str, ErrorClass] = {
    "invalid_request_error": ErrorClass.INVALID_REQUEST,
    "invalid_argument": ErrorClass.INVALID_REQUEST,
    "badrequesterror": ErrorClass.INVALID_REQUEST,
    "resource_exhausted": ErrorClass.RATE_LIMIT,
    "not_found": ErrorClass.MODEL_NOT_FOUND,
    "server_error": ErrorClass.SERVER,
    "api_error": ErrorClass.SERVER,
    "internal": ErrorClass.SERVER,
    "internal_error": ErrorClass.SERVER,
}
"""Codes that count only where no status came along, as in the middle of a stream."""

_REFUSED = frozenset({400, 403, 404, 422, 429})

WORDS: tuple[tuple[re.Pattern[str], frozenset[int], ErrorClass], ...] = (
    (
        # Anthropic says 400 for both of the first; Gemini and others 429 without a code.
        re.compile(
            r"specified API usage limits|credit balance is too low|insufficient (balance|credits|funds)"
            r"|credits? (are|is|have been) (depleted|exhausted)|(spend|spending|monthly) (limit|cap) (reached|exceeded)"
            r"|exceeded your (monthly|daily) ",
            re.IGNORECASE,
        ),
        _REFUSED,
        ErrorClass.QUOTA,
    ),
    (
        re.compile(
            r"api[ _]key (not valid|expired|is invalid)|(invalid|incorrect) api[ _]key", re.IGNORECASE
        ),
        _REFUSED,
        ErrorClass.AUTHENTICATION,
    ),
    (
        re.compile(
            r"\bmodel\b[^.]{0,120}?\b(not found|not exist|does ?n[o']t exist|is not available|decommissioned|unknown)"
            r"|(unknown|no such|not a valid|invalid) model|not a valid model id",
            re.IGNORECASE,
        ),
        frozenset({400, 404, 422}),
        ErrorClass.MODEL_NOT_FOUND,
    ),
    (
        re.compile(
            r"content (filter|management|policy)|safety system|flagged (input|by moderation)", re.IGNORECASE
        ),
        frozenset({400, 403, 422}),
        ErrorClass.CONTENT_BLOCKED,
    ),
)
"""Words that say more than the status, and the statuses under which they are believed."""

_TRANSPORT_NAMES: dict[str, ErrorClass] = {
    # httpx2; a connection that never came about carried nothing, so it is no timeout of the call
    "ConnectTimeout": ErrorClass.CONNECTION,
    "PoolTimeout": ErrorClass.CONNECTION,
    "TimeoutException": ErrorClass.TIMEOUT,
    "TransportError": ErrorClass.CONNECTION,
    "DecodingError": ErrorClass.SERVER,
    "TooManyRedirects": ErrorClass.SERVER,
    "HTTPStatusError": ErrorClass.SERVER,
    "RequestError": ErrorClass.CONNECTION,
    "HTTPError": ErrorClass.CONNECTION,
    "InvalidURL": ErrorClass.CONNECTION,
    "CookieConflict": ErrorClass.SERVER,
    "StreamError": ErrorClass.CONNECTION,
}

EXCEPTIONS: dict[str, ErrorClass] = {
    **{f"httpx2.{name}": error_class for name, error_class in _TRANSPORT_NAMES.items()},
    **{f"httpx.{name}": error_class for name, error_class in _TRANSPORT_NAMES.items()},
    "aiohttp.ConnectionTimeoutError": ErrorClass.CONNECTION,
    "aiohttp.ServerTimeoutError": ErrorClass.TIMEOUT,
    "aiohttp.ClientResponseError": ErrorClass.SERVER,
    "aiohttp.InvalidURL": ErrorClass.CONNECTION,
    "aiohttp.ClientError": ErrorClass.CONNECTION,
    "openai.APITimeoutError": ErrorClass.TIMEOUT,
    "openai.APIConnectionError": ErrorClass.CONNECTION,
    "openai.APIResponseValidationError": ErrorClass.SERVER,
    "openai.ContentFilterFinishReasonError": ErrorClass.CONTENT_BLOCKED,
    "openai.LengthFinishReasonError": ErrorClass.SERVER,
    "openai.SubjectTokenProviderError": ErrorClass.AUTHENTICATION,
    "openai.InvalidWebhookSignatureError": ErrorClass.AUTHENTICATION,
    "openai.WebSocketConnectionClosedError": ErrorClass.CONNECTION,
    "openai.WebSocketQueueFullError": ErrorClass.OVERLOADED,
    "openai.OpenAIError": ErrorClass.SERVER,
    "anthropic.APITimeoutError": ErrorClass.TIMEOUT,
    "anthropic.APIConnectionError": ErrorClass.CONNECTION,
    "anthropic.APIResponseValidationError": ErrorClass.SERVER,
    "anthropic.APIWebhookValidationError": ErrorClass.SERVER,
    "anthropic.RetryableError": ErrorClass.OVERLOADED,
    "anthropic.CredentialsError": ErrorClass.AUTHENTICATION,
    "anthropic.AnthropicError": ErrorClass.SERVER,
    "google.UnknownApiResponseError": ErrorClass.SERVER,
    "google.UnknownFunctionCallArgumentError": ErrorClass.INVALID_REQUEST,
    "google.UnsupportedFunctionError": ErrorClass.INVALID_REQUEST,
    "google.FunctionInvocationError": ErrorClass.SERVER,
    "google.ContinuationInterruptedError": ErrorClass.CONNECTION,
    "google.ContinuationTimeoutError": ErrorClass.TIMEOUT,
    "google.EphemeralTokenAPIKeyError": ErrorClass.AUTHENTICATION,
    "google.GoogleAuthError": ErrorClass.AUTHENTICATION,
    # What the SDKs let through when an answer is not what its headers said
    "json.JSONDecodeError": ErrorClass.SERVER,
    "builtins.UnicodeDecodeError": ErrorClass.SERVER,
    "pydantic_core.ValidationError": ErrorClass.SERVER,
    "builtins.UnicodeEncodeError": ErrorClass.INVALID_REQUEST,  # a lone surrogate in the prompt
    "builtins.TimeoutError": ErrorClass.TIMEOUT,
    "builtins.ConnectionError": ErrorClass.CONNECTION,
    "asyncio.IncompleteReadError": ErrorClass.CONNECTION,
    "ssl.SSLError": ErrorClass.CONNECTION,
    "socket.gaierror": ErrorClass.CONNECTION,
    "builtins.OSError": ErrorClass.CONNECTION,
}
"""`root module.class` of what may escape the SDKs and what lies below them; the nearest ancestor counts."""
