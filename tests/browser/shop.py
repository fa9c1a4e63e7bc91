"""A running server with generations of its own behind it, written straight into its database."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import psycopg

from core.ids import first_id_at, new_id
from tests.server import Live

HOSTILE = "<b onmouseover=alert(1)>Keep</b> <script>document.title = 'taken'</script> her voice dry."


class Shop:
    """The rows, and the server in front of them once it runs (`live`)."""

    live: Live

    def __init__(self, database_url: str) -> None:
        self._connection = psycopg.connect(database_url, autocommit=True)
        self.run(BOOKS_AGREE)
        self.users = {name: self._user(name) for name in ("mara", "noah")}
        self.failed = UUID(int=0)

    def close(self) -> None:
        self._connection.close()

    def run(self, sql: str, *params: Any) -> list[tuple[Any, ...]]:
        cursor = self._connection.execute(sql.encode(), params)
        return cursor.fetchall() if cursor.description else []

    def make(self, at: datetime, **fields: Any) -> UUID:
        values: dict[str, Any] = {
            "id": UUID(int=first_id_at(at).int + new_id().int % 2**60),
            "user_id": self.users["noah"],
            "traffic": "live",
            "modality": "text",
            "status": "completed",
            "provider": "sandbox",
            "model": "sandbox-text",
            "latency_ms": 1_400,
            "held": 8,
            "credits": 2,
            "cost": "0.0088",
        } | fields
        self.run(
            f"insert into generations ({', '.join(values)}) values ({', '.join(['%s'] * len(values))})",
            *values.values(),
        )
        return values["id"]

    def fill(self) -> None:
        now = datetime.now(UTC)
        for number in range(70):
            self.make(now - timedelta(minutes=10, seconds=20 * number))
        began = now - timedelta(minutes=5)
        self.failed = self.make(
            began, user_id=self.users["mara"], status="failed", provider="anthropic", model="claude-opus-5-5", credits=0,
            error_class="overloaded", error_code="all_providers_failed", latency_ms=12_400, attempts=2, allow_fallback=False,
            finished_at=began + timedelta(seconds=12), cost=0,
        )  # fmt: skip
        for number in (1, 2):
            self.run(
                "insert into attempts (id, generation_id, number, modality, provider, model, outcome, offset_ms, waited_ms,"
                " latency_ms, error_class, http_status, vendor_message, cost) values (%s, %s, %s, 'text', 'anthropic',"
                " 'claude-opus-5-5', 'failed', %s, %s, 1840, 'overloaded', 529, 'Overloaded', 0)",
                UUID(int=first_id_at(began + timedelta(seconds=number)).int), self.failed, number, 3_000 * (number - 1), 1_100 * (number - 1),
            )  # fmt: skip
        self.run(
            "insert into generation_content (id, prompt) values (%s, jsonb_build_object('messages',"
            " jsonb_build_array(jsonb_build_object('role', 'user', 'content', %s::text))))",
            self.failed, HOSTILE,
        )  # fmt: skip

    def staff(self, role: str) -> tuple[str, UUID]:
        """A colleague with the superadmin's own password."""
        email, identifier = f"{role}-{new_id().hex[-6:]}@staff.example", new_id()
        self.run(
            "insert into users (id, email, role, password_hash) select %s, %s, %s, password_hash from users where email = %s",
            identifier, email, role, self.live.email,
        )  # fmt: skip
        return email, identifier

    def _user(self, name: str) -> UUID:
        identifier = new_id()
        self.run(
            "insert into users (id, email, role) values (%s, %s, 'user')",
            identifier,
            f"{name}@northlight.example",
        )
        return identifier


BOOKS_AGREE = """
create function books_agree() returns trigger language plpgsql as
$$ begin new.checked := '{}'; new.findings := '[]'; return new; end $$;
create trigger books_agree before insert on integrity_reports for each row execute function books_agree();
"""
"""The shop's rows have no ledger behind them: the hourly check, at 23 minutes past, would raise an alert."""
