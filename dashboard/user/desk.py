"""What the parts of one user's page share: what is known of the user, and what is beyond the reader's reach."""

from collections.abc import Awaitable, Callable
from uuid import UUID

from core.vocabulary import Traffic
from dashboard import forms
from dashboard.access import MANAGERS
from dashboard.generations.reader import Reader, named
from dashboard.page import Screen
from dashboard.reach import beyond_account, beyond_credits, beyond_purchase, beyond_refund
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
        return beyond_account(self.screen.person, self.user_id, self.found.user.role)

    @property
    def beyond_own(self) -> str | None:
        """The same of what everybody may change of their own: preferences and keys."""
        return None if self._own else self.beyond

    @property
    def beyond_credits(self) -> str | None:
        """The same of credits in the books that are shown."""
        return beyond_credits(self.screen.person, self.user_id, self.found.user.role, self.traffic)

    @property
    def beyond_purchase(self) -> str | None:
        """The same of recording a purchase."""
        return beyond_purchase(self.screen.person, self.user_id, self.found.user.role)

    @property
    def beyond_refund(self) -> str | None:
        """The same of giving a charge back."""
        return beyond_refund(self.screen.person, self.user_id, self.found.user.role, self.traffic)

    @property
    def _own(self) -> bool:
        return self.screen.person.id == self.user_id
