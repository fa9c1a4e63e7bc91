"""The pane of one entry: what moved, who and why, the charge with its refunds, the lots behind it, and where it leads."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from core.accounts.person import Person
from core.credits.detail import EntryDetail, LotLine
from core.credits.ledger import LedgerLine
from core.credits.models import EntryType
from core.ids import short
from core.vocabulary import Traffic
from dashboard.components import time
from dashboard.components.button import Button
from dashboard.components.facts import Facts, Trio
from dashboard.components.html import Node, link
from dashboard.components.money import format_credits, format_credits_signed
from dashboard.components.pane import Pane
from dashboard.components.pane_actions import Neighbours, copy_link, neighbour_buttons
from dashboard.components.status import ENTRY, Chip, tag
from dashboard.credits.address import PATH, TRAFFIC_WORDS, Address
from dashboard.credits.rows import actor_words, reason_words, reference_of
from dashboard.reach import beyond_credits, beyond_refund


@dataclass(frozen=True, slots=True)
class Deeds:
    """What may be done from the pane, by `reader`."""

    reader: Person
    refund: Callable[[LedgerLine], Awaitable[None]]
    adjust: Callable[[LedgerLine], Awaitable[None]]


def fill(pane: Pane, detail: EntryDetail, *, zone: ZoneInfo, neighbours: Neighbours, deeds: Deeds) -> None:
    """Shows an entry."""
    line = detail.line
    with pane.fill(f"{format_credits_signed(line.amount)}, {ENTRY[line.type].word.lower()}"):
        with pane.actions:
            neighbour_buttons(neighbours)
            copy_link(f"{PATH}?sel={line.id}")
        with pane.sub:
            Chip(ENTRY[line.type])
            if line.traffic is not Traffic.LIVE:
                tag(f"{TRAFFIC_WORDS[line.traffic]} account", "info")
            Node(
                "time",
                time.absolute(line.at, zone),
                datetime=time.iso(line.at),
                title=time.zone_name(zone, line.at),
            )
        with pane.section("What moved", note=f"entry #{detail.seq:,} of the account"):
            _moved(line)
            with Node("div", "", "pu-row pu-after"):
                Button("Adjust credits…", lambda: deeds.adjust(line), icon="toll", small=True).unless(
                    beyond_credits(deeds.reader, line.user_id, detail.role, line.traffic)
                )
        with pane.section("Who and why"):
            _why(line)
        _charge(pane, detail, zone, deeds)
        _lots(pane, detail, zone)
        with pane.section("Raw"):
            _raw(line)


def _moved(line: LedgerLine) -> None:
    before = line.balance_after - line.amount
    Trio([
        ("Balance before", format_credits(before)),
        ("Moved", format_credits_signed(line.amount)),
        ("Balance after", format_credits(line.balance_after)),
    ])  # fmt: skip
    shown = Facts({"User": ""})
    shown.style("margin-top: 12px")
    with shown.value("User"):
        link(line.email, f"/users/{line.user_id}")
        Node("span", " · ", "is-quiet")
        link("all entries", Address(q=line.email, range="all", traffic=_books(line)).url)
    if line.generation_id:
        with shown.set_fact("Generation", ""):
            link(
                short(line.generation_id), f"/generations/{line.generation_id}", title=str(line.generation_id)
            )


def _why(line: LedgerLine) -> None:
    shown = Facts({"Actor": "", "Reason": reason_words(line)})
    with shown.value("Actor"):
        if line.actor_id:
            link(
                actor_words(line),
                Address(actor=line.actor_id, range="all", traffic=_books(line)).url,
                title="All entries by this actor",
            )
        else:
            Node("span", actor_words(line))
    if line.approver:
        shown.set_fact("Approved by", line.approver)
    if line.note:
        shown.set_fact("Note", line.note)
    words, href = reference_of(line)
    if href:
        with shown.set_fact("Reference", ""):
            link(words, href)
    elif words:
        shown.set_fact("Reference", words)
    with shown.set_fact("Audit", ""):
        link("rows about this user", f"/audit?q={line.user_id}")


def _charge(pane: Pane, detail: EntryDetail, zone: ZoneInfo, deeds: Deeds) -> None:
    """Of a charge: what was given back. Of a refund: the charge that it belongs to."""
    line = detail.line
    if line.refund_of:
        with pane.section("Charge"):
            link(
                "Open the charge that was refunded",
                Address(sel=line.refund_of, traffic=_books(line)).url,
                "pu-said",
            )
        return
    if line.type is not EntryType.USAGE:
        return
    refunded = sum(one.amount for one in detail.refunds)
    left = -line.amount - refunded
    with pane.section(
        "Refunds", note=f"{format_credits(left)} left to refund" if left else "refunded in full"
    ):
        for one in detail.refunds:
            with Node("div", "", "pu-row pu-lot"):
                link(format_credits_signed(one.amount), Address(sel=one.id, traffic=_books(line)).url)
                Node("span", reason_words(one), "is-second pu-grow")
                Node("time", time.absolute(one.at, zone), "pu-meta", datetime=time.iso(one.at))
        if not detail.refunds:
            Node("p", "Nothing of this charge has been refunded.", "is-second pu-said")
        if left:
            with Node("div", "", "pu-row pu-after"):
                Button("Refund…", lambda: deeds.refund(line), icon="undo", small=True).unless(
                    beyond_refund(deeds.reader, line.user_id, detail.role, line.traffic)
                )


def _lots(pane: Pane, detail: EntryDetail, zone: ZoneInfo) -> None:
    if not detail.lots:
        return
    made = detail.line.amount > 0
    with pane.section("Lot" if made else "Paid from", note="" if made else "soonest to expire first"):
        for lot in detail.lots:
            with Node("div", "", "pu-row pu-lot"):
                link(
                    f"{format_credits(lot.remaining)} of {format_credits(lot.granted)} left",
                    Address(sel=lot.entry_id, traffic=_books(detail.line)).url,
                    title="The entry that made this lot",
                )
                Node("span", _ending(lot, zone), "is-second pu-grow pu-lot-end")


def _ending(lot: LotLine, zone: ZoneInfo) -> str:
    if lot.expires_at is None:
        return "never expires"
    verb = "expired" if lot.closed_at else "expires"
    return f"{verb} {time.absolute(lot.expires_at, zone)}"


def _raw(line: LedgerLine) -> None:
    shown = Facts({"Entry": str(line.id), "Type": line.type.value, "Reason code": line.reason_code or "none"})
    for name in ("Entry", "Type", "Reason code"):
        shown.value(name).classes("is-mono")


def _books(line: LedgerLine) -> str | None:
    return None if line.traffic is Traffic.LIVE else line.traffic.value
