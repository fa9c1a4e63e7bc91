"""Work in batches, of which one broken piece spoils no other."""

from collections.abc import Awaitable, Callable, Sequence
from uuid import UUID

import psycopg
import sqlalchemy.exc

from core.log import get_logger

log = get_logger(__name__)


async def in_batch(what: str, ids: Sequence[UUID], deed: Callable[[Sequence[UUID]], Awaitable[int]]) -> int:
    """Does a deed, one transaction, for all of them at once, or one by one where that fails; whoever fails alone is
    logged and left out.

    Args:
        what: the deed in the log's words.

    Returns:
        The sum of what the deed gave.

    Raises:
        DatabaseUnavailable: the server went away; nobody is to blame.
    """
    try:
        return await deed(ids)
    except (psycopg.Error, sqlalchemy.exc.DBAPIError) as fault:
        if len(ids) == 1:
            log.warning("left out of a batch", what=what, id=str(ids[0]), error=str(fault).partition("\n")[0])
            return 0
    return sum([await in_batch(what, [one], deed) for one in ids])
