"""What stands where there is nothing to show, or nothing that may be shown: each says why and what to do next."""

from collections.abc import Iterable

from dashboard.components.button import Button, Handler
from dashboard.components.html import Icon, Node


def empty(title: str, text: str, *, icon: str = "inbox", action: Button | None = None) -> Node:
    """First use: the purpose, and one action. Make the action with `Button(…)` inside `with` of what this returns,
    or hand it over."""
    return _state(icon, title, text, action)


def no_match(what: str, filters: Iterable[str], on_clear: Handler) -> Node:
    """The filters leave nothing: which they are, and a way out."""
    named = list(filters)
    text = f"No {what} matches {_listed(named)}." if named else f"No {what} matches."
    state = _state("filter_alt_off", "Nothing found", text)
    with state, Node("div", "", "pu-row"):
        Button("Clear filters", on_clear, icon="close")
    return state


def failed(cause: str, *, request_id: str | None = None, on_retry: Handler | None = None) -> Node:
    """Something broke: the cause in words, the id to quote, and Retry."""
    state = _state("error", "This could not be loaded", cause, tone="bad").set(role="alert")
    with state:
        if request_id:
            with Node("p", "Request ", "pu-meta"):
                Node("span", request_id, "is-mono")
        if on_retry:
            with Node("div", "", "pu-row"):
                Button("Retry", on_retry, icon="refresh")
    return state


def not_permitted(what: str, *, role: str, needs: Iterable[str]) -> Node:
    """The role does not reach: which does, and who grants it."""
    text = (
        f"{what} is open to {_listed(list(needs), 'and')}. Your role is {role}; a superadmin can change it."
    )
    return _state("lock", "Not with your role", text)


def not_found(what: str, text: str = "") -> Node:
    """The address names nothing that exists."""
    return _state(
        "search_off", f"No such {what}", text or "It may have been deleted, or the address is incomplete."
    )


def skeleton(lines: int = 3) -> Node:
    """Grey lines while something loads for longer than a moment."""
    with Node("div", "", "pu-stack is-tight", aria_hidden="true") as made:
        for number in range(lines):
            Node("span", "", "pu-skeleton").style(f"width: {90 - number * 17 % 50}%")
    return made


def _state(icon: str, title: str, text: str, action: Button | None = None, *, tone: str = "") -> Node:
    with Node("div", "", f"pu-state{f' is-tone-{tone}' if tone else ''}") as made:
        Icon(icon)
        Node("p", title, "pu-h3")
        Node("p", text)
    if action:
        with made:
            row = Node("div", "", "pu-row")
        action.move(row)
    return made


def _listed(words: list[str], last: str = "and") -> str:
    return (
        words[0] if len(words) == 1 else f"{', '.join(words[:-1])} {last} {words[-1]}" if words else "nothing"
    )
