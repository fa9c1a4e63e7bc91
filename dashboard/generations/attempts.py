"""The attempts of a generation: calls on one time line, who was skipped and why, and the breaker that opened."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Literal

from core.errors import ErrorClass
from core.generation.detail import Detail
from core.generation.explain import deadline_of
from dashboard.components import time
from dashboard.components.html import Icon, Node, link
from dashboard.components.pane import Pane
from dashboard.components.waterfall import Attempt, Skip, Waterfall
from dashboard.generations.reader import Reader

Call = Mapping[str, Any]
Tone = Literal["ok", "bad", "info", "warn"]
CLOSE = timedelta(milliseconds=400)
"""A breaker that opens so soon after a call failed was opened by it."""


def attempts_section(pane: Pane, detail: Detail, reader: Reader) -> None:
    """The section; none where nobody was called and nobody skipped."""
    skipped = [
        Skip(reader.name(step["provider"]), step.get("detail", ""))
        for step in detail.row["trace"]
        if step.get("decision") == "skipped" and step.get("provider")
    ]
    if not detail.attempts and not skipped:
        return
    with pane.section("Attempts", note=_note(detail)):
        Waterfall([_attempt(call, detail, reader) for call in detail.attempts], skipped)
        for event in detail.openings:
            _opening(event, detail, reader)


def _note(detail: Detail) -> str:
    row, count = detail.row, len(detail.attempts)
    if not count:
        return "nobody was called"
    calls = "1 call" if count == 1 else f"{count} calls"
    return (
        f"{calls}, {(row['latency_ms'] or 0) / 1000:.2f} s of a {deadline_of(row['modality']):.0f} s deadline"
    )


def _attempt(call: Call, detail: Detail, reader: Reader) -> Attempt:
    outcome, tone = _outcome(call)
    return Attempt(
        name=call["model"],
        start=call["offset_ms"] / 1000,
        seconds=call["latency_ms"] / 1000,
        outcome=outcome,
        tone=tone,
        note=_how(call, detail, reader),
        waited=call["waited_ms"] / 1000,
    )


def _outcome(call: Call) -> tuple[str, Tone]:
    if call["error_class"]:
        status = f"{call['http_status']} " if call["http_status"] else ""
        return status + call["error_class"].replace("_", " "), "bad"
    if call["outcome"] == "completed":
        return "answered", "ok"
    return "cancelled", "warn"


def _how(call: Call, detail: Detail, reader: Reader) -> str:
    """How this call came to be: at whom, after which wait, or as whose fallback."""
    several = len({one["provider"] for one in detail.attempts}) > 1
    name = reader.name(call["provider"])
    reason = next(
        (step.get("reason") for step in detail.row["trace"] if step.get("attempt") == call["number"]), ""
    )
    notes = {
        "retry": f"after {call['waited_ms'] / 1000:.1f} s wait",
        "next_key": "with the next key",
        "fallback_model": f"fallback model of {name}",
        "probe": f"the breaker's probe of {name}",
        "race": f"at {name}, asked at once with others",
    }
    if not reason and call["waited_ms"]:
        reason = "retry"
    note = notes.get(reason or "", f"at {name}" if several or call["number"] == 1 else "")
    return f"{note}, simulated".removeprefix(", ") if call["simulated"] else note


def _opening(event: Mapping[str, Any], detail: Detail, reader: Reader) -> None:
    """The breaker that opened while this ran, and the call that opened it where that is plain."""
    at = datetime.fromisoformat(event["at"])
    calls = [call for call in detail.attempts if call["provider_id"] == event["provider_id"]]
    opener = next((call for call in calls if _failed_just_before(call, detail.created_at, at)), None)
    slug = calls[0]["provider"] if calls else ""
    counts = opener is None or opener["error_class"] not in (ErrorClass.AUTHENTICATION, ErrorClass.QUOTA)
    with Node("p", "", "pu-row").style("font-size: 13px; margin-top: 2px; align-items: flex-start"):
        Icon("bolt", "is-bad")
        with Node("span"):
            if opener and counts:
                Node(
                    "span",
                    f"Attempt {opener['number']} was failure {event['reason'].split(' consecutive')[0]}: it ",
                )
                link("opened the breaker", f"/providers?sel={slug}")
            elif opener:
                Node("span", f"Attempt {opener['number']} ")
                link("opened the breaker", f"/providers?sel={slug}")
            else:
                Node("span", f"{reader.name(slug)}'s ")
                link("breaker opened", f"/providers?sel={slug}")
            Node(
                "span",
                f" at {time.clock(at, reader.zone)}" + ("" if opener and counts else f": {event['reason']}"),
            )


def _failed_just_before(call: Call, began: datetime, at: datetime) -> bool:
    ended = began + timedelta(milliseconds=call["offset_ms"] + call["latency_ms"])
    return bool(call["error_class"]) and -CLOSE <= at - ended <= CLOSE
