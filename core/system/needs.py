"""Which needs follow from what was seen, and how each is put: pure, one function for each kind of trouble."""

from collections.abc import Iterator
from datetime import timedelta

from core.routing.health import Health
from core.system.parts import LATE_SECONDS, SILENT_SECONDS, SLOW_MS, Report
from core.system.provider_needs import of_provider
from core.system.sight import SUPERADMINS, Need, Sight
from core.vocabulary import Role

ASKED_WITHIN = timedelta(days=1)
"""A feature that nobody has asked for since is no trouble any more."""
MOST_FEATURES = 3
LONGEST_SHOWN = 60


def needs_of(seen: Sight) -> list[Need]:
    """All needs, in no order."""
    return [
        *(_of_parts(seen.report) if seen.report else ()),
        *(need for one in seen.board.providers for need in of_provider(one, seen)),
        *_of_features(seen),
        *_of_requests(seen),
        *_of_proposals(seen),
        *_of_grants(seen),
        *_of_books(seen),
    ]


def _of_parts(report: Report) -> Iterator[Need]:
    if report.database.state is Health.DOWN:
        yield Need(
            "database", "critical", "The database does not answer.", "Nothing can be served until it does."
        )
    if report.database.state is Health.DEGRADED:
        yield Need(
            "database", "warning", "The database is slow.", f"It takes more than {SLOW_MS:g} ms to answer."
        )
    if report.queue.state is Health.DEGRADED:
        yield Need(
            "queue", "warning", "The queue is late.",
            f"The oldest job has waited for more than {LATE_SECONDS // 60} minutes.",
        )  # fmt: skip
    if report.schedules.state is Health.DEGRADED:
        yield Need(
            "schedules", "warning", "The schedules stand still.",
            f"None has run for more than {SILENT_SECONDS // 60} minutes; is a worker running?",
        )  # fmt: skip


def _of_features(seen: Sight) -> Iterator[Need]:
    asked = [one for one in seen.undefined if seen.now - one.last_seen_at <= ASKED_WITHIN]
    for one in asked[:MOST_FEATURES]:
        times = "once" if one.checks == 1 else f"{one.checks:,} times"
        meant = f"; did you mean {one.nearest}?" if one.nearest else "."
        yield Need(
            f"feature:{one.feature_id}", "warning", f"“{one.feature_id[:LONGEST_SHOWN]}” is not a feature,",
            f"yet asked for {times} since {seen.when(one.first_seen_at)}{meant}", one.first_seen_at,
            "Open plans", "/plans?tab=undefined",
            roles=SUPERADMINS | {Role.SUPPORT},
        )  # fmt: skip


def _of_requests(seen: Sight) -> Iterator[Need]:
    """Movements of credits that wait for a second superadmin."""
    if not seen.requests:
        return
    oldest, many = seen.requests[0], len(seen.requests)
    what = "1 movement of credits waits" if many == 1 else f"{many} movements of credits wait"
    whom = oldest.email or f"{oldest.people or 0:,} people"
    yield Need(
        "approvals", "waiting", f"{what} for approval.",
        f"{'' if many == 1 else 'The oldest: '}{_signed(oldest.amount)} cr for {whom}, asked by {oldest.asked_label}.",
        oldest.created_at, "Open approvals", "/credits?tab=approvals", SUPERADMINS,
    )  # fmt: skip


def _of_proposals(seen: Sight) -> Iterator[Need]:
    """Changes of plans that support has asked for."""
    if not seen.proposals:
        return
    one = seen.proposals == 1
    yield Need(
        "proposals", "waiting",
        f"{'1 proposed change' if one else f'{seen.proposals:,} proposed changes'} of plans"
        f" {'waits' if one else 'wait'} for a decision.",
        "A superadmin accepts or rejects.", None, "Open proposals", "/plans?tab=proposals", SUPERADMINS,
    )  # fmt: skip


def _of_grants(seen: Sight) -> Iterator[Need]:
    """Bulk grants that stopped half-way."""
    for one in seen.failed_grants:
        whom = "1 person" if one.people == 1 else f"{one.people:,} people"
        yield Need(
            f"bulk:{one.id}", "warning", "A bulk grant has failed.",
            f"“{one.title[:LONGEST_SHOWN]}”, for {whom}, waits for somebody to go on with it.", one.failed_at,
            "Open grant", f"/credits?tab=bulk&sel={one.id}", SUPERADMINS,
        )  # fmt: skip


def _of_books(seen: Sight) -> Iterator[Need]:
    """The last check of the ledger against the balances has found something."""
    proof = seen.proof
    if proof is None or not proof.differences:
        return
    many = "1 difference" if proof.differences == 1 else f"{proof.differences:,} differences"
    yield Need(
        "books", "critical", "The books do not agree.", f"{many} in the check of {seen.when(proof.at)}.",
        proof.at, "Open credits", "/credits", SUPERADMINS | {Role.SUPPORT},
    )  # fmt: skip


def _signed(amount: int) -> str:
    return f"{amount:+,}".replace("-", "\N{MINUS SIGN}")
