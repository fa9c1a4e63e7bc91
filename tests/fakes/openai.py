"""OpenAI's wire format (chat completions), and DeepSeek's over it."""

from collections.abc import Mapping
from typing import Any, ClassVar

import orjson

from tests.fakes.vendor import FakeUsage, Reply

FINISH = {"stop": "stop", "length": "length", "blocked": "content_filter", "tool": "tool_calls"}

ERRORS: dict[str, tuple[int, str, str, str | None]] = {
    "forbidden": (403, "You are not allowed to use this model.", "invalid_request_error", None),
    "rate_limit": (429, "Rate limit reached for requests.", "requests", "rate_limit_exceeded"),
    "server_error": (500, "The server had an error while processing your request.", "server_error", None),
    "overloaded": (503, "The engine is currently overloaded, please try again later.", "server_error", None),
    "timeout": (504, "The request took too long.", "server_error", None),
    "model_not_found": (
        404,
        "The model `$MODEL` does not exist.",
        "invalid_request_error",
        "model_not_found",
    ),
    "model_not_found_400": (400, "Model Not Exist", "invalid_request_error", "invalid_request_error"),
    "invalid_request": (400, "Invalid value for 'messages'.", "invalid_request_error", None),
    "too_large": (413, "The request is too large.", "invalid_request_error", None),
    "unprocessable": (422, "Input should be a valid list.", "invalid_request_error", None),
    "blocked_400": (400, "Your request was rejected.", "invalid_request_error", "content_policy_violation"),
}

QUOTA_SHAPES: dict[str, tuple[int, str, str | None]] = {
    "insufficient_quota": (429, "insufficient_quota", "insufficient_quota"),
    "insufficient_quota_type": (429, "insufficient_quota", None),
    "credit_balance_exhausted": (429, "billing", "credit_balance_exhausted"),
    "organization_spend_limit_exceeded": (429, "billing", "organization_spend_limit_exceeded"),
    "project_spend_limit_exceeded": (429, "billing", "project_spend_limit_exceeded"),
    "organization_usage_limit_exceeded": (429, "billing", "organization_usage_limit_exceeded"),
    "payment_required": (402, "unknown_error", "invalid_request_error"),
}


class OpenAIWire:
    faults: ClassVar[frozenset[str]] = frozenset({*ERRORS, "unauthorized", "quota"})
    quota: ClassVar[str] = "insufficient_quota"

    def whole(self, text: str, usage: FakeUsage | None, finish: str) -> bytes:
        body = {
            "id": "chatcmpl-fake",
            "object": "chat.completion",
            "created": 1_790_000_000,
            "model": "$MODEL",
            "choices": [
                {
                    "index": 0,
                    "message": {"role": "assistant", "content": text or None, "refusal": None},
                    "logprobs": None,
                    "finish_reason": FINISH[finish],
                }
            ],
        }
        if usage is not None:
            body["usage"] = self.usage(usage)
        return orjson.dumps(body)

    def frames(self, text: str, usage: FakeUsage | None, finish: str) -> list[bytes]:
        deltas: list[dict[str, Any]] = [{"role": "assistant", "content": ""}]
        deltas += [{"content": piece} for piece in pieces(text)]
        frames = [_chunk([{"index": 0, "delta": delta, "finish_reason": None}]) for delta in deltas]
        frames.append(_chunk([{"index": 0, "delta": {}, "finish_reason": FINISH[finish]}]))
        if usage is not None:
            frames.append(_chunk([], self.usage(usage)))
        return [*frames, b"data: [DONE]\n\n"]

    def usage(self, usage: FakeUsage) -> dict[str, Any]:
        told: dict[str, Any] = {
            "prompt_tokens": usage.input,
            "completion_tokens": usage.output,
            "total_tokens": usage.input + usage.output,
            "prompt_tokens_details": {"cached_tokens": usage.cached, "audio_tokens": 0},
            "completion_tokens_details": {"reasoning_tokens": usage.thoughts},
        }
        if usage.cost is not None:
            told["cost"] = usage.cost
        return told

    def broken_frame(self) -> bytes:
        return b'data: {"id": "chatcmpl-fake", "choices": [\n\n'

    def error_frame(self, options: dict[str, Any]) -> bytes:
        error = {
            "message": "The server had an error in the middle.",
            "type": "server_error",
            "code": options.get("code"),
        }
        return b"data: " + orjson.dumps({"error": error}) + b"\n\n"

    def reply(self, name: str, options: dict[str, Any], key: str) -> Reply:
        if name == "unauthorized":
            message = f"Incorrect API key provided: {key}. You can find your API key in your account."
            return _error(401, message, "invalid_request_error", "invalid_api_key", options)
        if name == "quota":
            status, kind, code = QUOTA_SHAPES[options.get("shape", self.quota)]
            return _error(status, "You exceeded your current quota.", kind, code, options)
        status, message, kind, code = ERRORS[name]
        return _error(
            status, message, kind, code, {"retry_after": 2, **options} if status == 429 else options
        )

    def key(self, headers: Mapping[str, str]) -> str:
        return headers.get("Authorization", "").removeprefix("Bearer ")

    def probe(self, path: str) -> bytes | None:
        if not path.endswith("/models"):
            return None
        models = [
            {"id": m, "object": "model", "created": 1, "owned_by": "fake"}
            for m in ("gpt-6-luna", "gpt-6.1-sol")
        ]
        return orjson.dumps({"object": "list", "data": models})

    def model(self, path: str, body: Any) -> str:
        return body["model"]

    def streams(self, path: str, body: Any) -> bool:
        return body.get("stream") is True


class DeepSeekWire(OpenAIWire):
    quota: ClassVar[str] = "payment_required"
    available = True

    def usage(self, usage: FakeUsage) -> dict[str, Any]:
        return {
            "prompt_tokens": usage.input,
            "completion_tokens": usage.output,
            "total_tokens": usage.input + usage.output,
            "prompt_cache_hit_tokens": usage.cached,
            "prompt_cache_miss_tokens": usage.input - usage.cached,
        }

    def probe(self, path: str) -> bytes | None:
        if path != "/user/balance":
            return None
        balance = {
            "currency": "USD",
            "total_balance": "110.00" if self.available else "0.00",
            "granted_balance": "10.00",
            "topped_up_balance": "100.00",
        }
        return orjson.dumps({"is_available": self.available, "balance_infos": [balance]})


def pieces(text: str) -> list[str]:
    """A text in words, as a vendor streams it."""
    words = text.split(" ")
    return [word if number == 0 else " " + word for number, word in enumerate(words)] if text else []


def retry_headers(options: dict[str, Any]) -> dict[str, str]:
    names = {"retry_after": "Retry-After", "retry_after_ms": "Retry-After-Ms"}
    return {header: str(options[name]) for name, header in names.items() if options.get(name) is not None}


def _chunk(choices: list[dict[str, Any]], usage: dict[str, Any] | None = None) -> bytes:
    chunk = {
        "id": "chatcmpl-fake",
        "object": "chat.completion.chunk",
        "created": 1_790_000_000,
        "model": "$MODEL",
        "choices": choices,
        "usage": usage,
    }
    return b"data: " + orjson.dumps(chunk) + b"\n\n"


def _error(status: int, message: str, kind: str, code: str | None, options: dict[str, Any]) -> Reply:
    error = {"message": options.get("message", message), "type": kind, "param": None, "code": code}
    return Reply(status, orjson.dumps({"error": error}), retry_headers(options))
