"""What the parts of the page Plans share: what is saved, and what is changed."""

from collections.abc import Awaitable, Callable

from core.entitlements.matrix import Matrix
from dashboard import forms
from dashboard.page import Screen
from dashboard.plans.draft import Draft


class Desk(forms.Desk):
    """`show_draft` shows what has joined the draft."""

    def __init__(
        self,
        screen: Screen,
        saved: Matrix,
        refresh: Callable[[], Awaitable[None]],
        show_draft: Callable[[], Awaitable[None]],
    ) -> None:
        super().__init__(screen, refresh)
        self.draft = Draft(saved)
        self.own: set[int] = set()
        """Versions that this page has saved itself."""
        self.show_draft = show_draft
