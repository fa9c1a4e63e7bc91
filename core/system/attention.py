"""What needs somebody now: one list for the overview, the bell and the tab's title, the worst first.

Each need says what is wrong, since when, and where it is dealt with. `roles` names who may read it: support sees
neither keys nor USD.
"""

import asyncio
import re
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Literal
from uuid import UUID
from zoneinfo import ZoneInfo

from core.database import Database
from core.entitlements.service import Undefined, undefined_features
from core.errors import DatabaseUnavailable, ErrorClass
from core.providers.config import KeyConfig
from core.routing.events import opened_since
from core.routing.health import Health
from core.routing.meter import Meter
from core.routing.models import BreakerState
from core.snapshot import SnapshotHolder
from core.system.board import Board, BoardState, ModalityState, ProviderState
from core.system.parts import LATE_SECONDS, SILENT_SECONDS, SLOW_MS, Parts, Report
from core.vocabulary import STAFF, Modality, Role

KEPT_SECONDS = 1.0
ASKED_SECONDS = 5.0
"""What only the database knows is asked for less often than the board."""
FLAPPING = 3
"""So many openings within an hour."""
FLAPPING_WITHIN = timedelta(hours=1)
LIMIT_NEAR = 0.8
NEAR_TOLD = timedelta(minutes=2)
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


class Attention:
    """One per process."""

    def __init__(
        self,
        database: Database,
        snapshots: SnapshotHolder,
        board: Board,
        parts: Parts,
        meter: Meter,
        zone: ZoneInfo,
        *,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._database = database
        self._snapshots = snapshots
        self._board = board
        self._parts = parts
        self._meter = meter
        self._zone = zone
        self._clock = clock
        self._looking = asyncio.Lock()
        self._last: tuple[float, list[Need]] | None = None
        self._known = _Known()
        self._ask_due = 0.0
        self._noticed: dict[str, datetime] = {}
        self._near: dict[str, datetime] = {}
        self.checked_at: datetime | None = None

    async def needs(self) -> list[Need]:
        """All of them, the worst first, then the oldest; what the board knows at most a second old, the rest five.

        Never raises for a database that is away: that is one of them.
        """
        async with self._looking:
            if self._last is None or time.monotonic() - self._last[0] > KEPT_SECONDS:
                self._last = time.monotonic(), await self._look()
            return self._last[1]

    def forget(self) -> None:
        """The next look is made anew: what somebody has just changed is seen at once."""
        self._last, self._ask_due = None, 0.0

    async def _look(self) -> list[Need]:
        now = self._clock()
        board = await self._board.read()
        if time.monotonic() >= self._ask_due:
            self._known = await self._ask(board, now)
            self._ask_due = time.monotonic() + ASKED_SECONDS
        known = self._known
        found = [
            *(_of_parts(known.report) if known.report else ()),
            *(need for one in board.providers for need in self._of_provider(one, board, known, now)),
            *_of_features(known.undefined, now, self._zone),
        ]
        self.checked_at = now
        return _ordered(self._dated(found, now))

    async def _ask(self, board: BoardState, now: datetime) -> "_Known":
        """What only the database knows; while it is away, what it has said last."""
        report = await self._parts.report()
        known = replace(self._known, report=report)
        if report.database.state is not Health.DOWN:
            with suppress(DatabaseUnavailable):
                known = await self._ask_database(known, board, now)
        return known

    async def _ask_database(self, known: "_Known", board: BoardState, now: datetime) -> "_Known":
        async with self._database.transaction() as session:
            undefined = await undefined_features(session, self._snapshots.current.entitlements)
        aside = [key.id for one in board.providers for key in one.provider.keys if key.state == "set_aside"]
        since = {}
        if aside:
            rows = await self._database.fetch_all(
                "select k.id, min(e.at) from provider_keys k join provider_events e on e.provider_id = k.provider_id"
                " where k.id = any(%s) and e.kind = 'key_set_aside' and e.detail ->> 'key' = k.id::varchar"
                " and not exists (select from provider_events r where r.provider_id = k.provider_id and r.id > e.id"
                "   and r.kind = 'key_restored' and r.detail ->> 'key' = k.id::varchar) group by k.id",
                (aside,),
            )
            since = dict(rows)
        lately = await opened_since(self._database, now - FLAPPING_WITHIN)
        return replace(known, undefined=undefined, openings=lately, aside_since=since)

    def _of_provider(
        self, one: ProviderState, board: BoardState, known: "_Known", now: datetime
    ) -> Iterator[Need]:
        if one.health is Health.DISABLED:
            return
        states = one.by_modality.values()
        if one.without_key:
            yield self._no_key(one, board, known, now)
        else:
            yield from _of_trouble(one, board, known)
            yield from self._of_keys(one, known, now)
        yield from (_isolated(one, state) for state in states if state.breaker.state is BreakerState.ISOLATED)
        yield from self._of_limits(one, now)
        yield from self._of_drill(one, now)
        if one.performance.unpriced:
            yield Need(
                f"unpriced:{one.provider.id}", "warning", f"Calls to {one.provider.name} have no price.",
                f"{one.performance.unpriced:,} in 24 hours; what they cost is in no figure.",
                action="Open provider", href=_href(one), roles=SUPERADMINS,
            )  # fmt: skip

    def _no_key(self, one: ProviderState, board: BoardState, known: "_Known", now: datetime) -> Need:
        """A provider that no key is left for, in whatever it serves."""
        name, keys = one.provider.name, one.provider.keys
        causes = list(dict.fromkeys(_key_trouble(key, now) for key in keys))
        again = min((key.state_until for key in keys if key.state_until and not key.fault), default=None)
        why = f"No key can be used: {_listed(causes)}." if keys else "No key is stored."
        if again and again > now:
            why += f" The next try is at {_when(again, now, self._zone)}."
        since = max((at for key in keys if (at := known.aside_since.get(key.id))), default=None)
        served = list(one.by_modality)
        return Need(
            f"down:{one.provider.id}", "critical", f"{name} is down for {_listed([WORDS[m] for m in served])}.",
            f"{why} {_carried(board, one, served)}", since, "Open keys", f"{_href(one)}&tab=keys",
        )  # fmt: skip

    def _of_keys(self, one: ProviderState, known: "_Known", now: datetime) -> Iterator[Need]:
        """The keys that do not serve while others do, and the last one's end."""
        name, usable = one.provider.name, one.provider.usable_keys(now)
        serving = f"{len(usable)} other {'key serves' if len(usable) == 1 else 'keys serve'}."
        for key in one.provider.keys:
            if key in usable or key.state == "disabled" or (key.expired(now) and not key.fault):
                continue
            again = (
                f" It is tried again at {_when(key.state_until, now, self._zone)}." if key.state_until else ""
            )
            yield Need(
                f"key:{key.id}", "warning", f"A key of {name} is out of use.",
                f"····{key.last_four}: {_key_trouble(key, now)}.{again} {serving}", known.aside_since.get(key.id),
                "Open keys", f"{_href(one)}&tab=keys", SUPERADMINS,
            )  # fmt: skip
        last = max(usable, key=lambda key: key.expires_at or FAR, default=None)
        if last and last.expires_at and last.expires_at <= now + EXPIRES_WITHIN:
            yield Need(
                f"expiry:{last.id}", "warning", f"The last key of {name} is about to expire.",
                f"····{last.last_four} ends {_on(last.expires_at, now, self._zone)}; rotate it before.",
                last.expires_at - EXPIRES_WITHIN, "Open keys", f"{_href(one)}&tab=keys", SUPERADMINS,
            )  # fmt: skip

    def _of_limits(self, one: ProviderState, now: datetime) -> Iterator[Need]:
        """The limits of which most is used. A minute is over soon: what was near then is still told a little later."""
        for use in self._meter.uses(one.provider.id, one.provider.limits):
            key = f"limit:{one.provider.id}:{use.name}"
            if use.part >= LIMIT_NEAR:
                self._near[key] = now
            if now - self._near.get(key, LONG_AGO) > (NEAR_TOLD if use.name == "requests" else timedelta(0)):
                continue
            full = use.part >= 1
            yield Need(
                key, "warning", f"{one.provider.name} is {'at' if full else 'near'} its limit.",
                f"Of {use.words} {'all is' if full else f'more than {LIMIT_NEAR:.0%} is'} used"
                f"{'; it is skipped until then' if full else ''}.",
                action="Open provider", href=_href(one), roles=SUPERADMINS if use.name == "usd" else STAFF,
            )  # fmt: skip

    def _of_drill(self, one: ProviderState, now: datetime) -> Iterator[Need]:
        if (drill := one.provider.drilled(now)) is None:
            return
        meets = [
            *([drill.error_class.value.replace("_", " ")] if drill.error_class else []),
            *([f"{drill.latency_ms:,} ms of delay"] if drill.latency_ms else []),
        ]
        yield Need(
            f"drill:{one.provider.id}", "notice", f"An outage of {one.provider.name} is being simulated.",
            f"Test traffic meets {_listed(meets)} until {_when(drill.ends_at, now, self._zone)}.", drill.started_at,
            "Open provider", _href(one),
        )  # fmt: skip

    def _dated(self, found: Sequence[Need], now: datetime) -> list[Need]:
        """A need that does not know since when it is one is as old as its first sight here."""
        self._noticed = {need.key: self._noticed.get(need.key, now) for need in found}
        return [need if need.since else replace(need, since=self._noticed[need.key]) for need in found]


@dataclass(frozen=True, slots=True)
class _Known:
    """What a look has learnt from the database, and how its parts are."""

    report: Report | None = None
    undefined: Sequence[Undefined] = ()
    openings: Mapping[tuple[UUID, Modality], int] = field(default_factory=dict[tuple[UUID, Modality], int])
    aside_since: Mapping[UUID, datetime] = field(default_factory=dict[UUID, datetime])


def _of_trouble(one: ProviderState, board: BoardState, known: _Known) -> Iterator[Need]:
    """What the provider itself has: per modality where the breaker speaks, else for all it serves."""
    name, href = one.provider.name, _href(one)
    troubles: tuple[tuple[Health, Severity], ...] = ((Health.DOWN, "critical"), (Health.DEGRADED, "warning"))
    for word, severity in troubles:
        states = [
            m for m in one.by_modality.values() if m.health is word and m.breaker.state is BreakerState.CLOSED
        ]
        if states:
            reasons = dict.fromkeys(reason for state in states for reason in state.reasons)
            text = f"{_sentence('; '.join(reasons))}"
            if word is Health.DOWN:
                text += f" {_carried(board, one, [state.modality for state in states])}"
            served = _listed([WORDS[state.modality] for state in states])
            yield Need(
                f"{word.value}:{one.provider.id}", severity, f"{name} is {word.value} for {served}.", text,
                action="Open provider", href=href,
            )  # fmt: skip
    for modality, state in one.by_modality.items():
        openings_lately = known.openings.get((one.provider.id, modality), 0)
        flaps = openings_lately >= FLAPPING
        if state.breaker.state in (BreakerState.OPEN, BreakerState.HALF_OPEN):
            again = f" It has opened {openings_lately} times within an hour." if flaps else ""
            yield Need(
                f"down:{one.provider.id}:{modality}", "critical", f"{name} is down for {WORDS[modality]}.",
                f"{_opened(state)}{again} {_carried(board, one, [modality])}", state.breaker.opened_at,
                "Open provider", href,
            )  # fmt: skip
        elif flaps:
            yield Need(
                f"flapping:{one.provider.id}:{modality}", "warning", f"{name} comes and goes for {WORDS[modality]}.",
                f"Its breaker has opened {openings_lately} times within an hour.", None, "Open events",
                f"{href}&tab=events",
            )  # fmt: skip


def _isolated(one: ProviderState, state: ModalityState) -> Need:
    return Need(
        f"isolated:{one.provider.id}:{state.modality}", "notice",
        f"{one.provider.name} is isolated for {WORDS[state.modality]}.",
        _sentence(f"By a person, until it is reset: {state.breaker.reason}" if state.breaker.reason else "By a person"),
        state.breaker.opened_at, "Open provider", _href(one),
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


def _of_features(undefined: Iterable[Undefined], now: datetime, zone: ZoneInfo) -> Iterator[Need]:
    asked = [one for one in undefined if now - one.last_seen_at <= ASKED_WITHIN]
    for one in asked[:MOST_FEATURES]:
        times = "once" if one.checks == 1 else f"{one.checks:,} times"
        meant = f"; did you mean {one.nearest}?" if one.nearest else "."
        yield Need(
            f"feature:{one.feature_id}", "warning", f"“{one.feature_id[:LONGEST_SHOWN]}” is not a feature,",
            f"yet asked for {times} since {_when(one.first_seen_at, now, zone)}{meant}", one.first_seen_at,
            roles=SUPERADMINS | {Role.SUPPORT},
        )  # fmt: skip


def _opened(state: ModalityState) -> str:
    """Why a breaker is open: "Breaker open after 5 of 5 failures: overloaded."."""
    reason, why = state.breaker.reason or "", state.breaker.error_class
    counted = re.match(r"\d+ of \d+", reason)
    if counted and why:
        return f"Breaker open after {counted[0]} failures: {why.value.replace('_', ' ')}."
    return _sentence(f"Breaker open: {reason}" if reason else "Breaker open")


def _carried(board: BoardState, down: ProviderState, served: Sequence[Modality]) -> str:
    """Who carries the requests of a provider that is down; where nobody has yet, who is next in order."""
    others = [
        (one, state)
        for modality in served
        for one in sorted(board.providers, key=lambda one: one.provider.rank(modality))
        if one is not down and (state := one.by_modality.get(modality)) and state.health not in OUT
    ]
    carrying = sorted((other for other in others if other[1].share), key=lambda other: -(other[1].share or 0))
    names = list(dict.fromkeys(one.provider.name for one, _ in carrying or others))
    if not names:
        return "Nobody else can carry its requests."
    if not carrying:
        return f"{names[0]} is next in order."
    return f"{_listed(names[:3])} {'carries' if len(names) == 1 else 'carry'} its requests."


def _key_trouble(key: KeyConfig, now: datetime) -> str:
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


def _ordered(needs: Iterable[Need]) -> list[Need]:
    return sorted(needs, key=lambda need: (ORDER.index(need.severity), need.since or FAR, need.key))


def _href(one: ProviderState) -> str:
    return f"/providers?sel={one.provider.id}"


def _when(moment: datetime, now: datetime, zone: ZoneInfo) -> str:
    """The time of day, or the day where it is another one."""
    local = moment.astimezone(zone)
    return f"{local:%H:%M}" if local.date() == now.astimezone(zone).date() else f"{local.day} {local:%B}"


def _on(moment: datetime, now: datetime, zone: ZoneInfo) -> str:
    """As `_when`, with its preposition."""
    same = moment.astimezone(zone).date() == now.astimezone(zone).date()
    return f"{'at' if same else 'on'} {_when(moment, now, zone)}"


def _sentence(words: str) -> str:
    words = words.strip()
    return f"{words[:1].upper()}{words[1:]}" + ("" if words.endswith((".", "?", "!")) else ".")


def _listed(words: Sequence[str]) -> str:
    return " and ".join(part for part in (", ".join(words[:-1]), *words[-1:]) if part)


WORDS: Mapping[Modality, str] = {
    Modality.TEXT: "text", Modality.IMAGE: "images", Modality.VIDEO: "video", Modality.AUDIO: "audio",
}  # fmt: skip
OUT = frozenset({Health.DOWN, Health.HALF_OPEN, Health.DISABLED})
FAR = datetime.max.replace(tzinfo=UTC)
LONG_AGO = datetime.min.replace(tzinfo=UTC)
