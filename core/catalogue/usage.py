"""What the catalogue needs to know of a call in order to price it."""

from decimal import Decimal
from typing import Protocol


class Usage(Protocol):
    """The token counts of one call; providers' own class has them all.

    `input_tokens` is the whole prompt, so `cached_tokens` and `cache_write_tokens` are parts of it; `output_tokens`
    includes thinking. `cost` is what the vendor itself says it charged, in USD, or None.
    """

    @property
    def input_tokens(self) -> int: ...
    @property
    def cached_tokens(self) -> int: ...
    @property
    def cache_write_tokens(self) -> int: ...
    @property
    def output_tokens(self) -> int: ...
    @property
    def cost(self) -> Decimal | None: ...
