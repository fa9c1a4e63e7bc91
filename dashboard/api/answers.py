"""How the API speaks JSON: camelCase models, orjson, and the errors that every operation documents."""

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import orjson
from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel
from starlette.responses import Response

OPTIONS = orjson.OPT_UTC_Z | orjson.OPT_NON_STR_KEYS
LINE = r"^[^\x00-\x1f\x7f]*$"
"""One line of text, as bodies and addresses take it."""


class Answer(Response):
    """A JSON answer. Handlers build plain dicts; the models below describe them in the OpenAPI."""

    media_type = "application/json"

    def render(self, content: Any) -> bytes:
        return to_json(content)


def to_json(content: Any) -> bytes:
    """Compact JSON; amounts of USD become numbers."""
    return orjson.dumps(content, default=_plain, option=OPTIONS)


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        return float(value)
    return str(value)


def utc(moment: datetime | None) -> datetime | None:
    """A moment as the API tells it: in UTC."""
    return moment.astimezone(UTC) if moment else None


class Body(BaseModel):
    """A request's body: camelCase, nothing that is not known, nothing converted by guesswork."""

    model_config = ConfigDict(
        alias_generator=to_camel,
        extra="forbid",
        strict=True,
        allow_inf_nan=False,
    )


class Shape(BaseModel):
    """A part of an answer, for the OpenAPI."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True)


class ErrorDetail(Shape):
    code: str = Field(
        description="One word for programs; stable.",
        examples=["insufficient_credits"],
    )
    message: str = Field(
        description="A sentence for people.",
        examples=["Insufficient credits: 12 required, 3 available."],
    )
    retryable: bool = Field(description="Whether the same request may succeed later.")
    details: dict[str, Any] | None = Field(
        None,
        description="Figures and names that go with the code.",
        examples=[{"required": 12, "available": 3}],
    )


class ErrorAnswer(Shape):
    """Every error of the API."""

    error: ErrorDetail


DESCRIPTIONS: Mapping[int, str] = {
    400: "The request is wrong, or a service key names no user (`user_required`).",
    401: "No identity: no key or session, or one that is unknown, revoked or expired.",
    402: "Credits or the trial do not suffice (`insufficient_credits`, `trial_expired`, `trial_used`).",
    403: "Not allowed, with the reason (`account_suspended`, `scope_missing`, `no_plan`, …).",
    404: "No such user, provider, model or address.",
    409: "In conflict with what is stored.",
    413: "The body or the prompt is too large.",
    422: "A field is unknown, missing or of the wrong kind; or the vendor's safety rules forbid it.",
    429: "A limit is reached (`rate_limited`, `daily_limit`, `monthly_ceiling`); `Retry-After` says when to come back.",
    502: "The vendor failed in the middle of its answer.",
    503: "No provider could answer (`all_providers_failed`, `no_provider`, with `details.causes`), or the database is away.",
}


def errors(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The `responses` of an operation for these statuses; 401, 422 and 503 come with every one."""
    return {
        status: {"model": ErrorAnswer, "description": DESCRIPTIONS[status]}
        for status in sorted({401, 422, 503, *statuses})
    }
