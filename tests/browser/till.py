"""A shop whose users have credits: grants and charges are made by the ledger's own functions."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from playwright.sync_api import Page

from core.ids import new_id
from tests.browser.conftest import ready, sign_in
from tests.browser.shop import Shop


class Till(Shop):
    """The rows, and the server in front of them once it runs."""

    def __init__(self, database_url: str) -> None:
        super().__init__(database_url)
        self.accounts: dict[str, UUID] = {name: self._account(user) for name, user in self.users.items()}
        self._signed_in: dict[str, Any] = {}

    def grant(self, name: str, amount: int) -> None:
        """Credits that never expire, granted by Purser; fewer than none take some away."""
        self.run(
            "select * from ledger_post(%s, %s, %s, %s, null, 'Welcome', null, null, 'system', null, null, null, null)",
            self.accounts[name], new_id(), "grant" if amount > 0 else "expiry", amount,
        )  # fmt: skip

    def set_balance(self, name: str, wanted: int) -> None:
        """Exactly so many credits, whatever was done before."""
        if missing := wanted - self.balance(name):
            self.grant(name, missing)

    def charge(self, name: str, amount: int) -> UUID:
        """A finished generation that has cost so much."""
        user = self.users[name]
        made = self.make(
            datetime.now(UTC) - timedelta(seconds=5), user_id=user, held=amount, credits=amount, cost="0.01"
        )
        self.run(
            "select * from ledger_reserve(%s, 'live', %s, %s, 60, null, null, null, null, null)",
            user,
            made,
            [amount],
        )
        self.run("select * from ledger_settle(%s, %s, 'Text by sandbox-text')", made, amount)
        return made

    def balance(self, name: str) -> int:
        return self.run("select balance from credit_accounts where id = %s", self.accounts[name])[0][0]

    def entries(self, name: str, kind: str) -> list[tuple[Any, ...]]:
        """Amounts and actors of a user's entries of a type, the oldest first."""
        return self.run(
            "select e.amount, u.email from credit_entries e left join users u on u.id = e.actor_id"
            " where e.account_id = %s and e.type = %s order by e.seq",
            self.accounts[name], kind,
        )  # fmt: skip

    def colleague(self, role: str) -> str:
        """The address of a colleague of that role, made once."""
        if role == "superadmin":
            return self.live.email
        email = f"{role}@staff.example"
        real = "superadmin" if role == "second" else role
        self.run(
            "insert into users (id, email, role, password_hash) select %s, %s, %s, password_hash from users where email = %s"
            " on conflict do nothing",
            new_id(), email, real, self.live.email,
        )  # fmt: skip
        return email

    def page(self, new_context: Any, path: str, role: str = "superadmin", **options: Any) -> Page:
        """A page of a signed-in colleague; each signs in once."""
        if role not in self._signed_in:
            first = new_context(base_url=self.live.url)
            sign_in(first.new_page(), self.live, self.colleague(role))
            self._signed_in[role] = first.storage_state()
        context = new_context(base_url=self.live.url, storage_state=self._signed_in[role], **options)
        page = context.new_page()
        page.goto(path)
        return ready(page)

    def _account(self, user: UUID) -> UUID:
        identifier = new_id()
        self.run("insert into credit_accounts (id, user_id) values (%s, %s)", identifier, user)
        return identifier
