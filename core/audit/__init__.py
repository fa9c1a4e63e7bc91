"""Who did what, and why."""

from core.audit.service import COMMAND_LINE, SYSTEM, Actor, record

__all__ = ["COMMAND_LINE", "SYSTEM", "Actor", "record"]
