"""The one way in: every generation, whoever asks for it, passes here.

Two short transactions around the vendor's call, never one around it (`core.generation.books`): the first checks
quota, reserves and writes the row; the second settles, writes the attempts and ends the row. A process that dies in
between leaves a lease that runs out, and the sweeper gives back what was held.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing, asynccontextmanager
from datetime import UTC, datetime
from decimal import Decimal
from uuid import UUID
from zoneinfo import ZoneInfo

from core.accounts.person import Person
from core.credits.daily import DailyCredits
from core.credits.service import LEASE_SECONDS
from core.database import Database
from core.entitlements.models import Tier
from core.entitlements.rules import PlanView
from core.errors import (
    BudgetBlocked,
    InsufficientCredits,
    LimitReached,
    NoProvider,
    NotAllowed,
    PurserError,
    TrialOver,
)
from core.generation import statements
from core.generation.admission import NO_QUOTA, Quota, admit, midnight_after, over_quota, quota
from core.generation.books import Books
from core.generation.budget import check_test_budget
from core.generation.order import TextOrder
from core.generation.outcome import Result, StreamCut
from core.generation.running import Asked, Running
from core.ids import new_id
from core.providers.tokens import estimate_messages
from core.routing.candidates import plan_route
from core.routing.manager import Answer, Manager, StreamBroken
from core.routing.route import Wish
from core.snapshot import Snapshot, SnapshotHolder
from core.vocabulary import Modality, Traffic

TEXT_DEADLINE = 60.0
"""Seconds over all attempts of a text (DATA, Defaults)."""
UNFORESEEN = "Something in Purser went wrong; nothing was charged."
"""What the row of a generation says that an error of our own has ended."""
TOLD = (InsufficientCredits, TrialOver, LimitReached, NoProvider, BudgetBlocked, NotAllowed)
"""Refusals that leave a row behind: support is asked about these."""


class Generations:
    """One per process."""

    def __init__(
        self,
        database: Database,
        snapshots: SnapshotHolder,
        manager: Manager,
        *,
        zone: ZoneInfo,
        credit_usd_value: Decimal,
        text_deadline: float = TEXT_DEADLINE,
    ) -> None:
        self._database = database
        self._snapshots = snapshots
        self._manager = manager
        self._zone = zone
        self._text_deadline = text_deadline
        self._books = Books(database, credit_usd_value)
        self._daily = DailyCredits(database)
        self._running: dict[UUID, Running] = {}
        self._idle = asyncio.Event()
        self._idle.set()

    async def generate_text(
        self,
        person: Person,
        order: TextOrder,
        *,
        traffic: Traffic = Traffic.LIVE,
        request_id: str | None = None,
    ) -> Result:
        """One text, whole.

        Raises:
            Refusal: the request, the plan, the quota or the credits do not allow it.
            AllProvidersFailed, NoProvider: nothing was charged.
            DatabaseUnavailable: nothing was charged.
        """
        running = await self._begin(person, order, traffic, request_id)
        async with self._brought_to_its_end(running):
            answer = await self._manager.generate(running.walk)
            return await self._complete(running, answer)

    async def stream_text(
        self,
        person: Person,
        order: TextOrder,
        *,
        traffic: Traffic = Traffic.LIVE,
        request_id: str | None = None,
    ) -> AsyncGenerator[str | Result, None]:
        """Pieces of text as they come, then the `Result`.

        A reader who leaves (closing the generator) is charged for what was delivered.

        Raises:
            As `generate_text`, before the first piece.
            StreamCut: the vendor failed after it; what was delivered is charged.
        """
        running = await self._begin(person, order, traffic, request_id)
        pieces: list[str] = []
        stream = self._manager.stream(running.walk)
        # The stream closes first: its attempt then knows what was delivered.
        async with self._brought_to_its_end(running, pieces), aclosing(stream):
            answer: Answer | None = None
            async for piece in stream:
                if isinstance(piece, Answer):
                    answer = piece
                else:
                    pieces.append(piece)
                    yield piece
            assert answer is not None, "a stream ends with its answer, or raises"
            result = await self._complete(running, answer)
        yield result

    async def keep_leases(self) -> None:
        """Renews the leases of all that runs here; called every 15 s."""
        if self._running:
            await self._database.execute(
                statements.RENEW, {"seconds": LEASE_SECONDS, "ids": list(self._running)}
            )

    async def drain(self, patience: float = 20.0) -> None:
        """Waits for what runs, at most `patience` seconds, and for all ends that are being written."""
        try:
            await asyncio.wait_for(self._idle.wait(), patience)
        except TimeoutError:
            return  # their leases run out, and the sweeper gives back what they hold
        finally:
            await self._books.drain()

    async def _begin(
        self, person: Person, order: TextOrder, traffic: Traffic, request_id: str | None
    ) -> Running:
        """From the order to a held reservation and a row, or a refusal (with a row of its own, where support is asked)."""
        request = order.request()
        snapshot, now = self._snapshots.current, datetime.now(UTC)
        plan = _plan(snapshot, person)
        strategy = order.strategy or (plan.routing_strategy if plan else "priority")
        asked = Asked(new_id(), person, order, request, traffic, strategy, request_id)
        try:
            return await self._reserve(asked, snapshot, now)
        except TOLD as refusal:
            # A suspended account must not be able to fill the table, nor visitors, of whom support knows nothing.
            visitor_over = person.visitor is not None and isinstance(refusal, LimitReached)
            if refusal.code != "account_suspended" and not visitor_over:
                await self._books.refuse(asked, refusal)
            raise

    async def _reserve(self, asked: Asked, snapshot: Snapshot, now: datetime) -> Running:
        plan, limits = self._admitted(snapshot, asked, now)
        wish = _wish(snapshot, asked, now)
        route = plan_route(snapshot, wish, now, self._manager.means.scores)
        if asked.traffic is Traffic.TEST:
            await check_test_budget(self._database, snapshot, asked.person.id, route, wish, now, self._zone)
        if plan is not None and plan.daily_credits and asked.person.visitor is None:
            await self._daily.take(asked.person.id, plan.daily_credits, now, midnight_after(now, self._zone))
        reserved = await self._books.begin(asked, route.holds(wish), limits)
        if reserved.outcome in ("insufficient_credits", "no_account"):
            raise InsufficientCredits(reserved.amount or min(route.holds(wish)), reserved.available)
        if reserved.outcome != "held":
            assert plan is not None, "only a plan has quotas"
            raise over_quota(reserved.outcome, snapshot, plan, limits, reserved.used, now, self._zone)
        walk = self._manager.walk(
            route.within(reserved.amount, wish),
            asked.request,
            deadline=self._text_deadline,
            test=asked.traffic is Traffic.TEST,
            urgent=wish if asked.order.urgent else None,
        )
        running = Running(asked, reserved.amount, walk)
        self._running[running.id] = running
        self._idle.clear()
        return running

    def _admitted(self, snapshot: Snapshot, asked: Asked, now: datetime) -> tuple[PlanView | None, Quota]:
        """Test runs are a matter of role and test budget, not of the person's plan."""
        if asked.traffic is Traffic.TEST:
            return None, NO_QUOTA
        plan = admit(snapshot, asked.person, Modality.TEXT, now)
        return plan, quota(plan, asked.person, asked.traffic, now, self._zone)

    @asynccontextmanager
    async def _brought_to_its_end(self, running: Running, pieces: Sequence[str] = ()) -> AsyncIterator[None]:
        """However the work inside ends, its row and its money do, too. `pieces`: what a stream has delivered."""
        try:
            yield
        except StreamBroken as broken:
            raise await self._broken(running, broken, "".join(pieces)) from broken
        except PurserError as error:
            await self._fail(running, error)
            raise
        except (GeneratorExit, asyncio.CancelledError):
            self._books.later(self._cancelled(running, "".join(pieces)))
            raise
        except Exception:
            await self._fail(running, PurserError(UNFORESEEN))
            raise
        finally:
            self._over(running)

    async def _complete(self, running: Running, answer: Answer) -> Result:
        await running.walk.finish()
        settled = await self._books.settle(
            running, "completed", answer.text, answer.usage, finish_reason=answer.finish_reason
        )
        attempt = running.walk.current
        assert attempt is not None, "somebody has answered"
        return Result(
            id=running.id,
            text=answer.text,
            provider=attempt.offer.provider.slug,
            model=attempt.offer.model.id,
            usage=answer.usage,
            credits=settled.charged,
            balance=settled.balance,
            cost=settled.cost,
            latency_ms=settled.latency_ms,
            first_token_ms=attempt.first_token_ms,
            finish_reason=answer.finish_reason,
            trace=[step.as_json() for step in running.walk.steps],
            vendor_ms=running.walk.vendor_ms(),
        )

    async def _fail(self, running: Running, error: PurserError) -> None:
        await running.walk.finish()
        await self._books.fail(running, "failed", error=error)

    async def _broken(self, running: Running, broken: StreamBroken, text: str) -> StreamCut:
        """A stream that failed after its first byte: what was delivered is charged, and the error says so."""
        await running.walk.finish()
        error = StreamCut(broken.error)
        settled = await self._books.settle(
            running, "failed", text, running.walk.delivered(), error=error, cut="vendor"
        )
        error.details.update(id=str(running.id), credits=settled.charged, balance=settled.balance)
        return error

    async def _cancelled(self, running: Running, text: str) -> None:
        """The reader has gone: what was delivered is charged, and nothing where nothing was."""
        await running.walk.finish()
        if text:
            await self._books.settle(running, "cancelled", text, running.walk.delivered(), cut="reader")
        else:
            await self._books.fail(running, "cancelled", cut="reader")

    def _over(self, running: Running) -> None:
        del self._running[running.id]
        if not self._running:
            self._idle.set()


def _wish(snapshot: Snapshot, asked: Asked, now: datetime) -> Wish:
    order, request, person = asked.order, asked.request, asked.person
    plan = _plan(snapshot, person)
    free = order.provider is None and order.model is None
    return Wish(
        modality=Modality.TEXT,
        provider=order.provider,
        model=order.model,
        allow_fallback=order.fallback,
        strategy=asked.strategy,
        task_type=order.task_type,
        max_cost=order.max_cost,
        plan_id=None if asked.traffic is Traffic.TEST else person.plan_id,
        tier=plan.tier if plan else Tier.PAID,
        streamed=order.streamed,
        input_tokens=estimate_messages(request.messages, request.system),
        max_tokens=request.max_tokens,
        preferred_provider=person.preferred_provider if free else None,
        preferred_model=person.preferred_model if free else None,
        own_prices=person.own_prices(now),
    )


def _plan(snapshot: Snapshot, person: Person) -> PlanView | None:
    return snapshot.entitlements.plans.get(person.plan_id) if person.plan_id else None
