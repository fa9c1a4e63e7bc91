"""The ledger beside a model of it: every sequence of movements, over the real database, step by step."""

import asyncio
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from core.audit import SYSTEM
from core.credits.expiry import expire_due
from core.credits.models import EntryType
from core.credits.service import RELEASE, RESERVE, SETTLE, adjust, open_account, post, refund
from core.database import Database
from core.errors import InsufficientCredits, PurserError
from core.ids import new_id
from tests.factories import make_user

accounts = st.sampled_from([0, 1])
amounts = st.integers(1, 40)


@dataclass
class Lot:
    """What the model believes to be left of one grant; `expires_at` None is never."""

    expires_at: datetime | None
    left: int


@dataclass
class Account:
    """What the model believes of one account."""

    user_id: UUID
    account_id: UUID
    balance: int = 0
    entries: list[int] = field(default_factory=list)
    held: dict[UUID, int] = field(default_factory=dict)
    resolved: dict[UUID, int] = field(default_factory=dict)
    refunded: dict[UUID, int] = field(default_factory=dict)
    lots: list[Lot] = field(default_factory=list)
    paid_by: dict[UUID, list[Lot]] = field(default_factory=dict)

    @property
    def available(self) -> int:
        return self.balance - sum(self.held.values())

    def move(self, amount: int) -> None:
        self.balance += amount
        if amount:
            self.entries.append(amount)

    def add(self, amount: int, expires_at: datetime | None) -> None:
        self.move(amount)
        self.lots.append(Lot(expires_at, amount))

    def burn(self, amount: int) -> list[Lot]:
        """Takes credits out of the lots, soonest-expiring first, then oldest; those that gave some."""
        self.move(-amount)
        gave: list[Lot] = []
        for lot in sorted(self.lots, key=lambda lot: lot.expires_at or datetime.max.replace(tzinfo=UTC)):
            if amount and lot.left:
                taken = min(lot.left, amount)
                lot.left, amount = lot.left - taken, amount - taken
                gave.append(lot)
        return gave

    def expire(self, now: datetime) -> int:
        """What is left of lots whose time is up goes, but for what is held: that stays in those that would burn first."""
        kept, gone = sum(self.held.values()), 0
        for lot in sorted(self.lots, key=lambda lot: lot.expires_at or datetime.max.replace(tzinfo=UTC)):
            if lot.expires_at is not None and lot.expires_at <= now:
                stays = min(lot.left, kept)
                kept, gone = kept - stays, gone + lot.left - stays
                self.move(stays - lot.left)
                lot.left = stays
        return gone


class Ledger(RuleBasedStateMachine):
    """`database` and `runner` are set by the test that runs the machine."""

    database: Database
    runner: asyncio.Runner

    @initialize()
    def two_people(self) -> None:
        self.people = [self.runner.run(self._open()) for _ in range(2)]
        for who, amount in enumerate((30, 100)):
            self.grant(who, amount, None)

    async def _open(self) -> Account:
        user = await make_user(self.database)
        async with self.database.transaction() as session:
            return Account(user.id, await open_account(session, user.id))

    # Movements

    @rule(who=accounts, amount=amounts, days=st.none() | st.integers(1, 400))
    def grant(self, who: int, amount: int, days: int | None) -> None:
        expires_at = None if days is None else datetime.now(UTC) + timedelta(days=days)
        self.runner.run(self._post(self.people[who], EntryType.GRANT, amount, expires_at))
        self.people[who].add(amount, expires_at)

    @rule(days=st.integers(0, 400))
    def expire(self, days: int) -> None:
        now = datetime.now(UTC) + timedelta(days=days)
        expected = sum(account.expire(now) for account in self.people)
        # People of earlier runs lose theirs, too.
        assert self.runner.run(expire_due(self.database, now)) >= expected

    @rule(who=accounts, amounts=st.lists(amounts, min_size=1, max_size=3))
    def reserve(self, who: int, amounts: list[int]) -> None:
        account, generation = self.people[who], new_id()
        outcome, amount, available, _ = self._row(
            RESERVE, **reservation(account.user_id, generation, amounts)
        )

        fitting = [one for one in amounts if one <= account.available]
        if fitting:
            account.held[generation] = max(fitting)
            assert (outcome, amount) == ("held", max(fitting))
        else:
            assert (outcome, amount) == ("insufficient_credits", min(amounts))
        assert available == account.available

    @precondition(lambda self: self._somebody("held"))
    @rule(data=st.data(), times=st.integers(1, 2))
    def settle(self, data: st.DataObject, times: int) -> None:
        account, generation = self._one(data, "held")
        held = account.held.pop(generation)
        charge = data.draw(st.sampled_from([0, held // 2, held, held + 10]))
        account.resolved[generation] = min(charge, held)
        account.paid_by[generation] = account.burn(min(charge, held))
        for number in range(times):
            told = self._row(SETTLE, id=generation, charge=charge, reason="machine")
            assert told == ("gone" if number else "settled", min(charge, held), account.balance)

    @precondition(lambda self: self._somebody("held"))
    @rule(data=st.data(), times=st.integers(1, 2))
    def release(self, data: st.DataObject, times: int) -> None:
        account, generation = self._one(data, "held")
        held = account.held.pop(generation)
        account.resolved[generation] = 0
        for number in range(times):
            told = self._row(RELEASE, id=generation)
            assert told == (("gone", 0) if number else ("released", held)) + (account.balance,)

    @precondition(lambda self: self._somebody("resolved"))
    @rule(data=st.data(), charge=amounts, settled=st.booleans())
    def resolve_again(self, data: st.DataObject, charge: int, settled: bool) -> None:
        account, generation = self._one(data, "resolved")
        if settled:
            told = self._row(SETTLE, id=generation, charge=charge, reason="machine")
            assert told == ("gone", account.resolved[generation], account.balance)
        else:
            assert self._row(RELEASE, id=generation) == ("gone", 0, account.balance)

    @precondition(lambda self: self._somebody("resolved"))
    @rule(data=st.data(), amount=st.none() | amounts)
    def refund(self, data: st.DataObject, amount: int | None) -> None:
        account, generation = self._one(data, "resolved")
        left = account.resolved[generation] - account.refunded.get(generation, 0)
        try:
            self.runner.run(self._refund(generation, amount))
        except PurserError:
            assert left == 0 or (amount is not None and amount > left)
        else:
            given = left if amount is None else amount
            assert 0 < given <= left
            account.refunded[generation] = account.refunded.get(generation, 0) + given
            ends = [lot.expires_at for lot in account.paid_by[generation]]
            latest = None if None in ends else max(end for end in ends if end)
            account.add(given, latest and max(latest, datetime.now(UTC) + timedelta(days=30)))

    @rule(who=accounts, amount=st.integers(-40, 40).filter(bool))
    def adjust(self, who: int, amount: int) -> None:
        account = self.people[who]
        if account.available + amount < 0:
            with pytest.raises(InsufficientCredits) as refused:
                self.runner.run(self._adjust(account, amount))
            assert refused.value.details == {"required": -amount, "available": account.available}
        else:
            self.runner.run(self._adjust(account, amount))
            if amount > 0:
                account.add(amount, None)
            else:
                account.burn(-amount)

    # What always holds

    @invariant()
    def the_books_agree(self) -> None:
        for account in getattr(self, "people", ()):
            balance, held, seq, lots, reserved, left, entries = self._row(BOOKS, account=account.account_id)
            assert 0 <= held <= balance
            assert (balance, held) == (account.balance, sum(account.held.values()))
            assert lots == balance
            assert sorted(left) == sorted(lot.left for lot in account.lots)
            assert reserved == held
            assert [one["seq"] for one in entries] == list(range(1, seq + 1))
            assert [one["amount"] for one in entries] == account.entries
            running = 0
            for one in entries:
                running += one["amount"]
                assert one["balance_after"] == running
            assert running == balance

    # Short ways

    def _row(self, sql: str, **params: Any) -> tuple[Any, ...]:
        row = self.runner.run(self.database.fetch_one(sql, params))
        assert row is not None
        return tuple(row)

    def _somebody(self, name: str) -> bool:
        return any(getattr(account, name) for account in getattr(self, "people", ()))

    def _one(self, data: st.DataObject, name: str) -> tuple[Account, UUID]:
        return data.draw(
            st.sampled_from([(account, one) for account in self.people for one in getattr(account, name)])
        )

    async def _post(
        self, account: Account, type: EntryType, amount: int, expires_at: datetime | None
    ) -> None:
        async with self.database.transaction() as session:
            await post(
                session, account.account_id, type=type, amount=amount, reason="machine", actor=SYSTEM,
                expires_at=expires_at,
            )  # fmt: skip

    async def _refund(self, generation: UUID, amount: int | None) -> None:
        async with self.database.transaction() as session:
            await refund(
                session, actor=SYSTEM, reason_code="machine", generation_id=generation, amount=amount
            )

    async def _adjust(self, account: Account, amount: int) -> None:
        async with self.database.transaction() as session:
            await adjust(session, account.user_id, amount, actor=SYSTEM, reason_code="machine")


def reservation(user_id: UUID, generation: UUID, amounts: list[int], **more: Any) -> dict[str, Any]:
    """The parameters of `RESERVE`, without quotas unless given."""
    quotas = dict.fromkeys(("day", "day_cap", "month", "month_cap", "trial_cap"))
    return {
        "user_id": user_id,
        "traffic": "live",
        "id": generation,
        "amounts": amounts,
        "lease_seconds": 60,
        **quotas,
        **more,
    }


BOOKS = """
select a.balance, a.held, a.seq,
    (select coalesce(sum(remaining), 0)::bigint from credit_lots where account_id = a.id),
    (select coalesce(sum(amount), 0)::bigint from reservations where account_id = a.id and state = 'held'),
    (select coalesce(array_agg(remaining), '{}') from credit_lots where account_id = a.id),
    (select coalesce(jsonb_agg(to_jsonb(e) order by e.seq), '[]') from credit_entries e where e.account_id = a.id)
from credit_accounts a where a.id = %(account)s
"""
