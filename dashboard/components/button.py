"""Buttons: one primary a view; a label that says the verb; a click runs once, however often it is pressed."""

import inspect
from collections.abc import Awaitable, Callable
from typing import Any, Literal, Self

from dashboard.components.html import Icon, Node, safe_href

Kind = Literal["secondary", "primary", "danger", "plain"]
Handler = Callable[[], Awaitable[Any] | Any]


class Button(Node):
    """A button, or with `href` a link that looks like one.

    While its handler runs, further clicks do nothing and it says `aria-busy`; a spinner shows after a second.
    """

    def __init__(
        self,
        label: str,
        on_click: Handler | None = None,
        *,
        icon: str | None = None,
        kind: Kind = "secondary",
        href: str | None = None,
        after: str | None = None,
        small: bool = False,
        submit: bool = False,
        cls: str = "",
    ) -> None:
        look = f"pu-btn is-{kind}{' is-small' if small else ''} {cls}".strip()
        super().__init__("a" if href else "button", label, look)
        self._handler = on_click
        self._running = False
        self.set(
            href=safe_href(href) if href else None, type=None if href else "submit" if submit else "button"
        )
        with self:
            self.icon = Icon(icon) if icon else None
            if after:
                Icon(after, "is-after")
        if on_click:
            self.on("click", self._click, args=[])

    def enable(self, enabled: bool = True, *, why: str | None = None) -> Self:
        """Let it be pressed or not; `why` stands in the tooltip of a disabled button."""
        return self.set(disabled=not enabled, title=None if enabled else why)

    def disable(self, why: str | None = None) -> Self:
        """Not to be pressed now, with the reason."""
        return self.enable(False, why=why)

    def unless(self, why: str | None) -> Self:
        """Not to be pressed where there is a reason against it, which then stands beside the button."""
        if why:
            self.disable(why)
            Node("span", why, "pu-btn-why")
        return self

    @property
    def enabled(self) -> bool:
        return not self.props.get("disabled")

    async def _click(self) -> None:
        if self._running or not self.enabled or self._handler is None:
            return
        self._running = True
        self.set(aria_busy=True)
        try:
            outcome = self._handler()
            if inspect.isawaitable(outcome):
                await outcome
        finally:
            self._running = False
            if not self.is_deleted:
                self.set(aria_busy=None)


class IconButton(Button):
    """A button that is an icon alone; `label` is its name for assistive technology and its tooltip."""

    def __init__(
        self,
        icon: str,
        label: str,
        on_click: Handler | None = None,
        *,
        href: str | None = None,
        small: bool = False,
    ) -> None:
        super().__init__("", on_click, icon=icon, href=href, small=small, cls="is-icon")
        self.label = label
        self.set(aria_label=label, title=label)

    def _displayed_contents(self, *, only_visible: bool) -> list[Any]:
        return [self.label]
