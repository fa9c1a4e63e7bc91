"""The integrity check: what must be true of the books at every moment, proved from the rows themselves.

Every invariant is one read-only statement that yields the rows which break it; all of them read one snapshot of the
database, so that a busy ledger is compared with itself at one moment. Nothing is ever repaired here: what to do on a
finding stands in docs/operations.md.
"""

import re
import time
from collections.abc import AsyncGenerator, Callable, Iterable
from dataclasses import dataclass
from uuid import UUID

import psycopg

from core.errors import DatabaseUnavailable, InvalidRequest
from core.system.invariants import INVARIANTS, Invariant

# Whole tables are joined and sorted: with the server's default of 4 MB that would happen on disk.
ANCHOR = re.compile(r"([1-9][0-9]{0,17}):([0-9a-f]{64})", re.ASCII)
SETTINGS = ("set local work_mem = '256MB'", "set local jit = off", "set local statement_timeout = 0")


@dataclass(frozen=True, slots=True)
class Difference:
    """One row that breaks an invariant: whose it is, what was expected and what was found."""

    check: str
    account_id: UUID | None
    user_id: UUID | None
    generation_id: UUID | None
    expected: str
    found: str
    detail: str | None = None

    def __str__(self) -> str:
        named = (
            ("account", self.account_id),
            ("user", self.user_id),
            ("generation", self.generation_id),
        )
        subject = ", ".join(f"{what} {identifier}" for what, identifier in named if identifier)
        place = ", ".join(part for part in (subject, self.detail) if part)
        return f"{self.check}: {place}: expected {self.expected}, found {self.found}"


@dataclass(frozen=True, slots=True)
class Checked:
    """One invariant was looked at: how many rows break it, and how long that took."""

    invariant: Invariant
    differences: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Anchor:
    """The end of the audit's chain in the snapshot that was read. Whoever notes it elsewhere can tell later that nothing
    up to there was cut off or written anew (`invariants.audit_holds`)."""

    seq: int
    hash: bytes

    def __str__(self) -> str:
        return f"{self.seq}:{self.hash.hex()}"

    @classmethod
    def of(cls, text: str) -> "Anchor":
        """An anchor as it is printed; raises `InvalidRequest` for anything else."""
        if not (match := ANCHOR.fullmatch(text.strip())):
            raise InvalidRequest("An anchor is written as NUMBER:HASH, as verify prints it.")
        return cls(int(match[1]), bytes.fromhex(match[2]))


async def verify(
    url: str,
    *,
    invariants: Iterable[Invariant] = INVARIANTS,
    begun: Callable[[Invariant], None] = lambda _: None,
) -> AsyncGenerator[Difference | Checked | Anchor, None]:
    """Yields every difference as it is found, and `Checked` after each invariant; `begun` is called before it. At last
    the `Anchor`, where anything of the audit is sealed.

    Reads in one transaction on a connection of its own, for as long as the tables take.

    Raises:
        DatabaseUnavailable: the server does not answer, or went away in between.
    """
    try:
        connection = await psycopg.AsyncConnection.connect(url)
        async with connection:
            await connection.set_isolation_level(psycopg.IsolationLevel.REPEATABLE_READ)
            await connection.set_read_only(True)
            for setting in SETTINGS:
                await connection.execute(setting.encode())
            for invariant in invariants:
                begun(invariant)
                prove = invariant.prover()
                started, count = time.perf_counter(), 0
                # Row by row as the server sends them: a damaged ledger may have millions of differences.
                async for row in connection.cursor().stream(invariant.sql.encode()):
                    for difference in prove(row):
                        count += 1
                        yield Difference(invariant.name, *difference)
                yield Checked(invariant, count, time.perf_counter() - started)
            head = await connection.execute("select seq, hash from audit_head where seq > 0")
            if ends := await head.fetchone():
                yield Anchor(*ends)
    except psycopg.OperationalError as absence:
        raise DatabaseUnavailable from absence


async def differences(url: str) -> list[Difference]:
    """All differences at once, for callers that only want to know whether there are any."""
    return [event async for event in verify(url) if isinstance(event, Difference)]
