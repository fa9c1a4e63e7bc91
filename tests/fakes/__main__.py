"""`python -m tests.fakes --port N`: the fake vendors as a process, until interrupted."""

import argparse
import asyncio
import contextlib

import uvloop

from tests.fakes.server import FakeVendors


async def serve(port: int) -> None:
    fakes = FakeVendors(port)
    await fakes.start()
    print("\n".join(vendor.url for vendor in fakes.all), flush=True)
    try:
        await asyncio.Event().wait()
    finally:
        await fakes.stop()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    with contextlib.suppress(KeyboardInterrupt):
        uvloop.run(serve(parser.parse_args().port))
