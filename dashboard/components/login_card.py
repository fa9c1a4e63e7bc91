"""The card of a page outside (mock-up 13): a plain form, so that it works before any socket is open. Sign-in and the
choice of a password are two of them."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from dashboard.components.button import Button, IconButton
from dashboard.components.html import Node
from dashboard.components.logo import Logo


@contextmanager
def form_card(
    title: str,
    *,
    action: str,
    hidden: Mapping[str, str],
    verb: str,
    sub: str = "",
    strong: str = "",
    error: str = "",
    error_id: str = "form-error",
) -> Iterator[Node]:
    """Brand, heading, form and button; the body of the `with` is the form's fields.

    Args:
        action: where the form is posted to.
        hidden: fields that travel along.
        sub: what is said below the heading, `strong` (a name, an id) after it.
        error: why the last try failed.
    """
    with Node("div", "", "pu-login-brand"):
        Logo()
        Node("span", "Purser")
    with Node("div", "", "pu-card pu-login") as card:
        Node("h1", title)
        if sub:
            with Node("p", f"{sub} " if strong else sub, "is-second"):
                Node("span", strong, "is-strong")
                Node("span", ".")
        with Node("form", method="post", action=action):
            for name, value in hidden.items():
                Node("input", type="hidden", name=name, value=value)
            if error:
                Node("p", error, "pu-alert", role="alert", id=error_id)
            yield card
            Button(verb, kind="primary", submit=True, cls="is-wide")


def password_field(
    name: str, label: str, autocomplete: str, *, prefix: str, error_id: str | None = None
) -> Node:
    """A password under its label, with an eye to look at it; gives the input."""
    with Node("div", "", "pu-field"):
        Node("label", label, "pu-label", for_=f"{prefix}-{name}")
        with Node("div", "", "pu-eye"):
            field = Node(
                "input", "", "pu-input", id=f"{prefix}-{name}", name=name, type="password", required=True
            )
            field.set(autocomplete=autocomplete, **_faulty(error_id))
            eye = IconButton("visibility", "Show the password")
            eye.set(data_eye="true", data_local="true", aria_pressed=False)
    return field


def login_card(
    *,
    destination: str = "",
    destination_id: str = "",
    return_to: str = "/",
    email: str = "",
    error: str = "",
    error_id: str = "login-error",
    action: str = "/login",
    foot: str = "",
    hidden: dict[str, str] | None = None,
) -> Node:
    """E-mail, password, and whether to stay signed in.

    Args:
        destination: in words, where signing in leads ("generation"); nothing when it is the front page.
        destination_id: what names it ("8f3a41c2").
        return_to: the path that is posted along as `redirect_to`; the server checks it.
        email: what was typed before a failed try.
        error: why the last try failed, in words that don't say whether the address exists.
        foot: what stands under the card ("Times in Europe/Berlin · version 1.4.2").
        hidden: further hidden fields, such as a token against forged requests.
    """
    faulty = error_id if error else None
    with form_card(
        "Sign in",
        action=action,
        hidden={"redirect_to": return_to, **(hidden or {})},
        verb="Sign in",
        sub=f"You were on the way to {destination}" if destination else "",
        strong=destination_id,
        error=error,
        error_id=error_id,
    ) as card:
        with Node("div", "", "pu-field"):
            Node("label", "E-mail", "pu-label", for_="login-email")
            field = Node("input", "", "pu-input", id="login-email", name="email", type="email", required=True)
            field.set(
                autocomplete="username", autofocus=not email, **{"^value": email or None}, **_faulty(faulty)
            )
        password = password_field("password", "Password", "current-password", prefix="login", error_id=faulty)
        password.set(autofocus=bool(email))
        with Node("label", "", "pu-check"):
            Node("input", type="checkbox", name="remember", value="yes", checked=True)
            Node("span", "Keep me signed in on this device for 12 h")
    if foot:
        Node("p", foot, "pu-meta pu-foot-note")
    return card


def _faulty(error_id: str | None) -> dict[str, str | None]:
    return {"aria_describedby": error_id, "aria_invalid": "true" if error_id else None}
