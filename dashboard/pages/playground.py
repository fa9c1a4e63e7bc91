"""Playground: which model is better, which is cheaper? One prompt to up to four models, side by side."""

import asyncio
import json
import time
from datetime import UTC, datetime
from decimal import Decimal

from nicegui import background_tasks, ui

from core.accounts.person import Person
from core.errors import DatabaseUnavailable, NotSignedIn, PurserError
from core.generation.budget import budget_of_tests, spent_on_tests
from core.snapshot import Snapshot
from core.vocabulary import STAFF, Role
from dashboard.components import states
from dashboard.components.button import Button
from dashboard.components.html import Node
from dashboard.components.money import format_credits, format_usd
from dashboard.components.status import tag
from dashboard.components.toast import toast
from dashboard.page import Screen, page
from dashboard.playground.draft import LETTERS, LONGEST_IN_LINK, Draft, offered, suggested
from dashboard.playground.form import Form
from dashboard.playground.reading import Reading
from dashboard.playground.results import Results, Sample

ROLES = STAFF
FLUSH_SECONDS = 0.08
TRACE_SECONDS = 0.25
COPY = """
history.replaceState({}, "", %s);
navigator.clipboard ? navigator.clipboard.writeText(location.href).then(() => true, () => false) : false
"""
SHOW_RESULTS = "innerWidth < 900 && document.getElementById(%r)?.scrollIntoView({block: 'start'})"


@page("/playground", title="Playground", group="Test", roles=ROLES)
async def playground(screen: Screen) -> None:
    offers = offered(screen.purser.snapshots.current, screen.now())
    if not offers:
        _nothing_to_run(screen)
        return
    await Playground(screen, Draft.from_query(
        screen.request.query_params, offers, suggested(list(offers.values()))
    )).open()  # fmt: skip


class Playground:
    """The page of one person: a form at the left, results at the right, and at most one run at a time."""

    def __init__(self, screen: Screen, draft: Draft) -> None:
        self._screen = screen
        self._client = ui.context.client
        self._task: asyncio.Task[None] | None = None
        self._readings: list[Reading] = []
        with screen.frame.actions:
            tag("Test run, left out of revenue")
            Button("Copy link", self._copy_link, icon="link")
        with Node("div", "", "pu-play"):
            self._form = Form(
                offered(self._snapshot, screen.now(), screen.person.own_prices(screen.now())),
                draft,
                sees_costs=screen.sees_costs,
                on_run=self._run,
                on_stop=self._stop,
            )
            self._results = Results(self._provider_name, self._use_sample)
        self._client.on_delete(self._leave)

    async def open(self) -> None:
        """What is left of the test budget."""
        await self._show_budget()

    @property
    def _snapshot(self) -> Snapshot:
        return self._screen.purser.snapshots.current

    async def _run(self) -> None:
        """Begins a run, for the person as they are now."""
        if (self._task and not self._task.done()) or not self._form.check():
            return
        try:
            person = await self._screen.visitor.now(ROLES)
        except NotSignedIn:
            ui.navigate.to("/login")
            return
        except PurserError as refusal:
            toast(refusal.message, "bad", seconds=10)
            return
        draft = self._form.draft()
        self._form.write_address()
        self._readings = self._begin(draft, person)
        self._form.set_running(True)
        ui.run_javascript(SHOW_RESULTS % self._results.html_id)
        self._task = background_tasks.create(self._work(), name="playground run", context=self._client)

    def _begin(self, draft: Draft, person: Person) -> list[Reading]:
        offers = offered(self._snapshot, self._screen.now())
        chosen = [(key, offers[key]) for key in draft.models if key in offers]
        usd = person.role in (Role.SUPERADMIN, Role.TESTER)
        columns = self._results.begin(
            [
                (letter, offer.model.id, offer.provider.name)
                for letter, (_, offer) in zip(LETTERS, chosen, strict=False)
            ],
            "Cost" if usd else "Credits",
        )
        return [
            Reading(
                self._screen.purser,
                person,
                draft.order(key, sampling=offer.model.takes_sampling),
                offer,
                column,
                usd=usd,
            )
            for column, (key, offer) in zip(columns, chosen, strict=True)
        ]

    async def _work(self) -> None:
        """All columns until the last has ended; cancelled when the page goes."""
        readings = self._readings
        self._results.say(f"Run started, {len(readings)} {'model' if len(readings) == 1 else 'models'}.")
        tasks = [asyncio.create_task(reading.work()) for reading in readings]
        try:
            await self._watch(readings, tasks)
            await asyncio.gather(*tasks)
        except asyncio.CancelledError:
            for task in tasks:
                task.cancel()
            raise
        finally:
            self._form.set_running(False)
        self._results.say(
            "Run ended. "
            + " ".join(f"{reading.column.letter}: {reading.column.chip.text}." for reading in readings)
        )
        await self._show_budget()

    async def _watch(self, readings: list[Reading], tasks: list[asyncio.Task[None]]) -> None:
        """Shows what comes, some twelve times a second, however fast the tokens are."""
        traced, pending = 0.0, set(tasks)
        while pending:
            _, pending = await asyncio.wait(tasks, timeout=FLUSH_SECONDS)
            for reading in readings:
                if not reading.over:
                    reading.flush()
            self._form.set_spent(self._spent(readings))
            if not pending or time.monotonic() - traced > TRACE_SECONDS:
                traced = time.monotonic()
                self._results.show_trace(readings)

    def _spent(self, readings: list[Reading]) -> str:
        if not self._screen.sees_costs:
            return format_credits(sum(reading.credits for reading in readings))
        costs = [reading.cost for reading in readings]
        known = [cost for cost in costs if cost is not None]
        unpriced = len(costs) - len(known)
        if not known:
            return "No price"
        answered = any(reading.first is not None for reading in readings)
        said = format_usd(sum(known, Decimal(0)), zero="Free" if answered else "—")
        return f"{said}, {unpriced} without a price" if unpriced else said

    def _stop(self) -> None:
        for reading in self._readings:
            reading.stop()

    def _leave(self) -> None:
        if self._task:
            self._task.cancel()

    async def _show_budget(self) -> None:
        try:
            spent = await spent_on_tests(
                self._screen.purser.database, self._screen.person.id, datetime.now(UTC), self._screen.zone
            )
        except DatabaseUnavailable:
            return  # the figure stays as it was; a run says itself what is wrong
        self._form.set_budget(spent, budget_of_tests(self._snapshot))

    async def _copy_link(self) -> None:
        """The address is brought up to date and copied: it says everything."""
        draft = self._form.draft()
        try:
            copied = await ui.run_javascript(COPY % json.dumps(draft.address()), timeout=3)
        except TimeoutError:
            copied = False
        left_out = f" Texts over {LONGEST_IN_LINK:,} characters are not in it." if draft.too_long else ""
        if copied:
            toast(f"Link copied.{left_out}", "warn" if left_out else "ok")
        else:
            toast(f"Copy it from the address bar: it says everything.{left_out}", "info", seconds=10)

    def _use_sample(self, sample: Sample) -> None:
        self._form.fill(sample.template, sample.prompt)

    def _provider_name(self, slug: str) -> str:
        provider = self._snapshot.provider(slug)
        return provider.name if provider else slug


def _nothing_to_run(screen: Screen) -> None:
    with Node("div", "", "pu-card"):
        state = states.empty(
            "No text model to run",
            "No provider that streams text is switched on. A superadmin adds a key, or switches the sandbox on, in"
            " Providers.",
            icon="science",
        )
        if screen.person.role is Role.SUPERADMIN:
            with state, Node("div", "", "pu-row"):
                Button("Open Providers", href="/providers", kind="primary", icon="dns")
