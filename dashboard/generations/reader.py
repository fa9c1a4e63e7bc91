"""Who looks at the page, and how what it shows is named for them."""

from collections.abc import Callable
from dataclasses import dataclass
from zoneinfo import ZoneInfo


@dataclass(frozen=True, slots=True)
class Reader:
    """The zone of times, whether USD may be seen, and how providers are called."""

    zone: ZoneInfo
    costs: bool
    name: Callable[[str], str]
