"""Purser's version: one place, which `pyproject.toml` repeats and a test compares."""

VERSION = "0.1.0"
