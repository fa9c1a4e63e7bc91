"""What stands at the head of a row's pane: to the rows beside it in the list, and its link to copy."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from dashboard.components.button import IconButton
from dashboard.components.toast import toast


@dataclass(frozen=True, slots=True)
class Neighbours:
    """Whether there are rows above and below in the list, and how to go there: `go(-1)`, `go(1)`."""

    above: bool
    below: bool
    go: Callable[[int], Any]


def neighbour_buttons(neighbours: Neighbours) -> None:
    """Up and down the page of the list."""
    _neighbour("keyboard_arrow_up", "Previous row", neighbours.above, lambda: neighbours.go(-1))
    _neighbour("keyboard_arrow_down", "Next row", neighbours.below, lambda: neighbours.go(1))


def copy_link(href: str) -> IconButton:
    """A real link to the row; pressed, it copies its address."""

    def told(event: Any) -> None:
        if event.args is True or event.args == [True]:
            toast("Link copied")
        else:
            toast("The browser does not let this page copy. Copy the address instead.", "warn")

    return IconButton("link", "Copy link", href=href).on("click", told, js_handler=COPY_HREF)


def _neighbour(icon: str, label: str, there: bool, go: Callable[[], Any]) -> None:
    button = IconButton(icon, label, go)
    if not there:
        button.disable("There is none on this page of the list")


COPY_HREF = """(event) => {
    event.preventDefault();
    const text = event.currentTarget.href;
    navigator.clipboard ? navigator.clipboard.writeText(text).then(() => emit(true), () => emit(false)) : emit(false);
}"""
