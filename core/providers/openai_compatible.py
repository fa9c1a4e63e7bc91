"""Any server that speaks OpenAI's chat completions: Ollama, vLLM, Groq, OpenRouter, and the base for OpenAI itself.

Wire format: `POST /chat/completions`, streamed as `data: {chunk}` frames up to `data: [DONE]`, usage in a last chunk
with empty choices (openai 3.52, `openai/types/chat`). Compatible servers may leave out usage, and more.
"""

import asyncio
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
    from openai import AsyncOpenAI


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
        _ = client.chat.completions, client.models
        return client

    async def _shut(self, client: "AsyncOpenAI") -> None:
        await client.close()

    async def _complete(self, client: "AsyncOpenAI", model: str, request: TextRequest, limit: float) -> Any:
        return await client.chat.completions.create(**self._arguments(model, request, limit))

    async def _open_stream(
        self, client: "AsyncOpenAI", model: str, request: TextRequest, limit: float, answer: Answer
    ) -> EventStream:
        stream = await client.chat.completions.create(
            **self._arguments(model, request, limit), stream=True, stream_options={"include_usage": True}
        )
        answer.request_id = stream.response.headers.get("x-request-id")
        return stream

    def _arguments(self, model: str, request: TextRequest, limit: float) -> dict[str, Any]:
        messages = [{"role": m.role, "content": m.content} for m in request.messages]
        if request.system is not None:
            messages.insert(0, {"role": "system", "content": request.system})
        arguments: dict[str, Any] = {
            "model": model,
            "messages": messages,
            self.max_tokens_name: request.max_tokens,
            "timeout": timeouts(limit),
        }
        if request.temperature is not None:
            arguments["temperature"] = request.temperature
        return arguments

    def _read_whole(self, reply: Any, answer: Answer) -> None:
        if isinstance(reply, str):  # not JSON, says its content type
            raise ProviderError(ErrorClass.SERVER, "The vendor answered with something that is not JSON.")
        self._refuse_error_body(reply)
        answer.request_id = reply._request_id
        answer.model = reply.model or answer.model
        answer.usage = self._usage(reply.usage)
        if not reply.choices:
            return
        choice = reply.choices[0]
        answer.finish = self._finish(choice.finish_reason, answer)
        message = choice.message
        if message is not None and message.content:
            answer.pieces.append(message.content)
        elif message is not None and getattr(message, "refusal", None):
            answer.blocked = failures.sentence(message.refusal, None, key=self.connection.api_key)

    def _read_event(self, event: Any, answer: Answer) -> str:
        if event.usage is not None:
            answer.usage = self._usage(event.usage)
        if not event.choices:
            return ""
        choice = event.choices[0]
        if choice.finish_reason is not None:
            answer.finish = self._finish(choice.finish_reason, answer)
        # Thinking comes in fields of its own (`reasoning_content`, `reasoning`): it is billed, not answered.
        return (choice.delta.content or "") if choice.delta is not None else ""

    def _usage(self, told: Any) -> Usage | None:
        """Usage in Purser's meaning: OpenAI's prompt tokens include cached ones, its completion tokens thinking."""
        if told is None or told.prompt_tokens is None:
            return None
        prompt, completion = told.prompt_tokens, told.completion_tokens or 0
        prompt_details, completion_details = told.prompt_tokens_details, told.completion_tokens_details
        thinking = (completion_details.reasoning_tokens or 0) if completion_details else 0
        if thinking and told.total_tokens == prompt + completion + thinking:
            completion += thinking  # a server that counts them apart (xAI)
        extras = told.model_extra or {}
        return Usage(
            input_tokens=prompt,
            cached_tokens=(prompt_details.cached_tokens or 0) if prompt_details else 0,
            cache_write_tokens=(prompt_details.cache_write_tokens or 0) if prompt_details else 0,
            output_tokens=completion,
            cost=_usd(extras.get("cost")),
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

    def _refuse_error_body(self, reply: Any) -> None:
        """OpenRouter answers 200 with an error inside where the vendor behind it failed."""
        error = (reply.model_extra or {}).get("error")
        if error and not reply.choices:
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


def _usd(cost: object) -> Decimal | None:
    if cost is None or isinstance(cost, bool):
        return None
    try:
        usd = Decimal(str(cost))
    except InvalidOperation:
        return None
    return usd if usd.is_finite() and usd >= 0 else None
