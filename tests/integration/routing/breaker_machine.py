"""Two processes and one breaker, beside a model of it: views may be stale, the truth is in the database."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from core.audit import SYSTEM
from core.database import Database
from core.errors import Conflict, ErrorClass
from core.ids import new_id
from core.routing import operations
from core.routing.breaker import Breakers, Lease, Status
from core.routing.models import BreakerState
from core.vocabulary import Modality

TEXT = Modality.TEXT
THRESHOLD = 3
TIMEOUT = timedelta(minutes=1)
OPEN, CLOSED, HALF_OPEN, ISOLATED = (
    BreakerState.OPEN,
    BreakerState.CLOSED,
    BreakerState.HALF_OPEN,
    BreakerState.ISOLATED,
)

processes = st.sampled_from([0, 1])
classes = st.sampled_from([ErrorClass.SERVER, ErrorClass.TIMEOUT, ErrorClass.OVERLOADED])


class BreakerMachine(RuleBasedStateMachine):
    """`database` and `runner` are set by the test that runs the machine."""

    database: Database
    runner: asyncio.Runner

    @initialize()
    def one_provider(self) -> None:
        self.provider: UUID = new_id()
        self.run(
            self.database.execute(
                "insert into providers (id, slug, name, kind, ranks) values (%s, %s, 'P', 'openai', '{\"text\": 1}')",
                (self.provider, str(self.provider)),
            )
        )
        self.breakers = [Breakers(self.database, threshold=THRESHOLD, timeout=TIMEOUT) for _ in range(2)]
        self.state = CLOSED
        self.due = False
        self.by_a_person = False
        self.probing: tuple[int, Lease] | None = None
        self.stray: list[tuple[int, Lease]] = []
        self.until: datetime | None = None

    # What calls report

    @rule(who=processes, error=classes, at_once=st.booleans())
    def a_call_fails(self, who: int, error: ErrorClass, at_once: bool) -> None:
        """A late one where the breaker is open; the view of `who` may be stale."""
        view = self.view(who)
        opens = at_once or view.failures + 1 >= THRESHOLD

        told = self.run(
            self.breakers[who].failed(self.provider, TEXT, error, "said", probe=None, at_once=at_once)
        )

        if view.state is HALF_OPEN:  # the probe decides
            assert told
            return
        if view.state is CLOSED and not opens:
            assert not told
            return
        if (self.state is OPEN and not self.by_a_person) or (self.state is CLOSED and opens):
            self.state, self.due = OPEN, False
        assert told is (self.state is not CLOSED)

    @rule(who=processes)
    def a_call_succeeds(self, who: int) -> None:
        self.run(self.breakers[who].succeeded(self.provider, TEXT, probe=None))
        assert self.view(who).failures == 0

    # Probes

    @rule(who=processes)
    def somebody_wants_to_probe(self, who: int) -> None:
        lease = self.run(self.breakers[who].take_probe(self.provider, TEXT))

        assert bool(lease) is (self.state is OPEN and self.due)
        if lease:
            assert self.probing is None
            self.state, self.due, self.probing = HALF_OPEN, False, (who, lease)

    @precondition(lambda self: self.probing is not None)
    @rule()
    def the_probe_succeeds(self) -> None:
        who, lease = self.probe()
        self.run(self.breakers[who].succeeded(self.provider, TEXT, probe=lease))
        self.state, self.by_a_person = CLOSED, False

    @precondition(lambda self: self.probing is not None)
    @rule(error=classes)
    def the_probe_fails(self, error: ErrorClass) -> None:
        who, lease = self.probe()
        self.run(self.breakers[who].failed(self.provider, TEXT, error, "said", probe=lease))
        self.state, self.due, self.by_a_person = OPEN, False, False

    @precondition(lambda self: self.probing is not None)
    @rule()
    def the_probe_tells_nothing(self) -> None:
        who, lease = self.probe()
        self.run(self.breakers[who].give_probe_back(self.provider, TEXT, lease))
        self.state, self.due = OPEN, True

    @precondition(lambda self: self.probing is not None)
    @rule(who=processes)
    def the_probe_is_lost_and_another_goes_out(self, who: int) -> None:
        self.stray.append(self.probe())
        self.run(
            self.database.execute(
                "update breakers set probe_lease_until = now() - interval '1 second' where provider_id = %s",
                (self.provider,),
            )
        )
        lease = self.run(self.breakers[who].take_probe(self.provider, TEXT))
        assert lease
        self.probing = (who, lease)

    @precondition(lambda self: self.stray)
    @rule(ending=st.sampled_from(["answered", "failed", "told nothing"]))
    def a_probe_ends_that_has_been_overtaken(self, ending: str) -> None:
        """By a person, or by another probe: it decides nothing any more."""
        who, lease = self.stray.pop()
        view = self.view(who)
        if ending == "answered":
            self.run(self.breakers[who].succeeded(self.provider, TEXT, probe=lease))
        elif ending == "told nothing":
            self.run(self.breakers[who].give_probe_back(self.provider, TEXT, lease))
        else:
            self.run(self.breakers[who].failed(self.provider, TEXT, ErrorClass.SERVER, "", probe=lease))
            if self.state is OPEN and not self.by_a_person:
                self.due = False  # like any late failure
            elif self.state is CLOSED and view.failures + 1 >= THRESHOLD:
                self.state, self.due = OPEN, False

    # People, other processes, time

    @rule()
    def a_person_isolates(self) -> None:
        if self.state is ISOLATED:
            self.refused(operations.isolate)
            return
        self.decide(operations.isolate)
        self.state, self.due, self.by_a_person = ISOLATED, False, False

    @rule()
    def a_person_resets(self) -> None:
        if self.state is CLOSED:
            self.refused(operations.reset)
            return
        self.decide(operations.reset)
        self.state, self.due, self.by_a_person = OPEN, True, True

    @rule()
    def a_person_wants_a_probe(self) -> None:
        if self.state is not OPEN:
            self.refused(operations.probe_now)
            return
        self.decide(operations.probe_now)
        self.due = True

    @precondition(lambda self: self.state is OPEN)
    @rule()
    def its_time_passes(self) -> None:
        self.run(
            self.database.execute(
                "update breakers set open_until = now() - interval '1 second' where provider_id = %s",
                (self.provider,),
            )
        )
        self.due, self.until = True, None

    @rule(who=processes)
    def the_word_arrives(self, who: int) -> None:
        self.run(self.breakers[who].reload())
        once = self.view(who)
        self.run(self.breakers[who].reload())
        assert self.view(who) == once
        assert once.state is self.state

    # What always holds

    @invariant()
    def the_database_says_what_is_true(self) -> None:
        if not hasattr(self, "provider"):
            return
        row = self.row()
        assert row["state"] == self.state
        assert (self.state is HALF_OPEN) is (self.probing is not None)
        until = row["open_until"]
        if self.state is OPEN:
            assert until is not None
            assert row["reason"]
            assert (until <= datetime.now(UTC)) is self.due
            if self.until is not None and not self.due:
                assert until >= self.until, "a late failure extends, it never shortens"
        if self.state is ISOLATED:
            assert row["reason"] == "a person"
        self.until = until if self.state is OPEN and not self.due else None

    @invariant()
    def after_the_word_both_see_the_same(self) -> None:
        if not hasattr(self, "provider"):
            return
        views: list[Status] = []
        for _ in range(2):
            fresh = Breakers(self.database, threshold=THRESHOLD, timeout=TIMEOUT)
            self.run(fresh.reload())
            views.append(fresh.status(self.provider, TEXT))
        assert views[0] == views[1]
        assert views[0].refuses(datetime.now(UTC)) is not (self.state is CLOSED or self.due)

    # Short ways

    def run(self, deed: Any) -> Any:
        return self.runner.run(deed)

    def view(self, who: int) -> Status:
        return self.breakers[who].status(self.provider, TEXT)

    def probe(self) -> tuple[int, Lease]:
        assert self.probing is not None
        probing, self.probing = self.probing, None
        return probing

    def decide(self, verb: Any) -> None:
        if self.probing is not None:
            self.stray.append(self.probe())

        async def decide() -> None:
            async with self.database.transaction() as session:
                await verb(session, self.provider, TEXT, actor=SYSTEM, reason="a person")

        self.run(decide())

    def refused(self, verb: Any) -> None:
        probing, self.probing = self.probing, None
        try:
            self.decide(verb)
        except Conflict:
            self.probing = probing
        else:
            raise AssertionError("it went through")

    def row(self) -> dict[str, Any]:
        found = self.run(
            self.database.fetch_one(
                "select state, open_until, reason from breakers where provider_id = %s", (self.provider,)
            )
        )
        return dict(zip(("state", "open_until", "reason"), found or ("closed", None, None), strict=True))
