"""The pane of one row: who did what to what and why, what changed field by field, from where, and its seal."""

from collections.abc import Sequence
from zoneinfo import ZoneInfo

from core.audit.queries import Entry
from dashboard.audit import words
from dashboard.audit.address import PATH, Address
from dashboard.audit.diff import Field, fields_of
from dashboard.audit.subjects import Subject
from dashboard.components import time
from dashboard.components.facts import Facts
from dashboard.components.html import Icon, Node, link
from dashboard.components.pane import Pane
from dashboard.components.pane_actions import Neighbours, copy_link, neighbour_buttons
from dashboard.components.status import Chip, Status

SEALED = Status("Sealed", "lock", "ok")
NOT_SEALED = Status("Not sealed yet", "schedule", "neutral")
SHORT_HASH = 16
"""Characters of a hash that are shown; the whole is in the tooltip."""
LONG = 160
"""Characters from which on a value is folded."""


def fill(pane: Pane, entry: Entry, subject: Subject, zone: ZoneInfo, neighbours: Neighbours) -> None:
    """Shows a row."""
    deed = words.deed(entry.action)
    with pane.fill(deed.words):
        with pane.actions:
            neighbour_buttons(neighbours)
            copy_link(f"{PATH}/{entry.id}")
        with pane.sub:
            Chip(SEALED if entry.hash else NOT_SEALED)
            zone_name = time.zone_name(zone, entry.at)
            Node("time", time.absolute(entry.at, zone), datetime=time.iso(entry.at), title=zone_name)
            Node("span", "·", "is-quiet")
            Node("span", entry.action, "is-mono")
        with pane.section("Who and why"):
            _who(entry, subject)
        _changes(pane, entry)
        with pane.section("From where"):
            _where(entry)
        with pane.section("Seal"):
            _seal(entry)


def _who(entry: Entry, subject: Subject) -> None:
    shown = Facts({"Actor": "", "Subject": "", "Reason": entry.reason or "none given"})
    with shown.value("Actor"):
        if entry.actor_id:
            link(entry.actor_label, Address(actor=entry.actor_id).url, title="All that this actor did")
        else:
            Node("span", entry.actor_label)
        Node("span", f", {words.ACTORS[entry.actor_kind][1]}", "is-quiet")
    with shown.value("Subject"):
        if subject.href:
            link(subject.name, subject.href)
        elif subject.name:
            Node("span", subject.name)
        Node("span", f"{', ' if subject.name else ''}{subject.kind}", "is-quiet")
        if entry.subject_id:
            Node("span", " · ", "is-quiet")
            link("all rows", Address(q=entry.subject_id).url, title="All rows about this subject")
    if not entry.reason:
        shown.value("Reason").classes("is-quiet")


def _changes(pane: Pane, entry: Entry) -> None:
    found = fields_of(entry.before, entry.after)
    told = [field for field in found if field.way != "same"]
    same = [field for field in found if field.way == "same"]
    title = "What changed" if entry.before and entry.after else "Before" if entry.before else "After"
    note = f"{len(told)} of {len(found)} fields" if same else ""
    with pane.section(title if found else "What changed", note=note):
        if not found:
            Node("p", "No fields are kept of this.", "is-quiet pu-diff-none")
            return
        if told:
            _table(told, both=bool(entry.before and entry.after))
        else:
            Node("p", "No field is another than before.", "is-quiet pu-diff-none")
        if same:
            with Node("details", "", "pu-diff-same"):
                with Node("summary", f"{len(same)} unchanged"):
                    Icon("keyboard_arrow_down")
                _table(same, both=False)


def _table(found: Sequence[Field], *, both: bool) -> None:
    """Field by field: `both` shows before → after, else there is one value each."""
    with Node("dl", "", f"pu-diff{'' if both else ' is-single'}"):
        for field in found:
            stacked = both and any(_is_long(value) for value in (field.before, field.after))
            with Node("div", "", f"is-{field.way}{' is-stacked' if stacked else ''}"):
                Node("dt", field.name)
                if not both:
                    _value(field.after if field.before is None else field.before, "")
                    continue
                _value(field.before, "before")
                with Node("dd", "", "pu-diff-to", aria_hidden="true"):
                    Icon("arrow_downward" if stacked else "arrow_forward")
                _value(field.after, "after")


def _value(value: str | None, side: str) -> None:
    """A value; a long one is folded behind its beginning."""
    with Node("dd", "", f"pu-diff-{side}" if side else ""):
        if side:
            Node("span", f"{side}: ", "pu-hidden")
        if value is None:
            Node("span", "not there", "is-quiet")
        elif not _is_long(value):
            Node("span", value)
        else:
            with Node("details"):
                beginning = " ".join(value[:LONG].split())
                with Node("summary", f"{beginning}…"):
                    Node("span", f" {len(value):,} characters", "is-quiet")
                Node("pre", value)


def _is_long(value: str | None) -> bool:
    return value is not None and (len(value) > LONG or "\n" in value)


def _where(entry: Entry) -> None:
    shown = Facts({"Address": entry.address or "not known", "Request": entry.request_id or "none"})
    for name, value in (("Address", entry.address), ("Request", entry.request_id)):
        shown.value(name).classes("is-mono" if value else "is-quiet")


def _seal(entry: Entry) -> None:
    if entry.hash is None or entry.seq is None:
        Node("p", "It gets its number in the chain of hashes within seconds.", "is-second pu-diff-none")
        return
    shown = Facts({"Number": f"{entry.seq:,}", "Hash": f"{entry.hash.hex()[:SHORT_HASH]}…"})
    shown.value("Hash").classes("is-mono").set(title=entry.hash.hex())
