"""Any server that speaks OpenAI's chat completions: Ollama, vLLM, Groq, OpenRouter, and the base for OpenAI itself.

Wire format: `POST /chat/completions`, streamed as `data: {chunk}` frames up to `data: [DONE]`, usage in a last chunk
with empty choices (openai 3.52, `openai/types/chat`). Compatible servers may leave out usage, and more.
"""

import asyncio
import importlib
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any, ClassVar

from core.errors import ErrorClass
from core.providers import failures
from core.providers.answer import Answer
from core.providers.base import CONNECT_TIMEOUT, FinishReason, ProviderError, TextRequest, Usage
from core.providers.sdk import EventStream, SdkProvider
from core.vocabulary import Modality

if TYPE_CHECKING:
    import httpx2
    from openai import AsyncOpenAI, RequestOptions


class OpenAICompatible(SdkProvider["AsyncOpenAI"]):
    """A connection to an OpenAI-compatible server; the base URL is required and ends in `/v1` or the like."""

    kind: ClassVar[str] = "openai_compatible"
    label: ClassVar[str] = "OpenAI-compatible"
    modalities: ClassVar[frozenset[Modality]] = frozenset({Modality.TEXT})
    needs_key: ClassVar[bool] = False
    max_tokens_name: ClassVar[str] = "max_tokens"
    """OpenAI deprecates the name that most compatible servers only know."""

    async def _build(self) -> "AsyncOpenAI":
        return await asyncio.to_thread(self._make_client)

    def _make_client(self) -> "AsyncOpenAI":
        import openai

        # The SDK looks at every call whether `httpx` is loaded, and must not find it half loaded, by another thread
        # that imports another SDK.
        importlib.import_module("httpx")

        base_url = self.connection.base_url or self.default_base_url
        if base_url is None:
            raise ProviderError(ErrorClass.INVALID_REQUEST, "This provider needs a base URL.")
        client = openai.AsyncOpenAI(
            # The SDK insists on a key, also for servers that want none.
            api_key=self.connection.api_key or "none",
            base_url=base_url,
            max_retries=0,
            # A redirect could lead a checked address to an internal one.
            http_client=openai.DefaultAioHttpClient(follow_redirects=False),
        )
        # Read from the environment by the SDK; meant for OpenAI at most, and nothing that Purser was told.
        client.organization = client.project = None
        _ = client.models
        # The whole address: from a path, the SDK would put it together anew for every call.
        self._address = str(client.base_url).removesuffix("/") + "/chat/completions"
        return client

    async def _shut(self, client: "AsyncOpenAI") -> None:
        await client.close()

    # The SDK's typed methods make a model of every request, answer and chunk, which takes longer than all the rest of
    # a call. `post` is its documented way past that: same transport, key, timeouts and errors, but plain JSON.

    async def _complete(self, client: "AsyncOpenAI", model: str, request: TextRequest, limit: float) -> Any:
        import httpx2

        return await client.post(
            self._address, cast_to=httpx2.Response, body=self._body(model, request), options=_options(limit)
        )

    async def _open_stream(
        self, client: "AsyncOpenAI", model: str, request: TextRequest, limit: float, answer: Answer
    ) -> EventStream:
        from openai import AsyncStream

        body = {**self._body(model, request), "stream": True, "stream_options": {"include_usage": True}}
        stream = await client.post(
            self._address,
            cast_to=object,
            body=body,
            options=_options(limit),
            stream=True,
            stream_cls=AsyncStream[object],
        )
        answer.request_id = stream.response.headers.get("x-request-id")
        return stream

    def _body(self, model: str, request: TextRequest) -> dict[str, Any]:
        messages = [{"role": m.role, "content": m.content} for m in request.messages]
        if request.system is not None:
            messages.insert(0, {"role": "system", "content": request.system})
        body: dict[str, Any] = {
            "model": model,
            "messages": messages,
            self.max_tokens_name: request.max_tokens,
        }
        if request.temperature is not None:
            body["temperature"] = request.temperature
        return body

    def _read_whole(self, reply: Any, answer: Answer) -> None:
        answer.request_id = reply.headers.get("x-request-id")
        told = json_object(reply)
        self._refuse_error_body(told)
        answer.model = told.get("model") or answer.model
        answer.usage = self._usage(told.get("usage"))
        if not told.get("choices"):
            return
        choice = told["choices"][0]
        answer.finish = self._finish(choice.get("finish_reason"), answer)
        message = choice.get("message") or {}
        if message.get("content"):
            answer.pieces.append(message["content"])
        elif message.get("refusal"):
            answer.blocked = failures.sentence(message["refusal"], None, key=self.connection.api_key)

    def _read_event(self, event: Any, answer: Answer) -> str:
        if (usage := event.get("usage")) is not None:
            answer.usage = self._usage(usage)
        if not event.get("choices"):
            return ""
        choice = event["choices"][0]
        if (reason := choice.get("finish_reason")) is not None:
            answer.finish = self._finish(reason, answer)
        # Thinking comes in fields of its own (`reasoning_content`, `reasoning`): it is billed, not answered.
        return (choice.get("delta") or {}).get("content") or ""

    def _usage(self, told: Any) -> Usage | None:
        """Usage in Purser's meaning: OpenAI's prompt tokens include cached ones, its completion tokens thinking."""
        if told is None or (prompt := told.get("prompt_tokens")) is None:
            return None
        completion = told.get("completion_tokens") or 0
        prompt_details = told.get("prompt_tokens_details") or {}
        thinking = (told.get("completion_tokens_details") or {}).get("reasoning_tokens") or 0
        if thinking and told.get("total_tokens") == prompt + completion + thinking:
            completion += thinking  # a server that counts them apart (xAI)
        return Usage(
            input_tokens=prompt,
            cached_tokens=prompt_details.get("cached_tokens") or 0,
            cache_write_tokens=prompt_details.get("cache_write_tokens") or 0,
            output_tokens=completion,
            cost=_usd(told.get("cost")),
        )

    def _finish(self, reason: str | None, answer: Answer) -> FinishReason | None:
        if reason == "insufficient_system_resource":  # DeepSeek broke off for want of machines
            raise ProviderError(
                ErrorClass.OVERLOADED, "The vendor ran out of capacity in the middle.", usage=answer.usage
            )
        if reason == "error":  # OpenRouter: the vendor behind it failed
            raise ProviderError(
                ErrorClass.SERVER, "The vendor ended the answer with an error.", usage=answer.usage
            )
        return FINISH_REASONS.get(reason, "other") if reason else None

    async def _ask(self, client: "AsyncOpenAI", limit: float) -> str:
        page = await client.models.list(timeout=timeouts(limit))
        if not isinstance(getattr(page, "data", None), list):
            raise ProviderError(
                ErrorClass.INVALID_REQUEST,
                "No list of models under this address; does the base URL end in /v1?",
            )
        return f"{len(page.data)} models listed."

    def _refuse_error_body(self, told: dict[str, Any]) -> None:
        """OpenRouter answers 200 with an error inside where the vendor behind it failed."""
        error = told.get("error")
        if error and not told.get("choices"):
            code = error.get("code") if isinstance(error, dict) else None
            words = failures.words_of(error)
            raise ProviderError(
                failures.classify(None, (code,), words or ""),
                failures.sentence(words, None, key=self.connection.api_key),
                vendor_code=str(code) if code else None,
            )

    def _vendor_error(self, failure: Exception) -> ProviderError | None:
        import openai

        if isinstance(failure, openai.APIStatusError):
            codes = (failure.code, failure.type)
            headers, request_id = failure.response.headers, failure.request_id
            return self._from_body(failure.status_code, failure.body, codes, headers, request_id)
        if type(failure) is openai.APIError:  # an error chunk in the middle of a stream: no status of its own
            words = failures.words_of(failure.body) or failure.message
            return self._from_body(None, failure.body, (failure.code, failure.type), words=words)
        return None


FINISH_REASONS: dict[str, FinishReason] = {
    "stop": "stop",
    "length": "length",
    "content_filter": "content_blocked",
    "tool_calls": "tool",
    "function_call": "tool",
}


def timeouts(total: float) -> "httpx2.Timeout":
    """The transport's timeouts under a total, in seconds: connecting gets ten at most."""
    import httpx2

    return httpx2.Timeout(total, connect=min(CONNECT_TIMEOUT, total))


def json_object(reply: "httpx2.Response") -> dict[str, Any]:
    """The JSON object that a plain answer is.

    Raises:
        ProviderError: it is something else (a proxy's page, an answer that was cut).
    """
    try:
        told = reply.json()
    except ValueError:
        told = None
    if not isinstance(told, dict):
        raise ProviderError(ErrorClass.SERVER, "The vendor answered with something that is not JSON.")
    return told


def _options(limit: float) -> "RequestOptions":
    return {"timeout": timeouts(limit), "security": {"bearer_auth": True}}


def _usd(cost: object) -> Decimal | None:
    if cost is None or isinstance(cost, bool):
        return None
    try:
        usd = Decimal(str(cost))
    except InvalidOperation:
        return None
    return usd if usd.is_finite() and usd >= 0 else None
