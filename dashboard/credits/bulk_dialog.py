"""The dialog that grants to many: from lines or by filter, then what it comes to, and only then it begins."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from core.accounts.listing import Filter
from core.accounts.models import UserStatus
from core.audit import Actor
from core.credits.limits import LARGEST, limit_of
from core.database import Session
from core.errors import InvalidRequest
from core.membership.bulk import discard, start
from core.membership.drafting import Draft, Terms, draft_from_csv, draft_from_filter
from dashboard.access import SUPERADMINS
from dashboard.components import fields
from dashboard.components.button import Button
from dashboard.components.choice import Choice, Segment
from dashboard.components.dialog import Dialog
from dashboard.components.facts import Box, Facts
from dashboard.components.html import Icon, Node
from dashboard.components.money import format_count, format_credits
from dashboard.components.toast import toast
from dashboard.credits.files import FileField
from dashboard.credits.moving import (
    LARGE,
    OnDone,
    ask_note,
    ask_reason,
    ask_typed,
    chosen_reason,
    whole_credits,
)
from dashboard.ends import ask_until, moment_of
from dashboard.forms import write
from dashboard.page import Screen

CSV, FILTER = "csv", "filter"
SOURCES = {CSV: Choice("From lines", "description"), FILTER: Choice("By filter", "filter_alt")}
EXAMPLE = "mara@northlight.example,500\nnoah@northlight.example,250"
MOST_TOLD = 50
ANY, FAILING = "", "failing"
FAILURES = {ANY: "any", FAILING: "in 7 days"}


def open_bulk(screen: Screen, on_done: OnDone, *, lines: str = "") -> None:
    """Opens it, with `lines` written already; `on_done` is called once it has begun, or waits for approval."""
    BulkDialog(screen, on_done, lines).open()


class BulkDialog:
    """Use `open_bulk`. The draft that a preview made is thrown away where somebody goes back or gives up."""

    def __init__(self, screen: Screen, on_done: OnDone, lines: str = "") -> None:
        self._screen, self._on_done = screen, on_done
        self._draft: Draft | None = None
        self._file: str | None = None
        self._begun = False
        with screen.frame.main:
            self._dialog = Dialog(
                "Grant in bulk",
                sub="Nothing is booked before you have seen whom it concerns and what it comes to.",
                verb="Preview…",
                on_confirm=self._go_on,
                width=640,
            )
        self._dialog.frame.on("hide", self._closed, args=[])
        with self._dialog.body:
            self._form = Node("div", "", "pu-stack")
            self._preview = Node("div", "", "pu-stack", hidden=True)
        with self._form:
            self._fields(lines)

    def open(self) -> None:
        self._dialog.open()

    def _fields(self, lines: str) -> None:
        self._title = fields.text("Title", placeholder="Sorry for the outage of 19 November").props(
            "maxlength=120 autofocus"
        )
        self._source = Segment("Whom", SOURCES, CSV, self._chose)
        self._of_csv = Node("div", "", "pu-stack")
        with self._of_csv:
            self._lines = fields.area(
                "Lines",
                value=lines,
                rows=5,
                placeholder=EXAMPLE,
                help_text="One person a line: e-mail or id, then credits. A head line may stand above.",
            )
            with Node("div", "", "pu-row"):
                FileField("Choose a CSV file…", self._file_came)
                self._file_said = Node("span", "", "pu-meta", role="status")
                self._file_away = Button("Remove file", self._remove_file, kind="plain", small=True)
            self._file_away.show(False)
        self._of_filter = Node("div", "", "pu-stack", hidden=True)
        with self._of_filter:
            plans = self._screen.purser.snapshots.current.entitlements.plans
            with Node("div", "", "pu-pair"):
                names = {ANY: "any plan", **{key: plan.display_name for key, plan in plans.items()}}
                self._plan = fields.select("Plan", names, value=ANY)
                self._failing = fields.select("Failures", FAILURES, value=ANY)
            self._low = fields.number("Balance below", low=1, step=1, suffix="cr", note="optional")
        self._each = fields.number(
            "Credits for each",
            low=1,
            high=LARGEST,
            step=1,
            suffix="cr",
            help_text="From lines: for each line without an amount of its own.",
        )
        self._reason = ask_reason()
        self._note = ask_note()
        self._expiry = ask_until("Expires", note=f"optional, in {self._screen.zone.key}")

    def _file_came(self, name: str, text: str) -> None:
        """A file takes the place of typed lines; it is too long to go through a text field."""
        self._file = text
        lines = sum(1 for line in text.splitlines() if line.strip())
        self._file_said.set_text(f"{name}: {format_count(lines)} lines")
        fields.show(self._lines, False)
        self._file_away.show(True)

    def _remove_file(self) -> None:
        self._file = None
        self._file_said.set_text("")
        fields.show(self._lines, True)
        self._file_away.show(False)

    def _chose(self, source: str) -> None:
        self._of_csv.show(source == CSV)
        self._of_filter.show(source == FILTER)

    async def _go_on(self) -> bool:
        """From the fields to the preview, and from there to what is begun."""
        self._dialog.fail(None)
        if self._draft is None:
            drafts: list[Draft] = []

            async def draft(session: Session, actor: Actor) -> None:
                drafts.append(await self._make_draft(session, actor))

            if not await write(self._screen, draft, roles=SUPERADMINS, refused=self._dialog.fail):
                return False
            if drafts[0].job_id is None:
                self._show(drafts[0])
                return False
            self._begun = True  # it is kept: whoever has looked at its list begins it from there
            with self._screen.frame.main:
                people = format_count(drafts[0].people)
                toast(
                    f"The list of {people} people is being made. Look at it, and begin, when it is whole.",
                    "info",
                )
        else:
            self._begun = await begin_bulk(self._screen, self._draft.id, self._dialog.fail)
        if self._begun:
            outcome = self._on_done()
            if outcome is not None:
                await outcome
        return self._begun

    async def _make_draft(self, session: Session, actor: Actor) -> Draft:
        terms = Terms(
            title=(self._title.value or "").strip(),
            reason_code=chosen_reason(self._reason),
            note=(self._note.value or "").strip(),
            expires_at=moment_of(self._expiry, self._screen),
        )
        each = whole_credits(self._each)
        if self._source.value == CSV:
            text = self._lines.value or "" if self._file is None else self._file
            return await draft_from_csv(session, filled(text, each) if each else text, terms, actor=actor)
        low = whole_credits(self._low)
        if not each:
            raise InvalidRequest("Say how many credits each gets.")
        which = Filter(
            plan=self._plan.value or None,
            status=UserStatus.ACTIVE.value,
            low_balance=low or None,
            failing=self._failing.value == FAILING,
        )
        return await draft_from_filter(session, which, each, terms, actor=actor)

    def _show(self, draft: Draft) -> None:
        self._draft = draft
        self._form.show(False)
        self._preview.clear()
        with self._preview:
            preview(self._screen, self._dialog, draft.people, draft.credits, draft.refusals)
            with Node("div", "", "pu-row"):
                Button("Back to the fields", self._back, icon="arrow_back", kind="plain", small=True)
        self._preview.show(True)

    async def _back(self) -> None:
        await self._throw_away()
        self._dialog.fail(None)
        self._preview.show(False)
        self._form.show(True)
        self._dialog.verb.set_text("Preview…").enable()

    async def _closed(self) -> None:
        await self._throw_away()
        self._dialog.frame.delete()

    async def _throw_away(self) -> None:
        draft, self._draft = self._draft, None
        if draft is None or self._begun:
            return

        await write(
            self._screen,
            lambda session, actor: discard(session, draft.id, actor=actor),
            roles=SUPERADMINS,
        )


def preview(
    screen: Screen, dialog: Dialog, people: int, credits: int, refusals: Sequence[tuple[int, str]] = ()
) -> None:
    """What a draft comes to, with the lines that are refused; sets the dialog's verb, and asks for the total where that
    is large."""
    asks = credits > limit_of(screen.person.role, screen.purser.snapshots.current.settings)
    whom = "1 person" if people == 1 else f"{format_count(people)} people"
    with Box(lined=True):
        Facts({"People": format_count(people), "Credits": format_credits(credits)}, name_width=120)
    if refusals:
        _tell_refused(refusals)
    if asks:
        with Node("div", "", "pu-row pu-limit is-tone-warn"):
            Icon("schedule")
            Node("span", "Above your limit: nothing is booked until another superadmin approves.")
    dialog.verb.set_text("Ask for approval" if asks else f"Grant {format_credits(credits)} to {whom}")
    if not people:
        dialog.verb.disable("There is nobody to grant to")
    elif credits > LARGE:
        ask_typed(dialog, format_count(credits))


async def begin_bulk(screen: Screen, bulk_id: UUID, refused: Any) -> bool:
    """Begins a drafted grant, or asks for its approval, for the person as they are now."""
    said: list[str] = []

    async def begin(session: Session, actor: Actor) -> None:
        begun = await start(session, bulk_id, actor=actor)
        said.append(
            "Asked for approval: nothing is booked before."
            if begun.job_id is None
            else "The grant has begun. The tray in the header says how far it is."
        )

    if not await write(screen, begin, roles=SUPERADMINS, refused=refused):
        return False
    screen.purser.attention.forget()  # it may wait for somebody now
    with screen.frame.main:
        toast(said[0], "info")
    return True


def filled(text: str, each: int) -> str:
    """Lines of a file, `each` written behind those that name somebody and no amount."""
    lines = text.split("\n")
    separator = max(",;\t", key=lines[0].count)
    for number, line in enumerate(lines):
        name, _, amount = line.partition(separator)
        if name.strip() and not amount.strip():
            lines[number] = f"{name.rstrip()}{separator}{each}"
    return "\n".join(lines)


def _tell_refused(refusals: Sequence[tuple[int, str]]) -> None:
    many = "1 line is refused" if len(refusals) == 1 else f"{format_count(len(refusals))} lines are refused"
    with Box("warn").classes("pu-refused"):
        Node("p", f"{many}, and left out:", "is-strong")
        with Node("ul", "", tabindex=0, aria_label="Refused lines"):
            for number, why in refusals[:MOST_TOLD]:
                Node("li", f"Line {number:,}: {why}")
            if len(refusals) > MOST_TOLD:
                Node("li", f"and {format_count(len(refusals) - MOST_TOLD)} more")
