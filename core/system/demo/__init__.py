"""Demo data: a product's month, to look at. Tagged `traffic = demo`, never in totals, removed in one action."""

from core.system.demo.service import DemoData, Loaded, Progress, clear, find, load

__all__ = ["DemoData", "Loaded", "Progress", "clear", "find", "load"]
