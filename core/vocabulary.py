"""The words that several concepts share (SPEC 0), as the values stored and sent."""

from enum import StrEnum


class Modality(StrEnum):
    TEXT = "text"
    IMAGE = "image"
    VIDEO = "video"
    AUDIO = "audio"


class Traffic(StrEnum):
    """Whose money a movement is about: pages and totals show `live` unless asked."""

    LIVE = "live"
    TEST = "test"
    DEMO = "demo"


class Role(StrEnum):
    SUPERADMIN = "superadmin"
    SUPPORT = "support"
    TESTER = "tester"
    USER = "user"


STAFF = frozenset({Role.SUPERADMIN, Role.SUPPORT, Role.TESTER})
"""Who may open pages; `user` has the API only."""


class GenerationStatus(StrEnum):
    PENDING = "pending"
    PROCESSING = "processing"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"


STRATEGIES = ("priority", "cost", "score", "tier")
"""How the providers of a request are put in order."""
