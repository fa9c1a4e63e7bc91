"""From nothing to a product that answers: the checklist, the newest run, and what Purser stands on (mock-up 14)."""

from nicegui import ui

from core.accounts.onboarding import note_step, onboarding
from core.accounts.queries import count_staff
from core.audit import Actor
from core.generation.detail import Detail, detail
from core.generation.explain import provider_name
from core.generation.figures import latest_of
from core.generation.order import TextOrder
from core.system.demo.service import find
from core.vocabulary import Role, Traffic
from dashboard.components import status
from dashboard.components.card import Card
from dashboard.components.html import Node, link
from dashboard.components.money import format_credits
from dashboard.components.time import duration
from dashboard.components.toast import toast
from dashboard.overview.checklist import Checklist, Step
from dashboard.overview.demo import ask_to_remove_demo, load_demo
from dashboard.overview.installation import Installation
from dashboard.overview.invite import ask_to_invite
from dashboard.page import Screen

SAMPLE = "In three sentences: why does a ship need a purser?"
PUT_AWAY = "put_away"


class Start(Node):
    """`refresh` fills it; once the checklist is put away, it is gone for this person."""

    def __init__(self, screen: Screen) -> None:
        super().__init__("div", "", "pu-halves")
        self._screen = screen
        self._database = screen.purser.database
        self._shown: tuple[object, ...] = ()
        with self:
            with Node("div"):
                self._checklist = Checklist(self._put_away)
            with Node("div"):
                self._sample = Card("Your sample").show(False)
                self._installation = Installation()

    @property
    def over(self) -> bool:
        """Whether the checklist has been put away."""
        return bool(self.props.get("hidden"))

    async def refresh(self) -> None:
        """Reads how far the person is."""
        if self.over:
            return
        person = self._screen.person
        seen = await onboarding(self._database, person.id)
        if PUT_AWAY in seen:
            self.show(False)
            return
        newest = await latest_of(self._database, person.id)
        row = await detail(self._database, newest[0], content=True) if newest else None
        self._checklist.show_steps(await self._steps(seen, row))
        self._sample.show(row is not None)
        if row is not None and newest != self._shown:
            self._shown = newest or ()
            self._show_sample(row)
        self._installation.show_report(self._screen, await self._screen.purser.parts.report())

    async def _steps(self, seen: frozenset[str], row: Detail | None) -> list[Step]:
        async def see_row() -> None:
            if row is not None:
                await note_step(self._database, self._screen.person.id, "row")
                ui.navigate.to(f"/generations?sel={row.row['id']}&traffic={row.row['traffic']}")

        ran = (
            f"A text by {provider_name(row.row['provider'])}, in {duration((row.row['latency_ms'] or 0) / 1000)}"
            if row and row.row["provider"]
            else "One prompt through routing, credits and books"
        )
        charged = (
            f"Generation {row.row['id'].hex[-8:]}, {row.row['status']}, {format_credits(-row.row['credits'])}"
            if row
            else "What was decided, called, charged and recorded"
        )
        steps = [
            Step(
                "sample",
                "Run a sample",
                ran,
                row is not None,
                "Run a sample",
                self._run_sample,
                "Run another",
            ),
            Step(
                "row",
                "See its row and ledger entry",
                charged,
                row is not None and "row" in seen,
                "Open the row",
                see_row,
                "Open the row",
                possible=row is not None,
            ),
        ]
        if self._screen.person.role is Role.SUPERADMIN:
            steps += await self._steps_of_superadmins()
        return steps

    async def _steps_of_superadmins(self) -> list[Step]:
        loaded = await find(self._database)
        async with self._database.transaction() as session:
            colleagues = await count_staff(session)
        return [
            Step(
                "demo",
                "Load demo data",
                "30 days, 200 users, one tripped breaker; tagged, never in totals, removed in one action",
                loaded is not None and loaded.complete,
                "Load demo data",
                self._remove_demo if loaded is not None and loaded.complete else self._load_demo,
                "Remove…",
            ),
            Step(
                "key",
                "Add a real key",
                "The sandbox then switches off by itself",
                not self._screen.purser.snapshots.current.sandbox_only,
                "Add provider",
                lambda: ui.navigate.to("/providers?add=1"),
                "Add another",
            ),
            Step(
                "invite",
                "Invite",
                "Support, testers, and a second superadmin who approves large adjustments",
                colleagues > 1,
                "Invite",
                lambda: ask_to_invite(self._screen),
                "Invite another",
            ),
        ]

    def _show_sample(self, shown: Detail) -> None:
        row = shown.row
        self._sample.body.clear()
        self._sample.end.clear()
        with self._sample.end:
            link("Open in Playground", "/playground", "pu-link")
        with self._sample.body:
            with Node("div", "", "pu-row"):
                status.Chip(status.generation(row["status"]))
                Node("span", duration((row["latency_ms"] or 0) / 1000), "is-second")
                Node("span", f"{row['model'] or 'no model'} · {format_credits(row['credits'])}", "is-second")
            messages = (shown.prompt or {}).get("messages") or []
            if messages:
                Node("p", f"“{messages[-1]['content'][:200]}”")
            Node("p", (shown.answer or row["error_message"] or "")[:600], "pu-sample")

    async def _run_sample(self) -> None:
        """A real generation, as test traffic, through whatever is configured."""

        async def run(_actor: Actor) -> None:
            await self._screen.purser.generations.generate_text(
                await self._screen.visitor.now(),
                TextOrder.of_prompt(SAMPLE, max_tokens=300),
                traffic=Traffic.TEST,
            )

        if await self._screen.act(run):
            await self.refresh()

    async def _put_away(self) -> None:
        await note_step(self._database, self._screen.person.id, PUT_AWAY)
        self.show(False)
        with self._screen.frame.main:  # what was pressed may be gone
            toast("The checklist is put away. Everything in it is on its own page.", "info")

    async def _load_demo(self) -> None:
        await load_demo(self._screen)

    async def _remove_demo(self) -> None:
        await ask_to_remove_demo(self._screen)
