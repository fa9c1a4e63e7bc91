"""The pane of one generation: what happened, attempts, money, input and output, raw (mock-up 09)."""

from core.generation.detail import Detail
from core.generation.explain import answered, explain
from core.vocabulary import Traffic
from dashboard.components import time
from dashboard.components.facts import Box, Facts
from dashboard.components.html import Node, link
from dashboard.components.pane import Pane
from dashboard.components.pane_actions import Neighbours, copy_link, neighbour_buttons
from dashboard.components.status import REFUNDED, Chip, generation, tag
from dashboard.generations.address import PATH, Address
from dashboard.generations.attempts import attempts_section
from dashboard.generations.content import content_section, raw_section
from dashboard.generations.money import money_section
from dashboard.generations.reader import Reader
from dashboard.generations.rows import UNDER_WAY

TRAFFIC_TAGS = {Traffic.TEST: "Test run, left out of revenue", Traffic.DEMO: "Demo data"}


def fill(pane: Pane, detail: Detail, reader: Reader, neighbours: Neighbours) -> None:
    """Shows a generation."""
    row = detail.row
    with pane.fill(title_of(detail)):
        pane.title.set(title=title_of(detail))
        with pane.actions:
            neighbour_buttons(neighbours)
            copy_link(f"{PATH}/{row['id']}")
        with pane.sub:
            _head(detail, reader)
        with pane.section("What happened"):
            _what_happened(detail)
        attempts_section(pane, detail, reader)
        money_section(pane, detail, reader)
        content_section(pane, detail)
        raw_section(detail)


def title_of(detail: Detail) -> str:
    """`claude-opus-5-5, text`."""
    row = detail.row
    return f"{row['model'] or row['requested_model'] or 'No model'}, {row['modality']}"


def _head(detail: Detail, reader: Reader) -> None:
    row = detail.row
    Chip(generation(row["status"]))
    if any(entry["type"] == "refund" for entry in detail.entries):
        Chip(REFUNDED)
    if row["traffic"] in TRAFFIC_TAGS:
        tag(TRAFFIC_TAGS[row["traffic"]])
    moment = detail.created_at
    zone = reader.zone
    Node("time", time.absolute(moment, zone), datetime=time.iso(moment), title=time.zone_name(zone, moment))
    if detail.email:
        Node("span", "·", "is-quiet")
        if reader.people:
            link(detail.email, f"/users/{row['user_id']}", title="This user's page")
        else:
            theirs = Address(q=detail.email, range="30d", traffic="all").url
            link(detail.email, theirs, title="All generations of this user")


def _what_happened(detail: Detail) -> None:
    row = detail.row
    if row["status"] in UNDER_WAY:
        Node("p", "It is being generated; what comes of it shows here by itself.", "is-second")
        return
    explanation = explain(row, detail.attempts)
    if explanation is None:
        with Box("ok"):
            Node("p", answered(row, detail.attempts)).style("font-size: 13px; overflow-wrap: anywhere")
        return
    facts = {
        "Cause": "",
        "Whose fault": explanation.fault,
        "Charged": explanation.money,
        "Next step": explanation.next_step,
    }
    with Box("bad" if row["status"] == "failed" else None):
        shown = Facts(facts)
        with shown.value("Cause"):
            Node("b", explanation.cause, "is-strong")
            Node("span", f" {explanation.what}")
        if said := _vendors_words(detail):
            shown.set_fact("Vendor said", said)


def _vendors_words(detail: Detail) -> str:
    """What the vendor said to the call that failed last, as it said it."""
    if not detail.row["error_class"]:
        return ""
    failed = [call for call in detail.attempts if call["vendor_message"]]
    return f"“{failed[-1]['vendor_message']}”" if failed else ""
