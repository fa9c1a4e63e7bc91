"""The two transactions of a generation, and what happens when the database is away for the second.

An answer in hand is worth waiting a moment for; a release can be written later; what is never written is resolved by
the sweeper once the lease has run out. The statements change nothing where an earlier try did its work though its
answer was lost.
"""

import asyncio
import time
from collections.abc import Coroutine
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import orjson

from core.credits.service import LEASE_SECONDS
from core.database import Database
from core.errors import DatabaseUnavailable, PurserError
from core.generation import statements
from core.generation.admission import Quota
from core.generation.outcome import attempt_fields, outcome_fields
from core.generation.running import Asked, Running
from core.log import get_logger
from core.providers.base import Usage

log = get_logger(__name__)

SETTLE_PATIENCE = 10.0
"""Seconds for which a lost database is waited for before an answer in hand is given up."""


@dataclass(frozen=True, slots=True)
class Reserved:
    """The first transaction's answer: `held`, or why not; credits held or required, available, and the quota's count."""

    outcome: str
    amount: int
    available: int
    used: int | None


@dataclass(frozen=True, slots=True)
class Settled:
    """The second transaction's answer. `cost` in USD over all attempts, None where nothing is priced."""

    charged: int
    balance: int
    cost: Decimal | None
    latency_ms: int


class Books:
    """One per process."""

    def __init__(self, database: Database, credit_usd_value: Decimal) -> None:
        self._database = database
        self._credit_usd_value = credit_usd_value
        self._ending: set[asyncio.Task[Any]] = set()

    async def begin(self, asked: Asked, amounts: tuple[int, ...], quota: Quota) -> Reserved:
        """Quota, reservation and row, in one."""
        visitor = asked.person.visitor
        row = await self._database.fetch_one(
            statements.BEGIN_FOR_VISITOR if visitor else statements.BEGIN,
            {
                **asked.row(),
                "visitor": visitor,
                "amounts": list(amounts),
                "lease_seconds": LEASE_SECONDS,
                "day": quota.day,
                "day_cap": quota.day_cap,
                "month": quota.month,
                "month_cap": quota.month_cap,
                "trial_cap": quota.trial_cap,
            },
        )
        assert row is not None, "the reservation always answers"
        return Reserved(*row)

    async def settle(
        self,
        running: Running,
        status: str,
        text: str,
        usage: Usage,
        *,
        finish_reason: str | None = None,
        error: PurserError | None = None,
        cut: str | None = None,
    ) -> Settled:
        """Charge, entry, attempts and row, in one.

        Raises:
            DatabaseUnavailable: it did not come back in time; nothing was charged.
        """
        attempt = running.walk.current
        assert attempt is not None, "what is charged was answered by somebody"
        due = attempt.offer.charge(usage)
        fields = outcome_fields(
            running,
            status,
            excess=max(0, due - running.held),
            usage=usage,
            error=error,
            finish_reason=finish_reason,
            cut=cut,
        )
        params = {
            **_end(running, fields),
            "settle": True,
            "charge": due,
            "reason": f"Text by {attempt.offer.model.id} {attempt.offer.price_words}".rstrip(),
            "credit_usd_value": self._credit_usd_value,
            "answer": text,
        }
        until = time.monotonic() + SETTLE_PATIENCE
        while True:
            try:
                row = await self._database.fetch_one(statements.END, params)
            except DatabaseUnavailable:
                if time.monotonic() > until:
                    raise
                await asyncio.sleep(0.25)
            else:
                assert row is not None, "an ending always answers"
                return Settled(row[1], row[2], fields["cost"], fields["latency_ms"])

    async def fail(
        self, running: Running, status: str, *, error: PurserError | None = None, cut: str | None = None
    ) -> None:
        """Gives back what was held, and ends the row; while the database is away, that is tried in the background."""
        params = {
            **_end(running, outcome_fields(running, status, error=error, cut=cut)),
            "settle": False,
            "charge": None,
            "reason": None,
            "credit_usd_value": None,
            "answer": None,
        }
        try:
            await self._database.fetch_one(statements.END, params)
        except DatabaseUnavailable:
            self.later(self._when_back(params))

    async def refuse(self, asked: Asked, refusal: PurserError) -> None:
        """A row for a request that was turned away, so that support finds it."""
        try:
            await self._database.execute(
                statements.REFUSE,
                {
                    **asked.row(),
                    "error_code": refusal.code,
                    "error_message": refusal.message,
                    "trace": orjson.dumps(refusal.details.get("causes", [])).decode(),
                },
            )
        except DatabaseUnavailable:
            log.warning("a refusal could not be recorded", code=refusal.code)

    def later(self, work: Coroutine[Any, Any, Any]) -> None:
        """Runs an ending that must happen although nobody waits for it any more."""
        task = asyncio.get_running_loop().create_task(work)
        self._ending.add(task)
        task.add_done_callback(self._ended)

    async def drain(self) -> None:
        """Waits for the endings that are being written."""
        while self._ending:
            await asyncio.gather(*self._ending, return_exceptions=True)

    async def _when_back(self, params: dict[str, Any]) -> None:
        until = time.monotonic() + LEASE_SECONDS
        while time.monotonic() < until:
            try:
                await self._database.fetch_one(statements.END, params)
            except DatabaseUnavailable:
                await asyncio.sleep(1)
            else:
                return

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._ending.discard(task)
        if not task.cancelled() and (failure := task.exception()):
            log.error("the end of a generation could not be written; the sweeper will", error=str(failure))


def _end(running: Running, fields: dict[str, Any]) -> dict[str, Any]:
    """The parameters that every end has."""
    attempts = [attempt_fields(one) for one in running.walk.attempts]
    return {
        "id": running.id,
        "end": orjson.dumps(fields, default=str).decode(),
        "attempts": orjson.dumps(attempts, default=str).decode(),
    }
