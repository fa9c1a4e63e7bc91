"""What the parts of the page Providers share: the newest reading of the board."""

from collections.abc import Awaitable, Callable

from core.providers.config import ProviderConfig
from core.system.board import BoardState
from dashboard import forms
from dashboard.page import Screen


class Desk(forms.Desk):
    """`board` is the newest reading."""

    def __init__(self, screen: Screen, refresh: Callable[[], Awaitable[None]]) -> None:
        super().__init__(screen, refresh)
        self.board: BoardState | None = None

    @property
    def providers(self) -> tuple[ProviderConfig, ...]:
        """The configuration of now, which may be newer than the board."""
        return self.purser.snapshots.current.providers

    def written(self) -> None:
        self.purser.board.forget()
