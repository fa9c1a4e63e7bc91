"""The ledger under any sequence of movements (the rules and invariants stand in `machine`)."""

import asyncio

from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from core.database import Database
from tests.integration.credits.machine import Ledger

BOUNDED = settings(
    max_examples=50,
    stateful_step_count=25,
    deadline=None,
    database=None,
    suppress_health_check=(HealthCheck.too_slow, HealthCheck.data_too_large),
    phases=(Phase.explicit, Phase.generate, Phase.shrink),
)


def test_no_sequence_of_movements_brings_the_books_apart(database_url: str) -> None:
    with asyncio.Runner() as runner:
        Ledger.database, Ledger.runner = Database(database_url, pool_size=4), runner
        runner.run(Ledger.database.open())
        try:
            run_state_machine_as_test(Ledger, settings=BOUNDED)
        finally:
            runner.run(Ledger.database.close())
