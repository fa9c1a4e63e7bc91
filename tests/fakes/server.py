"""All fake vendors on one port of 127.0.0.1, in a thread of their own or in a process of their own."""

import asyncio
import socket
import threading
from collections.abc import Iterable
from types import TracebackType
from typing import Any

from aiohttp import web

from tests.fakes.anthropic import AnthropicWire
from tests.fakes.gemini import GeminiWire
from tests.fakes.openai import DeepSeekWire, OpenAIWire
from tests.fakes.vendor import FakeVendor


class FakeVendors:
    """`with FakeVendors() as fakes: fakes.openai.fail("quota", times=3); … fakes.openai.url … fakes.openai.calls`.

    The server runs in a thread with its own event loop, so that tests may block. The same is served by
    `python -m tests.fakes --port N`, steered by `POST /control`.
    """

    def __init__(self, port: int = 0) -> None:
        self.openai = FakeVendor("openai", OpenAIWire(), "/v1")
        self.anthropic = FakeVendor("anthropic", AnthropicWire())
        self.gemini = FakeVendor("gemini", GeminiWire())
        self.deepseek = FakeVendor("deepseek", DeepSeekWire())
        self.port = port
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._runner: web.AppRunner | None = None

    @property
    def all(self) -> tuple[FakeVendor, ...]:
        return self.openai, self.anthropic, self.gemini, self.deepseek

    @property
    def refused_url(self) -> str:
        """An address of this machine at which nobody listens."""
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            return f"http://127.0.0.1:{free.getsockname()[1]}/v1"

    def named(self, name: str) -> FakeVendor:
        """The vendor of a kind; `openai_compatible` is served by the OpenAI fake.

        Raises:
            KeyError: no such vendor.
        """
        name = "openai" if name == "openai_compatible" else name
        return {vendor.name: vendor for vendor in self.all}[name]

    def reset(self) -> None:
        """All vendors as new; to be called between tests that share a server."""
        for vendor in self.all:
            vendor.reset()

    def __enter__(self) -> "FakeVendors":
        started = threading.Event()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(
            target=self._run, args=(self._loop, started), daemon=True, name="fakes"
        )
        self._thread.start()
        started.wait()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._loop is not None
        assert self._thread is not None
        asyncio.run_coroutine_threadsafe(self.stop(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def start(self) -> None:
        """Serves in the running loop."""
        app = web.Application(client_max_size=64 * 2**20)
        app.router.add_get("/control", self._state)
        app.router.add_post("/control", self._control)
        for vendor in self.all:
            app.router.add_route("*", f"/{vendor.name}/{{path:.*}}", vendor.handle)
        self._runner = web.AppRunner(app, access_log=None, handle_signals=False, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self.port, backlog=1024)
        await site.start()
        self.port = self._runner.addresses[0][1]
        for vendor in self.all:
            vendor.base = f"http://127.0.0.1:{self.port}"

    async def stop(self) -> None:
        if self._runner is not None:
            await self._runner.cleanup()

    def _run(self, loop: asyncio.AbstractEventLoop, started: threading.Event) -> None:
        asyncio.set_event_loop(loop)
        loop.run_until_complete(self.start())
        started.set()
        loop.run_forever()

    async def _state(self, _request: web.Request) -> web.Response:
        return web.json_response({vendor.name: _counts(vendor) for vendor in self.all})

    async def _control(self, request: web.Request) -> web.Response:
        """`{vendor: name or "all", reset, clear, fault, times, options, latency, chunk_delay, answer}`: all optional."""
        told = await request.json()
        try:
            chosen = self.all if told.get("vendor", "all") == "all" else (self.named(told["vendor"]),)
            _steer(chosen, told)
        except (KeyError, ValueError) as wrong:
            return web.json_response({"error": str(wrong)}, status=400)
        return web.json_response({vendor.name: _counts(vendor) for vendor in chosen})


def _steer(vendors: Iterable[FakeVendor], told: dict[str, Any]) -> None:
    for vendor in vendors:
        if told.get("reset"):
            vendor.reset()
        if told.get("clear"):
            vendor.clear()
        if "answer" in told:
            vendor.answer_with(told["answer"])
        vendor.latency = float(told.get("latency", vendor.latency))
        vendor.chunk_delay = float(told.get("chunk_delay", vendor.chunk_delay))
        if fault := told.get("fault"):
            vendor.fail(fault, told.get("times"), **told.get("options", {}))


def _counts(vendor: FakeVendor) -> dict[str, Any]:
    return {
        "url": vendor.url,
        "calls": vendor.calls,
        "streamed_calls": vendor.streamed_calls,
        "probes": vendor.probes,
        "disconnects": vendor.disconnects,
        "input_tokens": vendor.input_tokens,
        "output_tokens": vendor.output_tokens,
        "faults": [fault.name for fault in vendor.faults],
    }
