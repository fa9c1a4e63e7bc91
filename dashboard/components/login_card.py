"""The sign-in card (mock-up 13): a plain form that posts to /login, so that it works before any socket is open."""

from dashboard.components.button import Button, IconButton
from dashboard.components.html import Node
from dashboard.components.logo import Logo


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
    with Node("div", "", "pu-login-brand"):
        Logo()
        Node("span", "Purser")
    with Node("div", "", "pu-card pu-login") as card:
        Node("h1", "Sign in")
        if destination:
            with Node(
                "p",
                f"You were on the way to {destination} ".rstrip() + " " * bool(destination_id),
                "is-second",
            ):
                Node("span", destination_id, "is-strong")
                Node("span", ".")
        with Node("form", method="post", action=action):
            for name, value in {"redirect_to": return_to, **(hidden or {})}.items():
                Node("input", type="hidden", name=name, value=value)
            if error:
                Node("p", error, "pu-alert", role="alert", id=error_id)
            _fields(email, error_id if error else None)
            with Node("label", "", "pu-check"):
                Node("input", type="checkbox", name="remember", value="yes", checked=True)
                Node("span", "Keep me signed in on this device for 12 h")
            Button("Sign in", kind="primary", submit=True, cls="is-wide")
    if foot:
        Node("p", foot, "pu-meta pu-foot-note")
    return card


def _fields(email: str, error_id: str | None) -> None:
    said = {"required": True, "aria_describedby": error_id, "aria_invalid": "true" if error_id else None}
    with Node("div", "", "pu-field"):
        Node("label", "E-mail", "pu-label", for_="login-email")
        Node(
            "input", "", "pu-input", id="login-email", name="email", type="email", autocomplete="username"
        ).set(autofocus=not email, **{"^value": email or None}, **said)
    with Node("div", "", "pu-field"):
        Node("label", "Password", "pu-label", for_="login-password")
        with Node("div", "", "pu-eye"):
            password = Node("input", "", "pu-input", id="login-password", name="password", type="password")
            password.set(autocomplete="current-password", autofocus=bool(email), **said)
            eye = IconButton("visibility", "Show the password")
            eye.set(data_eye="true", data_local="true", aria_pressed=False)
