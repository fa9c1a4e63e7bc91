"""Which needs follow from one provider: its health, breakers, keys, limits and drills."""

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta

from core.errors import ErrorClass
from core.providers.config import KeyConfig
from core.routing.health import Health
from core.routing.models import BreakerState
from core.system.board import ModalityState, ProviderState
from core.system.sight import FAR, SUPERADMINS, Need, Severity, Sight
from core.vocabulary import STAFF, Modality

FLAPPING = 3
"""So many openings within an hour."""
LIMIT_NEAR = 0.8
EXPIRES_WITHIN = timedelta(days=7)


def of_provider(one: ProviderState, seen: Sight) -> Iterator[Need]:
    """The needs of one provider; of one that is switched off, none."""
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
