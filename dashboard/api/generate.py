"""Generating text: whole, or as a stream of events."""

import time
from decimal import Decimal
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Request
from pydantic import Field, StringConstraints
from starlette.responses import Response

from core.accounts.keys import Scope
from core.accounts.project_lists import require_project
from core.errors import InvalidRequest, PurserError
from core.generation.order import DEFAULT_MAX_TOKENS, MOST_TOKENS, URGENCIES, TextOrder
from core.generation.outcome import Result
from core.generation.templates import TEMPLATES
from core.providers.base import Message
from core.vocabulary import STRATEGIES
from dashboard.api.answers import Answer, Body, Shape, errors
from dashboard.api.identity import Caller, Identified
from dashboard.api.stream import EventStream
from dashboard.discretion import discreet_steps, make_discreet

router = APIRouter(prefix="/api/ai", tags=["Generation"])

Word = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]+$")]


class ChatMessage(Body):
    """One message of a conversation."""

    role: Literal["system", "user", "assistant"]
    content: str


class GenerateText(Body):
    """What to write, and how. Give `prompt`, or `messages`."""

    prompt: str | None = Field(None, examples=["Write a tagline for a bakery by the sea."])
    messages: list[ChatMessage] | None = Field(None, description="The last one is the user's.")
    system: str | None = Field(None, description="The system prompt; it follows the template's.")
    type: Word | None = Field(None, description=f"A template: {', '.join(TEMPLATES)}.", examples=["story"])
    model: Word | None = Field(None, description="Its own providers are asked first.")
    provider: Word | None = Field(None, description="Only this one, unless `allowFallback` is true.")
    allow_fallback: bool | None = Field(
        None, description="Whether others may answer. True unless given, false where `provider` is named."
    )
    strategy: Word | None = Field(
        None, description=f"{', '.join(STRATEGIES)}; the plan's own unless given.", examples=["priority"]
    )
    task_type: Word | None = Field(None, description="Only providers specialised in it.", examples=["code"])
    max_cost: Decimal | None = Field(None, strict=False, description="USD that the request may cost at most.")
    urgency: Word | None = Field(
        None,
        description=f"{', '.join(URGENCIES)}; immediate asks up to three providers at once, and the first good answer wins.",
        examples=["normal"],
    )
    temperature: float | None = Field(
        None, description="0 to 2; left out where the model takes none.", examples=[0.7]
    )
    max_tokens: int | None = Field(
        None, description=f"1 to {MOST_TOKENS:,}; {DEFAULT_MAX_TOKENS:,} unless given.", examples=[500]
    )
    stream: bool = Field(False, description="Answer as server-sent events.")
    project_id: UUID | None = Field(None, strict=False, description="What to attribute it to.")
    conversation_id: Any = Field(None, description="Not available yet.")
    cache: bool | None = Field(None, description="Not available yet.")


class TokenUsage(Shape):
    input_tokens: int = Field(description="The whole prompt, cached parts included.")
    cached_tokens: int
    output_tokens: int
    estimated: bool = Field(description="Whether this is our count, since the vendor told none.")


class TraceStep(Shape):
    """One decision on the way: a candidate chosen, failed, skipped or not needed, and why."""

    provider: str
    model: str | None = None
    decision: str = Field(examples=["chosen"])
    reason: str = Field(examples=["first_in_order"])
    detail: str
    at_ms: int
    attempt: int | None = None
    error_class: str | None = None
    latency_ms: int | None = None
    first_token_ms: int | None = None
    simulated: bool | None = Field(None, description="Whether it met a simulated outage; test runs only.")


class TextAnswer(Shape):
    """The text, who wrote it, and what it was charged."""

    id: UUID
    text: str
    provider: str = Field(examples=["openai"])
    model: str = Field(examples=["gpt-6.1-sol"])
    usage: TokenUsage
    credits: int = Field(description="Charged.", examples=[3])
    balance: int = Field(description="After it.", examples=[1477])
    cost: float | None = Field(
        None, description="USD, null where unpriced; only for those who may see costs."
    )
    latency_ms: int
    first_token_ms: int | None
    finish_reason: str = Field(examples=["stop"])
    trace: list[TraceStep]


EVENTS = (
    'event: token\ndata: {"text": "Bread that tastes of the tide."}\n\n'
    'event: done\ndata: {"id": "…", "text": "…", "credits": 3, …}\n\n'
)


@router.post(
    "/generate-text",
    summary="Generate text",
    responses={
        200: {
            "model": TextAnswer,
            "description": "The text. With `stream`: events `token` ({text}), then `done` (the same as the JSON answer), or"
            " `error` (the error's shape), where what was delivered is charged.",
            "content": {"text/event-stream": {"schema": {"type": "string"}, "example": EVENTS}},
        },
        **errors(400, 402, 403, 404, 409, 413, 429),
    },
)
async def generate_text(request: Request, body: GenerateText, caller: Identified) -> Response:
    """Writes a text with the first provider that answers, and charges the user's credits for it.

    Before the first byte a failed provider is followed by the next; `trace` says who was asked and why. What fails as
    a whole costs nothing.
    """
    began = time.perf_counter()
    caller.require(Scope.GENERATE)
    user = caller.active_user_or_visitor()
    order = _order(body)
    if order.project_id:
        await require_project(caller.purser.database, user.id, order.project_id)
    await caller.count_generation()
    generations = caller.purser.generations
    if order.streamed:
        stream = generations.stream_text(user, order, request_id=caller.request_id)
        events = EventStream(
            stream,
            lambda result: _told(result, caller),
            lambda error: _fit(error, caller),
            caller.request_id,
        )
        try:
            answer = await events.begin(request)
        except PurserError as error:
            _fit(error, caller)
            raise
        answer.headers["Server-Timing"] = f'first;dur={_since(began):.1f};desc="to the first token"'
        return answer
    try:
        result = await generations.generate_text(user, order, request_id=caller.request_id)
    except PurserError as error:
        _fit(error, caller)
        raise
    ours = max(0.0, _since(began) - result.vendor_ms)
    timing = f"vendor;dur={result.vendor_ms}, purser;dur={ours:.1f}"
    return Answer(_told(result, caller), headers={"Server-Timing": timing})


def _order(body: GenerateText) -> TextOrder:
    """The request in the service's words; what is not built yet is refused rather than passed over."""
    if body.conversation_id is not None:
        raise InvalidRequest(
            "conversationId is not available yet: send the conversation's messages.", code="not_available"
        )
    if body.cache:
        raise InvalidRequest("cache is not available yet: leave it out.", code="not_available")
    if body.prompt is not None and body.messages is not None:
        raise InvalidRequest("Give a prompt or messages, not both.")
    if body.messages is not None:
        messages = tuple(Message(message.role, message.content) for message in body.messages)
    else:
        messages = () if body.prompt is None else (Message("user", body.prompt),)
    return TextOrder(
        messages=messages,
        system=body.system,
        type=body.type,
        model=body.model,
        provider=body.provider,
        allow_fallback=body.allow_fallback,
        strategy=body.strategy,
        task_type=body.task_type,
        max_cost=body.max_cost,
        urgency=body.urgency or "normal",
        temperature=body.temperature,
        max_tokens=DEFAULT_MAX_TOKENS if body.max_tokens is None else body.max_tokens,
        project_id=body.project_id,
        streamed=body.stream,
    )


def _told(result: Result, caller: Caller) -> dict[str, Any]:
    usage = result.usage
    told: dict[str, Any] = {
        "id": result.id,
        "text": result.text,
        "provider": result.provider,
        "model": result.model,
        "usage": {
            "inputTokens": usage.input_tokens,
            "cachedTokens": usage.cached_tokens,
            "outputTokens": usage.output_tokens,
            "estimated": usage.estimated,
        },
        "credits": result.credits,
        "balance": result.balance,
        "latencyMs": result.latency_ms,
        "firstTokenMs": result.first_token_ms,
        "finishReason": result.finish_reason,
        "trace": result.trace if caller.sees_costs else discreet_steps(result.trace),
    }
    if caller.sees_own_costs:
        told["cost"] = result.cost
    return told


def _fit(error: PurserError, caller: Caller) -> None:
    if not caller.sees_costs:
        make_discreet(error)


def _since(began: float) -> float:
    return (time.perf_counter() - began) * 1000
