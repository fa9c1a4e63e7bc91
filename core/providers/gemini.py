"""Google's Gemini API (google-genai 3.4), on an aiohttp session of our own.

Stream: `data: {candidates, usageMetadata, …}` frames without an end mark; usage is cumulative in each. Errors:
`{"error": {code, message, status, details}}`, where `details` holds `ErrorInfo.reason`, `RetryInfo.retryDelay` and
`QuotaFailure.violations[].quotaId`.
"""

import asyncio
import importlib
import re
from collections.abc import AsyncGenerator
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, cast

from core.errors import ErrorClass
from core.providers import failures
from core.providers.answer import Answer
from core.providers.base import CONNECT_TIMEOUT, FinishReason, ProviderError, TextRequest, Usage
from core.providers.sdk import EventStream, SdkProvider

if TYPE_CHECKING:
    from aiohttp import ClientResponse, ClientSession
    from google import genai


class GeminiClient(NamedTuple):
    """The SDK's client and the session under it, which is ours to close."""

    sdk: "genai.Client"
    session: "ClientSession"


class Gemini(SdkProvider[GeminiClient]):
    """A connection to Gemini with one key."""

    kind: ClassVar[str] = "gemini"
    label: ClassVar[str] = "Google Gemini"
    default_base_url: ClassVar[str | None] = "https://generativelanguage.googleapis.com"
    key_shape: ClassVar[str | None] = "AIza"

    async def _build(self) -> GeminiClient:
        await asyncio.to_thread(_import_sdk)
        session = _session()
        try:
            return GeminiClient(await asyncio.to_thread(self._make_client, session), session)
        except BaseException:
            await session.close()
            raise

    def _make_client(self, session: "ClientSession") -> "genai.Client":
        from google import genai
        from google.genai import types

        base_url, version = _split_version(self.connection.base_url or self.default_base_url or "")
        client = genai.Client(
            vertexai=False,
            api_key=self.connection.api_key or "none",
            http_options=types.HttpOptions(
                base_url=base_url,
                api_version=version,
                aiohttp_client=session,
                # Without options the SDK repeats a call by itself, after up to ten seconds, when the connection fails.
                retry_options=types.HttpRetryOptions(attempts=1),
            ),
        )
        _ = client.aio.models
        return client

    async def _shut(self, client: GeminiClient) -> None:
        await client.session.close()
        await client.sdk.aio.aclose()
        client.sdk.close()

    async def _complete(self, client: GeminiClient, model: str, request: TextRequest, limit: float) -> Any:
        return await client.sdk.aio.models.generate_content(**_arguments(model, request))

    async def _open_stream(
        self, client: GeminiClient, model: str, request: TextRequest, limit: float, answer: Answer
    ) -> EventStream:
        responses: list[ClientResponse] = []
        token = RESPONSES.set(responses)
        try:
            # The SDK sends the request only when the first event is asked for.
            events = await client.sdk.aio.models.generate_content_stream(**_arguments(model, request))
            first = await anext(events, None)
        finally:
            RESPONSES.reset(token)
        return _Events(
            cast("AsyncGenerator[Any, None]", events), first, responses
        )  # typed by the SDK as a mere iterator

    def _read_whole(self, reply: Any, answer: Answer) -> None:
        if text := self._read_event(reply, answer):
            answer.pieces.append(text)

    def _read_event(self, event: Any, answer: Answer) -> str:
        answer.request_id = event.response_id or answer.request_id
        answer.model = event.model_version or answer.model
        if event.usage_metadata is not None:
            answer.usage = _usage(event.usage_metadata)
        feedback = event.prompt_feedback
        if feedback is not None and feedback.block_reason is not None:
            reason = (
                feedback.block_reason_message or str(feedback.block_reason.value).replace("_", " ").lower()
            )
            answer.blocked = failures.sentence(f"The prompt was blocked: {reason}.", None)
        if not event.candidates:
            return ""
        candidate = event.candidates[0]
        if candidate.finish_reason is not None:
            answer.finish = FINISH_REASONS.get(str(candidate.finish_reason.value), "other")
        parts = candidate.content.parts if candidate.content is not None else None
        return "".join(part.text for part in parts or () if part.text and not part.thought)

    async def _ask(self, client: GeminiClient, limit: float) -> str:
        page = await client.sdk.aio.models.list(config={"page_size": 1})
        return (
            f"Reached; the first model listed is {page[0].name}."
            if len(page)
            else "Reached; no models listed."
        )

    def _vendor_error(self, failure: Exception) -> ProviderError | None:
        from aiohttp import ClientResponseError
        from google.genai import errors

        if isinstance(failure, ClientResponseError):  # our own refusal of a redirect
            return self._from_body(failure.status or None, None, (), failure.headers)
        if not isinstance(failure, errors.APIError):
            return None
        status = failure.code if isinstance(failure.code, int) else None
        body = failure.details
        headers = getattr(failure.response, "headers", None)
        details = _details(body)
        reasons = [detail.get("reason") for detail in details]
        error = self._from_body(status, body, (*reasons, failure.status), headers, words=failure.message)
        error.vendor_code = next((str(r) for r in reasons if r), None) or _code(failure.status)
        if error.error_class is ErrorClass.INVALID_REQUEST and failure.status == "FAILED_PRECONDITION":
            # Billing not enabled, country not served: the account is refused, whatever the request says.
            error.error_class = ErrorClass.AUTHENTICATION
        if status == 429:
            error.retry_after = _retry_delay(details) or error.retry_after
            if _exhausted(details):
                error.error_class = ErrorClass.QUOTA
        return error


RESPONSES: ContextVar["list[ClientResponse] | None"] = ContextVar("gemini_responses", default=None)
"""Where the session leaves the response of the stream that this task opens: the SDK keeps it out of reach."""


class _Events:
    """The SDK's generator together with the response under it, so that closing closes both, now."""

    def __init__(
        self, events: AsyncGenerator[Any, None], first: Any, responses: "list[ClientResponse]"
    ) -> None:
        self._events = events
        self._first = first
        self._responses = responses

    async def __anext__(self) -> Any:
        if self._first is not None:
            first, self._first = self._first, None
            return first
        return await anext(self._events)

    async def close(self) -> None:
        for response in self._responses:
            response.close()  # a no-op where it was read to its end
        await self._events.aclose()


def _import_sdk() -> None:
    for module in ("aiohttp", "google.genai"):
        importlib.import_module(module)


def _session() -> "ClientSession":
    import aiohttp

    class Connector(aiohttp.TCPConnector):
        """Gives each connection ten seconds: the SDK sets a total only."""

        async def connect(self, req: Any, traces: Any, timeout: aiohttp.ClientTimeout) -> Any:
            limited = aiohttp.ClientTimeout(
                total=timeout.total, sock_connect=CONNECT_TIMEOUT, sock_read=timeout.sock_read
            )
            return await super().connect(req, traces, limited)

    async def watch(request: Any, handler: Any) -> "ClientResponse":
        response = await handler(request)
        if (responses := RESPONSES.get()) is not None:
            responses.append(response)
        if 300 <= response.status < 400:
            # Followed, it would carry the key in `x-goog-api-key` to another host.
            response.close()
            raise aiohttp.ClientResponseError(response.request_info, (), status=response.status)
        return response

    return aiohttp.ClientSession(
        connector=Connector(limit=0), trust_env=True, read_bufsize=2**20, middlewares=(watch,)
    )


def _arguments(model: str, request: TextRequest) -> dict[str, Any]:
    from google.genai import types

    system = [request.system] if request.system is not None else []
    system += [m.content for m in request.messages if m.role == "system"]
    return {
        "model": model,
        "contents": [
            types.Content(role=ROLES[m.role], parts=[types.Part(text=m.content)])
            for m in request.messages
            if m.role != "system"
        ],
        "config": types.GenerateContentConfig(
            system_instruction="\n\n".join(system) or None,
            max_output_tokens=request.max_tokens,
            temperature=request.temperature,
            # One call is one request: the SDK would otherwise go on by itself after a cut or a full answer.
            automatic_continuation=False,
            automatic_function_calling=types.AutomaticFunctionCallingConfig(disable=True),
        ),
    }


def _usage(told: Any) -> Usage:
    """`promptTokenCount` includes what was cached; thoughts are counted apart and bill as output."""
    return Usage(
        input_tokens=(told.prompt_token_count or 0) + (told.tool_use_prompt_token_count or 0),
        cached_tokens=told.cached_content_token_count or 0,
        output_tokens=(told.candidates_token_count or 0) + (told.thoughts_token_count or 0),
    )


def _code(state: object) -> str | None:
    """The status by name; for an answer that is not the API's, the SDK puts the HTTP reason phrase there."""
    return str(state) if re.fullmatch(r"[A-Z_]+", str(state)) else None


def _details(body: object) -> list[dict[str, Any]]:
    error = body.get("error", body) if isinstance(body, dict) else None
    details = error.get("details") if isinstance(error, dict) else None
    return [detail for detail in details if isinstance(detail, dict)] if isinstance(details, list) else []


def _retry_delay(details: list[dict[str, Any]]) -> float | None:
    """Seconds of a `RetryInfo`, which writes them `34s` or `1.5s`."""
    for detail in details:
        if match := re.fullmatch(r"(\d+(?:\.\d+)?)s", str(detail.get("retryDelay", ""))):
            return float(match[1])
    return None


def _exhausted(details: list[dict[str, Any]]) -> bool:
    """Whether a quota per day (or of nothing at all) is spent: waiting a minute will not help."""
    violations = [v for d in details for v in d.get("violations") or () if isinstance(v, dict)]
    return any("PerDay" in str(v.get("quotaId")) or str(v.get("quotaValue")) == "0" for v in violations)


def _split_version(base_url: str) -> tuple[str, str]:
    match = re.fullmatch(r"(.*?)/(v\d\w*)/?", base_url)
    return (match[1], match[2]) if match else (base_url, "v1")


ROLES = {"user": "user", "assistant": "model"}

FINISH_REASONS: dict[str, FinishReason] = {
    "STOP": "stop",
    "MAX_TOKENS": "length",
    "CONTINUATION": "length",
    **dict.fromkeys(
        ("SAFETY", "RECITATION", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII", "ESCALATION", "MODEL_ARMOR"),
        "content_blocked",
    ),
    "UNEXPECTED_TOOL_CALL": "tool",
    "TOO_MANY_TOOL_CALLS": "tool",
}
