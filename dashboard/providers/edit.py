"""The dialog that edits a provider: first the fields, then what changes with whom it touches, then the reason."""

from collections.abc import Mapping
from uuid import UUID

from nicegui import ui

from core.errors import PurserError
from core.providers.config import Limits
from core.providers.editing import (
    LARGEST_LIMIT,
    LIMITS,
    Difference,
    ProviderChange,
    checked,
    differences,
    edit_provider,
)
from core.providers.registry import KINDS
from core.routing.impact import impact, require_offered
from core.system.board import modalities
from core.vocabulary import Modality
from dashboard.components import fields
from dashboard.components.button import Button
from dashboard.components.html import Node
from dashboard.forms import PageDialog, ask_why
from dashboard.numbers import whole
from dashboard.providers.desk import Desk
from dashboard.providers.review import show_differences, show_sentences

NONE = ""


class EditProvider:
    """`EditProvider(desk, provider_id).open()`."""

    def __init__(self, desk: Desk, provider_id: UUID) -> None:
        self._desk = desk
        self._provider = next(one for one in desk.providers if one.id == provider_id)
        self._reviewed: tuple[ProviderChange, list[Difference]] | None = None
        self._dialog = PageDialog(
            desk.screen,
            f"Edit {self._provider.name}",
            sub="It takes effect with the next request; nothing is saved before you have seen what changes.",
            verb="Review changes…",
            on_confirm=self._go_on,
            width=600,
        )
        with self._dialog.body:
            self._form = Node("div", "", "pu-stack")
            self._review = Node("div", "", "pu-stack", hidden=True)
        with self._form:
            self._fields()

    def open(self) -> None:
        self._dialog.open()

    def _fields(self) -> None:
        provider, kind = self._provider, KINDS[self._provider.kind]
        self._name = fields.text("Name", value=provider.name)
        self._name.props("autofocus maxlength=60")
        self._url = fields.text(
            "Base URL",
            value=provider.base_url or "",
            placeholder=kind.default_base_url or "built in",
            note="optional",
        )
        fields.show(self._url, provider.kind != "sandbox")
        self._good_at = fields.text(
            "Good at",
            value=", ".join(sorted(provider.specialisations)),
            placeholder="code, analysis",
            help_text="Requests that name a task go to those good at it; “general” passes for every task.",
        )
        self._limited = fields.switch("Limits", value=provider.limits_enabled)
        with Node("div", "", "pu-pair"):
            self._limits = {name: self._limit(name, label) for name, label in LIMITS.items()}
        self._defaults: dict[Modality, ui.select] = {}
        self._fallbacks: dict[Modality, ui.select] = {}
        for modality in modalities(provider):
            self._models(modality)

    def _limit(self, name: str, label: str) -> ui.number:
        value = getattr(self._provider.stored_limits, name)
        return fields.number(label, value=value, low=0, suffix="USD" if name == "usd_per_day" else None)

    def _models(self, modality: Modality) -> None:
        now, provider = self._desk.screen.now(), self._provider
        offers = self._desk.purser.snapshots.current.offers_of(provider.id)
        known = {
            one.model.id: one.model.display_name
            for one in offers
            if one.model.modality is modality and one.model.available(now)
        }
        with Node("div", "", "pu-pair"):
            default, fallback = provider.default_models.get(modality), provider.fallback_models.get(modality)
            self._defaults[modality] = _choice(f"Default model, {modality}", known, default)
            self._fallbacks[modality] = _choice(
                f"Fallback model, {modality}", {NONE: "none", **known}, fallback or NONE
            )

    async def _go_on(self) -> bool:
        """From the fields to the review, and from there to what is saved."""
        self._dialog.fail(None)
        if self._reviewed is None:
            self._show_review()
            return False
        change, seen = self._reviewed
        return await self._desk.write(
            lambda session, actor: edit_provider(
                session,
                self._provider.id,
                change,
                actor=actor,
                reason=self._reason.value or "",
                allowed_hosts=self._desk.purser.settings.internal_hosts,
                reviewed=seen,
            ),
            f"{self._provider.name} is changed, from the next request on",
            refused=self._dialog.fail,
        )

    def _show_review(self) -> None:
        try:
            change = checked(self._provider.kind, self._change(), self._desk.purser.settings.internal_hosts)
            require_offered(self._desk.purser.snapshots.current, self._provider.id, change)
        except PurserError as refusal:
            self._dialog.fail(refusal.message)
            return
        found = differences(self._provider, change)
        if not found:
            self._dialog.fail("Nothing is different from what is saved.")
            return
        self._reviewed = change, found
        self._form.show(False)
        self._review.clear()
        with self._review:
            show_differences(found)
            show_sentences(self._touched(change))
            self._reason = ask_why()
            with Node("div", "", "pu-row"):
                Button("Back to the fields", self._back, icon="arrow_back", kind="plain", small=True)
        self._review.show(True)
        self._dialog.verb.set_text("Save changes")

    def _back(self) -> None:
        self._reviewed = None
        self._review.show(False)
        self._form.show(True)
        self._dialog.verb.set_text("Review changes…")

    def _touched(self, change: ProviderChange) -> tuple[str, ...]:
        """Whom it concerns: all models where the address or a limit changes, else the default's users."""
        found = impact(self._desk.purser.snapshots.current, self._provider.id)
        wide = [one.field for one in differences(self._provider, change)]
        if any(name == "Base URL" or name == "Limits" or name in LIMITS.values() for name in wide):
            models = f"{found.models} model{'' if found.models == 1 else 's'}"
            return (f"It concerns {models}; what fails there:", *found.sentences()[1:])
        return ()

    def _change(self) -> ProviderChange:
        """What the fields say; what is as it was is no difference later."""
        return ProviderChange(
            name=self._name.value or "",
            base_url=(self._url.value or "").strip() or None,
            limits=Limits(
                requests_per_minute=self._whole("requests_per_minute"),
                tokens_per_day=self._whole("tokens_per_day"),
                usd_per_day=self._limits["usd_per_day"].value,
                concurrent=self._whole("concurrent"),
            ),
            limits_enabled=bool(self._limited.value),
            specialisations=(self._good_at.value or "").split(","),
            default_models=_changed(self._defaults, self._provider.default_models),
            fallback_models={
                modality: model or None
                for modality, model in _changed(self._fallbacks, self._provider.fallback_models).items()
            },
        )

    def _whole(self, name: str) -> int | None:
        return whole(self._limits[name].value, LIMITS[name], high=LARGEST_LIMIT)


def _choice(label: str, known: Mapping[str, str], value: str | None) -> ui.select:
    """A model; one that is set but no longer offered stands among them."""
    words = (
        dict(known) if value is None or value in known else {value: f"{value}, no longer offered", **known}
    )
    return fields.select(label, words, value=value)


def _changed(chosen: Mapping[Modality, ui.select], stored: Mapping[str, str]) -> dict[Modality, str]:
    """The models that differ from what is stored."""
    return {
        modality: str(field.value or NONE)
        for modality, field in chosen.items()
        if (field.value or NONE) != (stored.get(modality) or NONE)
    }
