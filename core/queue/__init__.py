"""Work that outlives a request: the worker with its schedules, and the jobs that people start and watch."""

from core.queue.worker import Queue

__all__ = ["Queue"]
