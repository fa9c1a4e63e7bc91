"""Saved views of a list: the address as it is under a name, for the person alone. One button, for any list whose address
is its state."""

from collections.abc import Callable
from functools import partial
from uuid import UUID

from nicegui import ui
from nicegui.events import ValueChangeEventArguments

from core.accounts.views import LONGEST_NAME, View, delete_view, save_view, views
from core.audit import Actor
from core.database import Session
from core.errors import DatabaseUnavailable
from core.vocabulary import STAFF
from dashboard.components import fields
from dashboard.components.button import IconButton
from dashboard.components.html import Icon, Node, link
from dashboard.components.toast import toast
from dashboard.forms import PageDialog, write
from dashboard.page import Screen


class SavedViews(IconButton):
    """`SavedViews(screen, "/generations", "All generations", lambda: query)`.

    Args:
        path: the list's address; what is saved is the query behind it.
        every: what the list without any filter is called.
        current: the query of what is shown now, without the place in the list and the row that is open.
    """

    def __init__(self, screen: Screen, path: str, every: str, current: Callable[[], str]) -> None:
        super().__init__("bookmark", "Saved views")
        self._screen, self._path, self._every, self._current = screen, path, every, current
        self._page = path.strip("/")
        self._known: list[View] = []
        self.set(aria_haspopup="menu", aria_expanded=False)
        with self:
            self._menu = ui.menu().props("role=menu no-parent-event")
            self._menu.props["aria-label"] = "Saved views"
        self._menu.on_value_change(lambda event: self.set(aria_expanded=bool(event.value)))
        self.on("click", self._open, args=[])

    async def _open(self) -> None:
        """The list is read when somebody wants to see it."""
        if self._menu.value:
            self._menu.close()
            return
        try:
            await self._read()
        except DatabaseUnavailable as absence:
            toast(absence.message, "bad", seconds=10)
            return
        self._menu.open()

    async def _read(self) -> None:
        self._known = await views(self._screen.purser.database, self._screen.person.id, self._page)
        shown = self._current()
        self._menu.clear()
        with self._menu:
            self._entry(self._every, self._path, here=not shown)
            for view in self._known:
                with Node("div", "", "pu-view"):
                    self._entry(view.name, f"{self._path}?{view.query}", here=view.query == shown)
                    delete = IconButton("delete", f"Delete the view {view.name}", small=True)
                    delete.set(role="menuitem", tabindex=-1)
                    delete.on("click.stop", partial(self._delete, view), args=[])
            with Node(
                "button", "Save this view…", "pu-item", type="button", role="menuitem", tabindex=-1
            ) as save:
                Icon("bookmark_add")
            save.on("click.stop", self._ask, args=[])

    def _entry(self, name: str, href: str, *, here: bool) -> None:
        entry = link(
            name, href, "pu-item", role="menuitem", tabindex=-1, aria_current="true" if here else None
        )
        with entry:
            Icon("check" if here else "bookmark")

    def _ask(self) -> None:
        self._menu.close()
        query, names = self._current(), {view.name: view for view in self._known}

        async def save() -> bool:
            name = (field.value or "").strip()
            before = names.get(name)
            saved = await self._save(name, query, replace=before is not None, refused=dialog.fail)
            if saved:
                word, undo = ("replaced", partial(self._save, name, before.query, replace=True)) if before else (
                    "saved", partial(self._forget, saved.id)
                )  # fmt: skip
                toast(f"View “{name}” {word}", undo=undo)
            return saved is not None

        def typed(event: ValueChangeEventArguments) -> None:
            there = (event.value or "").strip() in names
            dialog.verb.set_text("Replace" if there else "Save")
            dialog.note.set_text("A view of this name is there; this takes its place." if there else "")

        dialog = PageDialog(
            self._screen, "Save this view", verb="Save", on_confirm=save, width=440, sub="For you alone."
        )
        with dialog.body:
            field = fields.text("Name", placeholder="Failed today", on_change=typed)
            field.props(f"maxlength={LONGEST_NAME} autofocus data-enter=true")
        dialog.open()

    async def _delete(self, view: View) -> None:
        self._menu.close()
        if await self._forget(view.id):
            undo = partial(self._save, view.name, view.query, replace=False)
            toast(f"View “{view.name}” deleted", "info", undo=undo)

    async def _save(
        self, name: str, query: str, *, replace: bool, refused: Callable[[str], object] | None = None
    ) -> View | None:
        saved: list[View] = []

        async def save(session: Session, actor: Actor) -> None:
            saved.append(await save_view(session, actor, self._page, name, query, replace=replace))

        return saved[0] if await write(self._screen, save, roles=STAFF, refused=refused) else None

    async def _forget(self, view_id: UUID) -> bool:
        async def forget(session: Session, actor: Actor) -> None:
            await delete_view(session, actor, view_id)

        return await write(self._screen, forget, roles=STAFF)
