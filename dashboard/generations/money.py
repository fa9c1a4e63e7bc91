"""The money of a generation: held, charged, returned; what it cost us and what it is worth; its ledger entries."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from core.generation.detail import Detail
from dashboard.components import time
from dashboard.components.button import Button
from dashboard.components.facts import Trio
from dashboard.components.html import Node
from dashboard.components.money import format_credits, format_credits_signed, format_usd
from dashboard.components.pane import Pane
from dashboard.generations.reader import Reader
from dashboard.generations.rows import UNDER_WAY, cost_words


def money_section(pane: Pane, detail: Detail, reader: Reader) -> None:
    """Credits for everybody; USD for those who see costs."""
    row = detail.row
    with pane.section("Money"):
        facts = [_held(detail, reader)]
        if row["status"] not in UNDER_WAY:
            facts += [("Charged", format_credits(row["credits"])), _returned(detail, reader)]
        Trio(facts)
        if reader.costs and row["status"] not in UNDER_WAY:
            Trio(_in_dollars(row)).style("margin-top: 8px")
        if row["excess_credits"]:
            beyond = format_credits(row["excess_credits"])
            Node("p", f"{beyond} more were used than were held; they are ours.", "pu-meta").style(
                "margin-top: 8px"
            )
        _entries(detail, reader)
        _refund(detail, reader)


def _held(detail: Detail, reader: Reader) -> tuple[str, str]:
    reservation = detail.reservation
    if reservation is None:
        return "Held", "nothing"
    return f"Held {_clock(reservation['created_at'], reader)}", format_credits(reservation["amount"])


def _returned(detail: Detail, reader: Reader) -> tuple[str, str]:
    reservation = detail.reservation
    if reservation is None or not reservation["resolved_at"]:
        return "Returned", "nothing"
    back = reservation["amount"] - reservation["charged"]
    moment = _clock(reservation["resolved_at"], reader)
    return f"Returned {moment}", format_credits(back) if back else "nothing"


def _in_dollars(row: Mapping[str, Any]) -> list[tuple[str, str]]:
    cost, revenue = row["cost"], row["revenue"] or Decimal(0)
    facts = [
        ("Cost to us", cost_words(cost, unpriced=row["unpriced"])),
        ("Revenue", format_usd(revenue, zero="none")),
    ]
    if not row["unpriced"]:
        facts.append(("Margin", format_usd(revenue - (cost or Decimal(0)), zero="none", signed=True)))
    return facts


def _entries(detail: Detail, reader: Reader) -> None:
    if not detail.entries:
        return
    with Node("ul", "", aria_label="Ledger entries").style("margin-top: 12px; font-size: 13px"):
        for entry in detail.entries:
            made = datetime.fromisoformat(entry["created_at"])
            with Node("li", "", "pu-row").style("min-height: 24px"):
                Node("span", f"#{entry['seq']:,}", "is-quiet").style("min-width: 32px")
                Node("b", format_credits_signed(entry["amount"]), "is-strong")
                Node("span", entry["type"], "is-second")
                Node("span", f"balance {format_credits(entry['balance_after'])}", "is-second pu-grow")
                Node("time", time.absolute(made, reader.zone), "pu-meta", datetime=time.iso(made))


def _refund(detail: Detail, reader: Reader) -> None:
    """The way to give back what is left of the charge."""
    left = -sum(entry["amount"] for entry in detail.entries)
    if (give_back := reader.refund) is None or left <= 0:
        return
    generation_id, beyond = detail.row["id"], reader.beyond_refund(detail)
    with Node("div", "", "pu-row").style("margin-top: 12px"):
        Button("Refund…", lambda: give_back(generation_id), icon="undo", small=True).unless(beyond)


def _clock(moment: str, reader: Reader) -> str:
    return time.clock(datetime.fromisoformat(moment), reader.zone)
