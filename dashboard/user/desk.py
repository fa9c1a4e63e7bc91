"""What the parts of one user's page share: who looks, what is known of the user, how it is written, how dialogs ask why."""

from collections.abc import Awaitable, Callable, Iterable
from typing import Any, Self
from uuid import UUID

from nicegui import ui

from core.audit import Actor
from core.database import Session
from core.errors import InvalidRequest
from core.vocabulary import Role, Traffic
from dashboard.components import fields
from dashboard.components.button import Kind
from dashboard.components.dialog import Dialog
from dashboard.components.toast import toast
from dashboard.generations.reader import Reader, named
from dashboard.page import Screen
from dashboard.user.address import Address
from dashboard.user.reading import Reading

MAY = (Role.SUPERADMIN, Role.SUPPORT)
ADMIN = (Role.SUPERADMIN,)
WHY = "For the audit, and for whoever wonders tomorrow"

Change = Callable[[Session, Actor], Awaitable[Any]]
ReasonedChange = Callable[[Session, Actor, str], Awaitable[Any]]


class Desk:
    """One open page. `found` is the newest reading; `refresh` shows what has changed, `go` leads to another address."""

    def __init__(
        self,
        screen: Screen,
        found: Reading,
        address: Address,
        *,
        refresh: Callable[[], Awaitable[None]],
        go: Callable[[Address], Awaitable[None]],
    ) -> None:
        self.screen = screen
        self.purser = screen.purser
        self.found = found
        self.address = address
        self.refresh = refresh
        self.go = go
        self.reader = Reader(
            screen.zone, screen.sees_costs, lambda slug: named(screen.purser.snapshots.current, slug)
        )

    @property
    def user_id(self) -> UUID:
        return self.found.user.id

    @property
    def email(self) -> str:
        return self.found.user.email

    @property
    def traffic(self) -> Traffic:
        """Whose books are shown."""
        return self.found.traffic

    @property
    def beyond(self) -> str | None:
        """Why this person may change nothing here, where that is known beforehand; the server refuses in any case."""
        if self.screen.person.role is Role.SUPPORT and self.found.user.role is Role.SUPERADMIN:
            return "A superadmin's account is changed by superadmins only. Your role is support."
        return None

    async def write(
        self,
        change: Change,
        done: Callable[[], str],
        *,
        roles: Iterable[Role] = MAY,
        refused: Callable[[str], Any] | None = None,
    ) -> bool:
        """Makes a change in one transaction for the person as they are now, and shows what came of it; a refusal is
        said by `refused`, else as a toast."""

        async def run(actor: Actor) -> None:
            async with self.purser.database.transaction() as session:
                await change(session, actor)

        changed = await self.screen.act(run, roles=roles, refused=refused)
        if changed:
            await self.purser.changes.refresh()
            with self.screen.frame.main:
                toast(done())
            await self.refresh()
        return changed


class Form(Dialog):
    """A dialog that makes one change, asks why at the end, and says inside itself why it could not.

    `form = Form(desk, "Suspend …?", change, "… is suspended", verb="Suspend")`, then `with form.body: …` for fields of
    its own, and `form.open()`. `why` is what stands in the reason's field; None for a change that needs no reason.
    `then` is called once it is done and the dialog has closed.
    """

    def __init__(
        self,
        desk: Desk,
        title: str,
        change: ReasonedChange,
        done: str,
        *,
        verb: str,
        sub: str = "",
        note: str = "",
        kind: Kind = "primary",
        width: int = 520,
        why: str | None = WHY,
        roles: Iterable[Role] = MAY,
        then: Callable[[], Any] | None = None,
    ) -> None:
        with desk.screen.frame.main:  # outlives what it was opened from
            super().__init__(
                title, sub=sub, note=note, verb=verb, kind=kind, width=width, on_confirm=self._write
            )
        self.frame.on("hide", self.frame.delete, args=[])
        self.desk = desk
        self.done = done
        self._change, self._why, self._roles, self._then = change, why, tuple(roles), then
        self._reason: ui.input | None = None

    def open(self) -> Self:
        """The reason is asked last, whatever else is asked; Enter in it presses the verb."""
        if self._why and self._reason is None:
            with self.body:
                self._reason = fields.text("Reason", placeholder=self._why, note="required")
                self._reason.props("maxlength=500 data-enter=true")
                if not self._has_fields():
                    self._reason.props("autofocus")
        return super().open()

    def _has_fields(self) -> bool:
        """Whether another field stands before the reason and has the focus."""
        return any(
            "autofocus" in element.props for element in self.body.descendants() if element is not self._reason
        )

    async def _write(self) -> bool:
        self.fail(None)
        reason = (self._reason.value or "") if self._reason else ""
        done = await self.desk.write(
            lambda session, actor: self._change(session, actor, reason),
            lambda: self.done,  # what is said may be known only once it was done
            roles=self._roles,
            refused=self.fail,
        )
        if not done or self._then is None:
            return done
        self.close()
        self._then()
        return False


def whole(field: ui.number, name: str) -> int:
    """What a number's field says, as a whole number; nothing is 0.

    Raises:
        InvalidRequest: it is none.
    """
    value = field.value or 0
    if not float(value).is_integer() or abs(value) > 2**53:
        raise InvalidRequest(f"{name} is a whole number.")
    return int(value)
