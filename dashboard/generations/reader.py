"""Who looks at the page, and how what it shows is named for them."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from uuid import UUID
from zoneinfo import ZoneInfo

from core.generation.detail import Detail
from core.generation.explain import provider_name
from core.snapshot import Snapshot


@dataclass(frozen=True, slots=True)
class Reader:
    """The zone of times, whether USD may be seen, how providers are called; what gives a charge back, by the
    generation's id, for those who may, and why they may not give back this one; whether users' pages may be opened."""

    zone: ZoneInfo
    costs: bool
    name: Callable[[str], str]
    refund: Callable[[UUID], Awaitable[None]] | None = None
    beyond_refund: Callable[[Detail], str | None] = lambda _: None
    people: bool = False


def named(snapshot: Snapshot, slug: str) -> str:
    """What a person called a provider; a vendor's only account goes by the vendor's short name."""
    known = snapshot.provider(slug)
    return known.name if known and known.kind != slug else provider_name(slug)
