"""`stream: true`: events, errors before and after the first byte, and readers who leave."""

import asyncio
import json
from typing import Any

import httpx
import pytest

from dashboard.api import stream
from tests.api.conftest import Site, error_of
from tests.fakes import FakeVendors
from tests.fakes.vendor import ANSWER
from tests.waiting import until


def events_of(text: str) -> list[tuple[str, Any]]:
    """The events of a whole stream, comments left out."""
    events: list[tuple[str, Any]] = []
    for block in text.split("\n\n"):
        lines = dict(line.split(": ", 1) for line in block.splitlines() if not line.startswith(":"))
        if lines:
            events.append((lines["event"], json.loads(lines["data"])))
    return events


async def last_row(site: Site, status: str) -> tuple[Any, ...]:
    """Status, credits, output tokens, cut and whether that was estimated, once the row has ended."""
    row: tuple[Any, ...] | None = None

    async def ended() -> bool:
        nonlocal row
        row = await site.purser.database.fetch_one(
            "select status, credits, output_tokens, cut, usage_estimated from generations order by id desc limit 1"
        )
        return row is not None and row[0] == status

    await until(ended)
    assert row is not None
    return row


async def test_tokens_come_as_events_and_done_carries_the_whole_answer(site: Site) -> None:
    answer = await site.generate(stream=True)
    assert answer.headers["content-type"] == "text/event-stream; charset=utf-8"
    assert answer.headers["cache-control"] == "no-cache"
    assert answer.headers["x-accel-buffering"] == "no"
    assert "first;dur=" in answer.headers["server-timing"]
    *tokens, (last, done) = events_of(answer.text)
    assert {name for name, _ in tokens} == {"token"}
    assert len(tokens) > 3
    assert "".join(token["text"] for _, token in tokens) == ANSWER == done["text"]
    assert last == "done"
    assert set(done) == set((await site.generate()).json())
    assert (done["credits"], done["balance"]) == (1, 999)
    assert done["firstTokenMs"] is not None


async def test_pieces_are_sent_as_they_come(site: Site, fakes: FakeVendors) -> None:
    fakes.openai.chunk_delay = 0.1
    arrived: list[float] = []
    clock = asyncio.get_running_loop().time
    async with site.client.stream(
        "POST", "/api/ai/generate-text", json={"prompt": "Say hello", "stream": True}
    ) as answer:
        async for _ in answer.aiter_bytes():
            arrived.append(clock())
    assert arrived[-1] - arrived[0] > 0.3


async def test_an_error_before_the_first_byte_goes_on_to_the_next_provider(
    site: Site, fakes: FakeVendors
) -> None:
    fakes.openai.fail("quota")
    name, done = events_of((await site.generate(stream=True)).text)[-1]
    assert (name, done["provider"]) == ("done", "gemini")


async def test_a_refusal_is_plain_json_with_its_own_status(sandbox: Site) -> None:
    error_of(await sandbox.generate("", stream=True), 400, "invalid_request")
    error_of(await sandbox.generate(stream=True, model="nix"), 404, "model_not_found")
    poor = sandbox.with_key(await sandbox.make_user("poor@example.com", credits=0))
    error_of(await sandbox.generate(stream=True, headers=poor), 402, "insufficient_credits")


@pytest.mark.parametrize("fault", ["cut", "error_mid_stream"])
async def test_a_stream_that_breaks_ends_with_an_error_and_charges_what_was_delivered(
    site: Site, fakes: FakeVendors, fault: str
) -> None:
    fakes.openai.fail(fault, after=6)
    answer = await site.generate(stream=True)
    assert answer.status_code == 200
    *tokens, (last, body) = events_of(answer.text)
    assert tokens
    assert last == "error"
    assert set(body) == {"error"}
    assert body["error"]["message"].startswith("The answer was cut short")
    assert body["error"]["details"]["credits"] == 1
    assert body["error"]["details"]["balance"] == 999 == await site.balance()
    assert fakes.gemini.calls == 0, "after the first byte nobody else is asked"
    status, credits, output, cut, estimated = await last_row(site, "failed")
    assert (status, credits, cut, estimated) == ("failed", 1, "vendor", True)
    assert 0 < output < 24


async def test_a_reader_who_leaves_pays_for_what_was_delivered_and_ends_the_call(
    site: Site, fakes: FakeVendors
) -> None:
    fakes.openai.chunk_delay = 0.05
    async with site.client.stream(
        "POST", "/api/ai/generate-text", json={"prompt": "Say hello", "stream": True}
    ) as answer:
        async for _ in answer.aiter_bytes():
            break
    assert await fakes.openai.disconnected()
    _, credits, output, cut, estimated = await last_row(site, "cancelled")
    assert (credits, cut, estimated) == (1, "reader", True)
    assert 0 < output < 24
    assert await site.balance() == 999


async def test_a_reader_who_leaves_before_the_first_byte_pays_nothing(site: Site, fakes: FakeVendors) -> None:
    fakes.openai.latency = 5
    with pytest.raises(httpx.ReadTimeout):
        await site.client.post(
            "/api/ai/generate-text", json={"prompt": "Say hello", "stream": True}, timeout=0.3
        )
    assert await fakes.openai.disconnected()
    assert (await last_row(site, "cancelled"))[1] == 0
    assert await site.balance() == 1_000


async def test_a_silent_vendor_does_not_look_like_a_dead_connection(
    site: Site, fakes: FakeVendors, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream, "KEEP_ALIVE_SECONDS", 0.05)
    fakes.openai.chunk_delay = 0.2
    answer = await site.generate(stream=True)
    assert ": keep-alive\n\n" in answer.text
    assert events_of(answer.text)[-1][0] == "done"


async def test_many_streams_at_once_leave_nothing_held(sandbox: Site) -> None:
    answers = await asyncio.gather(*(sandbox.generate(f"Number {n}", stream=True) for n in range(16)))
    assert {events_of(answer.text)[-1][0] for answer in answers} == {"done"}
    assert await sandbox.balance() == 1_000 - 16
