"""Running a rule-based machine over the real database: shortly in the suite, at length in `make soak`."""

import asyncio
from typing import Any

from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from core.database import Database

STEPS = 25


def run_machine(machine: Any, database_url: str, *, examples: int, shrink: bool = False) -> None:
    """Runs so many sequences of steps; `machine` gets `database` and `runner`.

    Args:
        shrink: whether a failure is made smaller before it is told, which takes minutes.
    """
    phases = (Phase.explicit, Phase.generate, *((Phase.shrink,) if shrink else ()))
    bounded = settings(
        max_examples=examples,
        stateful_step_count=STEPS,
        database=None,
        suppress_health_check=(HealthCheck.too_slow, HealthCheck.data_too_large),
        phases=phases,
    )
    with asyncio.Runner() as runner:
        machine.database, machine.runner = Database(database_url, pool_size=4), runner
        runner.run(machine.database.open())
        try:
            run_state_machine_as_test(machine, settings=bounded)
        finally:
            runner.run(machine.database.close())
