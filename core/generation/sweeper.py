"""What a crash left behind: reservations whose lease has run out are resolved from the truth about their generation.

A text that nobody answers for any more has no answer: what was held comes back, and its row says so. Settler,
canceller and sweeper may race; the reservation's state lets one of them win.
"""

from core.database import Database
from core.generation import statements
from core.log import get_logger

log = get_logger(__name__)


async def sweep(database: Database) -> int:
    """Releases what is past its lease; returns how many generations were found interrupted."""
    swept = 0
    while lapsed := await database.fetch_all(statements.LAPSED):
        for (generation_id,) in lapsed:
            swept += await database.execute(statements.SWEEP, {"id": generation_id})
    if swept:
        log.warning("interrupted generations released", count=swept)
    return swept
