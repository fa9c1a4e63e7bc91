"""Local fake vendors over real HTTP, with every fault a vendor can have. See `server.FakeVendors`."""

from tests.fakes.server import FakeVendors
from tests.fakes.vendor import Call, FakeUsage, FakeVendor

__all__ = ["Call", "FakeUsage", "FakeVendor", "FakeVendors"]
