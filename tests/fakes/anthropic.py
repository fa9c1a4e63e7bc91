"""Anthropic's wire format (messages)."""

from collections.abc import Mapping
from typing import Any, ClassVar

import orjson

from tests.fakes.openai import pieces, retry_headers
from tests.fakes.vendor import FakeUsage, Reply

FINISH = {"stop": "end_turn", "length": "max_tokens", "blocked": "refusal", "tool": "tool_use"}

ERRORS: dict[str, tuple[int, str, str]] = {
    "forbidden": (403, "permission_error", "Your API key does not have permission to use this resource."),
    "rate_limit": (429, "rate_limit_error", "This request would exceed your rate limit."),
    "server_error": (500, "api_error", "Internal server error"),
    "overloaded": (529, "overloaded_error", "Overloaded"),
    "timeout": (504, "timeout_error", "The request timed out."),
    "model_not_found": (404, "not_found_error", "model: $MODEL"),
    "invalid_request": (400, "invalid_request_error", "messages: at least one message is required"),
    "too_large": (413, "request_too_large", "Request exceeds the maximum size"),
    "blocked_400": (400, "invalid_request_error", "Output blocked by content filtering policy"),
}

QUOTA_SHAPES: dict[str, tuple[int, str, str, str | None]] = {
    "billing": (402, "billing_error", "There is an issue with your billing.", None),
    "enforced_spend_limit": (
        429,
        "rate_limit_error",
        "You have reached your spend limit.",
        "enforced_spend_limit_reached",
    ),
    "usage_limits": (
        400,
        "invalid_request_error",
        "You have reached your specified API usage limits. You will regain access on 2026-12-01.",
        None,
    ),
    "credit_balance": (
        400,
        "invalid_request_error",
        "Your credit balance is too low to access the Anthropic API.",
        None,
    ),
}


class AnthropicWire:
    faults: ClassVar[frozenset[str]] = frozenset({*ERRORS, "unauthorized", "quota"})

    def whole(self, text: str, usage: FakeUsage | None, finish: str) -> bytes:
        body = _message([{"type": "text", "text": text}] if text else [], FINISH[finish])
        body["usage"] = {**_input(usage), "output_tokens": usage.output} if usage else None
        return orjson.dumps(body)

    def frames(self, text: str, usage: FakeUsage | None, finish: str) -> list[bytes]:
        start = _message([], None)
        start["usage"] = {**_input(usage), "output_tokens": 1} if usage else None
        frames = [
            _event("message_start", {"message": start}),
            _event("content_block_start", {"index": 0, "content_block": {"type": "text", "text": ""}}),
            _event("ping", {}),
        ]
        frames += [
            _event("content_block_delta", {"index": 0, "delta": {"type": "text_delta", "text": piece}})
            for piece in pieces(text)
        ]
        end: dict[str, Any] = {"delta": {"stop_reason": FINISH[finish], "stop_sequence": None}}
        end["usage"] = {"output_tokens": usage.output} if usage else None
        return [
            *frames,
            _event("content_block_stop", {"index": 0}),
            _event("message_delta", end),
            _event("message_stop", {}),
        ]

    def broken_frame(self) -> bytes:
        return b'event: content_block_delta\ndata: {"type": "content_block_delta", "del\n\n'

    def error_frame(self, options: dict[str, Any]) -> bytes:
        kind = options.get("code") or "api_error"
        error = {"type": kind, "message": "Something broke in the middle."}
        return _event("error", {"error": error, "request_id": "req_fake"})

    def reply(self, name: str, options: dict[str, Any], key: str) -> Reply:
        if name == "unauthorized":
            return _error(401, "authentication_error", f"invalid x-api-key {key}", options)
        if name == "quota":
            status, kind, message, code = QUOTA_SHAPES[options.get("shape", "billing")]
            return _error(status, kind, message, options, code)
        status, kind, message = ERRORS[name]
        return _error(status, kind, message, {"retry_after": 2, **options} if status == 429 else options)

    def key(self, headers: Mapping[str, str]) -> str:
        return headers.get("Authorization", "").removeprefix("Bearer ")

    def probe(self, path: str) -> bytes | None:
        if path != "/v1/models":
            return None
        model = {
            "type": "model",
            "id": "claude-sonnet-5-5",
            "display_name": "Claude Sonnet 5.5",
            "created_at": "2026-08-01T00:00:00Z",
        }
        return orjson.dumps(
            {"data": [model], "has_more": True, "first_id": model["id"], "last_id": model["id"]}
        )

    def model(self, path: str, body: Any) -> str:
        return body["model"]

    def streams(self, path: str, body: Any) -> bool:
        return body.get("stream") is True


def _message(content: list[dict[str, Any]], stop_reason: str | None) -> dict[str, Any]:
    return {
        "id": "msg_fake",
        "type": "message",
        "role": "assistant",
        "model": "$MODEL",
        "content": content,
        "stop_reason": stop_reason,
        "stop_sequence": None,
    }


def _input(usage: FakeUsage) -> dict[str, Any]:
    return {
        "input_tokens": usage.input - usage.cached - usage.cache_write,
        "cache_read_input_tokens": usage.cached,
        "cache_creation_input_tokens": usage.cache_write,
    }


def _event(name: str, data: dict[str, Any]) -> bytes:
    return f"event: {name}\n".encode() + b"data: " + orjson.dumps({"type": name, **data}) + b"\n\n"


def _error(
    status: int, kind: str, message: str, options: dict[str, Any], error_code: str | None = None
) -> Reply:
    error: dict[str, Any] = {"type": kind, "message": options.get("message", message)}
    if error_code:
        error["details"] = {"error_code": error_code}
    body = {"type": "error", "error": error, "request_id": "req_fake"}
    return Reply(status, orjson.dumps(body), retry_headers(options))
