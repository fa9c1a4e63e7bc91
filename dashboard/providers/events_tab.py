"""The tab Events: what happened to a provider, who did it and why, the newest first."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, tzinfo
from uuid import UUID

from core.providers.editing import Difference
from core.routing.events import Event
from dashboard.components import time
from dashboard.components.button import Button
from dashboard.components.markup import Drawing, Markup, element, join
from dashboard.components.states import empty

PAGE = 25

LOOKS = {
    "breaker_opened": ("Breaker opened", "error", "bad"),
    "breaker_half_open": ("Probe sent", "science", "probe"),
    "breaker_closed": ("Breaker closed", "check_circle", "ok"),
    "breaker_isolated": ("Isolated", "front_hand", "bad"),
    "breaker_reset": ("Breaker reset", "restart_alt", "info"),
    "breaker_probe_now": ("Probe asked for", "science", "probe"),
    "key_added": ("Key added", "key", "info"),
    "key_rotated": ("Key rotated", "autorenew", "info"),
    "key_changed": ("Key changed", "tune", "info"),
    "key_removed": ("Key removed", "delete", "warn"),
    "key_set_aside": ("Key set aside", "pause_circle", "warn"),
    "key_restored": ("Key back in use", "check_circle", "ok"),
    "drill_started": ("Drill started", "theater_comedy", "probe"),
    "drill_ended": ("Drill ended", "theater_comedy", "neutral"),
    "added": ("Added", "add_circle", "info"),
    "edited": ("Edited", "edit", "info"),
    "enabled": ("Switched on", "check_circle", "ok"),
    "disabled": ("Switched off", "block", "warn"),
    "reordered": ("Order changed", "swap_vert", "info"),
    "default_model": ("Default model", "star", "info"),
}


class EventsTab:
    """`show_events(newest)` shows the newest page; older ones that were asked for stay below it."""

    def __init__(self, zone: tzinfo, older: Callable[[UUID], Awaitable[Sequence[Event]]]) -> None:
        self._zone = zone
        self._read_older = older
        self._newest: Sequence[Event] = ()
        self._older: list[Event] = []
        self._nothing = empty(
            "Nothing has happened yet",
            "Openings, probes and what people do will be told here.",
            icon="history",
        )
        self._list = Drawing("ul", Markup(), "pu-events")
        self._more = Button("Older", self._show_older, small=True)

    def show_events(self, newest: Sequence[Event], now: datetime) -> None:
        """What has come anew stands on top."""
        if list(newest) == list(self._newest) and newest:
            return
        if self._older:  # what the newest page has pushed out of itself belongs to the older ones
            shown = {event.id for event in newest}
            known = {event.id for event in self._older}
            self._older = [event for event in self._newest if event.id not in shown | known] + self._older
        self._newest = newest
        self._draw(now)
        self._more.show(len(newest) == PAGE and not self._older)

    async def _show_older(self) -> None:
        last = (self._older or list(self._newest))[-1]
        page = await self._read_older(last.id)
        self._older += page
        self._draw(datetime.now(self._zone))
        self._more.show(len(page) == PAGE)

    def _draw(self, now: datetime) -> None:
        events = [*self._newest, *self._older]
        self._nothing.show(not events)
        self._list.draw(join([self._line(event, now) for event in events]))

    def _line(self, event: Event, now: datetime) -> Markup:
        word, icon, tone = LOOKS.get(
            event.kind, (event.kind.replace("_", " ").capitalize(), "info", "neutral")
        )
        about = [str(event.modality or ""), f"····{event.key}" if event.key else ""]
        what = ", ".join(part for part in (word, *about) if part)
        who = element("span", f" by {event.actor}", class_="is-second")
        vendor = (
            [element("p", f"The vendor said “{event.vendor}”.", class_="is-second")] if event.vendor else []
        )
        return element(
            "li",
            element("i", icon, class_=f"pu-icon is-{tone}", aria_hidden="true"),
            element(
                "div",
                element("p", element("b", what, class_="is-strong"), who),
                *([element("p", event.reason)] if event.reason else []),
                *[_change(one) for one in event.changes],
                *vendor,
            ),
            element(
                "time",
                time.clock_or_day(event.at, self._zone, now),
                datetime=time.iso(event.at),
                title=f"{time.absolute(event.at, self._zone)} {time.zone_name(self._zone)}",
            ),
        )


def _change(one: Difference) -> Markup:
    return element("p", f"{one.field}: {one.before} → {one.after}", class_="is-second")
