"""Overview: what needs me now; on a first run, the steps from nothing to a product that answers."""

from uuid import UUID

from nicegui import background_tasks, ui

from core.accounts.onboarding import note_step, onboarding
from core.accounts.queries import count_staff
from core.audit import Actor
from core.generation.detail import Detail, detail
from core.generation.explain import provider_name
from core.generation.figures import Cause, Figures, causes, figures, latest_of
from core.generation.order import TextOrder
from core.system import demo
from core.system.demo.service import find
from core.vocabulary import Role, Traffic
from dashboard.components import status
from dashboard.components.card import Card
from dashboard.components.html import Node, link
from dashboard.components.money import format_credits, format_percent, format_usd
from dashboard.components.stat import Stat, stats
from dashboard.components.time import duration, span
from dashboard.components.toast import toast
from dashboard.live import generations_changed
from dashboard.overview.attention import Attention, needs
from dashboard.overview.checklist import Checklist, Step
from dashboard.overview.installation import Installation
from dashboard.overview.invite import Invite
from dashboard.page import Screen, page

SAMPLE = "In three sentences: why does a ship need a purser?"
PUT_AWAY = "put_away"
REFRESH_SECONDS = 5.0


@page("/", title="Overview", group="Operate")
async def overview(screen: Screen) -> None:
    await Overview(screen).open()


class Overview:
    """One opened overview."""

    def __init__(self, screen: Screen) -> None:
        self.screen = screen
        self.database = screen.purser.database
        self.admin = screen.person.role is Role.SUPERADMIN

    async def open(self) -> None:
        with Node("div", "", "pu-overview"):
            self.attention = Attention()
            with stats():
                self.figures = _stats(
                    costs=self.screen.sees_costs, month=f"{self.screen.now().astimezone(self.screen.zone):%B}"
                )
            with Node("div", "", "pu-halves"):
                with Node("div"):
                    self.checklist = Checklist(self.put_away).show(False)
                    self.causes = Card("Top causes of failure", note="24 h", ruled=True, flush=True).show(
                        False
                    )
                with Node("div"):
                    self.sample = Card("Your sample").show(False)
                    self.installation = Installation()
        await self.refresh()
        generations_changed.subscribe(self.refresh)
        ui.timer(REFRESH_SECONDS, self.refresh)

    async def refresh(self) -> None:
        """Shows the state of now."""
        now, purser = self.screen.now(), self.screen.purser
        report = await purser.parts.report()
        found = needs(report, purser.snapshots.current)
        sandbox = (
            "Purser answers with the built-in sandbox: no network, no cost."
            if purser.snapshots.current.sandbox_only
            else ""
        )
        self.attention.show_needs(found, now, self.screen.zone, sandbox)
        self.screen.frame.note.set_text(f"as of {now.astimezone(self.screen.zone):%H:%M:%S}")
        ui.page_title(f"({len(found)}) Overview · Purser" if found else "Overview · Purser")
        self._show_figures(await figures(self.database, self.screen.zone, now))
        self.installation.show_report(self.screen, report)
        self._show_causes(await causes(self.database, now))
        await self._show_start()

    async def run_sample(self) -> None:
        """A real generation, as test traffic, through whatever is configured."""
        done: dict[str, UUID] = {}

        async def run(_actor: Actor) -> None:
            person = await self.screen.visitor.now()
            result = await self.screen.purser.generations.generate_text(
                person, TextOrder.of_prompt(SAMPLE, max_tokens=300), traffic=Traffic.TEST
            )
            done["id"] = result.id

        if await self.screen.act(run):
            await self.refresh()

    async def put_away(self) -> None:
        await note_step(self.database, self.screen.person.id, PUT_AWAY)
        self.checklist.show(False)
        toast("The checklist is put away. Everything in it is on its own page.", "info")

    async def load_demo(self) -> None:
        """In the background: the page stays usable, and says when it is done."""

        async def load(actor: Actor) -> None:
            await demo.load(self.database, actor=actor)

        async def work() -> None:
            if await self.screen.act(
                load,
                roles=[Role.SUPERADMIN],
                done="Demo data is there; remove it with `main.py demo --clear`",
            ):
                await self.refresh()

        toast("Loading demo data, about half a minute", "info")
        background_tasks.create(work(), name="load demo data", context=ui.context.client)

    async def _show_start(self) -> None:
        """The checklist until it is put away, and the person's newest run."""
        person = self.screen.person
        seen = await onboarding(self.database, person.id)
        newest = await latest_of(self.database, person.id)
        row = await detail(self.database, newest[0], content=True) if newest else None
        self.checklist.show(PUT_AWAY not in seen)
        if PUT_AWAY not in seen:
            self.checklist.show_steps(await self._steps(seen, row))
        self.sample.show(row is not None)
        if row is not None:
            self._show_sample(row)

    async def _steps(self, seen: frozenset[str], row: Detail | None) -> list[Step]:
        async def see_row() -> None:
            if row is not None:
                await note_step(self.database, self.screen.person.id, "row")
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
                "sample", "Run a sample", ran, row is not None, "Run a sample", self.run_sample, "Run another"
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
        if self.admin:
            loaded = await find(self.database)
            snapshot = self.screen.purser.snapshots.current
            colleagues = await self._colleagues()
            steps += [
                Step(
                    "demo",
                    "Load demo data",
                    "30 days, 200 users, one tripped breaker; tagged, never in totals, removed in one action",
                    loaded is not None and loaded.complete,
                    "Load demo data",
                    self.load_demo,
                ),
                Step(
                    "key",
                    "Add a real key",
                    "The sandbox then switches off by itself",
                    not snapshot.sandbox_only,
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
                    Invite(self.screen).open,
                    "Invite another",
                ),
            ]
        return steps

    async def _colleagues(self) -> int:
        async with self.database.transaction() as session:
            return await count_staff(session)

    def _show_sample(self, shown: Detail) -> None:
        row = shown.row
        self.sample.body.clear()
        self.sample.end.clear()
        with self.sample.end:
            link("Open in Playground", "/playground", "pu-link")
        with self.sample.body:
            with Node("div", "", "pu-row"):
                status.Chip(status.generation(row["status"]))
                Node("span", duration((row["latency_ms"] or 0) / 1000), "is-second")
                Node("span", f"{row['model'] or 'no model'} · {format_credits(row['credits'])}", "is-second")
            messages = (shown.prompt or {}).get("messages") or []
            if messages:
                Node("p", f"“{messages[-1]['content'][:200]}”")
            Node("p", (shown.answer or row["error_message"] or "")[:600], "pu-sample")

    def _show_figures(self, now: Figures) -> None:
        ended = now.completed + now.failed
        who = "test runs only" if now.tests_only and now.total else "no traffic yet" if not now.total else ""
        success = "—" if now.success is None else format_percent(now.success).removesuffix(" %")
        self.figures["success"].set_value(
            success, "%" if now.success is not None else "", sub=who or f"{now.failed:,} of {ended:,} failed"
        )
        p95, unit = _latency(now.p95_ms)
        self.figures["p95"].set_value(p95, unit, sub=f"{now.completed:,} completed in 24 h")
        age = (now.as_of - now.oldest_pending).total_seconds() if now.oldest_pending else 0
        self.figures["queue"].set_value(
            f"{age:.0f}" if age < 60 else span(age), "s" if age < 60 else "", sub=f"{now.pending:,} under way"
        )
        if "spend" in self.figures:
            nothing = not now.month_spend
            sub = (
                f"{now.month_unpriced:,} calls unpriced"
                if now.month_unpriced
                else "the sandbox costs nothing"
                if nothing
                else "all calls priced"
            )
            self.figures["spend"].set_value("—" if nothing else format_usd(now.month_spend), sub=sub)
        self.figures["credits"].set_value(
            f"{now.credits:,}", "cr", sub="as a test" if now.tests_only else self._worth(now)
        )

    def _worth(self, now: Figures) -> str:
        return (
            f"worth {format_usd(now.revenue)}"
            if self.screen.sees_costs and now.revenue
            else "live traffic, 24 h"
        )

    def _show_causes(self, found: list[Cause]) -> None:
        self.causes.show(bool(found))
        self.causes.body.clear()
        with self.causes.body, Node("ul", "", "pu-parts"):
            for cause in found:
                with Node("li"):
                    Node("span", "")
                    link(cause.cause, f"/generations?status=failed&cause={cause.cause}", "pu-link")
                    Node(
                        "span",
                        provider_name(cause.provider) if cause.provider else "before any call",
                        "is-second",
                    )
                    Node("span", f"{cause.count:,}")


def _latency(milliseconds: float | None) -> tuple[str, str]:
    """A figure and its unit."""
    if milliseconds is None:
        return "—", ""
    return (f"{milliseconds:.0f}", "ms") if milliseconds < 100 else (f"{milliseconds / 1000:.1f}", "s")


def _stats(*, costs: bool, month: str) -> dict[str, Stat]:
    made = {
        "success": Stat("Success, 24 h", "—", href="/generations"),
        "p95": Stat("p95 latency", "—"),
        "queue": Stat("Queue age", "0", "s", href="/generations?status=processing"),
    }
    if costs:
        made["spend"] = Stat(f"Spend in {month}", "—")
    made["credits"] = Stat("Credits used, 24 h", "0", "cr")
    return made
