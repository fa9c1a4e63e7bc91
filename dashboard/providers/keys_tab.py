"""The tab Keys: each key with its state, and what may be done with it. A saved key is never shown again."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from core.providers.config import KeyConfig, ProviderConfig
from core.system.board import ProviderState
from dashboard.components import time
from dashboard.components.button import Button
from dashboard.components.facts import Facts
from dashboard.components.html import Icon, Node
from dashboard.components.menu import Menu
from dashboard.components.money import format_percent
from dashboard.components.status import Chip, Status
from dashboard.components.ticking import Tick, Ticking
from dashboard.providers.desk import Desk
from dashboard.providers.key_actions import KeyActions
from dashboard.providers.words import ending

SERVING = Status("Serving", "check_circle", "ok")
ASIDE = Status("Set aside", "pause_circle", "warn")
OFF = Status("Switched off", "block", "neutral")
EXPIRED = Status("Expired", "event_busy", "bad")
UNREADABLE = Status("Cannot be decrypted", "lock", "bad")


class KeysTab:
    """`show_state` changes it in place: a key that stays keeps its element, and with it the focus."""

    def __init__(self, desk: Desk, provider_id: UUID) -> None:
        self._desk = desk
        self._actions = KeyActions(desk, provider_id)
        self._blocks: dict[UUID, _KeyBlock] = {}
        with Node("div", "", "pu-row is-spread"):
            self._note = Node("span", "", "pu-meta")
            self._add = Button("Add key…", self._actions.add, icon="add", small=True)
        self._list = Node("div", "", "pu-part")

    def show_state(self, state: ProviderState, used: Mapping[UUID, datetime], now: datetime) -> None:
        """`used` is when each key last served, which is newer than the configuration."""
        provider = state.provider
        self._note.set_text(_note(provider, state.usable_keys))
        self._add.show(provider.kind != "sandbox")
        there = {key.id for key in provider.keys}
        for key_id in [known for known in self._blocks if known not in there]:
            self._blocks.pop(key_id).delete()
        whole = sum(key.weight for key in provider.keys if key.usable(now))
        for stored in provider.keys:
            key = replace(stored, last_used_at=used.get(stored.id, stored.last_used_at))
            if key.id not in self._blocks:
                with self._list:
                    self._blocks[key.id] = _KeyBlock(self._desk, self._actions, key.id)
            self._blocks[key.id].show_key(key, whole, now)


class _KeyBlock(Node):
    """One key."""

    def __init__(self, desk: Desk, actions: KeyActions, key_id: UUID) -> None:
        super().__init__("section", "", "pu-block")
        self._desk, self._actions, self._id = desk, actions, key_id
        self._shown: tuple[KeyConfig, int, Status] | None = None
        with self:
            with Node("div", "", "pu-block-head"):
                self._name = Node("h3")
                with self._name:
                    Icon("key")
                self._chip = Chip(SERVING)
                self._end = Node("div", "", "pu-end")
            self._facts = Facts({}, name_width=92)
            self._row = Node("div", "", "pu-row")
        self.set(aria_labelledby=self._name.html_id)

    def show_key(self, key: KeyConfig, whole: int, now: datetime) -> None:
        status = _status(key, now)
        if (key, whole, status) == self._shown:
            return
        first = self._shown is None
        self._shown = key, whole, status
        self._name.set_text(ending(key))
        self._chip.set_status(status)
        zone = self._desk.screen.zone
        share = f", {format_percent(key.weight / whole, 0)} of the calls" if whole and key.usable(now) else ""
        self._facts.set_fact("Reason", _reason(key))
        self._until("Tried again", key.state_until if key.state == "set_aside" else None, now)
        self._facts.set_fact("Weight", f"{key.weight}{share}")
        self._moment("Last used", key.last_used_at, now, missing="not yet")
        self._facts.set_fact(
            "Expires", time.absolute(key.expires_at, zone) if key.expires_at else "no date known"
        )
        self._facts.set_fact("Fingerprint", key.fingerprint).classes("is-mono")
        if first:
            self._buttons(ending(key))
        self._back.show(key.state == "set_aside")
        self._switch.set_text("Enable…" if key.state == "disabled" else "Disable…")

    def _buttons(self, name: str) -> None:
        actions, key_id = self._actions, self._id
        with self._row:
            Button("Test", lambda: actions.test(key_id), small=True).set(aria_label=f"Test {name}")
            Button("Rotate…", lambda: actions.rotate(key_id), small=True).set(aria_label=f"Rotate {name}")
            self._back = Button("Put back…", lambda: actions.put_back(key_id), small=True).set(
                aria_label=f"Put back {name}"
            )
        with self._end:
            menu = Menu(f"More about {name}")
        menu.item("Weight and expiry…", "tune", lambda: actions.change(key_id))
        self._switch = menu.item("Disable…", "block", lambda: actions.switch(key_id))
        menu.item("Remove…", "delete", lambda: actions.remove(key_id))

    def _until(self, name: str, moment: datetime | None, now: datetime) -> None:
        node = self._facts.set_fact(name, "" if moment else None)
        node.clear()
        if moment:
            at = time.clock_or_day(moment, self._desk.screen.zone, now)
            with node:
                Ticking(Tick("until", moment, f"in {{}}, at {at}", "with the next request"), now)

    def _moment(self, name: str, moment: datetime | None, now: datetime, *, missing: str) -> None:
        node = self._facts.set_fact(name, "" if moment else missing)
        node.clear()
        if moment:
            with node:
                Ticking(Tick("since", moment, "{} ago"), now).set(
                    title=time.absolute(moment, self._desk.screen.zone)
                )


def _note(provider: ProviderConfig, usable: int) -> str:
    if provider.kind == "sandbox":
        return "The sandbox is built in; it needs no key."
    if not provider.keys:
        return (
            "No key is stored." if provider.needs_key else "It needs no key; one may be stored all the same."
        )
    return f"{usable} of {len(provider.keys)} can be used; calls are shared by weight."


def _status(key: KeyConfig, now: datetime) -> Status:
    if key.fault:
        return UNREADABLE
    if key.expired(now):
        return EXPIRED
    if key.state == "disabled":
        return OFF
    return ASIDE if key.state == "set_aside" else SERVING


def _reason(key: KeyConfig) -> str | None:
    if key.fault:
        return f"{key.fault}: ENCRYPTION_KEYS lacks the key that it was saved under"
    if key.state != "set_aside":
        return None
    words = (key.state_class or "").replace("_", " ")
    return f"{words}: “{key.state_reason}”" if key.state_reason else words
