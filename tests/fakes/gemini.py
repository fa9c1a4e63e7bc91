"""Gemini's wire format (generateContent)."""

import re
from collections.abc import Mapping
from typing import Any, ClassVar

import orjson

from tests.fakes.openai import pieces, retry_headers
from tests.fakes.vendor import FakeUsage, Reply

FINISH = {
    "stop": "STOP",
    "length": "MAX_TOKENS",
    "tool": "UNEXPECTED_TOOL_CALL",
    "continuation": "CONTINUATION",
}

ERRORS: dict[str, tuple[int, str, str]] = {
    "forbidden": (403, "PERMISSION_DENIED", "Permission denied on the project."),
    "server_error": (500, "INTERNAL", "An internal error has occurred."),
    "overloaded": (503, "UNAVAILABLE", "The model is overloaded. Please try again later."),
    "timeout": (504, "DEADLINE_EXCEEDED", "Deadline expired before operation could complete."),
    "model_not_found": (404, "NOT_FOUND", "models/$MODEL is not found for API version v1."),
    "invalid_request": (400, "INVALID_ARGUMENT", "Unable to submit request: contents is required."),
    "too_large": (413, "INVALID_ARGUMENT", "Request payload size exceeds the limit."),
    "location": (400, "FAILED_PRECONDITION", "User location is not supported for the API use."),
}

QUOTA_SHAPES = {
    "per_day": "GenerateRequestsPerDayPerProjectPerModel-FreeTier",
    "per_day_tokens": "GenerateContentInputTokensPerDayPerProject",
}
PER_MINUTE = "GenerateRequestsPerMinutePerProjectPerModel-FreeTier"


class GeminiWire:
    faults: ClassVar[frozenset[str]] = frozenset({*ERRORS, "unauthorized", "quota", "rate_limit"})

    def whole(self, text: str, usage: FakeUsage | None, finish: str) -> bytes:
        return orjson.dumps(_body(text, usage, finish))

    def frames(self, text: str, usage: FakeUsage | None, finish: str) -> list[bytes]:
        if finish == "blocked":
            return [_frame(_body("", usage, finish))]
        bodies = [_body(piece, None, None) for piece in pieces(text)]
        if usage is not None:
            for number, body in enumerate(bodies, 1):
                sofar = FakeUsage(input=usage.input, cached=usage.cached, output=min(number, usage.output))
                body["usageMetadata"] = _usage(sofar)
        return [_frame(body) for body in (*bodies, _body("", usage, finish))]

    def broken_frame(self) -> bytes:
        return b'data: {"candidates": [\r\n\r\n'

    def error_frame(self, options: dict[str, Any]) -> bytes:
        return _frame(_error(503, options.get("code") or "UNAVAILABLE", "The service broke in the middle."))

    def reply(self, name: str, options: dict[str, Any], key: str) -> Reply:
        headers = retry_headers(options)
        if name == "unauthorized":
            info = {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "API_KEY_INVALID"}
            message = f"API key not valid: {key}. Please pass a valid API key."
            return Reply(400, orjson.dumps(_error(400, "INVALID_ARGUMENT", message, [info])), headers)
        if name in ("quota", "rate_limit"):
            quota = QUOTA_SHAPES[options.get("shape", "per_day")] if name == "quota" else PER_MINUTE
            details = [
                {
                    "@type": "type.googleapis.com/google.rpc.QuotaFailure",
                    "violations": [{"quotaId": quota, "quotaValue": "20"}],
                },
                {
                    "@type": "type.googleapis.com/google.rpc.RetryInfo",
                    "retryDelay": f"{options.get('retry_after', 34)}s",
                },
            ]
            message = "You exceeded your current quota, please check your plan and billing details."
            return Reply(429, orjson.dumps(_error(429, "RESOURCE_EXHAUSTED", message, details)))
        status, state, message = ERRORS[name]
        return Reply(status, orjson.dumps(_error(status, state, options.get("message", message))), headers)

    def key(self, headers: Mapping[str, str]) -> str:
        return headers.get("x-goog-api-key", "")

    def probe(self, path: str) -> bytes | None:
        if not path.endswith("/models"):
            return None
        return orjson.dumps({"models": [{"name": "models/gemini-3.8-flash", "version": "3.8"}]})

    def model(self, path: str, body: Any) -> str:
        match = re.search(r"models/([^:/]+):", path)
        return match[1] if match else ""

    def streams(self, path: str, body: Any) -> bool:
        return path.endswith(":streamGenerateContent")


def _body(text: str, usage: FakeUsage | None, finish: str | None) -> dict[str, Any]:
    body: dict[str, Any] = {"modelVersion": "$MODEL", "responseId": "resp_fake"}
    if finish == "blocked":
        body["promptFeedback"] = {"blockReason": "SAFETY"}
    else:
        content: dict[str, Any] = {"role": "model"}
        if text:
            content["parts"] = [{"text": text}]
        body["candidates"] = [{"content": content, "index": 0}]
        if finish is not None:
            body["candidates"][0]["finishReason"] = FINISH[finish]
        if finish == "continuation":
            body["candidates"][0]["continuationToken"] = "dG9rZW4="
    if usage is not None:
        body["usageMetadata"] = _usage(usage)
    return body


def _usage(usage: FakeUsage) -> dict[str, Any]:
    told = {
        "promptTokenCount": usage.input,
        "candidatesTokenCount": usage.output - usage.thoughts,
        "totalTokenCount": usage.input + usage.output,
    }
    if usage.cached:
        told["cachedContentTokenCount"] = usage.cached
    if usage.thoughts:
        told["thoughtsTokenCount"] = usage.thoughts
    return told


def _frame(body: dict[str, Any]) -> bytes:
    return b"data: " + orjson.dumps(body) + b"\r\n\r\n"


def _error(
    status: int, state: str, message: str, details: list[dict[str, Any]] | None = None
) -> dict[str, Any]:
    error: dict[str, Any] = {"code": status, "message": message, "status": state}
    if details:
        error["details"] = details
    return {"error": error}
