"""How a run's answer ended: from the answer itself, or from its row where there is none (stopped, failed)."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from core.database import Database
from core.errors import DatabaseUnavailable
from core.generation.detail import Detail, detail
from core.generation.explain import Explanation, explain
from core.generation.outcome import Result
from core.generation.queries import Filter, listing
from core.vocabulary import GenerationStatus, Traffic

Step = Mapping[str, Any]

PATIENCE = 5.0
"""Seconds to wait for a row whose end is being written."""
LOOK_SECONDS = 0.15
MOST_ROWS = 20
UNFINISHED = (GenerationStatus.PENDING, GenerationStatus.PROCESSING)


@dataclass(frozen=True, slots=True)
class Ending:
    """What became of one answer. Times in milliseconds from the start; `cost` None is unpriced."""

    status: str
    id: UUID
    provider: str | None
    model: str | None
    first_token_ms: int | None
    total_ms: int
    tokens: int
    estimated: bool
    credits: int
    cost: Decimal | None
    steps: Sequence[Step] = field(default=())
    explanation: Explanation | None = None

    @classmethod
    def of_result(cls, result: Result) -> "Ending":
        """The ending of a whole answer."""
        served = serving(result.trace)
        first = served.get("firstTokenMs") if served else result.first_token_ms
        return cls(
            GenerationStatus.COMPLETED, result.id, result.provider, result.model,
            first if first is None or not served else served.get("atMs", 0) + first,
            result.latency_ms, result.usage.output_tokens, result.usage.estimated,
            result.credits, result.cost, result.trace,
        )  # fmt: skip

    @classmethod
    def of_detail(cls, found: Detail) -> "Ending":
        """The ending that a row tells."""
        row = found.row
        return cls(
            row["status"], row["id"], row["provider"], row["model"], row["first_token_ms"], row["latency_ms"] or 0,
            row["output_tokens"] or 0, bool(row["usage_estimated"]), row["credits"] or 0, row["cost"],
            row["trace"] or (), explain(row, found.attempts),
        )  # fmt: skip


async def look_up(database: Database, user_id: UUID, request_id: str, since: datetime) -> Ending | None:
    """The ending of a person's test run, as soon as its row has one.

    Returns:
        None where there is no row (it was refused before one was made), or the database does not answer.
    """
    own = Filter(
        traffic=(Traffic.TEST,), user_id=user_id, begin=since - timedelta(seconds=1)
    )  # a row's id is made a moment after its order
    until = time.monotonic() + PATIENCE
    try:
        identifier = None
        while True:
            identifier = identifier or await _identifier(database, own, request_id)
            found = await detail(database, identifier, content=False) if identifier else None
            if found is None or found.row["status"] not in UNFINISHED or time.monotonic() > until:
                return Ending.of_detail(found) if found else None
            await asyncio.sleep(LOOK_SECONDS)
    except DatabaseUnavailable:
        return None


def serving(steps: Sequence[Step]) -> Step | None:
    """The step that answered."""
    return next((step for step in reversed(steps) if step["decision"] == "chosen"), None)


def tries(steps: Sequence[Step]) -> int:
    """How often the model that answered was called until it did."""
    served = serving(steps)
    return sum(
        1
        for step in steps
        if served
        and step.get("attempt")
        and (step["provider"], step.get("model")) == (served["provider"], served.get("model"))
    )


async def _identifier(database: Database, own: Filter, request_id: str) -> UUID | None:
    page = await listing(database, own, limit=MOST_ROWS)
    for line in page.lines:
        found = await detail(database, line.id, content=False)
        if found and found.row["request_id"] == request_id:
            return line.id
    return None
