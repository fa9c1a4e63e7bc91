"""One answer being read: its stream, its figures as they grow, and what became of it."""

import asyncio
import time
from contextlib import aclosing
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

from core.accounts.person import Person
from core.bootstrap import Purser
from core.errors import PurserError
from core.generation.order import TextOrder
from core.generation.outcome import Result
from core.generation.templates import system_prompt
from core.ids import new_id
from core.log import get_logger
from core.providers.base import Usage
from core.providers.tokens import estimate_messages, estimate_tokens
from core.snapshot import Offer
from core.vocabulary import Traffic
from dashboard.components.money import format_count, format_credits, format_usd
from dashboard.components.time import duration
from dashboard.playground.column import AnswerColumn, Failure
from dashboard.playground.ending import Ending, look_up, tries

log = get_logger(__name__)

ORDINALS = {2: "second", 3: "third", 4: "fourth"}


class Reading:
    """`work()` reads it to its end, whichever that is; `stop()` ends it early and keeps what has come."""

    def __init__(
        self,
        purser: Purser,
        person: Person,
        order: TextOrder,
        offer: Offer,
        column: AnswerColumn,
        *,
        usd: bool,
    ) -> None:
        self._purser = purser
        self._person = person
        self._order = order
        self.offer = offer
        self.column = column
        self._usd = usd
        self._request_id = str(new_id())
        self._input_tokens = estimate_messages(order.messages, system_prompt(order.type, order.system))
        self._since = datetime.now(UTC)
        self._began = time.perf_counter()
        self._task: asyncio.Task[Result] | None = None
        self._text = ""
        self.first: float | None = None
        self.ending: Ending | None = None
        self.over = False

    @property
    def seconds(self) -> float:
        """How long it has run, or ran."""
        return self.ending.total_ms / 1000 if self.ending else time.perf_counter() - self._began

    @property
    def cost(self) -> Decimal | None:
        """USD so far: estimated while it runs; None where the model has no price."""
        if self.over:
            called = self.ending and any(step.get("attempt") for step in self.ending.steps)
            return self.ending.cost if self.ending and called else Decimal(0)
        return self.offer.cost(self._usage(), datetime.now(UTC)) if self._text else Decimal(0)

    @property
    def credits(self) -> int:
        """Credits so far, likewise."""
        if self.over:
            return self.ending.credits if self.ending else 0
        return self.offer.charge(self._usage()) if self._text else 0

    async def work(self) -> None:
        """Reads; a failure stays in its column."""
        self._task = asyncio.create_task(self._read())
        try:
            await asyncio.wait({self._task})
        except asyncio.CancelledError:
            self._task.cancel()  # the page is gone: closing the stream charges what was delivered
            raise
        stopped = self._task.cancelled()
        error = None if stopped else self._task.exception()
        if stopped or error:
            self.ending = await look_up(self._purser.database, self._person.id, self._request_id, self._since)
        else:
            self.ending = Ending.of_result(self._task.result())
        self.over = True
        self.flush()
        self._say_who()
        self.column.end(self.ending, self._failure(error) if error else None, stopped=stopped)

    def stop(self) -> None:
        """Ends it now. What was delivered is charged, and stays."""
        if self._task:
            self._task.cancel()

    def flush(self) -> None:
        """Brings the column up to date."""
        self.column.answer.flush()
        ending = self.ending
        first = ending.first_token_ms / 1000 if ending and ending.first_token_ms is not None else self.first
        tokens = ending.tokens if ending else estimate_tokens(self._text)
        begun = bool(tokens or (self.over and self.cost))
        self.column.set_figures(
            "—" if first is None else duration(first, 2),
            duration(self.seconds, 1) if self.seconds else "—",
            format_count(tokens) if tokens else "—",
            (format_usd(self.cost) if self._usd else format_credits(self.credits)) if begun else "—",
            counted=bool(tokens) and (not self.over or bool(ending and ending.estimated)),
        )

    async def _read(self) -> Result:
        stream = self._purser.generations.stream_text(
            self._person, self._order, traffic=Traffic.TEST, request_id=self._request_id
        )
        async with aclosing(stream):
            async for piece in stream:
                if isinstance(piece, Result):
                    return piece
                if self.first is None:
                    self.first = time.perf_counter() - self._began
                    self.column.streams()
                self._text += piece
                self.column.answer.add(piece)
        raise RuntimeError("a stream ends with its result, or raises")

    def _usage(self) -> Usage:
        return Usage(input_tokens=self._input_tokens, output_tokens=estimate_tokens(self._text))

    def _say_who(self) -> None:
        """Its own provider, or the fallback that stood in."""
        ending = self.ending
        if ending is None or ending.model is None:
            return
        if (ending.provider, ending.model) != (self.offer.provider.slug, self.offer.model.id):
            same_model = ending.model == self.offer.model.id
            self.column.set_sub(f"via {ending.provider if same_model else ending.model}", fell_back=True)
        elif nth := ORDINALS.get(tries(ending.steps)):
            self.column.set_sub(f"{self.offer.provider.name}, {nth} try")

    def _failure(self, error: BaseException) -> Failure:
        if not isinstance(error, PurserError):
            log.error("a playground run failed", request_id=self._request_id, exc_info=error)
            error = PurserError("Something in Purser went wrong.")
        told = self.ending.explanation if self.ending else None
        if told is None:
            return Failure(error.message, money="Nothing", request_id=self._request_id)
        failure = Failure(told.cause, told.what, told.money, told.next_step, self._request_id)
        if error.code == "budget_blocked" and not self._usd:  # its sentence names amounts of USD
            return replace(failure, what="")
        if error.code == "insufficient_credits":
            return replace(failure, what=f"{told.what} Test runs draw on your own test account.")
        return failure
