"""Contact and limits: whom users turn to, where they upgrade, and what people may do without a second person."""

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any

from nicegui import ui

from core.audit import Actor
from core.configuration.rules import (
    SETTINGS,
    SUPERADMIN_LIMIT,
    SUPPORT_CONTACT,
    SUPPORT_LIMIT,
    TEST_BUDGET,
    UPGRADE_URL,
)
from core.configuration.service import change_settings
from core.credits.limits import LIMITS
from core.database import Session
from core.errors import PurserError
from core.generation.admission import DEFAULT_CONTACT
from core.generation.budget import DEFAULT_BUDGET
from core.providers.editing import Difference
from core.vocabulary import Role
from dashboard.access import SUPERADMINS
from dashboard.components import fields
from dashboard.components.button import Button
from dashboard.components.card import Card
from dashboard.components.html import Node
from dashboard.components.status import Chip, Status
from dashboard.forms import Desk, Form
from dashboard.lists.refresher import OldNote, Refresher
from dashboard.live import plans_changed
from dashboard.page import Screen
from dashboard.providers.review import show_differences

DEFAULTS: Mapping[str, str] = {
    SUPPORT_CONTACT: DEFAULT_CONTACT,
    UPGRADE_URL: "none",
    SUPPORT_LIMIT: f"{LIMITS[Role.SUPPORT][1]:,} cr",
    SUPERADMIN_LIMIT: f"{LIMITS[Role.SUPERADMIN][1]:,} cr",
    TEST_BUDGET: f"${DEFAULT_BUDGET:,}",
}
HELP: Mapping[str, str] = {
    SUPPORT_CONTACT: "Named wherever a trial or a limit ends: an e-mail address, or a sentence.",
    UPGRADE_URL: "Sent with what the API says of trials.",
    SUPPORT_LIMIT: "What is more waits until a superadmin approves.",
    SUPERADMIN_LIMIT: "What is more waits until another superadmin approves.",
    TEST_BUDGET: "What one person's test runs may cost in a calendar month.",
}
SUFFIXES = {SUPPORT_LIMIT: "cr", SUPERADMIN_LIMIT: "cr", TEST_BUDGET: "USD"}
UNSAVED = Status("", "edit", "info")
GROUPS = {
    "Contact": (SUPPORT_CONTACT, UPGRADE_URL),
    "Limits": (SUPPORT_LIMIT, SUPERADMIN_LIMIT, TEST_BUDGET),
}


class Contact:
    """The tab: a form that is saved as a whole, and says so while it is not."""

    def __init__(self, screen: Screen) -> None:
        self._screen = screen
        self._desk = Desk(screen, self.refresh)
        self._seen: dict[str, Any] = {}
        self._fields: dict[str, ui.input] = {}
        self._old = OldNote()
        with Node("div", "", "pu-settings"):
            for title, keys in GROUPS.items():
                with Card(title, ruled=True) as card, card.body, Node("div", "", "pu-stack"):
                    for key in keys:
                        self._fields[key] = self._field(key)
        self._bar = Node(
            "section", "", "pu-savebar", aria_label="Not saved yet", data_unsaved="true", hidden=True
        )
        with self._bar:
            self._count = Chip(UNSAVED)
            self._said = Node("p", "", "is-bad", role="alert")
            with Node("div", "", "pu-actions"):
                Button("Discard", self._discard, kind="plain")
                Button("Save…", self._ask, kind="primary")

        self._reader = Refresher(
            screen,
            self._load,
            lambda words, _: self._old.mark_old(words),
            roles=SUPERADMINS,
            news=plans_changed,
        )

    async def refresh(self) -> None:
        """What is stored; where somebody writes, it stays as they have it."""
        await self._reader.refresh()

    async def _load(self) -> None:
        stored = self._screen.purser.snapshots.current.settings
        seen = {key: stored.get(key) for key in self._fields}
        touched = self._changes()
        self._seen = seen
        self._old.renew()
        for key, field in self._fields.items():
            if key not in touched:
                field.set_value(_shown(seen[key]))
        self._tell()

    def _field(self, key: str) -> ui.input:
        default = DEFAULTS[key]
        field = fields.text(
            SETTINGS[key].words,
            placeholder=f"default: {default}",
            help_text=HELP[key],
            suffix=SUFFIXES.get(key),
            on_change=self._tell,
        )
        return field.props("maxlength=500")

    def _changes(self) -> dict[str, str | None]:
        """What the fields say otherwise than what is stored; empty goes back to the default."""
        said = {key: (field.value or "").strip() for key, field in self._fields.items()}
        return {key: value or None for key, value in said.items() if value != _shown(self._seen.get(key))}

    def _tell(self) -> None:
        """Says what is not saved; as long as the bar shows, the browser asks before the page is left."""
        many = len(self._changes())
        self._bar.show(many > 0)
        self._count.set_status(replace(UNSAVED, word="1 change" if many == 1 else f"{many} changes"))
        self._said.set_text("")

    def _discard(self) -> None:
        for key, field in self._fields.items():
            field.set_value(_shown(self._seen.get(key)))
        self._tell()

    def _ask(self) -> None:
        """Shows before → after, and asks why."""
        try:
            changes = {key: SETTINGS[key].checked(value) for key, value in self._changes().items()}
        except PurserError as refusal:
            self._said.set_text(refusal.message)
            return
        seen = {key: self._seen.get(key) for key in changes}

        async def change(session: Session, actor: Actor, reason: str) -> None:
            await change_settings(session, changes, seen=seen, actor=actor, reason=reason)
            self._seen |= changes

        form = Form(
            self._desk,
            "Save settings",
            change,
            "The settings are saved, and hold from now on",
            verb="Save settings",
            sub="They hold for everybody from now on.",
        )
        with form.body:
            show_differences(
                [
                    Difference(SETTINGS[key].words, _words(key, self._seen.get(key)), _words(key, value))
                    for key, value in changes.items()
                ]
            )
        form.open()


def _shown(value: Any) -> str:
    return "" if value is None else str(value)


def _words(key: str, value: Any) -> str:
    if value is None:
        return f"default: {DEFAULTS[key]}"
    if key == TEST_BUDGET:
        return f"${Decimal(str(value)):,}"
    return f"{int(value):,} cr" if key in SUFFIXES else str(value)
