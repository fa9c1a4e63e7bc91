"""Reading for a person as they are now, and saying it where that fails."""

from collections.abc import Awaitable, Callable, Iterable
from typing import Any

from nicegui import Client

from core.accounts.person import Person
from core.errors import NotSignedIn, PurserError
from core.ids import new_id
from core.log import get_logger
from core.vocabulary import Role
from dashboard.page import Screen

log = get_logger(__name__)

Load = Callable[[Person], Awaitable[Any]]
Fail = Callable[[str, str], Any]
"""Told why in words, and under which id the log knows it."""


async def read_now(
    screen: Screen, client: Client, load: Load, fail: Fail, *, roles: Iterable[Role], what: str
) -> None:
    """Runs `load` for the person as they are now, who needs one of `roles`. Who has signed out is sent to sign in; of
    any other failure the page is told by `fail`, and stays usable. `what` could not be read, says the log."""
    try:
        await load(await screen.read(roles))
    except NotSignedIn:
        client.open("/login")
    except Exception as failure:  # noqa: BLE001 - whatever it was, the page says it and stays usable
        _tell(failure, fail, what)


def _tell(failure: Exception, fail: Fail, what: str) -> None:
    request_id = str(new_id())
    log.error(f"{what} could not be read", request_id=request_id, error=repr(failure))
    fail(
        failure.message if isinstance(failure, PurserError) else "Something in Purser went wrong.", request_id
    )
