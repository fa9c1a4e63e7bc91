"""Anthropic's Messages API (anthropic 2.11).

Stream: `message_start` (input side of the usage), `content_block_delta` (text), `message_delta` (stop reason,
cumulative output), `message_stop`; an `error` event in the middle raises an APIStatusError with status 200.
"""

import asyncio
import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar

from core.errors import ErrorClass
from core.providers.answer import Answer
from core.providers.base import FinishReason, ProviderError, TextRequest, Usage
from core.providers.openai_compatible import json_object, timeouts
from core.providers.sdk import EventStream, SdkProvider
from core.providers.tokens import estimate_tokens

if TYPE_CHECKING:
    from anthropic import AsyncAnthropic


class Anthropic(SdkProvider["AsyncAnthropic"]):
    """A connection to Anthropic with one key."""

    kind: ClassVar[str] = "anthropic"
    label: ClassVar[str] = "Anthropic"
    default_base_url: ClassVar[str | None] = "https://api.anthropic.com"
    key_shape: ClassVar[str | None] = "sk-ant-"

    async def _build(self) -> "AsyncAnthropic":
        return await asyncio.to_thread(self._make_client)

    def _make_client(self) -> "AsyncAnthropic":
        import anthropic

        base_url = self.connection.base_url or self.default_base_url or ""
        client = anthropic.AsyncAnthropic(
            api_key=self.connection.api_key or "none",
            base_url=re.sub(r"/v1/?$", "", base_url),  # the SDK adds it
            max_retries=0,
            http_client=anthropic.DefaultAioHttpClient(follow_redirects=False),
        )
        _ = client.models
        self._address = str(client.base_url).removesuffix("/") + "/v1/messages"
        return client

    async def _shut(self, client: "AsyncAnthropic") -> None:
        await client.close()

    # `post` instead of the typed methods, as in `openai_compatible` and for the same reason.

    async def _complete(
        self, client: "AsyncAnthropic", model: str, request: TextRequest, limit: float
    ) -> Any:
        import httpx2

        return await client.post(
            self._address,
            cast_to=httpx2.Response,
            body=_body(model, request),
            options={"timeout": timeouts(limit)},
        )

    async def _open_stream(
        self, client: "AsyncAnthropic", model: str, request: TextRequest, limit: float, answer: Answer
    ) -> EventStream:
        from anthropic import AsyncStream

        stream = await client.post(
            self._address,
            cast_to=object,
            body={**_body(model, request), "stream": True},
            options={"timeout": timeouts(limit)},
            stream=True,
            stream_cls=AsyncStream[object],
        )
        answer.request_id = stream.response.headers.get("request-id")
        return stream

    def _read_whole(self, reply: Any, answer: Answer) -> None:
        answer.request_id = reply.headers.get("request-id")
        told = json_object(reply)
        answer.model = told.get("model") or answer.model
        answer.usage = _usage(told.get("usage"))
        answer.pieces += [block["text"] for block in told.get("content") or () if block.get("type") == "text"]
        self._finish(told.get("stop_reason"), answer)

    def _read_event(self, event: Any, answer: Answer) -> str:
        match event.get("type"):
            case "content_block_delta":
                if event["delta"].get("type") == "text_delta":
                    return event["delta"]["text"]
            case "content_block_start":
                if event["content_block"].get("type") == "text":
                    return event["content_block"]["text"]
            case "message_start":
                # Marked as an estimate: the output side is still to come.
                usage = _usage(event["message"].get("usage"))
                answer.usage = replace(usage, estimated=True) if usage else None
            case "message_delta":
                answer.usage = _cumulative(event.get("usage"), answer.usage)
                self._finish(event["delta"].get("stop_reason"), answer)
            case "message_stop":
                answer.finish = answer.finish or "stop"
            case _:
                pass
        return ""

    def _finish(self, reason: str | None, answer: Answer) -> None:
        if reason == "refusal":
            answer.blocked = "The model refused to answer."
        if reason is not None:
            answer.finish = STOP_REASONS.get(reason, "other")

    def _usage_at_failure(self, answer: Answer) -> Usage | None:
        """The input as told, the output by our count of what was delivered: the vendor tells it only at the end."""
        usage = answer.usage
        if usage is None or not usage.estimated:
            return usage
        return replace(usage, output_tokens=max(usage.output_tokens, estimate_tokens(answer.text)))

    async def _ask(self, client: "AsyncAnthropic", limit: float) -> str:
        page = await client.models.list(limit=1, timeout=timeouts(limit))
        if not isinstance(getattr(page, "data", None), list):
            raise ProviderError(ErrorClass.INVALID_REQUEST, "No list of models here; is the base URL right?")
        return (
            f"Reached; the first model listed is {page.data[0].id}."
            if page.data
            else "Reached; no models listed."
        )

    def _vendor_error(self, failure: Exception) -> ProviderError | None:
        import anthropic

        if not isinstance(failure, anthropic.APIStatusError):
            return None
        # In the middle of a stream the status is that of the response, 200: the type alone tells.
        status = failure.status_code if failure.status_code >= 300 else None
        codes = (failure.error_code, failure.type)
        return self._from_body(
            status, failure.body, codes, failure.response.headers, failure.request_id, failure.api_message
        )


STOP_REASONS: dict[str, FinishReason] = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "refusal": "content_blocked",
    "tool_use": "tool",
    "pause_turn": "other",
}


def _body(model: str, request: TextRequest) -> dict[str, Any]:
    system = [request.system] if request.system is not None else []
    system += [m.content for m in request.messages if m.role == "system"]
    body: dict[str, Any] = {
        "model": model,
        "messages": [{"role": m.role, "content": m.content} for m in request.messages if m.role != "system"],
        "max_tokens": request.max_tokens,
    }
    if system:
        body["system"] = "\n\n".join(system)
    if (
        request.temperature is not None
    ):  # newer models refuse it; older ones behind the same API still take it
        body["temperature"] = request.temperature
    return body


def _usage(told: Any) -> Usage | None:
    """Anthropic's `input_tokens` leaves out what was read from and written to the cache: added here."""
    if told is None:
        return None
    read, written = told.get("cache_read_input_tokens") or 0, told.get("cache_creation_input_tokens") or 0
    return Usage(
        input_tokens=(told.get("input_tokens") or 0) + read + written,
        cached_tokens=read,
        cache_write_tokens=written,
        output_tokens=told.get("output_tokens") or 0,
    )


def _cumulative(told: Any, before: Usage | None) -> Usage | None:
    """The usage at the end of a stream: its output, and of its input side what it repeats."""
    if told is None:
        return before
    before = before or Usage()
    read, written = told.get("cache_read_input_tokens"), told.get("cache_creation_input_tokens")
    read = before.cached_tokens if read is None else read
    written = before.cache_write_tokens if written is None else written
    fresh = told.get("input_tokens")
    fresh = before.input_tokens - before.cached_tokens - before.cache_write_tokens if fresh is None else fresh
    return Usage(fresh + read + written, read, written, told.get("output_tokens") or 0)
