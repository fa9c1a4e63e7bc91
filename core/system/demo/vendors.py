"""The vendors of the demo: rows of their own, switched off and without ranks, so that no live request meets them.

One of them has a tripped breaker, with the events that led there.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import orjson
import psycopg

from core.catalogue.catalogue import Catalogue
from core.errors import ErrorClass
from core.ids import first_id_at, new_id
from core.providers.registry import KINDS
from core.routing.models import BreakerState
from core.vocabulary import Modality

PREFIX = "demo-"
DEMO_KINDS = ("openai", "gemini", "anthropic", "deepseek")
"""In the order in which the demo's requests try them."""
TRIPPED = "anthropic"

REASON = "5 of 5 consecutive failures, the last: overloaded (HTTP 529)"
SAID = "Overloaded"


@dataclass(frozen=True, slots=True)
class DemoVendor:
    """A vendor of the demo, with the catalogue's default and fallback model for text."""

    id: UUID
    kind: str
    slug: str
    default: str
    fallback: str


async def make_vendors(
    connection: psycopg.AsyncConnection[Any], catalogue: Catalogue, now: datetime
) -> list[DemoVendor]:
    """The demo's providers, made where they are missing, and the one breaker that has tripped."""
    vendors: list[DemoVendor] = []
    for kind in DEMO_KINDS:
        default, fallback = catalogue.default(kind, Modality.TEXT), catalogue.fallback(kind, Modality.TEXT)
        assert default, f"the catalogue names a default for {kind}; a test holds it to that"
        assert fallback, f"the catalogue names a fallback for {kind}; a test holds it to that"
        slug = PREFIX + kind
        await connection.execute(
            b"insert into providers (id, slug, name, kind, enabled, default_models, fallback_models)"
            b" values (%s, %s, %s, %s, false, %s, %s) on conflict (slug) do nothing",
            (
                new_id(),
                slug,
                f"{KINDS[kind].label} (demo)",
                kind,
                orjson.dumps({Modality.TEXT.value: default}).decode(),
                orjson.dumps({Modality.TEXT.value: fallback}).decode(),
            ),
        )
        row = await (
            await connection.execute(b"select id from providers where slug = %s", (slug,))
        ).fetchone()
        assert row is not None, "it was there, or was just made"
        vendors.append(DemoVendor(row[0], kind, slug, default, fallback))
    await _trip(connection, next(vendor.id for vendor in vendors if vendor.kind == TRIPPED), now)
    return vendors


async def _trip(connection: psycopg.AsyncConnection[Any], provider_id: UUID, now: datetime) -> None:
    opened = now - timedelta(minutes=14)
    made = await connection.execute(
        b"insert into breakers (provider_id, modality, state, failures, openings, error_class, reason, vendor_message,"
        b" opened_at, open_until) values (%s, %s, %s, 5, 3, %s, %s, %s, %s, %s) on conflict do nothing",
        (
            provider_id,
            Modality.TEXT,
            BreakerState.OPEN,
            ErrorClass.OVERLOADED,
            REASON,
            SAID,
            opened,
            now + timedelta(hours=1),
        ),
    )
    if not made.rowcount:
        return
    story = (
        (timedelta(days=29), "added", "made for the demo"),
        (timedelta(hours=18, minutes=40), "breaker_opened", REASON),
        (timedelta(hours=18, minutes=10), "breaker_half_open", "one probe goes out"),
        (timedelta(hours=18, minutes=9), "breaker_closed", "the probe was answered"),
        (timedelta(minutes=14), "breaker_opened", REASON),
        (timedelta(minutes=13), "breaker_half_open", "one probe goes out"),
        (timedelta(minutes=13), "breaker_opened", "the probe failed: overloaded"),
        (timedelta(minutes=11), "breaker_half_open", "one probe goes out"),
        (timedelta(minutes=11), "breaker_opened", "the probe failed: overloaded"),
    )
    for place, (ago, kind, reason) in enumerate(story):
        at = now - ago + timedelta(milliseconds=place)
        await connection.execute(
            b"insert into provider_events (id, provider_id, modality, kind, reason, detail, at)"
            b" values (%s, %s, %s, %s, %s, %s, %s)",
            (
                UUID(int=first_id_at(at).int | (new_id().int & ((1 << 62) - 1))),
                provider_id,
                Modality.TEXT,
                kind,
                reason,
                orjson.dumps({"vendor": SAID} if "opened" in kind else {}).decode(),
                at,
            ),
        )
