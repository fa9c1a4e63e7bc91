"""Rows of the past for tests of figures: attempts, generations, probes and events, made at a moment of one's choice."""

from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg.types.json import Jsonb

from core.database import Database
from core.errors import ErrorClass
from core.ids import first_id_at, new_id


def id_at(moment: datetime) -> UUID:
    """A fresh UUIDv7 of a moment."""
    return UUID(int=first_id_at(moment).int | (new_id().int & ((1 << 62) - 1)))


async def make_provider(database: Database, slug: str = "alpha", **fields: Any) -> UUID:
    """A provider's row, for rows that refer to one; the kind is OpenAI's."""
    values: dict[str, Any] = {"ranks": '{"text": 1}', "default_models": "{}"} | fields
    identifier = new_id()
    await database.execute(
        "insert into providers (id, slug, name, kind, ranks, default_models)"
        " values (%(id)s, %(slug)s, %(slug)s, 'openai', %(ranks)s, %(default_models)s)",
        {"id": identifier, "slug": slug, **values},
    )
    return identifier


async def make_attempt(database: Database, provider_id: UUID, at: datetime, **fields: Any) -> None:
    """A good call of 100 ms for a cent, unless told otherwise; a cost of None is unpriced."""
    values: dict[str, Any] = {
        "outcome": "completed", "error_class": None, "latency_ms": 100, "first_token_ms": None, "cost": "0.01",
        "traffic": "live", "modality": "text", "serving": True, "simulated": False, "tokens": 10, "provider": "alpha",
    } | fields  # fmt: skip
    await database.execute(
        "insert into attempts (id, generation_id, number, modality, provider_id, provider, model, outcome, error_class,"
        " latency_ms, first_token_ms, cost, unpriced, traffic, serving, simulated, input_tokens, output_tokens)"
        " values (%(id)s, %(id)s, 1, %(modality)s, %(by)s, %(provider)s, 'm', %(outcome)s, %(error_class)s,"
        " %(latency_ms)s, %(first_token_ms)s, %(cost)s, %(cost)s::numeric is null, %(traffic)s, %(serving)s,"
        " %(simulated)s, %(tokens)s, 0)",
        {"id": id_at(at), "by": provider_id, **values},
    )


async def make_generation(database: Database, at: datetime, **fields: Any) -> UUID:
    """A completed text of 100 ms for one credit, unless told otherwise."""
    values: dict[str, Any] = {
        "status": "completed", "traffic": "live", "modality": "text", "latency_ms": 100, "credits": 1,
        "revenue": "0.01", "provider": "alpha", "error_class": None, "error_code": None,
    } | fields  # fmt: skip
    identifier = id_at(at)
    await database.execute(
        "insert into generations (id, status, traffic, modality, latency_ms, credits, revenue, provider, error_class,"
        " error_code) values (%(id)s, %(status)s, %(traffic)s, %(modality)s, %(latency_ms)s, %(credits)s, %(revenue)s,"
        " %(provider)s, %(error_class)s, %(error_code)s)",
        {"id": identifier, **values},
    )
    return identifier


async def make_probe(
    database: Database, provider_id: UUID, at: datetime, error_class: ErrorClass | None = None
) -> None:
    """What a probe found: an answer, or a failure."""
    await database.execute(
        "insert into probes (id, provider_id, ok, latency_ms, error_class, at) values (%s, %s, %s, 10, %s, %s)",
        (id_at(at), provider_id, error_class is None, error_class, at),
    )


async def make_event(
    database: Database, provider_id: UUID, at: datetime, kind: str, reason: str = "", **fields: Any
) -> None:
    """Something that happened to a provider; `detail` as a mapping."""
    values: dict[str, Any] = {"modality": "text", "detail": {}} | fields
    await database.execute(
        "insert into provider_events (id, provider_id, modality, kind, reason, detail, at)"
        " values (%(id)s, %(by)s, %(modality)s, %(kind)s, %(reason)s, %(detail)s, %(at)s)",
        {"id": id_at(at), "by": provider_id, "kind": kind, "reason": reason, "at": at,
            "modality": values["modality"], "detail": Jsonb(values["detail"])},
    )  # fmt: skip


async def make_months(database: Database, begin: datetime, months: int = 4) -> None:
    """Partitions for rows since a moment."""
    await database.fetch_one("select ensure_partitions(%s::date, %s)", (begin.date(), months))
