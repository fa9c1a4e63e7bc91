"""Changing a provider: what a change may say, what it comes to in words, and its saving."""

import math
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlmodel import select
from sqlmodel.ext.asyncio.session import AsyncSession

from core.audit import Actor, record
from core.audit.rules import clean_line, require_reason, require_superadmin
from core.database import CONFIG, announce
from core.errors import Conflict, InvalidRequest
from core.providers.addresses import check_base_url
from core.providers.config import Limits, ProviderConfig
from core.providers.models import ProviderRow
from core.providers.registry import KINDS
from core.providers.rows import UNSET, Unset, add_event, lock_provider, lock_providers
from core.vocabulary import Modality

LONGEST_NAME = 60
MOST_SPECIALISATIONS = 20
LARGEST_LIMIT = 10**12


@dataclass(frozen=True, slots=True)
class ProviderChange:
    """What is to be changed of a provider; what is not given stays.

    `base_url` None is the vendor's own. `limits` are all four. Models are given by modality; a fallback model of None
    takes the fallback away, a default model can only be replaced. That the provider offers the models is for
    `core.routing.impact.require_offered` to say.
    """

    name: str | Unset = UNSET
    base_url: str | Unset | None = UNSET
    limits: Limits | Unset = UNSET
    limits_enabled: bool | Unset = UNSET
    specialisations: Collection[str] | Unset = UNSET
    probing: bool | Unset = UNSET
    default_models: Mapping[Modality, str] = field(default_factory=dict[Modality, str])
    fallback_models: Mapping[Modality, str | None] = field(default_factory=dict[Modality, str | None])


@dataclass(frozen=True, slots=True)
class Difference:
    """One field of a change in words, as a review shows it."""

    field: str
    before: str
    after: str


def checked(kind: str, change: ProviderChange, allowed_hosts: Collection[str]) -> ProviderChange:
    """The change of a provider of `kind`, cleaned.

    Args:
        allowed_hosts: internal hosts that a base URL may name.

    Raises:
        InvalidRequest: a field that makes no sense, with the sentence for it.
    """
    cleaned = replace(
        change,
        default_models={Modality(one): _model(model) for one, model in change.default_models.items()},
        fallback_models={
            Modality(one): model and _model(model) for one, model in change.fallback_models.items()
        },
    )
    if not isinstance(change.name, Unset):
        cleaned = replace(cleaned, name=checked_name(change.name))
    if not isinstance(change.base_url, Unset):
        cleaned = replace(cleaned, base_url=checked_address(kind, change.base_url, allowed_hosts))
    if not isinstance(change.limits, Unset):
        _check_limits(change.limits)
    if not isinstance(change.specialisations, Unset):
        cleaned = replace(cleaned, specialisations=_specialisations(change.specialisations))
    return cleaned


def differences(current: ProviderRow | ProviderConfig, change: ProviderChange) -> list[Difference]:
    """What a (cleaned) change comes to, field by field in words; what stays is not among it."""
    return [
        Difference(name, before, after)
        for name, before, after in _compared(current, change)
        if before != after
    ]


async def edit_provider(
    session: AsyncSession,
    provider_id: UUID,
    change: ProviderChange,
    *,
    actor: Actor,
    reason: str,
    allowed_hosts: Collection[str],
    reviewed: Sequence[Difference] | None = None,
) -> ProviderRow:
    """Saves a change; it takes effect on the next request everywhere. The slug stays: history goes by it.

    Args:
        reviewed: the differences that the person has seen; others are refused.

    Raises:
        NotAllowed: the actor is no superadmin.
        NotFound: no such provider.
        InvalidRequest: a field that makes no sense, or no reason.
        Conflict: `provider_exists`, the name is another's; `changed_meanwhile`.
    """
    require_superadmin(actor, "change providers")
    reason = require_reason(reason)
    await lock_providers(session)
    row = await lock_provider(session, provider_id)
    change = checked(row.kind, change, allowed_hosts)
    for modality in {**change.default_models, **change.fallback_models}:
        if modality not in row.ranks:
            raise InvalidRequest(f"{row.name} does not do {modality}.")
    found = differences(row, change)
    if reviewed is not None and list(reviewed) != found:
        raise Conflict(
            f"{row.name} was changed by somebody else meanwhile. Look at it again.", code="changed_meanwhile"
        )
    if not found:
        return row
    if not isinstance(change.name, Unset):
        others = (await session.exec(select(ProviderRow).where(ProviderRow.id != row.id))).all()
        require_free_name(change.name, others)
    before = _as_stored(row)
    _apply(row, change)
    row.updated_at = datetime.now(UTC)
    after = _as_stored(row)
    changed = [name for name in after if after[name] != before[name]]
    session.add(row)
    add_event(
        session,
        row.id,
        "edited",
        f"{', '.join(one.field for one in found)} changed: {reason}",
        actor,
        detail={"changes": [asdict(one) for one in found]},
    )
    await record(
        session,
        actor,
        "provider.update",
        ("provider", row.id),
        reason=reason,
        before={name: before[name] for name in changed},
        after={name: after[name] for name in changed},
    )
    await announce(session, CONFIG)
    return row


def slug_of(name: str) -> str:
    """How a name is written in addresses and traces; empty where nothing of it can be."""
    return re.sub(r"[^a-z0-9]+", "-", name.strip().lower()).strip("-")


def checked_name(name: str) -> str:
    """A provider's display name, cleaned; raises `InvalidRequest` where there is none."""
    cleaned = clean_line(name, "A provider's name", LONGEST_NAME)
    if not cleaned:
        raise InvalidRequest("A provider needs a name.")
    return cleaned


def require_free_name(name: str, others: Collection[ProviderRow]) -> None:
    """Raises `Conflict` (`provider_exists`) where another provider is called so, or is found under that name."""
    slug = slug_of(name)
    for other in others:
        if other.name.casefold() == name.casefold() or (slug and slug in (other.slug, slug_of(other.name))):
            raise Conflict(f"There is a provider named {other.name!r} already.", code="provider_exists")


def checked_address(kind: str, base_url: str | None, allowed_hosts: Collection[str]) -> str | None:
    """A base URL that a provider of `kind` may have; None, or nothing in it, is the vendor's own."""
    if not (base_url or "").strip():
        if kind == "openai_compatible":
            raise InvalidRequest("An OpenAI-compatible provider needs a base URL.")
        return None
    if kind == "sandbox":
        raise InvalidRequest("The sandbox is built in; it has no address.")
    return check_base_url(base_url or "", allowed_hosts)


def _model(model: str) -> str:
    cleaned = clean_line(model, "A model's id", 200)
    if not cleaned:
        raise InvalidRequest("A default model can be replaced, not taken away.")
    return cleaned


def _check_limits(limits: Limits) -> None:
    for name, what in LIMITS.items():
        value = getattr(limits, name)
        if value is None:
            continue
        whole = name != "usd_per_day"
        if isinstance(value, bool) or not isinstance(value, int if whole else int | float):
            raise InvalidRequest(f"{what}: a {'whole ' if whole else ''}number, or nothing for no limit.")
        if not math.isfinite(value) or not 0 < value <= LARGEST_LIMIT:
            raise InvalidRequest(
                f"{what}: more than nothing. To call it not at all, switch the provider off."
            )


def _specialisations(words: Collection[str]) -> tuple[str, ...]:
    cleaned = sorted({word.strip().lower() for word in words} - {""})
    if len(cleaned) > MOST_SPECIALISATIONS:
        raise InvalidRequest(f"A provider has at most {MOST_SPECIALISATIONS} specialisations.")
    for word in cleaned:
        if not re.fullmatch(r"[a-z0-9][a-z0-9 _-]{0,39}", word):
            raise InvalidRequest(f"{word[:60]!r} is not a specialisation, as code or technical are.")
    return tuple(cleaned)


def _compared(
    current: ProviderRow | ProviderConfig, change: ProviderChange
) -> Iterator[tuple[str, str, str]]:
    """Every field that the change names, with its words before and after."""
    stored = current.stored_limits if isinstance(current, ProviderConfig) else Limits(**current.limits)
    if not isinstance(change.name, Unset):
        yield "Name", current.name, change.name
    if not isinstance(change.base_url, Unset):
        yield "Base URL", _address(current.kind, current.base_url), _address(current.kind, change.base_url)
    if not isinstance(change.limits, Unset):
        for name, what in LIMITS.items():
            yield what, _limit(name, getattr(stored, name)), _limit(name, getattr(change.limits, name))
    if not isinstance(change.limits_enabled, Unset):
        yield "Limits", _switched(current.limits_enabled), _switched(change.limits_enabled)
    if not isinstance(change.specialisations, Unset):
        yield "Good at", _listed(current.specialisations), _listed(change.specialisations)
    if not isinstance(change.probing, Unset):
        yield "Cost-free probes", _switched(current.probing), _switched(change.probing)
    for modality, model in change.default_models.items():
        yield f"Default model, {modality}", current.default_models.get(modality) or "none", model
    for modality, model in change.fallback_models.items():
        yield f"Fallback model, {modality}", current.fallback_models.get(modality) or "none", model or "none"


def _address(kind: str, base_url: str | None) -> str:
    return base_url or f"the vendor's own ({KINDS[kind].default_base_url or 'built in'})"


def _limit(name: str, value: float | None) -> str:
    if value is None:
        return "no limit"
    return f"${value:,.2f}" if name == "usd_per_day" else f"{value:,}"


def _switched(on: bool) -> str:
    return "on" if on else "off"


def _listed(words: Collection[str]) -> str:
    return ", ".join(sorted(words)) or "nothing in particular"


def _apply(row: ProviderRow, change: ProviderChange) -> None:
    if not isinstance(change.name, Unset):
        row.name = change.name
    if not isinstance(change.base_url, Unset):
        row.base_url = change.base_url
    if not isinstance(change.limits, Unset):
        row.limits = {name: value for name, value in asdict(change.limits).items() if value is not None}
    if not isinstance(change.limits_enabled, Unset):
        row.limits_enabled = change.limits_enabled
    if not isinstance(change.specialisations, Unset):
        row.specialisations = list(change.specialisations)
    if not isinstance(change.probing, Unset):
        row.probing = change.probing
    row.default_models = {**row.default_models, **change.default_models}
    kept = {**row.fallback_models, **change.fallback_models}
    row.fallback_models = {modality: model for modality, model in kept.items() if model}


def _as_stored(row: ProviderRow) -> dict[str, Any]:
    """The fields that a change may touch, as the audit keeps them."""
    return {
        "name": row.name,
        "base_url": row.base_url,
        "limits": dict(row.limits),
        "limits_enabled": row.limits_enabled,
        "specialisations": sorted(row.specialisations),
        "probing": row.probing,
        "default_models": dict(row.default_models),
        "fallback_models": dict(row.fallback_models),
    }


LIMITS: Mapping[str, str] = {
    "requests_per_minute": "Requests a minute",
    "tokens_per_day": "Tokens a day",
    "usd_per_day": "USD a day",
    "concurrent": "Calls at once",
}
