"""How Purser looks: one stylesheet and one script for all pages, and the theme that a person chose.

`mount(app)` serves what lies in `assets/` under an address that holds its hash, so a browser keeps it for good.
`apply()` readies the page being built: it links the two files, and writes the chosen theme into the head, where it
stands before anything is painted; so a dark page never begins white. The choice is the cookie `purser_theme`, written
by the toggle in the browser; without it the page follows the system.
"""

import copy
import gzip
import re
from dataclasses import dataclass
from functools import cache
from hashlib import blake2s
from importlib.resources import files
from pathlib import Path
from typing import Literal, cast

import nicegui
from fastapi import FastAPI, Request, Response
from nicegui import Client, ui
from nicegui.language import Language

Theme = Literal["light", "dark", "system"]

COOKIE = "purser_theme"
CANVAS = {"light": "#f6f7f9", "dark": "#0e1116"}
"""The page's ground, also needed before the stylesheet is there; tokens.css says the same."""

ASSETS = Path(str(files("dashboard"))) / "assets"
STYLES = (
    "tokens",
    "base",
    "layout",
    "shell",
    "header",
    "sidebar",
    "drops",
    "palette",
    "sheet",
    "buttons",
    "choices",
    "fields",
    "quasar",
    "toggles",
    "overlays",
    "parts",
    "figures",
    "detail",
    "waterfall",
    "pane",
    "feedback",
    "login",
    "table",
    "density",
    "cards",
    "chart",
    "overview",
    "providers",
    "playground",
    "user",
    "day",
    "user_tabs",
    "users",
    "audit",
    "credits",
    "settings",
    "plans",
    "matrix",
    "review",
)
"""The parts of purser.css, in order."""
SCRIPTS = ("purser", "keys", "scroll")
"""The parts of purser.js."""

FOREVER = "public, max-age=31536000, immutable"


def chosen(request: Request) -> Theme:
    """The theme that this browser asks for."""
    value = request.cookies.get(COOKIE)
    return cast(Theme, value) if value in ("light", "dark") else "system"


def apply(*, language: Language = "en-US") -> Theme:
    """Ready the page being built: language, stylesheet, script, fonts, theme. Called once, by the shell."""
    client = ui.context.client
    theme = chosen(client.request)
    _page_of_its_own(client, theme, language)
    ui.add_head_html(_head(theme))
    return theme


def mount(app: FastAPI) -> None:
    """Serve the assets; to be called before `ui.run_with`, which takes every other address."""
    app.add_api_route("/assets/{version}/{name}", _serve, methods=["GET", "HEAD"], include_in_schema=False)


def url(name: str) -> str:
    """The address of an asset, for example `url("logo.svg")`."""
    return f"/assets/{_asset(name).version}/{name}"


def _head(theme: Theme) -> str:
    scheme = "light dark" if theme == "system" else theme
    ground = f"light-dark({CANVAS['light']}, {CANVAS['dark']})"
    return "\n".join(
        [
            f"<style>:root{{color-scheme:{scheme};background:{ground}}}</style>",
            *(
                f'<link rel="preload" as="font" type="font/woff2" crossorigin href="{font}">'
                for font in _fonts()
            ),
            f'<link rel="stylesheet" href="{url("purser.css")}">',
            f'<script src="{url("purser.js")}" defer></script>',
        ]
    )


def _page_of_its_own(client: Client, theme: Theme, language: Language) -> None:
    """Give this client its own copy of the page's settings: NiceGUI reads theme and language from the page, which
    all visitors share, when it writes the document."""
    page = copy.copy(client.page)
    page.dark = {"light": False, "dark": True, "system": None}[theme]
    page.language = language
    page.favicon = page.favicon or _asset("logo.svg").body.decode()
    client.page = page


@dataclass(frozen=True, slots=True)
class _Asset:
    body: bytes
    packed: bytes
    media: str
    version: str


@cache
def _asset(name: str) -> _Asset:
    if name == "purser.css":
        body = b"\n".join((ASSETS / "css" / f"{part}.css").read_bytes() for part in STYLES)
    elif name == "purser.js":
        body = b"\n".join((ASSETS / f"{part}.js").read_bytes() for part in SCRIPTS)
    else:
        body = (ASSETS / name).read_bytes()
    media = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}[Path(name).suffix]
    return _Asset(body, gzip.compress(body, 9), media, blake2s(body, digest_size=6).hexdigest())


SERVED = frozenset({"purser.css", "purser.js", "logo.svg"})


async def _serve(version: str, name: str, request: Request) -> Response:
    if name not in SERVED:
        return Response(status_code=404)
    asset = _asset(name)
    packed = "gzip" in request.headers.get("accept-encoding", "")
    headers = {
        "Cache-Control": FOREVER
        if version == asset.version
        else "no-cache",  # an old page asks for an old version
        "Vary": "Accept-Encoding",
        "X-Content-Type-Options": "nosniff",
    }
    if packed:
        headers["Content-Encoding"] = "gzip"
    return Response(asset.packed if packed else asset.body, media_type=asset.media, headers=headers)


@cache
def _fonts() -> tuple[str, ...]:
    """The two fonts that every page needs, as NiceGUI bundles them: Roboto (Latin) and Material Symbols Outlined."""
    static = Path(nicegui.__file__).parent / "static"
    faces = re.findall(r"@font-face\s*{(.*?)}", (static / "fonts.css").read_text(), re.DOTALL)
    wanted = [
        face
        for face in faces
        if '"Material Symbols Outlined"' in face
        or ('"Roboto"' in face and "U+0000-00FF" in face and "400" in face)
    ]
    names = dict.fromkeys(
        match[1] for face in wanted if (match := re.search(r"url\((fonts/\w+\.woff2)\)", face))
    )
    return tuple(f"/_nicegui/{nicegui.__version__}/static/{name}" for name in names)
