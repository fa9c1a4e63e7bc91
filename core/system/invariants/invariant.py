"""What an invariant is: a sentence, and the statement that looks for the contrary.

Each statement selects the rows that break it, and nothing where all is well. Columns: account, user, generation (null
where there is none), expected, found, and what else helps to find the place. Set-based throughout, so that ten million
rows cost a few passes over the tables. What no statement can tell (hashes) is proved by a function that looks at one
row after another.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

Row = tuple[Any, ...]
Prove = Callable[[Row], Iterator[Row]]


def _as_they_are() -> Prove:
    return lambda row: iter((row,))


@dataclass(frozen=True, slots=True)
class Invariant:
    """A name, a sentence of what it proves, and the statement that looks for the contrary.

    Where the statement only reads what has to be proved, `prover` makes a function for one run: it gets the rows in
    their order, and yields those that break the invariant.
    """

    name: str
    proves: str
    sql: str
    prover: Callable[[], Prove] = _as_they_are
