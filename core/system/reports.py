"""Runs of the integrity check over the books that are kept: pages say when these were last proved, and what was found.

What is not about credits (costs, organisations, the audit's chain) is proved by the command `verify` alone.
"""

from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlmodel import col, select

from core.database import Database
from core.log import get_logger
from core.system.integrity import Checked, Difference, verify
from core.system.invariants import INVARIANTS
from core.system.models import IntegrityReport

log = get_logger(__name__)

APART = ("leases-", "cost-", "organisation-", "user-", "audit-", "files-")
BOOKS = tuple(one for one in INVARIANTS if not one.name.startswith(APART))
MOST_KEPT = 200
"""Differences of one run that are kept in words; all of them are counted."""
MOST_REPORTS = 1_000


@dataclass(frozen=True, slots=True)
class Proof:
    """What the last run found: how many rows break an invariant, and the first of them in words."""

    at: datetime
    differences: int
    findings: tuple[str, ...]


async def check_books(database: Database) -> Proof:
    """Runs the invariants of the books over one snapshot, keeps the report, and gives what it says.

    Raises:
        DatabaseUnavailable: the server does not answer, or went away in between; nothing is kept then.
    """
    started = datetime.now(UTC)
    checked: dict[str, dict[str, float]] = {}
    findings: list[str] = []
    counts: Counter[str] = Counter()
    async for event in verify(database.url, invariants=BOOKS):
        if isinstance(event, Difference):
            counts[event.check] += 1
            if len(findings) < MOST_KEPT:
                findings.append(str(event))
        elif isinstance(event, Checked):
            checked[event.invariant.name] = {
                "differences": event.differences,
                "seconds": round(event.seconds, 3),
            }
    finished = datetime.now(UTC)
    async with database.transaction() as session:
        session.add(
            IntegrityReport(started_at=started, finished_at=finished, checked=checked, findings=findings)
        )
    await database.execute(FORGET, (MOST_REPORTS,))
    if counts:
        log.error("the books do not agree", differences=counts.total(), checks=sorted(counts))
    return Proof(started, counts.total(), tuple(findings))


async def last_proof(database: Database) -> Proof | None:
    """What the last run found; None where there was none yet. It is as of the snapshot that was read."""
    async with database.transaction() as session:
        newest = select(IntegrityReport).order_by(col(IntegrityReport.id).desc()).limit(1)
        report = (await session.exec(newest)).first()
    if report is None:
        return None
    differences = sum(int(one["differences"]) for one in report.checked.values())
    return Proof(report.started_at, differences, tuple(str(finding) for finding in report.findings))


FORGET = """
delete from integrity_reports where id in (select id from integrity_reports order by id desc offset %s)
"""
