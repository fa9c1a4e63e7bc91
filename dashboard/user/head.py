"""The head of a user's page: who it is, how they stand, and what may be done."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from core.audit import Actor
from core.vocabulary import Role, Traffic
from dashboard.components.button import Button, IconButton
from dashboard.components.choice import Choice, Segment
from dashboard.components.facts import Box
from dashboard.components.html import Icon, Node
from dashboard.components.menu import Menu, MenuItem
from dashboard.components.status import ACCOUNT, Chip, Status, tag
from dashboard.credits.adjust import AdjustTarget, open_adjust
from dashboard.credits.purchase import open_purchase
from dashboard.user import actions
from dashboard.user.desk import Desk
from dashboard.user.handing import hand_over, show_text
from dashboard.user.keys import new_key
from dashboard.user.reading import Reading, trouble
from dashboard.user.summary import last_failures, summary

ENDED = Status("", "schedule", "warn")
TRAFFIC_WORDS = {Traffic.LIVE: "Live", Traffic.TEST: "Test", Traffic.DEMO: "Demo"}
SUMMARY = "Support summary"


class Head:
    """Fills the page's frame; `show_reading` changes it in place."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        frame, found = desk.screen.frame, desk.found
        frame.set_title(found.user.email)
        frame.head.classes("pu-user-head")
        frame.crumb.set_text("").classes("pu-user-crumb")
        with frame.crumb:
            Node("span", found.user.email)
            Node("span", "User")  # on a phone, where the address stands below
        with frame.head:
            IconButton("arrow_back", "Back to the users", href="/users").classes("pu-user-back").move(
                target_index=0
            )
        with frame.head, Node("div", "", "pu-row pu-user-chips") as chips:
            self._chip = Chip(ACCOUNT[found.user.status])
            self._trouble = Chip(ENDED)
            self._role = tag("")
            self._books = tag("", "info")
        chips.move(target_index=2)
        with frame.actions:
            if len(found.accounts) > 1:
                words = {str(traffic): Choice(TRAFFIC_WORDS[traffic]) for traffic in found.accounts}
                Segment("Account", words, str(found.traffic), self._other_books)
            with Button("", self._copy, icon="content_copy"), Node("span"):
                Node("span", "Copy ")
                Node("span", "support ", "pu-wide-only")  # the phone has no room for it
                Node("span", "summary")
            self._adjust = Button("Adjust credits…", self.adjust, icon="toll", kind="primary")
            self._menu = self._actions()
        self._beyond = Box("info").classes("pu-user-beyond")
        with self._beyond:
            Icon("lock")
            self._why = Node("span")
        self.show_reading(found)

    def show_reading(self, found: Reading) -> None:
        """Shows how the user stands now."""
        person, wrong = found.user, trouble(found)
        self._chip.set_status(ACCOUNT[person.status]).set(title=person.status_reason)
        self._trouble.set_text(wrong or "").show(wrong is not None)
        self._role.set_text(person.role.capitalize()).show(person.role is not Role.USER)
        other = found.traffic is not Traffic.LIVE
        self._books.set_text(f"{TRAFFIC_WORDS[found.traffic]} account").show(other)
        suspended = person.status != "active"
        self._items["suspend"].show(not suspended)
        self._items["reactivate"].show(suspended)
        plan = found.usage.plan
        self._items["trial"].show(plan is not None and plan.is_trial)
        self._show_reach()

    def _show_reach(self) -> None:
        """What is out of the reader's reach cannot be pressed, and says why."""
        desk = self._desk
        beyond, credits, own = desk.beyond, desk.beyond_credits, desk.beyond_own
        self._beyond.show(beyond is not None)
        self._why.set_text(beyond or "")
        self._adjust.enable(credits is None, why=credits)
        for name in ("plan", "trial", "suspend", "reactivate"):
            self._items[name].enable(beyond is None, why=beyond)
        self._items["purchase"].enable(desk.beyond_purchase is None, why=desk.beyond_purchase)
        for name in ("preferences", "key"):
            self._items[name].enable(own is None, why=own)

    async def adjust(self) -> None:
        """The dialog that adds to or takes from the credits of the account that is shown."""
        await open_adjust(self._desk.screen, self._target(), self._desk.refresh)

    async def show_summary(self) -> None:
        """The summary to read and to copy, for who came by an address."""
        text = await self._text()
        if text is None:
            return
        show_text(self._desk.screen, f"{SUMMARY} of {self._desk.email}", text, what=SUMMARY)

    def dialogs(self) -> Mapping[str, Callable[[], Awaitable[Any] | None]]:
        """What an address may open (`?do=adjust`)."""
        desk = self._desk
        return {
            "adjust": self.adjust,
            "summary": self.show_summary,
            "plan": lambda: actions.ask_plan(desk),
            "trial": lambda: actions.ask_trial(desk),
            "suspend": lambda: actions.ask_suspend(desk),
        }

    def _actions(self) -> Menu:
        desk = self._desk
        menu = Menu(f"More about {desk.email}")
        self._items: dict[str, MenuItem] = {
            name: menu.item(label, icon, action)
            for name, (label, icon, action) in {
                "plan": ("Change plan…", "grid_on", lambda: actions.ask_plan(desk)),
                "trial": ("Extend trial…", "more_time", lambda: actions.ask_trial(desk)),
                "purchase": ("Record a purchase…", "shopping_cart", self._purchase),
                "preferences": ("Preferences…", "tune", lambda: actions.ask_preferences(desk)),
                "key": ("New API key…", "vpn_key", lambda: new_key(desk)),
                "role": ("Set role…", "badge", lambda: actions.ask_role(desk)),
                "projects": ("Projects", "folder_open", lambda: desk.go(desk.address.at("projects"))),
                "suspend": ("Suspend…", "block", lambda: actions.ask_suspend(desk)),
                "reactivate": ("Reactivate…", "check_circle", lambda: actions.ask_reactivate(desk)),
            }.items()
        }
        return menu

    async def _purchase(self) -> None:
        await open_purchase(self._desk.screen, self._target(), self._desk.refresh)

    async def _copy(self) -> None:
        text = await self._text()
        if text is None:
            return
        await hand_over(self._desk.screen, text, what=SUMMARY, title=f"{SUMMARY} of {self._desk.email}")

    async def _text(self) -> str | None:
        """The summary, for the person as they are now; None where they may not read it, which is said."""
        desk = self._desk
        told: list[str] = []

        async def tell(_actor: Actor) -> None:
            failures = await last_failures(desk.purser, desk.found)
            told.append(summary(desk.found, failures, desk.screen.now(), desk.screen.zone))

        return told[0] if await desk.screen.act(tell, roles=desk.roles) else None

    async def _other_books(self, traffic: str) -> None:
        await self._desk.go(self._desk.address.of_books(Traffic(traffic)))

    def _target(self) -> AdjustTarget:
        found = self._desk.found
        plan = found.usage.plan
        return AdjustTarget(found.user.id, found.user.email, plan.display_name if plan else "", found.traffic)
