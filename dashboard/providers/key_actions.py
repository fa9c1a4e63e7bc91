"""What may be done with a provider's keys. The secret goes in, and never comes out again."""

from datetime import timedelta
from uuid import UUID

from nicegui import ui

from core.audit import Actor
from core.database import Session
from core.errors import PurserError
from core.providers.base import ProviderError
from core.providers.config import KeyConfig, ProviderConfig
from core.providers.keyring import HEAVIEST, add_key, change_key, remove_key, restore, rotate_key
from core.providers.service import probe_key
from core.routing.impact import key_impact
from dashboard.access import SUPERADMINS
from dashboard.components import fields
from dashboard.components.html import Node
from dashboard.components.toast import toast
from dashboard.ends import ask_until, end_words, moment_of
from dashboard.forms import Form
from dashboard.numbers import whole
from dashboard.providers.desk import Desk
from dashboard.providers.review import show_sentences
from dashboard.providers.secret import ask_secret, shape_words
from dashboard.providers.words import ending

OVERLAPS = {0: "no longer: the new one alone", 1: "1 hour more", 24: "24 hours more", 168: "7 days more"}


class KeyActions:
    """The verbs on the keys of one provider."""

    def __init__(self, desk: Desk, provider_id: UUID) -> None:
        self._desk = desk
        self._id = provider_id

    def add(self) -> None:
        async def change(session: Session, actor: Actor, _reason: str) -> None:
            await add_key(
                session,
                self._desk.purser.vault,
                self._id,
                secret.value or "",
                weight=whole(weight.value, "Weight") or 0,
                expires_at=moment_of(expiry, self._desk.screen),
                actor=actor,
            )

        name = self._provider.name
        form = Form(
            self._desk,
            f"Add a key to {name}",
            change,
            f"The key is added to {name}, and serves from now on",
            sub="It serves beside the others, by its weight.",
            verb="Add key",
            why=None,
        )
        with form.body:
            secret = self._secret()
            with Node("div", "", "pu-pair"):
                weight = fields.number("Weight", value=1, low=1, high=HEAVIEST, step=1)
                expiry = ask_until("Expires")
        form.open()

    def rotate(self, key_id: UUID) -> None:
        """A new key in its place; for a while both serve."""

        async def change(session: Session, actor: Actor, reason: str) -> None:
            await rotate_key(
                session,
                self._desk.purser.vault,
                key_id,
                secret.value or "",
                overlap=timedelta(hours=int(overlap.value)),
                actor=actor,
                reason=reason,
            )

        name = ending(self._key(key_id))
        form = Form(
            self._desk,
            f"Rotate {name}",
            change,
            f"The key {name} is rotated",
            sub="The new key takes its weight, and serves at once.",
            verb="Rotate key",
        )
        with form.body:
            secret = self._secret()
            overlap = fields.select("The old one serves", OVERLAPS, value=24)
        form.open()

    def change(self, key_id: UUID) -> None:
        """Its weight and its expiry."""

        async def change(session: Session, actor: Actor, reason: str) -> None:
            await change_key(
                session,
                key_id,
                weight=whole(weight.value, "Weight") or 0,
                expires_at=moment_of(expiry, self._desk.screen, key.expires_at),
                actor=actor,
                reason=reason,
            )

        key = self._key(key_id)
        name = ending(key)
        form = Form(
            self._desk,
            f"Weight and expiry of {name}",
            change,
            f"The key {name} is changed",
            verb="Save changes",
        )
        with form.body, Node("div", "", "pu-pair"):
            weight = fields.number("Weight", value=key.weight, low=1, high=HEAVIEST, step=1).props(
                "autofocus"
            )
            expiry = ask_until("Expires", value=end_words(key.expires_at, self._desk.screen))
        form.open()

    def switch(self, key_id: UUID) -> None:
        """Off, or on again."""
        key = self._key(key_id)
        name, on = ending(key), key.state == "disabled"
        form = Form(
            self._desk,
            f"{'Enable' if on else 'Disable'} {name}?",
            lambda session, actor, reason: change_key(
                session, key_id, enabled=on, actor=actor, reason=reason
            ),
            f"The key {name} is {'in use' if on else 'switched off'}",
            verb="Enable key" if on else "Disable key",
            kind="primary" if on else "danger",
        )
        if not on:
            self._say_what_is_left(form, key_id)
        form.open()

    def put_back(self, key_id: UUID) -> None:
        """Into use at once, before its time."""
        name = ending(self._key(key_id))
        Form(
            self._desk,
            f"Put {name} back into use?",
            lambda session, actor, reason: restore(session, key_id, actor=actor, reason=reason),
            f"The key {name} is back in use",
            sub="The next calls go out with it; refused again, it is set aside again.",
            verb="Put key back",
        ).open()

    def remove(self, key_id: UUID) -> None:
        """For good: its four characters are to be typed."""
        name = ending(self._key(key_id))
        form = Form(
            self._desk,
            f"Remove {name}?",
            lambda session, actor, reason: remove_key(session, key_id, actor=actor, reason=reason),
            f"The key {name} is removed",
            sub="It is deleted for good. The vendor accepts it until it is revoked there.",
            verb="Remove key",
            kind="danger",
            typed=name.strip("·"),
        )
        self._say_what_is_left(form, key_id)
        form.open()

    async def test(self, key_id: UUID) -> None:
        """The vendor's cost-free probe with this key; its own words when it fails."""
        name = ending(self._key(key_id))
        try:
            await self._desk.screen.visitor.actor(SUPERADMINS)
            found = await probe_key(self._desk.purser.clients, self._provider, self._key(key_id))
        except ProviderError as failure:
            words = failure.error_class.replace("_", " ")
            toast(f"{name} failed: {words}. The vendor said “{failure.message}”.", "bad", seconds=10)
        except PurserError as refusal:
            toast(refusal.message, "bad", seconds=10)
        else:
            toast(f"{name} is accepted, in {found.latency_ms:.0f} ms")

    @property
    def _provider(self) -> ProviderConfig:
        return next(one for one in self._desk.providers if one.id == self._id)

    def _key(self, key_id: UUID) -> KeyConfig:
        return next(key for key in self._provider.keys if key.id == key_id)

    def _say_what_is_left(self, form: Form, key_id: UUID) -> None:
        with form.body:
            show_sentences(key_impact(self._desk.purser.snapshots.current, self._id, key_id).sentences())

    def _secret(self) -> ui.input:
        """The field for a key, with a word on its shape: a warning, never a refusal."""
        kind = self._provider.kind
        field = ask_secret(lambda: warning.set_text(shape_words(kind, field.value or "")))
        field.props("autofocus")
        warning = Node("p", "", "pu-note", role="status")
        return field
