"""`python -m tests.fakes --port N`: the fake vendors as a process, until SIGINT or SIGTERM."""

import argparse
import asyncio
import signal

import uvloop

from tests.fakes.server import FakeVendors


async def serve(port: int) -> None:
    fakes = FakeVendors(port)
    await fakes.start()
    print("\n".join(vendor.url for vendor in fakes.all), flush=True)
    ended = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, ended.set)
    await ended.wait()
    await fakes.stop()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    uvloop.run(serve(parser.parse_args().port))
