"""The web process: FastAPI for the API and the forms, NiceGUI for the pages, one lifespan around both."""

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import uvicorn
from fastapi import FastAPI
from nicegui import core as nicegui_core
from nicegui import ui

from core import bootstrap
from core.bootstrap import Purser
from core.config import Settings
from core.database import PEOPLE
from core.log import configure_logging, get_logger
from core.version import VERSION
from dashboard import middleware, missing, tabs, theme
from dashboard.api import api_router, install_errors
from dashboard.background import JobWatch
from dashboard.live import Ticker
from dashboard.pages import (
    audit,
    credits,
    generations,
    login,
    overview,
    password,
    plans,
    playground,
    providers,
    settings,
    user,
    users,
)
from dashboard.palette import route as palette

log = get_logger(__name__)

PAGES = (
    login,
    password,
    overview,
    generations,
    playground,
    providers,
    plans,
    users,
    user,
    audit,
    credits,
    settings,
)
"""Importing a page registers it."""


def create_app(settings: Settings) -> FastAPI:
    """The whole application; its lifespan starts and stops Purser."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        purser = await bootstrap.start(settings)
        app.state.purser = purser
        purser.changes.subscribe(PEOPLE, tabs.recheck)
        ticker = Ticker(purser)
        ticker.start()
        jobs = JobWatch(purser.database, purser.changes)
        jobs.start()
        greet(purser)
        try:
            yield
        finally:
            ticker.stop()
            jobs.stop()
            await purser.stop()

    app = FastAPI(
        title="Purser",
        version=VERSION,
        description="Who may do what, generated with fallback, charged exactly.",
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        openapi_url="/api/openapi.json",
    )
    theme.mount(app)
    middleware.install(app, settings)
    install_errors(app)
    app.include_router(api_router())
    app.include_router(login.router)
    app.include_router(password.router)
    app.include_router(palette.router)
    # NiceGUI takes every address that is left; what is included after it is never reached.
    ui.run_with(
        app,
        title="Purser",
        tailwind=False,
        reconnect_timeout=10,
        binding_refresh_interval=None,
        show_welcome_message=False,
    )
    missing.install()
    _accept_sockets_from(settings)
    return app


def serve(settings: Settings) -> None:
    """Serves until it is told to stop; then drains."""
    configure_logging(settings.log_level, settings.log_format)
    uvicorn.run(
        create_app(settings),
        host=settings.host,
        port=settings.port,
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,  # `dashboard.middleware` believes the proxies of TRUSTED_PROXIES, and no other
        timeout_graceful_shutdown=20,
        ws_max_size=1_000_000,
    )


def greet(purser: Purser) -> None:
    """Says where Purser is to be found, and at the very first start how to get in."""
    address = f"http://{purser.settings.host}:{purser.settings.port}"
    lines = ["", f"  Purser is ready at {address}"]
    if (first := purser.first_superadmin) is not None:
        lines.append(f"  Sign in as {first.email}")
        if first.one_time_password:
            lines.append(f"  with the one-time password {first.one_time_password}")
    if purser.snapshots.current.sandbox_only:
        lines.append("  No vendor key is configured: the built-in sandbox answers.")
    sys.stdout.write("\n".join([*lines, "", ""]))
    sys.stdout.flush()


def _accept_sockets_from(settings: Settings) -> None:
    """Sockets are for our own pages: python-socketio compares origins, and NiceGUI sets it to accept all.

    An internal of NiceGUI; tests/api/test_socket_origin.py pins it.
    """
    engine: Any = nicegui_core.sio.eio
    engine.cors_allowed_origins = list(settings.cors_origins) or None
