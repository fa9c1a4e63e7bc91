"""Two processes and one breaker, beside a model of it: views may be stale, the truth is in the database."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from core.database import Database
from core.errors import ErrorClass
from core.ids import new_id
from core.routing.breaker import Breakers, Status
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
                "insert into providers (id, slug, name, kind) values (%s, %s, 'P', 'openai')",
                (self.provider, str(self.provider)),
            )
        )
        self.breakers = [Breakers(self.database, threshold=THRESHOLD, timeout=TIMEOUT) for _ in range(2)]
        self.state = CLOSED
        self.due = False
        self.probing: int | None = None
        self.stray: list[int] = []
        self.until: datetime | None = None

    # What calls report

    @rule(who=processes, error=classes, at_once=st.booleans())
    def a_call_fails(self, who: int, error: ErrorClass, at_once: bool) -> None:
        """A late one where the breaker is open; the view of `who` may be stale."""
        view = self.view(who)
        opens = at_once or view.failures + 1 >= THRESHOLD

        told = self.run(
            self.breakers[who].failed(self.provider, TEXT, error, "said", probe=False, at_once=at_once)
        )

        if view.state is HALF_OPEN:  # the probe decides
            assert told
            return
        if view.state is CLOSED and not opens:
            assert not told
            return
        if self.state is OPEN or (self.state is CLOSED and opens):
            self.state, self.due = OPEN, False
        assert told is (self.state is not CLOSED)

    @rule(who=processes)
    def a_call_succeeds(self, who: int) -> None:
        self.run(self.breakers[who].succeeded(self.provider, TEXT, probe=False))
        assert self.view(who).failures == 0

    # Probes

    @rule(who=processes)
    def somebody_wants_to_probe(self, who: int) -> None:
        taken = self.run(self.breakers[who].take_probe(self.provider, TEXT))

        assert taken is (self.state is OPEN and self.due)
        if taken:
            assert self.probing is None
            self.state, self.due, self.probing = HALF_OPEN, False, who

    @precondition(lambda self: self.probing is not None)
    @rule()
    def the_probe_succeeds(self) -> None:
        self.run(self.breakers[self.probe()].succeeded(self.provider, TEXT, probe=True))
        self.state = CLOSED

    @precondition(lambda self: self.probing is not None)
    @rule(error=classes)
    def the_probe_fails(self, error: ErrorClass) -> None:
        self.run(self.breakers[self.probe()].failed(self.provider, TEXT, error, "said", probe=True))
        self.state, self.due = OPEN, False

    @precondition(lambda self: self.probing is not None)
    @rule()
    def the_probe_tells_nothing(self) -> None:
        self.run(self.breakers[self.probe()].give_probe_back(self.provider, TEXT))
        self.state, self.due = OPEN, True

    @precondition(lambda self: self.stray)
    @rule(succeeds=st.booleans())
    def a_probe_ends_after_a_person_has_decided(self, succeeds: bool) -> None:
        who = self.stray.pop()
        if self.state is HALF_OPEN:
            return  # its place is another's by now
        before = self.state
        if succeeds:
            self.run(self.breakers[who].succeeded(self.provider, TEXT, probe=True))
        else:
            self.run(self.breakers[who].failed(self.provider, TEXT, ErrorClass.SERVER, "", probe=True))
        view = self.row()["state"]
        if (
            before is CLOSED and view == OPEN
        ):  # its own process had seen the reset, and counts it like any other
            self.state, self.due = OPEN, False
            assert self.view(who).failures >= THRESHOLD
        elif before is OPEN and not succeeds:
            self.due = False

    # People, other processes, time

    @rule()
    def a_person_isolates(self) -> None:
        self.decide("isolated")
        self.state = ISOLATED

    @rule()
    def a_person_resets(self) -> None:
        self.decide("closed")
        self.state = CLOSED

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

    def probe(self) -> int:
        assert self.probing is not None
        who, self.probing = self.probing, None
        return who

    def decide(self, state: str) -> None:
        if self.probing is not None:
            self.stray.append(self.probe())
        self.due = False
        self.run(
            self.database.execute(
                "insert into breakers (provider_id, modality, state, reason) values (%(id)s, 'text', %(state)s, 'a person')"
                " on conflict (provider_id, modality) do update set state = excluded.state, reason = 'a person',"
                " openings = 0, opened_at = null, open_until = null, probe_lease_until = null",
                {"id": self.provider, "state": state},
            )
        )

    def row(self) -> dict[str, Any]:
        found = self.run(
            self.database.fetch_one(
                "select state, open_until, reason from breakers where provider_id = %s", (self.provider,)
            )
        )
        return dict(zip(("state", "open_until", "reason"), found or ("closed", None, None), strict=True))
