"""The tests' own ground: that the network is closed, and that databases are fresh."""

import asyncio
import socket

import pytest

import tests.conftest as ground
from core.database import Database


def test_a_connection_to_another_machine_is_refused() -> None:
    with socket.socket() as outside, pytest.raises(OSError, match="tests stay on this machine"):
        outside.connect(("192.0.2.1", 80))
    assert ground._journeys.pop() == "socket.connect '192.0.2.1'"


async def test_a_name_of_another_machine_is_not_looked_up() -> None:
    with pytest.raises(OSError, match="tests stay on this machine"):
        await asyncio.get_running_loop().getaddrinfo("example.com", 443)
    assert ground._journeys.pop() == "socket.getaddrinfo 'example.com'"


async def test_loopback_is_open() -> None:
    server = await asyncio.start_server(lambda _reader, writer: writer.close(), "127.0.0.1", 0)
    async with server:
        host, port = server.sockets[0].getsockname()
        _, writer = await asyncio.open_connection(host, port)
        writer.close()


@pytest.mark.parametrize("_turn", [1, 2])
async def test_each_test_has_a_database_of_its_own(database: Database, _turn: int) -> None:
    assert await database.execute("insert into settings (key, value) values ('turn', '1')") == 1
