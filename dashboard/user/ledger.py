"""The newest entries of a user's ledger as a table (mock-up 07)."""

from collections.abc import Mapping, Sequence
from typing import Any
from zoneinfo import ZoneInfo

from core.credits.models import EntryType
from core.ids import short
from dashboard.components import time
from dashboard.components.cells import DASH, Bit, chip
from dashboard.components.money import format_credits, format_credits_signed
from dashboard.components.status import Status
from dashboard.components.table import Column, Row

COLUMNS = (
    Column("time", "Time", 190, card="meta"),
    Column("type", "Type", 130, card="status"),
    Column("credits", "Credits", 110, "end", card="key"),
    Column("after", "Balance after", 130, "end"),
    Column("reason", "Reason", None, card="title"),
    Column("generation", "Generation", 130),
)
TYPES: Mapping[str, Status] = {
    EntryType.USAGE: Status("Usage", "bolt", "neutral"),
    EntryType.REFUND: Status("Refund", "undo", "info"),
    EntryType.BONUS: Status("Bonus", "redeem", "ok"),
    EntryType.GRANT: Status("Grant", "add_circle", "ok"),
    EntryType.PURCHASE: Status("Purchase", "shopping_cart", "ok"),
    EntryType.ADJUSTMENT: Status("Adjustment", "tune", "info"),
    EntryType.EXPIRY: Status("Expiry", "event_busy", "neutral"),
}


def rows(entries: Sequence[Mapping[str, Any]], zone: ZoneInfo) -> list[Row]:
    """One row an entry; a ledger's times are absolute, always."""
    return [
        Row(
            str(entry["id"]),
            [
                Bit(time.absolute(entry["createdAt"], zone), moment=time.iso(entry["createdAt"])),
                chip(TYPES[entry["type"]]),
                Bit(format_credits_signed(entry["amount"]), "ok" if entry["amount"] > 0 else ""),
                format_credits(entry["balanceAfter"]),
                _reason(entry),
                _generation(entry),
            ],
        )
        for entry in entries
    ]


def _reason(entry: Mapping[str, Any]) -> Bit:
    said = " · ".join(part for part in (entry["reason"], entry["note"]) if part)
    return Bit(said, title=said)


def _generation(entry: Mapping[str, Any]) -> Bit:
    made = entry["generationId"]
    return Bit(short(made), href=f"/generations/{made}", title=str(made)) if made else DASH
