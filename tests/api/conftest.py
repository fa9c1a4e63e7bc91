"""The API over real HTTP: uvicorn in the test's own loop, Purser behind it, the fake vendors behind that."""

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn
from fastapi import APIRouter, FastAPI
from starlette.routing import BaseRoute

from core import bootstrap
from core.accounts.keys import NewKey, create_key
from core.accounts.models import KeyKind
from core.accounts.person import Person
from core.accounts.queries import find_user
from core.accounts.sessions import sign_in
from core.audit import SYSTEM, Actor
from core.bootstrap import Purser
from core.config import Rate, Settings
from core.credits.service import balance_of
from core.signup import sign_up
from core.version import VERSION
from core.vocabulary import Role
from dashboard import middleware
from dashboard.api import api_router, install_errors
from tests.fakes import FakeVendors
from tests.world import PASSWORD, person, settings_for

ADMIN = "admin@example.com"
USER = "user@example.com"
CREDITS = 1_000


def make_app(settings: Settings, *before: APIRouter) -> FastAPI:
    """The web process as `dashboard.app` assembles it, without the pages; `before` are a test's own routes."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        app.state.purser = await bootstrap.start(settings, worker=False)
        try:
            yield
        finally:
            await app.state.purser.stop()

    app = FastAPI(
        title="Purser",
        version=VERSION,
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        openapi_url="/api/openapi.json",
    )
    middleware.install(app, settings)
    install_errors(app)
    for router in before:
        app.include_router(router)
    app.router.routes.extend(_routes())
    return app


@cache
def _routes() -> list[BaseRoute]:
    """The API's routes, made once: FastAPI takes half a second for them, and they know nothing of the app."""
    app = FastAPI()
    app.include_router(api_router())
    return app.router.routes[-1:]


@dataclass
class Site:
    """A served Purser: its parts, its address, and a user with a key and a thousand credits."""

    app: FastAPI
    purser: Purser
    url: str
    user: Person
    key: str
    anonymous: httpx.AsyncClient
    client: httpx.AsyncClient

    def with_key(self, secret: str, **headers: str) -> dict[str, str]:
        """Headers of a call with another key than the user's own."""
        return {"Authorization": f"Bearer {secret}", **headers}

    async def make_key(self, email: str = USER, **fields: Any) -> NewKey:
        """A user key."""
        async with self.purser.database.transaction() as session:
            user = await find_user(session, email)
            return await create_key(session, SYSTEM, user.id, name="test", **fields)

    async def service_key(self, *scopes: str, expires_at: datetime | None = None) -> str:
        """The secret of a service key of the superadmin; `generate` and `check` unless scopes are given."""
        async with self.purser.database.transaction() as session:
            admin = await find_user(session, ADMIN)
            actor = Actor("user", ADMIN, Role.SUPERADMIN, admin.id)
            key = await create_key(
                session,
                actor,
                admin.id,
                name="backend",
                kind=KeyKind.SERVICE,
                scopes=scopes or None,
                expires_at=expires_at,
            )
        return key.secret

    async def make_user(self, email: str, plan: str = "unlimited", credits: int = CREDITS) -> str:
        """Another user; the secret of their key."""
        await person(self.purser, email, credits=credits, plan=plan)
        return (await self.make_key(email)).secret

    async def make_staff(self, email: str, role: Role) -> str:
        """Somebody of the staff, with a password; the secret of their key."""
        async with self.purser.database.transaction() as session:
            await sign_up(session, email=email, password=PASSWORD, role=role, actor=SYSTEM)
        return (await self.make_key(email)).secret

    async def session_of(self, email: str = ADMIN) -> dict[str, str]:
        """The cookie of a signed-in browser, as a header."""
        token, _ = await sign_in(
            self.purser.database,
            email,
            PASSWORD,
            address=None,
            user_agent=None,
            keep=False,
            rate=Rate(100, 60),
        )
        return {"Cookie": f"purser_session={token}"}

    async def sql(self, statement: str, *values: Any) -> None:
        """A change that takes time to come about in life; all processes are told."""
        await self.purser.database.execute(statement, values)
        await self.purser.identities.forget()

    async def balance(self) -> int:
        """The user's credits; nothing may be held any more."""
        found = await balance_of(self.purser.database, self.user.id)
        assert found.held == 0
        return found.balance

    async def generate(self, prompt: str = "Say hello", **fields: Any) -> httpx.Response:
        """One call of generate-text by the user's own key."""
        headers = fields.pop("headers", {})
        return await self.client.post(
            "/api/ai/generate-text", json={"prompt": prompt, **fields}, headers=headers
        )


@asynccontextmanager
async def serving(settings: Settings, *before: APIRouter) -> AsyncIterator[Site]:
    """Serves on a free port of loopback until the block ends."""
    app = make_app(settings, *before)
    # The protocol is named, or asyncio leaves TCP_NODELAY off on what is accepted from it.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.bind(("127.0.0.1", 0))
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    server = uvicorn.Server(
        uvicorn.Config(app, log_config=None, lifespan="on", proxy_headers=False, timeout_graceful_shutdown=5)
    )
    serve = asyncio.create_task(server.serve(sockets=[listener]))
    while not server.started:
        assert not serve.done(), serve.exception()
        await asyncio.sleep(0.01)
    async with AsyncExitStack() as stack:
        anonymous = await stack.enter_async_context(_client(url))
        client = await stack.enter_async_context(_client(url))
        purser: Purser = app.state.purser
        site = Site(app, purser, url, await person(purser, USER, credits=CREDITS), "", anonymous, client)
        site.key = (await site.make_key()).secret
        client.headers["Authorization"] = f"Bearer {site.key}"
        yield site
    server.should_exit = True
    await serve


def _client(url: str) -> httpx.AsyncClient:
    # Without certificates, which would be read anew for each client: nothing here is encrypted.
    return httpx.AsyncClient(base_url=url, timeout=20, trust_env=False, verify=False)


Serve = Callable[..., Awaitable[Site]]


@pytest.fixture
async def serve(database_url: str, tmp_path: Path) -> AsyncIterator[Serve]:
    """`await serve(fakes, rate_api=…)`: a site of one's own settings and routes."""
    async with AsyncExitStack() as stack:

        async def start(fakes: FakeVendors | None = None, *before: APIRouter, **more: Any) -> Site:
            settings = settings_for(database_url, tmp_path, fakes, **more)
            return await stack.enter_async_context(serving(settings, *before))

        yield start


@pytest.fixture
async def site(serve: Serve, fakes: FakeVendors) -> Site:
    """Purser with OpenAI, Gemini and Anthropic, all of them the fakes."""
    return await serve(fakes)


@pytest.fixture
async def sandbox(serve: Serve) -> Site:
    """Purser without any key: the sandbox answers, at one credit a generation."""
    return await serve()


def error_of(answer: httpx.Response, status: int, code: str) -> dict[str, Any]:
    """The error of an answer that must have this status and code, and nothing but the one shape."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/json"
    body = answer.json()
    assert set(body) == {"error"}
    assert (
        {"code", "message", "retryable"} <= set(body["error"]) <= {"code", "message", "retryable", "details"}
    )
    assert body["error"]["code"] == code, answer.text
    return body["error"]
