"""What the parts of one user's page share: what is known of the user, and what is beyond the reader's reach."""

from collections.abc import Awaitable, Callable
from uuid import UUID

from core.vocabulary import STAFF, Role, Traffic
from dashboard import forms
from dashboard.access import MANAGERS
from dashboard.generations.reader import Reader, named
from dashboard.page import Screen
from dashboard.user.address import Address
from dashboard.user.reading import Reading


class Desk(forms.Desk):
    """`found` is the newest reading; `go` leads to another address."""

    def __init__(
        self,
        screen: Screen,
        found: Reading,
        address: Address,
        *,
        refresh: Callable[[], Awaitable[None]],
        go: Callable[[Address], Awaitable[None]],
    ) -> None:
        super().__init__(screen, refresh, roles=MANAGERS)
        self.found = found
        self.address = address
        self.go = go
        self.reader = Reader(
            screen.zone, screen.sees_costs, lambda slug: named(screen.purser.snapshots.current, slug)
        )

    @property
    def user_id(self) -> UUID:
        return self.found.user.id

    @property
    def email(self) -> str:
        return self.found.user.email

    @property
    def traffic(self) -> Traffic:
        """Whose books are shown."""
        return self.found.traffic

    @property
    def beyond(self) -> str | None:
        """Why this person may not change the account, where that is known beforehand; the server refuses in any case."""
        reader, role = self.screen.person, self.found.user.role
        if reader.role is not Role.SUPPORT or role not in STAFF:
            return None
        whose = "A superadmin's" if role is Role.SUPERADMIN else "Your own" if self._own else "A colleague's"
        return f"{whose} account is changed by superadmins only. Your role is support."

    @property
    def beyond_own(self) -> str | None:
        """The same of what everybody may change of their own: preferences and keys."""
        return None if self._own else self.beyond

    @property
    def beyond_credits(self) -> str | None:
        """The same of credits in the books that are shown; test credits buy nothing."""
        test = self.traffic is Traffic.TEST and self.found.user.role is not Role.SUPERADMIN
        return None if test else self.beyond

    @property
    def _own(self) -> bool:
        return self.screen.person.id == self.user_id
