"""What the page tells by itself: which version is shown, and that somebody else has saved another."""

from collections.abc import Awaitable, Callable
from datetime import datetime
from functools import partial
from zoneinfo import ZoneInfo

from core.entitlements.matrix import Matrix
from dashboard.components.button import IconButton
from dashboard.components.html import Icon, Node, link
from dashboard.components.time import Moment
from dashboard.plans.address import Address
from dashboard.plans.change_list import count_words

Lead = Callable[[int], Awaitable[None]]


class VersionLine(Node):
    """`Version 38, saved 7 d ago by …`, at the right of the tabs."""

    def __init__(self, zone: ZoneInfo) -> None:
        super().__init__("p", "", "pu-plans-version pu-meta")
        self._zone = zone
        with self:
            self._before = Node("span")
            self._moment: Moment | None = None
            self._when = Node("span")
            self._after = Node("span")

    def show_version(self, saved: Matrix, now: datetime) -> None:
        """Another version, or the same one later."""
        if saved.saved_at is None:
            self._before.set_text("As Purser brings them")
            return
        self._before.set_text(f"Version {saved.version}, saved ")
        self._after.set_text(f" by {saved.saved_by}")
        if self._moment is None:
            with self._when:
                self._moment = Moment(saved.saved_at, now, self._zone)
        self._moment.set_moment(saved.saved_at, now)


class News(Node):
    """`Mira saved version 39 · Show`; it stays until it is closed, or followed."""

    def __init__(self, lead: Lead) -> None:
        super().__init__("div", "", "pu-plans-news", role="status", hidden=True)
        self._lead = lead
        with self:
            Icon("info")
            self._said = Node("div")
            IconButton("close", "Close this news", self.close).set(data_local="true")

    def tell(self, saved: Matrix, dropped: int) -> None:
        """Somebody has saved; so many changes of one's own change nothing on it."""
        self._said.clear()
        with self._said, Node("p"):
            Node("span", f"{saved.saved_by} saved version {saved.version} · ")
            link("Show", Address(tab="history", version=saved.version).url).on(
                "click.prevent", partial(self._follow, saved.version), args=[]
            )
            if dropped:
                Node("span", f" · {count_words(dropped, 'change')} of yours changes nothing any more.")
        self.show(True)

    def close(self) -> None:
        """It has been read."""
        self.show(False)

    async def _follow(self, number: int) -> None:
        self.close()
        await self._lead(number)
