"""What may be done about a provider: probe, reset, isolate, rehearse an outage, switch on and off."""

from datetime import timedelta
from uuid import UUID

from core.audit import Actor
from core.database import Session
from core.errors import ErrorClass
from core.providers.config import ProviderConfig
from core.providers.drills import LONGEST_LATENCY_MS, LONGEST_MINUTES, end_drill, start_drill
from core.providers.editing import Difference
from core.providers.service import switch_provider
from core.routing.impact import impact
from core.routing.operations import isolate, probe_now, reset
from core.system.board import modalities
from core.vocabulary import Modality
from dashboard.components import fields
from dashboard.components.html import Node
from dashboard.components.time import clock
from dashboard.forms import Form
from dashboard.numbers import whole
from dashboard.providers.desk import Desk
from dashboard.providers.review import show_differences, show_sentences

LATE_ONLY = "late"
STATES = ("switched off", "switched on")
ENDINGS = {one.value: one.value.replace("_", " ").capitalize() for one in ErrorClass} | {
    LATE_ONLY: "Only late"
}


class Actions:
    """The verbs of one provider. Each asks again on the server who is acting."""

    def __init__(self, desk: Desk, provider_id: UUID) -> None:
        self._desk = desk
        self._id = provider_id

    @property
    def provider(self) -> ProviderConfig:
        """As it is configured now."""
        return next(one for one in self._desk.providers if one.id == self._id)

    async def probe_now(self, modality: Modality) -> None:
        """The next request becomes the probe, without waiting any longer."""
        await self._desk.write(
            lambda session, actor: probe_now(
                session, self._id, modality, actor=actor, reason="asked for before its time"
            ),
            f"The next request for {modality} is the probe of {self.provider.name}",
        )

    def reset(self, modality: Modality) -> None:
        """Asks why, and lets one request try."""
        name = self.provider.name
        Form(
            self._desk,
            f"Reset the breaker of {name}, {modality}?",
            lambda session, actor, reason: reset(session, self._id, modality, actor=actor, reason=reason),
            f"The breaker of {name} is reset: the next request is its probe",
            sub="Exactly one request goes out as the probe. Answered, it closes the breaker; failed, it opens it again.",
            verb="Reset breaker",
        ).open()

    def isolate(self, modality: Modality | None = None) -> None:
        """Asks why, and takes the provider out of use until a person resets it."""
        name, served = self.provider.name, modalities(self.provider)

        async def change(session: Session, actor: Actor, reason: str) -> None:
            chosen = Modality(which.value) if which else served[0]
            await isolate(session, self._id, chosen, actor=actor, reason=reason)

        form = Form(
            self._desk,
            f"Isolate {name}?",
            change,
            f"{name} is isolated, from the next request on",
            sub="No request goes there until a person resets it; the program never does.",
            verb=f"Isolate {name}",
            kind="danger",
        )
        which = None
        if len(served) > 1:
            with form.body:
                words = {one.value: one.capitalize() for one in served}
                which = fields.select("Modality", words, value=(modality or served[0]).value)
        form.open()

    def simulate(self) -> None:
        """An outage for test traffic only, which ends by itself."""
        desk, name = self._desk, self.provider.name

        async def change(session: Session, actor: Actor, reason: str) -> None:
            await start_drill(
                session,
                self._id,
                error_class=None if ending.value == LATE_ONLY else ErrorClass(ending.value),
                latency_ms=whole(latency.value, "The delay in ms") or 0,
                minutes=whole(minutes.value, "The minutes") or 0,
                actor=actor,
                reason=reason,
            )

        def tell() -> None:
            length = timedelta(minutes=min(max(minutes.value or 0, 0), LONGEST_MINUTES))
            at = clock(desk.screen.now() + length, desk.screen.zone, seconds=False)
            form.sub.set_text(f"Test traffic only, ends by itself at {at}.")

        form = Form(
            desk,
            f"Simulate an outage of {name}",
            change,
            f"Test traffic meets an outage of {name} now",
            verb="Start the drill",
            why="What is being rehearsed",
        )
        with form.body:
            ending = fields.select("Its calls end with", ENDINGS, value=ErrorClass.OVERLOADED.value)
            with Node("div", "", "pu-pair"):
                latency = fields.number(
                    "After", value=0, low=0, high=LONGEST_LATENCY_MS, step=100, suffix="ms"
                )
                minutes = fields.number(
                    "For", value=20, low=1, high=LONGEST_MINUTES, step=1, suffix="min", on_change=tell
                )
        tell()
        form.open()

    async def stop_drill(self) -> None:
        """Ends the simulated outage before its time."""
        await self._desk.write(
            lambda session, actor: end_drill(session, self._id, actor=actor),
            f"The drill of {self.provider.name} is over",
        )

    def switch(self) -> None:
        """Off or on: what changes, whom it touches, and why."""
        provider, on = self.provider, not self.provider.enabled
        verb = f"Switch {'on' if on else 'off'} {provider.name}"
        form = Form(
            self._desk,
            f"{verb}?",
            lambda session, actor, reason: switch_provider(session, self._id, on, actor=actor, reason=reason),
            f"{provider.name} is switched {'on' if on else 'off'}, from the next request on",
            verb=verb,
            kind="primary" if on else "danger",
            width=560,
        )
        with form.body:
            show_differences([Difference("Provider", *STATES[:: 1 if on else -1])])
            if not on:
                show_sentences(impact(self._desk.purser.snapshots.current, self._id).sentences())
        form.open()
