"""Fixtures of the integration tests: local fake vendors, and a running Purser in front of them."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.fakes import FakeVendors
from tests.world import World, running, settings_for


@pytest.fixture
async def world(database_url: str, fakes: FakeVendors, tmp_path: Path) -> AsyncIterator[World]:
    """Purser with OpenAI, Gemini and Anthropic configured, all of them the fakes."""
    async with running(settings_for(database_url, tmp_path, fakes)) as world:
        yield world


@pytest.fixture
async def sandbox(database_url: str, tmp_path: Path) -> AsyncIterator[World]:
    """Purser without any key: the sandbox answers, at one credit a generation."""
    async with running(settings_for(database_url, tmp_path)) as world:
        yield world
