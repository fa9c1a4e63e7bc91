"""Which needs follow from what was seen, and how each is put: pure, one function for each kind of trouble."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Literal
from uuid import UUID
from zoneinfo import ZoneInfo

from core.credits.approvals import RequestLine
from core.entitlements.service import Undefined
from core.errors import ErrorClass
from core.providers.config import KeyConfig
from core.routing.health import Health
from core.routing.meter import Use
from core.routing.models import BreakerState
from core.system.board import BoardState, ModalityState, ProviderState
from core.system.parts import LATE_SECONDS, SILENT_SECONDS, SLOW_MS, Report
from core.system.reports import Proof
from core.vocabulary import STAFF, Modality, Role

FLAPPING = 3
"""So many openings within an hour."""
LIMIT_NEAR = 0.8
EXPIRES_WITHIN = timedelta(days=7)
ASKED_WITHIN = timedelta(days=1)
"""A feature that nobody has asked for since is no trouble any more."""
MOST_FEATURES = 3
LONGEST_SHOWN = 60

Severity = Literal["critical", "warning", "waiting", "notice"]
ORDER: tuple[Severity, ...] = ("critical", "warning", "waiting", "notice")
SUPERADMINS = frozenset({Role.SUPERADMIN})


@dataclass(frozen=True, slots=True)
class Need:
    """One thing that needs somebody.

    `title` ends with its own full stop or comma and reads on into `text`. `since` is None where nobody knows; `href`
    is empty where there is nothing to open. Two are equal when a page would show the same.
    """

    key: str
    severity: Severity
    title: str
    text: str
    since: datetime | None = None
    action: str = ""
    href: str = ""
    roles: frozenset[Role] = STAFF


@dataclass(frozen=True, slots=True)
class FailedGrant:
    """A bulk grant whose job has failed: it goes on only when somebody says so."""

    id: UUID
    title: str
    people: int
    failed_at: datetime


@dataclass(frozen=True, slots=True)
class Sight:
    """All that a look has seen.

    `openings` counts those of the last hour, `aside_since` is by key, `near` has the limits of which most is used by
    provider. Times in sentences are of `zone`, the reporting zone.
    """

    board: BoardState
    now: datetime
    zone: ZoneInfo
    report: Report | None = None
    undefined: Sequence[Undefined] = ()
    openings: Mapping[tuple[UUID, Modality], int] = field(default_factory=dict[tuple[UUID, Modality], int])
    aside_since: Mapping[UUID, datetime] = field(default_factory=dict[UUID, datetime])
    near: Mapping[UUID, Sequence[Use]] = field(default_factory=dict[UUID, Sequence[Use]])
    requests: Sequence[RequestLine] = ()
    proposals: int = 0
    failed_grants: Sequence[FailedGrant] = ()
    proof: Proof | None = None

    def when(self, moment: datetime) -> str:
        """The time of day, or the day where it is another one."""
        local = moment.astimezone(self.zone)
        same = local.date() == self.now.astimezone(self.zone).date()
        return f"{local:%H:%M}" if same else f"{local.day} {local:%B}"


def needs_of(seen: Sight) -> list[Need]:
    """All needs, in no order."""
    return [
        *(_of_parts(seen.report) if seen.report else ()),
        *(need for one in seen.board.providers for need in _of_provider(one, seen)),
        *_of_features(seen),
        *_of_requests(seen),
        *_of_proposals(seen),
        *_of_grants(seen),
        *_of_books(seen),
    ]


def _of_provider(one: ProviderState, seen: Sight) -> Iterator[Need]:
    if one.health is Health.DISABLED:
        return
    if one.without_key:
        yield _without_key(one, seen)
    else:
        yield from _of_its_health(one, seen)
        yield from _of_breakers(one, seen)
        yield from _of_keys(one, seen)
    yield from _of_isolation(one)
    yield from _of_limits(one, seen)
    yield from _of_drill(one, seen)
    if one.performance.unpriced:
        yield Need(
            f"unpriced:{one.provider.id}", "warning", f"Calls to {one.provider.name} have no price.",
            f"{one.performance.unpriced:,} in 24 hours; what they cost is in no figure.", None,
            "Open provider", _href(one), SUPERADMINS,
        )  # fmt: skip


def _without_key(one: ProviderState, seen: Sight) -> Need:
    """A provider that no key is left for, in whatever it serves. Told to all, and so without a word on which key."""
    keys = one.provider.keys
    why = "No key is stored."
    if keys:
        why = f"No key can be used: {_listed(list(dict.fromkeys(_trouble(key, seen.now) for key in keys)))}."
    again = min((key.state_until for key in keys if key.state_until and not key.fault), default=None)
    if again and again > seen.now:
        why += f" The next try is at {seen.when(again)}."
    since = max((at for key in keys if (at := seen.aside_since.get(key.id))), default=None)
    served = list(one.by_modality)
    return Need(
        f"down:{one.provider.id}", "critical", f"{one.provider.name} is down for {_served(served)}.",
        f"{why} {_carried(one, served, seen)}", since, "Open keys", f"{_href(one)}&tab=keys",
    )  # fmt: skip


def _of_its_health(one: ProviderState, seen: Sight) -> Iterator[Need]:
    """Down or degraded although no breaker says so."""
    for word, severity in TROUBLES:
        states = [
            state
            for state in one.by_modality.values()
            if state.health is word and state.breaker.state is BreakerState.CLOSED
        ]
        if not states:
            continue
        served = [state.modality for state in states]
        text = _sentence("; ".join(dict.fromkeys(reason for state in states for reason in state.reasons)))
        if word is Health.DOWN:
            text += f" {_carried(one, served, seen)}"
        yield Need(
            f"{word.value}:{one.provider.id}", severity, f"{one.provider.name} is {word.value} for {_served(served)}.",
            text, one.silent_since, "Open provider", _href(one),
        )  # fmt: skip


def _of_breakers(one: ProviderState, seen: Sight) -> Iterator[Need]:
    """Those that are open, being probed among them, and those that open again and again."""
    for modality, state in one.by_modality.items():
        openings = seen.openings.get((one.provider.id, modality), 0)
        flaps = openings >= FLAPPING
        key, name, words = f"{one.provider.id}:{modality}", one.provider.name, _served([modality])
        if state.breaker.state in (BreakerState.OPEN, BreakerState.HALF_OPEN):
            often = f" It has opened {openings} times within an hour." if flaps else ""
            yield Need(
                f"down:{key}", "critical", f"{name} is down for {words}.",
                f"{_opened(state)}{often} {_carried(one, [modality], seen)}", state.breaker.opened_at,
                "Open provider", _href(one),
            )  # fmt: skip
        elif flaps:
            yield Need(
                f"flapping:{key}", "warning", f"{name} comes and goes for {words}.",
                f"Its breaker has opened {openings} times within an hour.", None,
                "Open events", f"{_href(one)}&tab=events",
            )  # fmt: skip


def _of_isolation(one: ProviderState) -> Iterator[Need]:
    for modality, state in one.by_modality.items():
        if state.breaker.state is BreakerState.ISOLATED:
            why = f": {state.breaker.reason}" if state.breaker.reason else ""
            yield Need(
                f"isolated:{one.provider.id}:{modality}", "notice",
                f"{one.provider.name} is isolated for {_served([modality])}.",
                _sentence(f"By a person, until it is reset{why}"), state.breaker.opened_at,
                "Open provider", _href(one),
            )  # fmt: skip


def _of_keys(one: ProviderState, seen: Sight) -> Iterator[Need]:
    """The keys that do not serve while others do, and the last one's end."""
    usable, keys_tab = one.provider.usable_keys(seen.now), f"{_href(one)}&tab=keys"
    serving = "1 other key serves." if len(usable) == 1 else f"{len(usable)} other keys serve."
    for key in one.provider.keys:
        if key in usable or key.state == "disabled" or (key.expired(seen.now) and not key.fault):
            continue
        again = f" It is tried again at {seen.when(key.state_until)}." if key.state_until else ""
        yield Need(
            f"key:{key.id}", "warning", f"A key of {one.provider.name} is out of use.",
            f"····{key.last_four}: {_trouble(key, seen.now)}.{again} {serving}", seen.aside_since.get(key.id),
            "Open keys", keys_tab, SUPERADMINS,
        )  # fmt: skip
    last = max(usable, key=lambda key: key.expires_at or FAR, default=None)
    if last and last.expires_at and last.expires_at <= seen.now + EXPIRES_WITHIN:
        yield Need(
            f"expiry:{last.id}", "warning", f"The last key of {one.provider.name} is about to expire.",
            f"····{last.last_four} is good until {seen.when(last.expires_at)}; rotate it before.",
            last.expires_at - EXPIRES_WITHIN, "Open keys", keys_tab, SUPERADMINS,
        )  # fmt: skip


def _of_limits(one: ProviderState, seen: Sight) -> Iterator[Need]:
    for use in seen.near.get(one.provider.id, ()):
        full = use.part >= 1
        text = f"More than {LIMIT_NEAR * 100:.0f} % of {use.words} is used."
        if full:
            over = "minute" if use.name == "requests" else "day"
            text = f"All of {use.words} is used; others are asked until the {over} is over."
        yield Need(
            f"limit:{one.provider.id}:{use.name}", "warning",
            f"{one.provider.name} is {'at' if full else 'near'} its limit.", text, None,
            "Open provider", _href(one), SUPERADMINS if use.name == "usd" else STAFF,
        )  # fmt: skip


def _of_drill(one: ProviderState, seen: Sight) -> Iterator[Need]:
    if (drill := one.provider.drilled(seen.now)) is None:
        return
    meets = [
        *([drill.error_class.value.replace("_", " ")] if drill.error_class else []),
        *([f"{drill.latency_ms:,} ms of delay"] if drill.latency_ms else []),
    ]
    yield Need(
        f"drill:{one.provider.id}", "notice", f"An outage of {one.provider.name} is being simulated.",
        f"Test traffic meets {_listed(meets)} until {seen.when(drill.ends_at)}.", drill.started_at,
        "Open provider", _href(one),
    )  # fmt: skip


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


def _opened(state: ModalityState) -> str:
    """Why a breaker is open: "Breaker open after 5 of 5 failures: overloaded."."""
    reason, why = state.breaker.reason or "", state.breaker.error_class
    counted = re.match(r"\d+ of \d+", reason)
    if counted and why:
        return f"Breaker open after {counted[0]} failures: {why.value.replace('_', ' ')}."
    return _sentence(f"Breaker open: {reason}" if reason else "Breaker open")


def _carried(down: ProviderState, served: Sequence[Modality], seen: Sight) -> str:
    """Who carries the requests of a provider that is down; where nobody has yet, who is next in order."""
    others = [
        (one, state)
        for modality in served
        for one in sorted(seen.board.providers, key=lambda one: one.provider.rank(modality))
        if one is not down and (state := one.by_modality.get(modality)) and state.health not in OUT
    ]
    carrying = sorted((other for other in others if other[1].share), key=lambda other: -(other[1].share or 0))
    names = list(dict.fromkeys(one.provider.name for one, _ in carrying or others))
    if not names:
        return "Nobody else can carry its requests."
    if not carrying:
        return f"{names[0]} is next in order."
    return f"{_listed(names[:3])} {'carries' if len(names) == 1 else 'carry'} its requests."


def _trouble(key: KeyConfig, now: datetime) -> str:
    """What a key that cannot be used has, in a few words without its name."""
    if key.fault:
        return "cannot be decrypted"
    if key.state == "disabled":
        return "switched off"
    if key.expired(now):
        return "expired"
    if key.state_class is ErrorClass.QUOTA:
        return "quota exhausted"
    return "rejected" if key.state_class is ErrorClass.AUTHENTICATION else "set aside"


def _signed(amount: int) -> str:
    return f"{amount:+,}".replace("-", "\N{MINUS SIGN}")


def _served(modalities: Sequence[Modality]) -> str:
    return _listed([WORDS[modality] for modality in modalities])


def _href(one: ProviderState) -> str:
    return f"/providers?sel={one.provider.id}"


def _sentence(words: str) -> str:
    words = words.strip()
    return f"{words[:1].upper()}{words[1:]}" + ("" if words.endswith((".", "?", "!")) else ".")


def _listed(words: Sequence[str]) -> str:
    return " and ".join(part for part in (", ".join(words[:-1]), *words[-1:]) if part)


WORDS: Mapping[Modality, str] = {
    Modality.TEXT: "text", Modality.IMAGE: "images", Modality.VIDEO: "video", Modality.AUDIO: "audio",
}  # fmt: skip
TROUBLES: tuple[tuple[Health, Severity], ...] = ((Health.DOWN, "critical"), (Health.DEGRADED, "warning"))
OUT = frozenset({Health.DOWN, Health.HALF_OPEN, Health.DISABLED})
FAR = datetime.max.replace(tzinfo=UTC)
