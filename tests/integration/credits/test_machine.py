"""The ledger under any sequence of movements (the rules and invariants stand in `machine`)."""

import pytest

from tests.integration.credits.machine import Ledger
from tests.machines import run_machine


def test_no_sequence_of_movements_brings_the_books_apart(database_url: str) -> None:
    run_machine(Ledger, database_url, examples=30)


@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_no_sequence_of_movements_brings_the_books_apart_at_length(database_url: str) -> None:
    run_machine(Ledger, database_url, examples=1_000, shrink=True)
