"""What is asked alike of organisations and of projects: their name, and whether they go into the archive."""

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

from nicegui import ui

from core.audit import Actor
from core.database import Session
from dashboard.components import fields
from dashboard.forms import Desk, Form, ReasonedChange

Rename = Callable[[Session, Actor, str, str], Awaitable[Any]]
"""Gives another name, for a reason."""


class Named(Protocol):
    """An organisation or a project, as it is shown."""

    @property
    def id(self) -> UUID: ...
    @property
    def name(self) -> str: ...
    @property
    def archived_at(self) -> datetime | None: ...


def ask_name(form: Form, value: str = "") -> ui.input:
    """The field for a name, which has the focus."""
    with form.body:
        field = fields.text("Name", value=value, note="required")
    return field.props("maxlength=100 autofocus")


def ask_rename(desk: Desk, one: Named, what: str, rename: Rename) -> None:
    """Asks for another name."""

    async def change(session: Session, actor: Actor, reason: str) -> None:
        await rename(session, actor, name.value or "", reason)

    form = Form(desk, f"Rename {one.name}", change, f"The {what} has its new name", verb="Rename")
    name = ask_name(form, one.name)
    form.open()


def ask_archive(desk: Desk, one: Named, change: ReasonedChange, *, into: str, out: str) -> None:
    """Asks whether it goes into the archive, or out of it; `into` and `out` say what that means."""
    put_away = one.archived_at is None
    Form(
        desk,
        f"{'Archive' if put_away else 'Restore'} {one.name}?",
        change,
        f"{one.name} is {'archived' if put_away else 'back'}",
        verb="Archive" if put_away else "Restore",
        sub=into if put_away else out,
        kind="danger" if put_away else "primary",
    ).open()
