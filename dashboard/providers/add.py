"""The dialog that adds a provider: its kind, its key, and where it is."""

from core.audit import Actor
from core.catalogue.catalogue import NO_DEFAULTS
from core.database import Session
from core.providers.defaults import KindDefaults
from core.providers.registry import KINDS
from core.providers.service import add_provider
from dashboard.components import fields
from dashboard.components.html import Node
from dashboard.forms import Form
from dashboard.providers.desk import Desk
from dashboard.providers.secret import ask_secret, shape_words

ADDABLE = ("openai", "gemini", "anthropic", "deepseek", "openai_compatible")


class AddProvider:
    """`AddProvider(desk).open()`. The key goes in, and never comes out again."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._form = Form(
            desk,
            "Add provider",
            self._add,
            "The provider is added, and serves from now on",
            sub="It joins the fallback order at the end, switched on.",
            verb="Add provider",
            why=None,
        )
        with self._form.body, Node("div", "", "pu-stack"):
            self._kind = fields.select(
                "Kind",
                {kind: KINDS[kind].label for kind in ADDABLE},
                value=ADDABLE[0],
                on_change=self._kind_changed,
            )
            self._name = fields.text("Name", value=KINDS[ADDABLE[0]].label)
            self._key = ask_secret()
            self._url = fields.text(
                "Base URL", placeholder=KINDS[ADDABLE[0]].default_base_url or "", note="optional"
            )
            self._warning = Node("p", "", "pu-note", role="status")
        self._key.on_value_change(self._shape)

    def open(self) -> None:
        self._form.open()

    def _kind_changed(self) -> None:
        kind = KINDS[self._kind.value]
        self._name.value = kind.label
        self._url.props["placeholder"] = kind.default_base_url or "https://…/v1"
        self._shape()

    def _shape(self) -> None:
        """A key of an unusual shape is a warning, never a refusal."""
        self._warning.set_text(shape_words(self._kind.value, self._key.value or ""))

    async def _add(self, session: Session, actor: Actor, _reason: str) -> None:
        purser, kind = self._desk.purser, str(self._kind.value)
        said = purser.snapshots.catalogue.kinds.get(kind, NO_DEFAULTS)
        await add_provider(
            session,
            purser.vault,
            actor=actor,
            kind=kind,
            name=self._name.value or "",
            secret=self._key.value or None,
            base_url=self._url.value or None,
            allowed_hosts=purser.settings.internal_hosts,
            defaults=KindDefaults(
                {modality.value: model for modality, model in said.default.items()},
                {modality.value: model for modality, model in said.fallback.items()},
            ),
            keep_sandbox=purser.settings.enable_sandbox is True,
        )
